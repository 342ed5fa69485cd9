// Stripe's event objects. They follow from the journal: each line stands for the events that Stripe would send, so they need no memory of
// their own, and are the same after a restart.
import type { JournalEntry } from "./journal.ts";
import {
  baseOf,
  type Charge,
  type CheckoutSession,
  type Dispute,
  type PaymentIntent,
  type Refund,
  unixSeconds,
} from "./objects.ts";
import { printWire } from "./wire-json.ts";

/** An intent as events carry it, its latest charge expanded. */
export interface EventIntent extends Omit<PaymentIntent, "latest_charge"> {
  readonly latest_charge: Charge | null;
}

export type EventObject = EventIntent | CheckoutSession | Charge | Refund | Dispute;

/** What belongs to a life in numbers. */
export type PartKind = "charge" | "refund" | "dispute";

export interface GatewayEvent {
  readonly id: string;
  readonly object: "event";
  readonly type: string;
  readonly created: number;
  readonly livemode: false;
  /** The key of the request that brought it about; null where there was none, or the clock did. */
  readonly request: { readonly id: null; readonly idempotency_key: string | null };
  readonly data: { readonly object: EventObject };
}

const FIRST_LETTER = "a".charCodeAt(0);

/** The events of a change, in the order in which they came about. */
export function eventsOf(entry: JournalEntry): GatewayEvent[] {
  const base = baseOf(entry.intent);
  return objectsOf(entry).flatMap(({ type, object }, index) =>
    object === null
      ? []
      : {
          id: `evt_${base}${entry.life.changes}${String.fromCharCode(FIRST_LETTER + index)}`,
          object: "event" as const,
          type,
          created: unixSeconds(new Date(entry.at)),
          livemode: false as const,
          request: { id: null, idempotency_key: entry.key },
          data: { object },
        },
  );
}

/** The life and the change that an event's id names. */
export function parseEventId(id: string): { readonly base: string; readonly change: number } | undefined {
  const [, base, change] = /^evt_([0-9a-z]{24})(\d{1,9})[a-z]$/.exec(id) ?? [];
  return base === undefined ? undefined : { base, change: Number(change) };
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
  const ofCharge = (type: string): Told => ({ type: `charge.${type}`, object: charge });
  const completed = { type: "checkout.session.completed", object: life.session };
  const made = life.changes === 1 ? [told("created")] : [];
  switch (effect) {
    case "open":
      return made;
    case "action":
      return [...made, told("requires_action")];
    case "decline":
      return [...made, ofCharge("failed"), told("payment_failed")];
    case "authorize":
      return [...made, ofCharge("succeeded"), told("amount_capturable_updated"), completed];
    case "charge":
      return [...made, ofCharge("succeeded"), told("succeeded"), completed];
    case "capture":
      return [ofCharge("captured"), told("succeeded")];
    case "cancel":
      return life.intent.cancellation_reason === "automatic"
        ? [ofCharge("expired"), told("canceled")]
        : [told("canceled")];
    case "expire":
      return [{ type: "checkout.session.expired", object: life.session }];
    case "refund":
      return [{ type: "refund.created", object: refund }, ofCharge("refunded")];
    case "refund_settled":
      return [
        { type: "charge.refund.updated", object: refund },
        { type: refund?.status === "failed" ? "refund.failed" : "refund.updated", object: refund },
      ];
    case "dispute":
    case "dispute_updated":
    case "dispute_closed":
      return disputeEvents(effect, life.disputes.find((each) => each.id === entry.dispute) ?? null);
    case "update":
    case "refusal":
      return [];
  }
}

function disputeEvents(effect: "dispute" | "dispute_updated" | "dispute_closed", dispute: Dispute | null): Told[] {
  const told = (type: string): Told => ({ type: `charge.dispute.${type}`, object: dispute });
  switch (effect) {
    case "dispute": {
      const withdrawn = dispute?.payment_method_details.card.case_type === "chargeback";
      return withdrawn ? [told("created"), told("funds_withdrawn")] : [told("created")];
    }
    case "dispute_updated":
      return [told("updated")];
    case "dispute_closed": {
      const answered = (dispute?.evidence_details.submission_count ?? 0) > 0 ? [told("updated")] : [];
      return [...answered, told("closed"), ...(dispute?.status === "won" ? [told("funds_reinstated")] : [])];
    }
  }
}
