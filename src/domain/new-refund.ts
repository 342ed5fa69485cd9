// Refunds that nobody asked for here: those that the provider tells of, and those of late money.
import type { RefundFact } from "./fact.ts";
import type { RefundId } from "./ids.ts";
import type { Payment } from "./payment.ts";
import type { Refund } from "./refund.ts";

interface Birth {
  readonly now: Date;
  mintRefundId(): RefundId;
}

/** It keeps the id that it was given here, where the provider echoes one. */
export function newRefund(payment: Payment, fact: RefundFact, moment: Birth): Refund {
  return {
    id: fact.refundId ?? moment.mintRefundId(),
    paymentId: payment.id,
    amount: fact.amount,
    status: fact.status,
    reason: null,
    providerReference: fact.providerReference,
    failure: fact.failure,
    createdAt: moment.now,
    updatedAt: moment.now,
  };
}

/** What is given back because it came when the payment was closed; the provider is yet to be asked. */
export function lateRefund(payment: Payment, minor: bigint, moment: Birth): Refund {
  return {
    id: moment.mintRefundId(),
    paymentId: payment.id,
    amount: { minor, currency: payment.amount.currency },
    status: "PENDING",
    reason: "late_payment",
    providerReference: null,
    failure: null,
    createdAt: moment.now,
    updatedAt: moment.now,
  };
}
