// The invariants of payments, as checks that must find nothing once faults have stopped and the system is quiet. The truths are outside the
// service: the gateway's journal, what an independent consumer saw on the stream, and the client's own record. The tables are read by SQL alone.
import type { JsonObject } from "@bufbuild/protobuf";
import { complaintsOf } from "../../support/event-schemas.ts";
import type { JournalAudit } from "../../support/gateway-journal.ts";
import type { RecordedMessage } from "../../support/stream-recorder.ts";
import { checkLeaks, type Telling } from "./leaks.ts";
import { checkLedger } from "./ledger.ts";
import type { RequestRecord } from "./record.ts";

export type Query = <T extends object>(text: string, values?: unknown[]) => Promise<T[]>;

export interface Evidence {
  readonly query: Query;
  readonly journal: JournalAudit;
  readonly stream: readonly RecordedMessage[];
  readonly requests: readonly RequestRecord[];
  /** That may be nowhere, beside what is planted. */
  readonly secrets?: readonly string[];
  /** What else was told: lines of the log, traces. */
  readonly overheard?: readonly Telling[];
}

/** `I3 order-7: …`: the invariant, where, and what was found. */
export type Violation = string;

/** DESIGN.md's table, written down again: a wrong arrow in the service must not make itself right here. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  PENDING: ["REQUIRES_ACTION", "PROCESSING", "AUTHORIZED", "SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"],
  REQUIRES_ACTION: ["PENDING", "PROCESSING", "AUTHORIZED", "SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"],
  PROCESSING: ["SUCCEEDED", "FAILED"],
  AUTHORIZED: ["SUCCEEDED", "CANCELED", "EXPIRED"],
  SUCCEEDED: ["PARTIALLY_REFUNDED", "REFUNDED"],
  PARTIALLY_REFUNDED: ["REFUNDED", "SUCCEEDED"],
  REFUNDED: ["PARTIALLY_REFUNDED", "SUCCEEDED"],
  FAILED: [],
  CANCELED: [],
  EXPIRED: [],
};
/** Events of changes that may leave the status as it is. */
const STATUS_MAY_STAY = new Set([
  "payment.attempt_failed",
  "payment.refunded",
  "payment.refund_failed",
  "payment.late",
  "payment.dispute_opened",
  "payment.dispute_closed",
  "payment.corrected",
]);

interface PaymentRow {
  readonly id: string;
  readonly order_id: string;
  readonly provider: string;
  readonly status: string;
  readonly version: number;
  readonly captured: string;
  readonly refunded: string;
  readonly pending: string;
  readonly refund_rows: string;
}

interface EventRow {
  readonly id: string;
  readonly payment_id: string;
  readonly version: number;
  readonly type: string;
  readonly status: string;
}

interface Books {
  readonly payments: readonly PaymentRow[];
  /** By the payment's id, in the order of their versions. */
  readonly events: ReadonlyMap<string, readonly EventRow[]>;
}

async function readBooks(query: Query): Promise<Books> {
  const payments = await query<PaymentRow>(`
    select p.id, p.order_id, p.provider, p.status, p.version, p.captured_minor::text as captured, p.refunded_minor::text as refunded,
      p.refund_pending_minor::text as pending,
      (select coalesce(sum(r.amount_minor), 0)::text from refund r
        where r.payment_id = p.id and r.status in ('PENDING', 'SUCCEEDED')) as refund_rows
    from payment p`);
  const events = await query<EventRow>(
    "select id, payment_id, version, type, status from payment_event order by payment_id, version",
  );
  return { payments, events: Map.groupBy(events, (event) => event.payment_id) };
}

