// Makes a provider call that was written down before, and has its facts applied. The caller of a use case does this right after the operation's
// transaction; the recovery worker does it for operations whose process is gone, or whose outcome nobody knew. Both use the operation's id as
// the provider's idempotency key, so that together they act once.
import { DatabaseUnavailable } from "../db/named-query.ts";
import { FactDisagrees } from "../domain/decide-fact.ts";
import { refusal, refuse, type Refusal, type Result, accept, unreachable } from "../domain/error.ts";
import type { Fact } from "../domain/fact.ts";
import { printPaymentId } from "../domain/ids.ts";
import type { Operation } from "../domain/operation.ts";
import { isClosed, isOpen, isPaid, type Payment } from "../domain/payment.ts";
import type { ProviderAnswer } from "../provider/provider.ts";
import { type Answer, checkoutOf, fromStored, toStored } from "./answer.ts";
import { applyFacts, type AppliedFacts, type MovedPayment, type Settlement } from "./apply-fact.ts";
import { type CarryOut, findOut } from "./find-out.ts";
import type { Parts } from "./parts.ts";

/** When a caller may come back while an outcome is being found out. */
const RETRY_AFTER_MS = 1_000;
/** How long, and from which pause on, a settlement is tried again while the database is away. It is left to recovery then. */
const SETTLE_FOR_MS = 5_000;
const SETTLE_PAUSE_MS = 40;
/** The provider's code for a payment method that it does not know (Stripe, error codes). */
const UNKNOWN_METHOD = "resource_missing";

/** The facts that follow from the provider's not acting. */
function factsOfRefusal(
  { known, operation }: CarryOut,
  { code, message }: { readonly code: string; readonly message: string },
): readonly Fact[] {
  if (operation.kind === "CREATE") {
    const reason = code === UNKNOWN_METHOD ? "INVALID_CARD" : "PROCESSING_ERROR";
    return [{ kind: "rejected", failure: { reason, code, message } }];
  }
  if (operation.kind !== "REFUND" || operation.amountMinor === null) return [];
  const amount = { minor: operation.amountMinor, currency: known.payment.amount.currency };
  const failure = { reason: "PROVIDER_ERROR", code, message } as const;
  return [{ kind: "refund", refundId: operation.refundId, providerReference: "", status: "FAILED", amount, failure }];
}

function about(payment: Payment): Record<string, string> {
  return { paymentId: printPaymentId(payment.id), status: payment.status };
}

function answerOf(operation: Operation, moved: MovedPayment, facts: readonly Fact[]): Answer {
  const { payment } = moved;
  const opened = facts.find((fact) => fact.kind === "opened");
  const isCreate = operation.kind === "CREATE";
  return {
    payment,
    refund: moved.refunds.find((refund) => refund.id === operation.refundId) ?? null,
    checkout: isCreate && payment.mode === "CHECKOUT" ? checkoutOf(payment) : null,
    clientSecret: isCreate ? (opened?.clientSecret ?? null) : null,
  };
}

/** What the caller is told when the provider would not act: the truth about the payment first, the provider's words after that. */
function refusalOf(
  operation: Operation,
  moved: MovedPayment,
  problem: { readonly code: string; readonly message: string },
): Result<Answer> {
  const { payment } = moved;
  const metadata = { ...about(payment), providerCode: problem.code };
  switch (operation.kind) {
    case "CREATE":
      return accept(answerOf(operation, moved, []));
    case "REFUND":
      return refuse("REFUND_NOT_ALLOWED", `the provider refused the refund: ${problem.message}`, { metadata });
    case "CANCEL":
      if (payment.status === "CANCELED" || payment.status === "EXPIRED") return accept(answerOf(operation, moved, []));
      return refuse("PAYMENT_NOT_CANCELABLE", `the payment is ${payment.status}: ${problem.message}`, { metadata });
    case "CONFIRM":
    case "CAPTURE":
      if (isPaid(payment.status))
        return refuse("PAYMENT_ALREADY_COMPLETED", `the payment is ${payment.status}`, { metadata });
      if (isClosed(payment.status))
        return refuse("ORDER_NOT_PAYABLE", `the payment is ${payment.status}`, { metadata });
      if (operation.kind === "CAPTURE")
        return refuse("ORDER_NOT_PAYABLE", `the provider refused the capture: ${problem.message}`, { metadata });
      // The customer was faster, by another way: the money is held, or on its way.
      if (!isOpen(payment.status)) return accept(answerOf(operation, moved, []));
      return refuse("INVALID_ARGUMENT", `payment_method: ${problem.message}`, {
        metadata: { ...metadata, field: "payment_method" },
        violations: [{ field: "payment_method", description: problem.message }],
      });
    default:
      return unreachable(operation.kind);
  }
}

function outcomeUnknown(payment: Payment): Refusal {
  return refusal(
    "PROVIDER_OUTCOME_UNKNOWN",
    "the provider's answer is not known yet; it is being found out, and a retry with the same request id gets it",
    { metadata: about(payment), retryAfterMs: RETRY_AFTER_MS },
  );
}

