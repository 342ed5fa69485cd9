// What can happen to a call to the provider so that nobody knows its outcome: every kind of call, every manner, for one attempt, for all attempts of a call,
// or on into those of recovery.
import { setTimeout as delay } from "node:timers/promises";
import { PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { Client } from "../../support/clients.ts";
import type { Mishap } from "../../support/meddler.ts";
import type { Query } from "../frame/invariants.ts";
import type { Random } from "../frame/random.ts";
import { ACT_NAMES, type Act, insist, prepareFor, type World } from "./webhook-cases.ts";

/** How long the manner lasts. */
const SPANS = ["recovery", "call", "attempt"] as const;
type Span = (typeof SPANS)[number];

/** Attempts that a call makes, and that it and the first try of recovery make together. */
const TIMES: Readonly<Record<Span, number>> = { attempt: 1, call: 3, recovery: 5 };
/** Of the 2 s that a call has, an attempt has 40%. */
const ATTEMPT_MS = 800;
const AROUND_MS = 50;
/** How long the gateway is busy with what it did at once: an attempt and a half, longer than a call, longer than recovery waits before its first try. */
const BUSY_MS: Readonly<Record<Span, number>> = { attempt: 1_100, call: 2_600, recovery: 4_500 };
const ALL_ATTEMPTS = 100;

/** A fault of the gateway, by its script, and what is done on the way to it. */
interface Trouble {
  readonly fault: string | null;
  readonly mishap: Mishap;
}

function mishap(manner: Mishap["manner"], span: Span): Trouble {
  return { fault: null, mishap: { manner, times: TIMES[span] } };
}

const NOTHING: Mishap = { manner: "left", times: 0 };

const MANNERS = {
  "charged, then dropped": (span) => mishap("lost_after", span),
  "not charged, then dropped": (span) => mishap("lost_before", span),
  // The last one is the gateway's own 500, which it says again for as long as it keeps the key.
  "charged, then answered 500": (span) =>
    span === "recovery" ? { fault: "error_after", mishap: NOTHING } : mishap("failed_after", span),
  "409 while the first attempt goes on": (span) => ({
    fault: `delay=${BUSY_MS[span]}`,
    mishap: { manner: "left", times: ALL_ATTEMPTS },
  }),
  "answered at the time-out": (span, random) => ({
    fault: null,
    mishap: {
      manner: "late",
      times: TIMES[span],
      lateMs: () => ATTEMPT_MS - AROUND_MS + random.below(2 * AROUND_MS + 1),
    },
  }),
} as const satisfies Readonly<Record<string, (span: Span, random: Random) => Trouble>>;
type Manner = keyof typeof MANNERS;
const MANNER_NAMES = Object.keys(MANNERS) as Manner[];

export interface Cell {
  readonly act: Act;
  readonly manner: Manner;
  readonly span: Span;
}

/** All kinds of calls in every manner, with one span after the other: any 25 in a row are the whole table. */
export function* cells(count: number): Generator<Cell> {
  const table = ACT_NAMES.flatMap((act) => MANNER_NAMES.map((manner) => ({ act, manner })));
  for (let made = 0; made < count; made += 1) {
    const { act, manner } = table[made % table.length] as Pick<Cell, "act" | "manner">;
    yield { act, manner, span: SPANS[Math.floor(made / table.length) % SPANS.length] as Span };
  }
}

/** Names of the cells of the table, without the spans. */
export const TABLE: readonly string[] = ACT_NAMES.flatMap((act) => MANNER_NAMES.map((manner) => `${act}: ${manner}`));

/** Makes one call meet its trouble; gives the story and what the caller was told that is not so. */
export async function meet(world: World, orderId: string, { act, manner, span }: Cell) {
  const trouble: Trouble = MANNERS[manner](span, world.random);
  const prepared = await prepareFor(world, orderId, { kind: act, manner: trouble.fault });
  world.meddler.befall(orderId, trouble.mishap);
  const verdict = await insist(() => prepared.act());
  const told = verdict?.kind === "ok" ? "ok" : JSON.stringify(verdict ?? "no answer");
  const wrong = told === "ok" ? [] : [`${orderId} (${act}: ${manner}, ${span}): the caller was told ${told}`];
  return { story: prepared, wrong };
}

/** An order whose call met its trouble. */
export interface Met {
  readonly orderId: string;
  readonly act: Act;
}

interface Made {
  readonly id: string;
  readonly what: string;
  readonly isTheCall: boolean;
}

/**
 * P3: an outcome that is not known is found out under the key under which it was begun. Of the payment's other calls, what a slow one left behind may come as
 * late as this one. What the provider told late, of money that is held for a payment that had ended, is let go by an operation of its own, whoever let go of
 * it before.
 */
export async function findBlindRepeats({ meddler }: World, query: Query, met: Met): Promise<readonly string[]> {
  const keys = meddler.keysOf(met.orderId);
  const made = await query<Made>(
    `select id, kind || ' ' || state || coalesce(' (' || reason || ')', '') as what,
      kind = $2 and not (request_id is null and reason is not distinct from 'late_authorization') as "isTheCall"
    from provider_operation where id = any ($1::uuid[])`,
    [keys, met.act.toUpperCase()],
  );
  if (made.filter(({ isTheCall }) => isTheCall).length === 1 && made.length === keys.length) return [];
  const named = made.map(({ id, what }) => `${id}: ${what}`);
  return [`P3 ${met.orderId}: the call was made under the keys ${keys.join(" and ") || "(none)"}; ${named.join("; ")}`];
}

const GOOD_PAUSE_MS = 20;

/**
 * Asks for the client secret of one open payment again and again, which asks the provider. These calls go well, so that the service does not take the provider
 * for away because of the others, and each of those is really made. Settles once the first has gone well; gives the way to end them.
 */
export async function goOnWell(client: Client): Promise<() => Promise<void>> {
  const open = { orderId: "order-open", amount: { currency: "EUR", minor: 100n }, mode: PaymentMode.INTENT };
  const ask = () => client.call(PaymentService.method.createPayment, open);
  const { error } = await ask();
  if (error) throw new Error(`the good calls did not begin: ${error.message}`);
  let over = false;
  const going = (async () => {
    for (; !over; await delay(GOOD_PAUSE_MS)) await ask();
  })();
  return () => {
    over = true;
    return going;
  };
}