/** I1, I2 and I3: money, here and at the gateway, which knows of no credits. */
function checkMoney({ payments }: Books, { orders }: JournalAudit): Violation[] {
  const found: Violation[] = [];
  const byGateway = payments.filter(({ provider }) => provider !== "credits");
  const ours = Map.groupBy(byGateway, (payment) => payment.order_id);
  for (const orderId of new Set([...ours.keys(), ...orders.keys()])) {
    const rows = ours.get(orderId) ?? [];
    const sum = (column: "captured" | "refunded"): bigint =>
      rows.reduce((total, row) => total + BigInt(row[column]), 0n);
    const theirs = orders.get(orderId) ?? { charges: 0, capturedMinor: 0n, refundedMinor: 0n };
    if (theirs.charges > 1) found.push(`I1 ${orderId}: ${theirs.charges} charges`);
    if (sum("captured") !== theirs.capturedMinor)
      found.push(`I2 ${orderId}: captured ${sum("captured")} here, ${theirs.capturedMinor} at the gateway`);
    if (sum("refunded") !== theirs.refundedMinor)
      found.push(`I2 ${orderId}: refunded ${sum("refunded")} here, ${theirs.refundedMinor} at the gateway`);
    if (theirs.refundedMinor > theirs.capturedMinor)
      found.push(`I3 ${orderId}: the gateway gave back ${theirs.refundedMinor} of ${theirs.capturedMinor}`);
  }
  for (const { id, captured, refunded, pending, refund_rows } of payments) {
    const reserved = BigInt(refunded) + BigInt(pending);
    if (reserved > BigInt(captured)) found.push(`I3 ${id}: ${reserved} of ${captured} given back`);
    if (BigInt(refund_rows) !== reserved) found.push(`I3 ${id}: refunds of ${refund_rows}, ${reserved} in the payment`);
  }
  return found;
}

/** I4 and I5: one event for each change, without gap, along the arrows. */
function checkHistory({ payments, events }: Books): Violation[] {
  return payments.flatMap((payment) => {
    const history = events.get(payment.id) ?? [];
    const found: Violation[] = [];
    if (history.length !== payment.version || history.some(({ version }, index) => version !== index + 1))
      found.push(
        `I4 ${payment.id}: version ${payment.version}, events ${history.map(({ version }) => version).join()}`,
      );
    if (history.at(-1)?.status !== payment.status)
      found.push(`I4 ${payment.id}: ${payment.status}, the last event says ${history.at(-1)?.status}`);
    if (history[0]?.type !== "payment.created" || history[0].status !== "PENDING")
      found.push(`I5 ${payment.id}: begins with ${history[0]?.type} ${history[0]?.status}`);
    for (const [index, { type, status }] of history.slice(1).entries()) {
      const from = history[index]?.status ?? "";
      const stays = from === status && STATUS_MAY_STAY.has(type);
      if (!stays && !ARROWS[from]?.includes(status)) found.push(`I5 ${payment.id}: ${from} to ${status} by ${type}`);
    }
    return found;
  });
}

/** I6 and I7: what is on the stream is what happened, all of it, and first in order. */
function checkStream({ events }: Books, stream: readonly RecordedMessage[]): Violation[] {
  const found: Violation[] = [];
  const unseen = new Map([...events.values()].flat().map((event) => [`event_${event.id}`, event]));
  const known = new Map(unseen);
  const latest = new Map<string, number>();
  for (const { sequence, subject, headers, body } of stream) {
    const told = JSON.parse(body) as { eventId: string; paymentId: string; version: number };
    const { eventId, paymentId, version } = told;
    const event = known.get(eventId);
    const agrees =
      event &&
      event.type === subject &&
      event.version === version &&
      `payment_${event.payment_id}` === paymentId &&
      headers.get("Nats-Msg-Id") === eventId;
    if (!agrees) found.push(`I6 message ${sequence}: ${subject} ${eventId} is no event of ours`);
    for (const complaint of complaintsOf(subject, told))
      found.push(`I6 message ${sequence}: ${subject} ${eventId} is not as its schema says: ${complaint}`);
    if (!unseen.delete(eventId)) continue;
    const before = latest.get(paymentId) ?? 0;
    if (version !== before + 1) found.push(`I7 ${paymentId}: version ${version} first came after ${before}`);
    latest.set(paymentId, version);
  }
  for (const [eventId, { type }] of unseen) found.push(`I6 ${eventId}: ${type} is not on the stream`);
  return found;
}

