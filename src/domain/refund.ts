// A refund reserves its amount (PENDING) before the provider is asked, and settles by the provider's word: SUCCEEDED keeps the amount
// as given back; FAILED and CANCELED return the reservation, also when SUCCEEDED came first, days before.
import type { Failure } from "./failure.ts";
import type { PaymentId, RefundId } from "./ids.ts";
import type { Money } from "./money.ts";

export const REFUND_STATUSES = ["PENDING", "SUCCEEDED", "FAILED", "CANCELED"] as const;
export type RefundStatus = (typeof REFUND_STATUSES)[number];

export interface Refund {
  readonly id: RefundId;
  readonly paymentId: PaymentId;
  readonly amount: Money;
  readonly status: RefundStatus;
  /** In the caller's words; null when none was given. */
  readonly reason: string | null;
  readonly providerReference: string | null;
  readonly failure: Failure | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
