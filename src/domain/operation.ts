// A provider operation is one call that we decided to make. It is written down before it is made, and its id is the provider's
// idempotency key, so that making it again is making it once.
//
// IN_FLIGHT: decided, perhaps made. UNKNOWN: made, and nobody can say what became of it yet. Both are taken up by the recovery worker
// once `nextAttemptAt` has passed, and never become FAILED because time passed. SUCCEEDED: the provider answered, be it with a decline.
// FAILED: the provider refused for good, or certainly did nothing.
import type { OperationId, PaymentId, RefundId } from "./ids.ts";
import type { Payment } from "./payment.ts";

export type OperationKind = "CREATE" | "CONFIRM" | "CAPTURE" | "CANCEL" | "REFUND";
export const OPERATION_STATES = ["IN_FLIGHT", "UNKNOWN", "SUCCEEDED", "FAILED"] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** Who asked, and under which id: where the answer goes. */
export interface RequestKey {
  readonly principal: string;
  readonly requestId: string;
}

export interface Operation {
  readonly id: OperationId;
  readonly paymentId: PaymentId;
  readonly refundId: RefundId | null;
  readonly kind: OperationKind;
  readonly state: OperationState;
  /** CONFIRM and CREATE: the token to pay with. */
  readonly paymentMethod: string | null;
  /** CAPTURE and REFUND: how much, in minor units of the payment's currency. */
  readonly amountMinor: bigint | null;
  /** CANCEL and REFUND: why. */
  readonly reason: string | null;
  /** CONFIRM: the attempts that were declined before it, by the provider's ids; what comes after them is its outcome. */
  readonly attemptsBefore: readonly string[] | null;
  /** The request that it answers; null for what the service decided by itself. */
  readonly request: RequestKey | null;
  /** Calls made so far by the recovery worker. */
  readonly attempts: number;
  /** From when on the recovery worker takes it up. */
  readonly nextAttemptAt: Date;
  readonly createdAt: Date;
}

/** Why a CANCEL is owed when money was held for a payment that had ended. */
export const LATE_AUTHORIZATION = "late_authorization";

/** Whether a CANCEL lets go of money that is held; otherwise it closes what may still be paid. */
export function letsGoOfHeld({ reason, request }: Operation, { status }: Payment): boolean {
  // A caller's reason may be any text.
  return status === "AUTHORIZED" || (request === null && reason === LATE_AUTHORIZATION);
}