/** What the client compares: a refusal's reason and outcome, an answer's every field. */
function canonical(verdict: RequestRecord["verdicts"][number]): string {
  return JSON.stringify(verdict);
}

/** I9: one request has one answer; and every request got one. */
function checkAnswers(requests: readonly RequestRecord[]): Violation[] {
  return requests.flatMap(({ requestId, verdicts }) => {
    const different = new Set(verdicts.map(canonical));
    if (different.size > 1) return [`I9 ${requestId}: ${[...different].join(" and then ")}`];
    return different.size === 0 ? [`I10 ${requestId}: never answered`] : [];
  });
}

/** I11: what the client was told is in the tables. */
async function checkPromises({ events }: Books, { query, requests }: Evidence): Promise<Violation[]> {
  const refunds = await query<{ id: string; amount: string; status: string; moved: number }>(
    `select r.id, r.amount_minor::text as amount, r.status,
      (select coalesce(max(e.version), 0) from payment_event e
        where e.payment_id = r.payment_id and e.data ->> 'refundId' = 'refund_' || r.id) as moved
      from refund r`,
  );
  const refundOf = new Map(refunds.map((refund) => [`refund_${refund.id}`, refund]));
  const found: Violation[] = [];
  for (const { requestId, verdicts } of requests) {
    for (const verdict of verdicts) {
      if (verdict.kind === "fail") continue;
      const { paymentId = "", version, status } = verdict.answer["payment"] as Record<string, string>;
      const event = events.get(paymentId.slice("payment_".length))?.find((each) => each.version === Number(version));
      if (`PAYMENT_STATUS_${event?.status}` !== status)
        found.push(`I11 ${requestId}: told ${paymentId} version ${version} ${status}, found ${event?.status}`);
      const refund = verdict.answer["refund"] as JsonObject | undefined;
      const kept = refundOf.get((refund?.["refundId"] as string | undefined) ?? "");
      const told = refund && `${(refund["amount"] as { minor: string }).minor} ${refund["status"] as string}`;
      // What the bank did to it later has an event of its own, after the version that the caller was told.
      const movedLater = kept !== undefined && kept.moved > Number(version);
      const stands = movedLater ? (refund?.["status"] as string) : `REFUND_STATUS_${kept?.status}`;
      if (told !== (kept && `${kept.amount} ${stands}`))
        found.push(`I11 ${requestId}: told of a refund of ${told}, found ${kept?.amount} ${kept?.status}`);
    }
  }
  return found;
}

/** I8 and I10: what is not settled yet, webhooks that were acknowledged among it. It is waited for with a bound; afterwards it must be nothing. */
export async function findUnsettled(query: Query): Promise<Violation[]> {
  const rows = await query<{ what: string }>(`
    select 'I10 operation ' || kind || ' ' || id || ' is ' || state || ': ' || coalesce(last_problem, '') as what
      from provider_operation where state in ('IN_FLIGHT', 'UNKNOWN')
    union all select 'I10 event ' || id || ' is not published' from payment_event where published_at is null
    union all select 'I10 request ' || request_id || ' has no answer' from request where response is null
    union all select 'I10 payment ' || id || ' waits for a refund' from payment where refund_pending_minor > 0
    union all select 'I10 payment ' || p.id || ' is held by operation ' || o.id from payment p
      join provider_operation o on o.id = p.active_operation_id and o.state in ('SUCCEEDED', 'FAILED')
    union all select 'I8 ' || event_id || ' (' || type || ') has no outcome: ' || coalesce(note, '') from webhook_event
      where state = 'RECEIVED'`);
  return rows.map(({ what }) => what);
}

export async function findViolations(evidence: Evidence): Promise<Violation[]> {
  const books = await readBooks(evidence.query);
  return [
    ...checkMoney(books, evidence.journal),
    ...checkHistory(books),
    ...checkStream(books, evidence.stream),
    ...checkAnswers(evidence.requests),
    ...(await findUnsettled(evidence.query)),
    ...(await checkPromises(books, evidence)),
    ...(await checkLeaks(evidence)),
    ...(await checkLedger(evidence.query)),
  ];
}
