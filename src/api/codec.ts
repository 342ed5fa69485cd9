// Between the messages of the contract and the domain's values.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Checkout as CheckoutAnswer } from "../app/answer.ts";
import type { CreatePaymentInput } from "../app/create-payment.ts";
import type { Dispute as DomainDispute } from "../domain/dispute.ts";
import type { PaymentFilter, PaymentKey, PaymentWithHistory } from "../domain/query.ts";
import type { MoneyInput } from "../domain/create-payment.ts";
import { accept, type Result } from "../domain/error.ts";
import { type PaymentEvent, readFailure } from "../domain/event.ts";
import { parsePaymentId, printDisputeId, printEventId, printPaymentId, printRefundId } from "../domain/ids.ts";
import type { Money } from "../domain/money.ts";
import { PAYMENT_STATUSES, type Payment as DomainPayment } from "../domain/payment.ts";
import type { Refund as DomainRefund } from "../domain/refund.ts";
import {
  type AttemptSchema,
  CaptureMethod,
  type ChangeSchema,
  type DisputeSchema,
  DisputeStatus,
  type Money as MoneyMessage,
  type MoneySchema,
  PaymentMode,
  type PaymentSchema,
  PaymentStatus,
  type RefundSchema,
  RefundStatus,
} from "../../gen/payment/v1/payment_pb.ts";
import {
  type CheckoutSchema,
  type CreatePaymentRequest,
  type GetPaymentStatusResponse,
  GetPaymentStatusResponseSchema,
  type ListPaymentsRequest,
} from "../../gen/payment/v1/payment_service_pb.ts";

type KeyMessage =
  | { readonly case: "paymentId" | "orderId"; readonly value: string }
  | { readonly case: undefined; readonly value?: undefined };

/** Which payment a request speaks of. */
export function readKey(key: KeyMessage): Result<PaymentKey> {
  if (key.case === "orderId") return accept({ orderId: key.value });
  const paymentId = parsePaymentId(key.value ?? "", "payment_id");
  return paymentId.ok ? accept({ paymentId: paymentId.value }) : paymentId;
}

/** An amount as it was sent, its currency in upper case, so that either case is the same request. */
export function readMoney(message: MoneyMessage | undefined): MoneyInput | null {
  return message ? { minor: message.minor, currency: message.currency.toUpperCase() } : null;
}

/** A read-only view of a time; absent is null. */
export function readTime(time: Timestamp | undefined): Date | null {
  return time ? timestampDate(time) : null;
}

export function readCreate(request: CreatePaymentRequest, defaults: { readonly provider: string }): CreatePaymentInput {
  return {
    orderId: request.orderId,
    amount: readMoney(request.amount),
    items: request.items.map((item) => ({
      name: item.name,
      unitPrice: readMoney(item.unitPrice) ?? { minor: 0n, currency: "" },
      quantity: item.quantity,
    })),
    customerId: request.customerId || null,
    customerEmail: request.customerEmail || null,
    mode: request.mode === PaymentMode.INTENT ? "INTENT" : "CHECKOUT",
    provider: request.provider || defaults.provider,
    captureMethod: request.captureMethod === CaptureMethod.MANUAL ? "MANUAL" : "AUTOMATIC",
    paymentMethod: request.paymentMethod || null,
    successUrl: request.successUrl || null,
    cancelUrl: request.cancelUrl || null,
    description: request.description || null,
    metadata: request.metadata,
    attemptsMax: request.attemptsMax || null,
    requestId: request.requestId,
  };
}

export function readFilter(request: ListPaymentsRequest): PaymentFilter {
  return {
    orderId: request.orderId || null,
    customerId: request.customerId || null,
    statuses: PAYMENT_STATUSES.filter((status) => request.statuses.includes(PaymentStatus[status])),
    createdFrom: readTime(request.createTimeFrom),
    createdTo: readTime(request.createTimeTo),
  };
}

function writeMoney(amount: Money): MessageInitShape<typeof MoneySchema> {
  return { minor: amount.minor, currency: amount.currency };
}