function providerError(payment: Payment, message: string): Refusal {
  return refusal("PROVIDER_ERROR", `the provider did nothing: ${message}`, {
    metadata: about(payment),
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** Facts that are the operation's own, and not of another refund or of a dispute, which come with all that happened to a payment. */
function isOwn({ refundId }: Operation, fact: Fact): boolean {
  return fact.kind === "refund" ? refundId !== null && fact.refundId === refundId : fact.kind !== "dispute";
}

/** Applies facts of which some may be known already; what is known of them was not looked for when the operation was begun. */
async function apply(
  parts: Parts,
  { known, operation }: CarryOut,
  facts: readonly Fact[],
  settlement: Settlement,
): Promise<AppliedFacts> {
  if (facts.every((fact) => isOwn(operation, fact))) return applyFacts(parts, known, facts, settlement);
  try {
    return await applyFacts(parts, await parts.store.loadKnown(known.payment.id), facts, settlement);
  } catch (error) {
    if (!(error instanceof FactDisagrees) || !error.mayPass) throw error;
    // What was given back elsewhere does not fit yet. Its webhook waits until it does, and this operation must not wait for that: the room may be its own.
    const own = facts.filter((fact) => isOwn(operation, fact));
    return applyFacts(parts, known, own, settlement);
  }
}

/** Settles an operation, for as long as the database may be away for a moment. */
async function settle(
  parts: Parts,
  work: CarryOut,
  facts: readonly Fact[],
  settlement: Settlement,
): Promise<AppliedFacts> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await apply(parts, work, facts, settlement);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() - startedAt > SETTLE_FOR_MS) throw error;
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, SETTLE_PAUSE_MS * 2 ** attempt);
      await promise;
    }
  }
}

/** The answer that is kept for the request; another writer's, when that one settled the operation first. */
async function keptAnswer(
  parts: Parts,
  operation: Operation,
  payment: Payment,
  ours: Result<Answer>,
): Promise<Result<Answer>> {
  if (!operation.request) return ours;
  const unknown: Result<Answer> = { ok: false, error: outcomeUnknown(payment) };
  try {
    const { request } = await parts.store.loadPayment({ find: { paymentId: payment.id }, request: operation.request });
    return request?.response ? fromStored(request.response) : unknown;
  } catch (error) {
    // The provider was asked: that the answer cannot be read now must not tell the caller that nothing was attempted.
    if (error instanceof DatabaseUnavailable) return unknown;
    throw error;
  }
}

interface Conclusion {
  readonly facts: readonly Fact[];
  readonly state: "SUCCEEDED" | "FAILED";
  readonly problem: string | null;
  /**
   * False gives the request id back: nothing was attempted under it, and a retry tries again. That holds only while recovery has not taken the operation up, since
   * it makes the call as well.
   */
  readonly keep: boolean;
  tell(moved: MovedPayment): Result<Answer>;
}

/** Null when nothing can be concluded yet. */
function conclude(work: CarryOut, answer: ProviderAnswer): Conclusion | null {
  const { operation } = work;
  switch (answer.outcome) {
    case "done": {
      const { facts } = answer;
      return {
        facts,
        state: "SUCCEEDED",
        problem: null,
        keep: true,
        tell: (moved) => accept(answerOf(operation, moved, facts)),
      };
    }
    case "refused": {
      // What it would not open again is open: that is what was asked for.
      if (operation.kind === "CREATE" && answer.facts.length > 0)
        return conclude(work, { outcome: "done", facts: answer.facts });
      const refusal = factsOfRefusal(work, answer);
      // A refund gives its reservation back first, since what happened in its place may need the room.
      const facts = operation.kind === "REFUND" ? [...refusal, ...answer.facts] : [...answer.facts, ...refusal];
      return {
        facts,
        state: "FAILED",
        problem: answer.message,
        keep: true,
        tell: (moved) => refusalOf(operation, moved, answer),
      };
    }
    case "unavailable": {
      // Only a first call is certain to have done nothing. When an earlier one may have acted, and for what we owe, it is asked again.
      if (operation.attempts > 0 || !operation.request) return null;
      const facts = factsOfRefusal(work, {
        code: "provider_unavailable",
        message: "The payment provider is not available.",
      });
      return {
        facts,
        state: "FAILED",
        problem: answer.message,
        keep: false,
        tell: ({ payment }) => ({ ok: false, error: providerError(payment, answer.message) }),
      };
    }
    case "unknown":
      return null;
    default:
      return unreachable(answer);
  }
}

/** Leaves an operation to the recovery worker. The row says so already; that it also says why is a kindness that may fail. */
async function leaveToRecovery(parts: Parts, { known, operation }: CarryOut, problem: string): Promise<Result<Answer>> {
  const { payment } = known;
  parts.log.warn(
    { paymentId: payment.id, operationId: operation.id, kind: operation.kind, problem },
    "provider outcome unknown",
  );
  if (operation.attempts === 0) {
    const now = parts.now();
    const mark = { problem, now, nextAttemptAt: new Date(now.getTime() + RETRY_AFTER_MS) };
    try {
      await parts.store.markUnknown(operation.id, mark);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
    }
    parts.wakeRecovery();
  }
  return { ok: false, error: outcomeUnknown(payment) };
}

/** Makes the call, applies its facts, and gives what the caller is told. */
export async function carryOut(parts: Parts, work: CarryOut): Promise<Result<Answer>> {
  const { operation } = work;
  const providerAnswer = await findOut(parts, work);
  const conclusion = conclude(work, providerAnswer);
  if (!conclusion) return leaveToRecovery(parts, work, "message" in providerAnswer ? providerAnswer.message : "");
  let told: Result<Answer> | undefined;
  const settlement: Settlement = {
    operation,
    state: conclusion.state,
    problem: conclusion.problem,
    untakenOnly: !conclusion.keep,
    respond(moved) {
      told = conclusion.tell(moved);
      return conclusion.keep ? toStored(told) : null;
    },
  };
  let applied: AppliedFacts;
  try {
    applied = await settle(parts, work, conclusion.facts, settlement);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return leaveToRecovery(parts, work, error.message);
    throw error;
  }
  const answer = told ?? conclusion.tell(applied);
  return applied.first ? answer : keptAnswer(parts, operation, applied.payment, answer);
}
