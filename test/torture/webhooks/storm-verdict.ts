// What must be so after a storm of webhooks, besides the invariants: each event that the gateway made is stored once and has its outcome, and each payment ends
// as the gateway's journal says.
import { setTimeout as delay } from "node:timers/promises";
import type { JournalAudit, JournalLine, OrderTotals } from "../../support/gateway-journal.ts";
import type { Query } from "../frame/invariants.ts";

/** Parked events are tried again after one second, two, four and so on. */
const SETTLED_TIMEOUT_MS = 60_000;
const POLL_MS = 200;

interface Ended {
  readonly intent: { readonly status: string };
  readonly session: { readonly status: string } | null;
}

interface PaymentRow {
  readonly id: string;
  readonly order_id: string;
  readonly status: string;
  readonly late: boolean;
  readonly declines: number;
  readonly disputes: number;
  readonly disputes_closed: number;
}

/** Waits until no event is left to be acted on, or the bound is over. */
export async function inboxSettles(query: Query): Promise<void> {
  const deadline = performance.now() + SETTLED_TIMEOUT_MS;
  const open = "select event_id from webhook_event where next_attempt_at is not null limit 1";
  while ((await query(open)).length > 0 && performance.now() < deadline) await delay(POLL_MS);
}

/** Of all events of a gateway, the ids: those that it made, and those that were delivered. */
export interface Sent {
  readonly made: ReadonlySet<string>;
  readonly sent: ReadonlySet<string>;
}

/** Each event is kept once, with its outcome, and nothing else is. */
export async function checkInbox(query: Query, { made, sent }: Sent): Promise<string[]> {
  const rows = await query<{ event_id: string; what: string; state: string }>(`
    select event_id, state, state || ' ' || event_id || ' (' || type || '): ' || coalesce(note, '') || ' of payment ' || coalesce(payment_id::text, 'none') as what
    from webhook_event`);
  const kept = new Set(rows.map(({ event_id }) => event_id));
  return [
    ...rows.filter(({ state }) => state !== "APPLIED" && state !== "INERT").map(({ what }) => `I8 ${what}`),
    ...rows.filter(({ event_id }) => !made.has(event_id)).map(({ what }) => `I8 nobody sent ${what}`),
    ...(rows.length === kept.size ? [] : [`I8 ${rows.length} rows of ${kept.size} events`]),
    ...[...sent].filter((id) => !kept.has(id)).map((id) => `I8 ${id} was acknowledged and is lost`),
    ...[...made].filter((id) => !sent.has(id)).map((id) => `I8 ${id} was never delivered`),
  ];
}

function paidAs({ capturedMinor, refundedMinor }: OrderTotals): string {
  if (refundedMinor === 0n) return "SUCCEEDED";
  return refundedMinor === capturedMinor ? "REFUNDED" : "PARTIALLY_REFUNDED";
}

/** The statuses in which a payment may be after what the journal says. */
function endsOf(line: JournalLine, totals: OrderTotals | undefined): readonly string[] {
  const { intent, session } = line.life as unknown as Ended;
  const closed = ["CANCELED", "EXPIRED", "FAILED"];
  if (intent.status === "succeeded" && totals) return [paidAs(totals)];
  if (intent.status === "canceled" || session?.status === "expired") return closed;
  switch (intent.status) {
    case "requires_capture":
      return ["AUTHORIZED"];
    case "requires_action":
      return ["REQUIRES_ACTION"];
    default:
      return ["PENDING"];
  }
}

/** What the journal tells and the payment's own history does not, or the other way round. */
function checkTold(row: PaymentRow, lines: readonly JournalLine[]): string[] {
  const countOf = (effect: string): number => lines.filter((line) => line.effect === effect).length;
  const { order_id, status, declines, disputes, disputes_closed } = row;
  const found: string[] = [];
  // A payment that has failed takes no notice of further attempts.
  if (status !== "FAILED" && declines !== countOf("decline"))
    found.push(`I4 ${order_id}: ${declines} declines told, ${countOf("decline")} in the journal`);
  if (disputes !== countOf("dispute"))
    found.push(`I4 ${order_id}: ${disputes} disputes told, ${countOf("dispute")} in the journal`);
  if (disputes_closed !== countOf("dispute_closed"))
    found.push(`I4 ${order_id}: ${disputes_closed} closed disputes told, ${countOf("dispute_closed")} in the journal`);
  return found;
}

/** Each payment's status is what the journal's last line for it says, and its history tells what the lines tell. */
export async function checkEnds(query: Query, { lines, orders }: JournalAudit): Promise<string[]> {
  const linesOf = Map.groupBy(lines, (line) => line.metadata["payment_id"] ?? "");
  const rows = await query<PaymentRow>(`
    select 'payment_' || p.id as id, p.order_id, p.status,
      count(e) filter (where e.type = 'payment.late') > 0 as late,
      count(e) filter (where e.type in ('payment.attempt_failed', 'payment.failed'))::int as declines,
      count(e) filter (where e.type = 'payment.dispute_opened')::int as disputes,
      count(e) filter (where e.type = 'payment.dispute_closed')::int as disputes_closed
    from payment p join payment_event e on e.payment_id = p.id group by p.id`);
  return rows.flatMap((row) => {
    const { id, order_id, status, late } = row;
    const told = linesOf.get(id) ?? [];
    const last = told.at(-1);
    const closed = ["CANCELED", "EXPIRED", "FAILED"];
    // What the gateway would not open has failed without a line. Money that came after the end is given back, which I2 is about.
    const ends = last === undefined ? ["FAILED"] : late ? closed : endsOf(last, orders.get(order_id));
    const found = ends.includes(status) ? [] : [`I2 ${order_id}: ${status}; by the journal it is ${ends.join(" or ")}`];
    return [...found, ...checkTold(row, told)];
  });
}