export function writePayment(payment: DomainPayment) {
  const { amount } = payment;
  const part = (minor: bigint): MessageInitShape<typeof MoneySchema> => ({ minor, currency: amount.currency });
  return {
    paymentId: printPaymentId(payment.id),
    orderId: payment.orderId,
    customerId: payment.customerId ?? "",
    customerEmail: payment.customerEmail ?? "",
    mode: PaymentMode[payment.mode],
    captureMethod: CaptureMethod[payment.captureMethod],
    provider: payment.provider,
    providerReference: payment.providerReference ?? "",
    status: PaymentStatus[payment.status],
    amount: writeMoney(amount),
    amountCaptured: part(payment.capturedMinor),
    amountRefunded: part(payment.refundedMinor),
    amountRefundPending: part(payment.refundPendingMinor),
    items: payment.items.map((item) => ({
      name: item.name,
      unitPrice: writeMoney(item.unitPrice),
      quantity: item.quantity,
    })),
    description: payment.description ?? "",
    metadata: payment.metadata,
    paymentMethod: payment.paymentMethod ?? "",
    chargeReference: payment.chargeReference ?? "",
    attemptsMax: payment.attemptsMax,
    attemptsDeclined: payment.declinedAttempts.length,
    ...(payment.failure && { failure: payment.failure }),
    cancelReason: payment.cancelReason ?? "",
    disputeStatus: DisputeStatus[payment.disputeStatus ?? "UNSPECIFIED"],
    version: payment.version,
    createTime: timestampFromDate(payment.createdAt),
    updateTime: timestampFromDate(payment.updatedAt),
    ...(payment.expiresAt && { expireTime: timestampFromDate(payment.expiresAt) }),
    ...(payment.capturedAt && { captureTime: timestampFromDate(payment.capturedAt) }),
    ...(payment.canceledAt && { cancelTime: timestampFromDate(payment.canceledAt) }),
  };
}

export function writeRefund(refund: DomainRefund): MessageInitShape<typeof RefundSchema> {
  return {
    refundId: printRefundId(refund.id),
    paymentId: printPaymentId(refund.paymentId),
    amount: writeMoney(refund.amount),
    status: RefundStatus[refund.status],
    reason: refund.reason ?? "",
    providerReference: refund.providerReference ?? "",
    ...(refund.failure && { failure: refund.failure }),
    createTime: timestampFromDate(refund.createdAt),
    updateTime: timestampFromDate(refund.updatedAt),
  };
}

function writeDispute(dispute: DomainDispute): MessageInitShape<typeof DisputeSchema> {
  return {
    disputeId: printDisputeId(dispute.id),
    paymentId: printPaymentId(dispute.paymentId),
    amount: writeMoney(dispute.amount),
    status: DisputeStatus[dispute.status],
    reason: dispute.reason,
    providerReference: dispute.providerReference,
    createTime: timestampFromDate(dispute.createdAt),
    updateTime: timestampFromDate(dispute.updatedAt),
  };
}

export function writeCheckout(checkout: CheckoutAnswer): MessageInitShape<typeof CheckoutSchema> {
  return { sessionId: checkout.sessionId, url: checkout.url, expiresAt: timestampFromDate(checkout.expiresAt) };
}

function writeChange(event: PaymentEvent): MessageInitShape<typeof ChangeSchema> {
  return {
    eventId: printEventId(event.id),
    version: event.version,
    type: event.type,
    status: PaymentStatus[event.status],
    createTime: timestampFromDate(event.createdAt),
  };
}

/** The declined attempts are those that the history tells of. */
function writeAttempts(events: readonly PaymentEvent[]): MessageInitShape<typeof AttemptSchema>[] {
  return events
    .filter((event) => event.type === "payment.attempt_failed" || event.type === "payment.failed")
    .map((event) => ({ failure: readFailure(event), createTime: timestampFromDate(event.createdAt) }));
}

export function writeHistory({
  payment,
  refunds,
  disputes,
  events,
}: PaymentWithHistory): MessageInitShape<typeof PaymentSchema> {
  return {
    ...writePayment(payment),
    refunds: refunds.map(writeRefund),
    disputes: disputes.map(writeDispute),
    attempts: writeAttempts(events),
    history: events.map(writeChange),
  };
}

export function writeStatus(payment: DomainPayment): GetPaymentStatusResponse {
  const { amount } = payment;
  return create(GetPaymentStatusResponseSchema, {
    paymentId: printPaymentId(payment.id),
    orderId: payment.orderId,
    status: PaymentStatus[payment.status],
    amount: writeMoney(amount),
    amountCaptured: { minor: payment.capturedMinor, currency: amount.currency },
    amountRefunded: { minor: payment.refundedMinor, currency: amount.currency },
    ...(payment.failure && { failure: payment.failure }),
    version: payment.version,
    disputeStatus: DisputeStatus[payment.disputeStatus ?? "UNSPECIFIED"],
    createTime: timestampFromDate(payment.createdAt),
    updateTime: timestampFromDate(payment.updatedAt),
  });
}
