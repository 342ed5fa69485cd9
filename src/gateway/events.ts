// Stripe's event objects. They follow from the journal: each line stands for the events that Stripe would send, so they need no memory of
// their own, and are the same after a restart.
import type { JournalEntry } from "./journal.ts";
import { baseOf, type Charge, type CheckoutSession, type PaymentIntent, type Refund, unixSeconds } from "./objects.ts";
import { printWire } from "./wire-json.ts";

/** An intent as events carry it, its latest charge expanded. */
export interface EventIntent extends Omit<PaymentIntent, "latest_charge"> {
  readonly latest_charge: Charge | null;
}

export type EventObject = EventIntent | CheckoutSession | Charge | Refund;

export interface GatewayEvent {
  readonly id: string;
  readonly object: "event";
  readonly type: string;
  readonly created: number;
  readonly livemode: false;
  readonly data: { readonly object: EventObject };
}

/** The events of a change, in the order in which they came about. */
export function eventsOf(entry: JournalEntry): GatewayEvent[] {
  const base = baseOf(entry.intent);
  return objectsOf(entry).flatMap(({ type, object }, index) =>
    object === null
      ? []
      : {
          id: `evt_${base}${entry.life.changes}${String.fromCharCode(97 + index)}`,
          object: "event" as const,
          type,
          created: unixSeconds(new Date(entry.at)),
          livemode: false as const,
          data: { object },
        },
  );
}

/** The body of a webhook. */
export function printEvent(event: GatewayEvent): string {
  return printWire(event);
}

interface Told {
  readonly type: string;
  readonly object: EventObject | null;
}

function objectsOf(entry: JournalEntry): Told[] {
  const { life, effect } = entry;
  const charge = life.charges.find((each) => each.id === life.intent.latest_charge) ?? null;
  const intent = { ...life.intent, latest_charge: charge };
  const refund = life.refunds.find((each) => each.id === entry.refund) ?? null;
  const told = (type: string): Told => ({ type: `payment_intent.${type}`, object: intent });
  const completed = { type: "checkout.session.completed", object: life.session };
  const made = life.changes === 1 ? [told("created")] : [];
  switch (effect) {
    case "open":
      return made;
    case "action":
      return [...made, told("requires_action")];
    case "decline":
      return [...made, told("payment_failed")];
    case "authorize":
      return [...made, told("amount_capturable_updated"), completed];
    case "charge":
      return [...made, told("succeeded"), completed];
    case "capture":
      return [told("succeeded")];
    case "cancel":
      return [told("canceled")];
    case "expire":
      return [{ type: "checkout.session.expired", object: life.session }];
    case "refund":
      return [
        { type: "refund.created", object: refund },
        { type: "charge.refunded", object: charge },
      ];
    case "refund_settled":
      return [{ type: refund?.status === "failed" ? "refund.failed" : "refund.updated", object: refund }];
    case "refusal":
      return [];
  }
}
