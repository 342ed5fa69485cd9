// Finishes what was begun: operations in flight whose process is gone, operations whose outcome nobody knew, operations that are owed,
// checkouts that nobody paid in time, webhooks that were stored and not acted on, and refunds that the provider left open. Several workers may run; each takes what no other has.
import type { PaymentId } from "../domain/ids.ts";
import type { Operation } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import { applyFacts } from "./apply-fact.ts";
import { BACKOFF_MAX_MS } from "./backoff.ts";
import { carryOut } from "./carry-out.ts";
import { askFor } from "./find-out.ts";
import { newOperation } from "./intention.ts";
import type { Parts } from "./parts.ts";
import { resumeWebhook } from "./receive-webhook.ts";

const BATCH_MAX = 50;
/** How often the provider is asked about a refund that it has not settled; its webhook is faster, and may be lost. */
const REFUND_CHECK_MS = 3_600_000;

/** Finds out what became of an operation, or has it happen. */
export async function finishOperation(parts: Parts, operation: Operation): Promise<void> {
  await carryOut(parts, { known: await parts.store.loadKnown(operation.paymentId), operation });
}

async function expire(parts: Parts, payment: Payment): Promise<void> {
  const operation = newOperation(parts, payment, { kind: "CANCEL", reason: "expired" }, null);
  const begun = await parts.store.beginOperation({ request: null, payment, operation, refund: null });
  if (begun !== "begun") return;
  const known = {
    payment: { ...payment, activeOperationId: operation.id, revision: payment.revision + 1 },
    refunds: [],
    disputes: [],
  };
  await carryOut(parts, { known, operation });
}

/** Asks what became of a payment's refunds. */
async function checkRefunds(parts: Parts, paymentId: PaymentId): Promise<void> {
  const known = await parts.store.loadKnown(paymentId);
  const answer = await askFor(parts, known.payment);
  if (answer.outcome === "done") await applyFacts(parts, known, answer.facts, null);
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
  const backoffBaseMs = parts.limits.providerTimeoutMs + parts.limits.recoveryDelayMs;
  const claim = { now, limit: BATCH_MAX, backoffBaseMs, backoffMaxMs: BACKOFF_MAX_MS };
  const operations = await parts.store.claimDue(claim);
  await settleAll(parts, operations, (operation) => finishOperation(parts, operation));
  const webhooks = await parts.inbox.claimDue(claim);
  await settleAll(parts, webhooks, (webhook) => resumeWebhook(parts, webhook));
  const expired = await parts.store.findExpired({ now, limit: BATCH_MAX });
  await settleAll(parts, expired, (payment) => expire(parts, payment));
  const before = new Date(now.getTime() - REFUND_CHECK_MS);
  const unsettled = await parts.store.claimUnsettledRefunds({ now, before, limit: BATCH_MAX });
  await settleAll(parts, unsettled, (paymentId) => checkRefunds(parts, paymentId));
  return [operations, webhooks, expired, unsettled].some((items) => items.length === BATCH_MAX);
}
