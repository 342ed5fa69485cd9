// Reads the mock gateway's journal as an auditor would: without the gateway's code, from the documented fields alone (src/gateway/journal.ts).
import { readFile } from "node:fs/promises";

export interface JournalLine {
  readonly at: string;
  readonly effect: string;
  readonly intent: string;
  readonly charge?: string;
  readonly refund?: string;
  readonly amount?: string;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly key: string | null;
  readonly life: { readonly refunds: readonly { readonly id: string; readonly status: string }[] };
}

/** What the gateway did for one order, in minor units. */
export interface OrderTotals {
  /** How often money was taken. */
  charges: number;
  capturedMinor: bigint;
  /** Given back or under way to be; a refund that failed later is taken off again. */
  refundedMinor: bigint;
  /** How often money was given back. */
  refunds: number;
  currency: string;
}

export interface JournalAudit {
  readonly lines: readonly JournalLine[];
  /** By `metadata.order_id`; only orders for which money moved. */
  readonly orders: ReadonlyMap<string, OrderTotals>;
}

/** Reads all whole lines; one that is being written is left out. */
export async function readJournal(path: string): Promise<JournalAudit> {
  const text = await readFile(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as JournalLine);
  const orders = new Map<string, OrderTotals>();
  for (const line of lines) count(line, orders);
  return { lines, orders };
}

function count(line: JournalLine, orders: Map<string, OrderTotals>): void {
  const { effect, metadata, currency } = line;
  const amount = BigInt(line.amount ?? "0");
  const order = metadata["order_id"] ?? "";
  const failed = line.life.refunds.some((refund) => refund.id === line.refund && refund.status === "failed");
  const taken = effect === "charge" || effect === "capture";
  const given = effect === "refund";
  const returned = effect === "refund_settled" && failed;
  if (!taken && !given && !returned) return;
  const none = { charges: 0, capturedMinor: 0n, refundedMinor: 0n, refunds: 0, currency: currency.toUpperCase() };
  const totals = orders.get(order) ?? none;
  orders.set(order, totals);
  if (taken) totals.charges += 1;
  if (taken) totals.capturedMinor += amount;
  if (given) totals.refunds += 1;
  if (given) totals.refundedMinor += amount;
  if (returned) totals.refundedMinor -= amount;
}
