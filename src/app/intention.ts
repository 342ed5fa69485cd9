// What a use case wants of the provider, and the operation that is written down for it.
import type { Operation, OperationKind } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import type { Refund } from "../domain/refund.ts";
import type { Parts } from "./parts.ts";
import type { Request } from "./request.ts";

export interface Intention {
  readonly kind: OperationKind;
  readonly paymentMethod?: string | null;
  readonly amountMinor?: bigint;
  readonly reason?: string | null;
  /** Reserved together with the operation. */
  readonly refund?: Refund;
}

/** An operation in flight: for this process from now on, and for the recovery worker once it should have been settled. */
export function newOperation(parts: Parts, payment: Payment, intention: Intention, request: Request | null): Operation {
  const now = parts.now();
  const { providerTimeoutMs, recoveryDelayMs } = parts.limits;
  return {
    id: parts.mintOperationId(now),
    paymentId: payment.id,
    refundId: intention.refund?.id ?? null,
    kind: intention.kind,
    state: "IN_FLIGHT",
    paymentMethod: intention.paymentMethod ?? null,
    amountMinor: intention.amountMinor ?? null,
    reason: intention.reason ?? null,
    attemptsBefore: intention.kind === "CONFIRM" ? payment.declinedAttempts : null,
    request: request?.key ?? null,
    attempts: 0,
    nextAttemptAt: new Date(now.getTime() + providerTimeoutMs + recoveryDelayMs),
    createdAt: now,
  };
}
