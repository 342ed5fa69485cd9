// The bodies that the canonical dialect answers with, as document 000 prints them: money as a number with all digits of its currency, currencies in
// lower case, times in whole seconds.
import type { Answer } from "../../app/answer.ts";
import type { Failure } from "../../domain/failure.ts";
import { printDisputeId, printEventId, printPaymentId, printRefundId } from "../../domain/ids.ts";
import { type Money, money, printDecimal } from "../../domain/money.ts";
import type { Payment } from "../../domain/payment.ts";
import type { PaymentWithHistory } from "../../domain/query.ts";
import type { Refund } from "../../domain/refund.ts";
import { STATUS_WORDS } from "./canonical-words.ts";

function writeTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function writeTimeOrNull(time: Date | null): string | null {
  return time && writeTime(time);
}

function writeAmount(amount: Money): unknown {
  return JSON.rawJSON(printDecimal(amount));
}

function writeFailure(failure: Failure | null): object | null {
  return failure && { reason: failure.reason, code: failure.code, message: failure.message };
}

export function writeCreated({ payment, checkout, clientSecret }: Answer): object {
  if (checkout) {
    return {
      paymentSessionId: checkout.sessionId,
      paymentUrl: checkout.url,
      expiresAt: writeTime(checkout.expiresAt),
    };
  }
  return { ...writeStatus(payment), clientSecret, clientToken: payment.clientToken };
}

export function writeCompleted(payment: Payment): object {
  const { currency } = payment.amount;
  const minor = payment.capturedMinor > 0n ? payment.capturedMinor : payment.amount.minor;
  return {
    orderId: payment.orderId,
    paymentId: printPaymentId(payment.id),
    status: STATUS_WORDS[payment.status],
    completedAt: writeTimeOrNull(payment.capturedAt),
    amount: writeAmount(money(minor, currency)),
    currency: currency.toLowerCase(),
  };
}

export function writeCanceled(payment: Payment): object {
  return {
    orderId: payment.orderId,
    paymentId: printPaymentId(payment.id),
    cancelled: payment.status === "CANCELED",
    cancelledAt: writeTimeOrNull(payment.canceledAt),
    reason: payment.cancelReason,
  };
}

function describeRefund(refund: Refund): object {
  return {
    refundId: printRefundId(refund.id),
    amount: writeAmount(refund.amount),
    currency: refund.amount.currency.toLowerCase(),
    status: refund.status.toLowerCase(),
    createdAt: writeTime(refund.createdAt),
    reason: refund.reason,
  };
}

export function writeRefund({ payment, refund }: Answer): object {
  return {
    orderId: payment.orderId,
    paymentId: printPaymentId(payment.id),
    ...(refund && describeRefund(refund)),
  };
}

export function writeStatus(payment: Payment): object {
  const { currency } = payment.amount;
  return {
    orderId: payment.orderId,
    paymentId: printPaymentId(payment.id),
    status: STATUS_WORDS[payment.status],
    amount: writeAmount(payment.amount),
    currency: currency.toLowerCase(),
    amountCaptured: writeAmount(money(payment.capturedMinor, currency)),
    amountRefunded: writeAmount(money(payment.refundedMinor, currency)),
    failure: writeFailure(payment.failure),
    version: payment.version,
    createdAt: writeTime(payment.createdAt),
    updatedAt: writeTime(payment.updatedAt),
  };
}

export function writePayment(payment: Payment): object {
  return {
    ...writeStatus(payment),
    customerId: payment.customerId,
    customerEmail: payment.customerEmail,
    mode: payment.mode.toLowerCase(),
    captureMethod: payment.captureMethod.toLowerCase(),
    provider: payment.provider,
    providerReference: payment.providerReference,
    paymentMethod: payment.paymentMethod,
    items: payment.items.map(({ name, unitPrice, quantity }) => ({ name, price: writeAmount(unitPrice), quantity })),
    description: payment.description,
    metadata: payment.metadata,
    cancelReason: payment.cancelReason,
    disputeStatus: payment.disputeStatus?.toLowerCase() ?? null,
    completedAt: writeTimeOrNull(payment.capturedAt),
    cancelledAt: writeTimeOrNull(payment.canceledAt),
    expiresAt: writeTimeOrNull(payment.expiresAt),
  };
}

export function writeHistory({ payment, refunds, disputes, events }: PaymentWithHistory): object {
  return {
    ...writePayment(payment),
    refunds: refunds.map((refund) => ({ ...describeRefund(refund), failure: writeFailure(refund.failure) })),
    disputes: disputes.map((dispute) => ({
      disputeId: printDisputeId(dispute.id),
      amount: writeAmount(dispute.amount),
      status: dispute.status.toLowerCase(),
      reason: dispute.reason,
      createdAt: writeTime(dispute.createdAt),
    })),
    history: events.map((event) => ({
      eventId: printEventId(event.id),
      version: event.version,
      type: event.type,
      status: STATUS_WORDS[event.status],
      createdAt: writeTime(event.createdAt),
    })),
  };
}
