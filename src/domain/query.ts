// How payments are asked for, and what is found.
import type { Dispute } from "./dispute.ts";
import type { PaymentEvent } from "./event.ts";
import type { PaymentId } from "./ids.ts";
import type { Payment, PaymentStatus } from "./payment.ts";
import type { Refund } from "./refund.ts";

/** One payment: by its own id, or as the newest of its order. */
export type PaymentKey = { readonly paymentId: PaymentId } | { readonly orderId: string };

export interface PaymentFilter {
  readonly orderId: string | null;
  readonly customerId: string | null;
  /** Empty: all. */
  readonly statuses: readonly PaymentStatus[];
  readonly createdFrom: Date | null;
  /** Exclusive. */
  readonly createdTo: Date | null;
}

export interface PaymentWithHistory {
  readonly payment: Payment;
  /** Oldest first. */
  readonly refunds: readonly Refund[];
  /** Oldest first. */
  readonly disputes: readonly Dispute[];
  /** Oldest first. */
  readonly events: readonly PaymentEvent[];
}

/** A change of a payment, with the body of its event as it is published. */
export interface HistoryEvent extends Omit<PaymentEvent, "data"> {
  /** JSON text, whose numbers can have more digits than a double. */
  readonly body: string;
  /** Null while it waits. */
  readonly publishedAt: Date | null;
}
