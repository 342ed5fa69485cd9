// A refund that is recorded because the provider tells of it, and not because it was asked for here.
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
