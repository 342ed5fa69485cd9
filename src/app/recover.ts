// Finishes what was begun: operations in flight whose process is gone, operations whose outcome nobody knew, operations that are owed, and
// checkouts that nobody paid in time. Several workers may run; each takes what no other has.
import type { Operation } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import { carryOut } from "./carry-out.ts";
import { newOperation } from "./intention.ts";
import type { Parts } from "./parts.ts";

const BATCH_MAX = 50;
/** Longest pause before an operation is tried again. It begins where the first wait was, and is doubled each time. */
const BACKOFF_MAX_MS = 300_000;

async function finishOperation(parts: Parts, operation: Operation): Promise<void> {
  const { payment } = await parts.store.loadPayment({ find: { paymentId: operation.paymentId }, request: null });
  if (!payment) throw new Error(`operation ${operation.id} has no payment`);
  const refunds = operation.refundId ? await parts.store.loadRefunds(payment.id) : [];
  await carryOut(parts, { known: { payment, refunds }, operation });
}

async function expire(parts: Parts, payment: Payment): Promise<void> {
  const operation = newOperation(parts, payment, { kind: "CANCEL", reason: "expired" }, null);
  const begun = await parts.store.beginOperation({ request: null, payment, operation, refund: null });
  if (begun !== "begun") return;
  const known = {
    payment: { ...payment, activeOperationId: operation.id, revision: payment.revision + 1 },
    refunds: [],
  };
  await carryOut(parts, { known, operation });
}

async function settleAll<T>(parts: Parts, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  for (const result of results) {
    if (result.status === "rejected")
      parts.log.error({ err: result.reason }, "recovery of one item failed; it is tried again later");
  }
}

/** One round. Gives whether there may be more to do at once. */
export async function recover(parts: Parts): Promise<boolean> {
  const now = parts.now();
  const operations = await parts.store.claimDue({
    now,
    limit: BATCH_MAX,
    backoffBaseMs: parts.limits.providerTimeoutMs + parts.limits.recoveryDelayMs,
    backoffMaxMs: BACKOFF_MAX_MS,
  });
  await settleAll(parts, operations, (operation) => finishOperation(parts, operation));
  const expired = await parts.store.findExpired({ now, limit: BATCH_MAX });
  await settleAll(parts, expired, (payment) => expire(parts, payment));
  return operations.length === BATCH_MAX || expired.length === BATCH_MAX;
}
