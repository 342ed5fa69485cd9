// A dispute: the cardholder's bank takes the money back, or asks about it, until it is decided. OPEN leads to WON (the money stays or comes
// back to us), LOST (it is gone), or CLOSED (an inquiry that came to nothing). Disputes do not move the payment's status: what was captured
// and given back stays what it was.
import type { DisputeId, PaymentId } from "./ids.ts";
import type { Money } from "./money.ts";

export const DISPUTE_STATUSES = ["OPEN", "WON", "LOST", "CLOSED"] as const;
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

export interface Dispute {
  readonly id: DisputeId;
  readonly paymentId: PaymentId;
  readonly providerReference: string;
  readonly amount: Money;
  readonly status: DisputeStatus;
  /** The provider's word for why, such as `fraudulent`. */
  readonly reason: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
