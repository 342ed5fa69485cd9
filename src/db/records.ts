// Between the domain's values and the tables' records. One shape, that of entities.ts in JSON (integers beyond 2^53 as strings, times as
// ISO strings), goes into statements, into stored answers and out of queries, so there is one translation each way.
import type { Dispute } from "../domain/dispute.ts";
import type { DisputeId, OperationId, PaymentId, RefundId } from "../domain/ids.ts";
import { money } from "../domain/money.ts";
import type { Operation } from "../domain/operation.ts";
import { isClosed, type Payment } from "../domain/payment.ts";
import type { Refund } from "../domain/refund.ts";
import type { WebhookEvent } from "../domain/webhook.ts";
import type { DisputeRecord, OperationRecord, PaymentRecord, RefundRecord, WebhookEventRecord } from "./entities.ts";

/** A record as JSON carries it, and as a row or an entity carries it: either form is read. */
export type Stored<T> = { [K in keyof T]: Storable<T[K]> };
type Storable<V> = V extends bigint ? bigint | string : V extends Date ? Date | string : V;

function bigintOf(value: bigint | string): bigint {
  return BigInt(value);
}

function dateOf(value: Date | string): Date {
  return value instanceof Date ? value : new Date(value);
}

function dateOrNull(value: Date | string | null | undefined): Date | null {
  return value ? dateOf(value) : null;
}

export function paymentToRecord(payment: Payment): Stored<PaymentRecord> {
  return {
    id: payment.id,
    principal: payment.principal,
    orderId: payment.orderId,
    customerId: payment.customerId,
    customerEmail: payment.customerEmail,
    mode: payment.mode,
    captureMethod: payment.captureMethod,
    provider: payment.provider,
    currency: payment.amount.currency,
    amountMinor: payment.amount.minor.toString(),
    items: payment.items.map((item) => ({
      name: item.name,
      unitPriceMinor: item.unitPrice.minor.toString(),
      quantity: item.quantity,
      ...(item.metadata && { metadata: item.metadata }),
    })),
    description: payment.description,
    metadata: payment.metadata,
    successUrl: payment.successUrl,
    cancelUrl: payment.cancelUrl,
    attemptsMax: payment.attemptsMax,
    clientToken: payment.clientToken,
    createdAt: payment.createdAt,
    ...progressToRecord(payment),
  };
}

/** The columns that facts change. */
export function progressToRecord(payment: Payment) {
  return {
    status: payment.status,
    live: !isClosed(payment.status),
    providerReference: payment.providerReference,
    sessionId: payment.sessionId,
    checkoutUrl: payment.checkoutUrl,
    chargeReference: payment.chargeReference,
    paymentMethod: payment.paymentMethod,
    capturedMinor: payment.capturedMinor.toString(),
    refundedMinor: payment.refundedMinor.toString(),
    refundPendingMinor: payment.refundPendingMinor.toString(),
    declinedAttempts: payment.declinedAttempts,
    failure: payment.failure,
    cancelReason: payment.cancelReason,
    disputeStatus: payment.disputeStatus,
    activeOperationId: payment.activeOperationId,
    version: payment.version,
    revision: payment.revision,
    updatedAt: payment.updatedAt,
    expiresAt: payment.expiresAt,
    capturedAt: payment.capturedAt,
    canceledAt: payment.canceledAt,
  };
}

export function paymentFromRecord(record: Stored<PaymentRecord>): Payment {
  return {
    id: record.id as PaymentId,
    principal: record.principal,
    orderId: record.orderId,
    customerId: record.customerId ?? null,
    customerEmail: record.customerEmail ?? null,
    mode: record.mode,
    captureMethod: record.captureMethod,
    provider: record.provider,
    amount: money(bigintOf(record.amountMinor), record.currency),
    items: record.items.map((item) => ({
      name: item.name,
      unitPrice: money(BigInt(item.unitPriceMinor), record.currency),
      quantity: item.quantity,
      ...(item.metadata && { metadata: item.metadata }),
    })),
    description: record.description ?? null,
    metadata: record.metadata,
    successUrl: record.successUrl ?? null,
    cancelUrl: record.cancelUrl ?? null,
    attemptsMax: record.attemptsMax,
    clientToken: record.clientToken,
    createdAt: dateOf(record.createdAt),
    status: record.status,
    providerReference: record.providerReference ?? null,
    sessionId: record.sessionId ?? null,
    checkoutUrl: record.checkoutUrl ?? null,
    chargeReference: record.chargeReference ?? null,
    paymentMethod: record.paymentMethod ?? null,
    capturedMinor: bigintOf(record.capturedMinor),
    refundedMinor: bigintOf(record.refundedMinor),
    refundPendingMinor: bigintOf(record.refundPendingMinor),
    declinedAttempts: record.declinedAttempts,
    failure: record.failure ?? null,
    cancelReason: record.cancelReason ?? null,
    disputeStatus: record.disputeStatus ?? null,
    activeOperationId: (record.activeOperationId as OperationId | null | undefined) ?? null,
    version: record.version,
    revision: record.revision,
    updatedAt: dateOf(record.updatedAt),
    expiresAt: dateOrNull(record.expiresAt),
    capturedAt: dateOrNull(record.capturedAt),
    canceledAt: dateOrNull(record.canceledAt),
  };
}

export function refundToRecord(refund: Refund): Stored<RefundRecord> {
  const { amount, ...rest } = refund;
  return { ...rest, amountMinor: amount.minor.toString(), currency: amount.currency, checkedAt: null };
}

export function refundFromRecord(record: Stored<RefundRecord>): Refund {
  return {
    id: record.id as RefundId,
    paymentId: record.paymentId as PaymentId,
    amount: money(bigintOf(record.amountMinor), record.currency),
    status: record.status,
    reason: record.reason ?? null,
    providerReference: record.providerReference ?? null,
    failure: record.failure ?? null,
    createdAt: dateOf(record.createdAt),
    updatedAt: dateOf(record.updatedAt),
  };
}

export function disputeToRecord(dispute: Dispute): Stored<DisputeRecord> {
  const { amount, ...rest } = dispute;
  return { ...rest, amountMinor: amount.minor.toString(), currency: amount.currency };
}

export function disputeFromRecord(record: Stored<DisputeRecord>): Dispute {
  return {
    id: record.id as DisputeId,
    paymentId: record.paymentId as PaymentId,
    providerReference: record.providerReference,
    amount: money(bigintOf(record.amountMinor), record.currency),
    status: record.status,
    reason: record.reason,
    createdAt: dateOf(record.createdAt),
    updatedAt: dateOf(record.updatedAt),
  };
}

export function webhookFromRecord(record: Stored<WebhookEventRecord>): WebhookEvent {
  return {
    provider: record.provider,
    eventId: record.eventId,
    type: record.type,
    body: record.body,
    headers: record.headers,
    state: record.state,
    note: record.note ?? null,
    paymentId: (record.paymentId as PaymentId | null | undefined) ?? null,
    attempts: record.attempts,
    nextAttemptAt: dateOrNull(record.nextAttemptAt),
    receivedAt: dateOf(record.receivedAt),
    updatedAt: dateOf(record.updatedAt),
  };
}

export function operationToRecord(operation: Operation): Stored<OperationRecord> {
  const { request, amountMinor, ...rest } = operation;
  return {
    ...rest,
    amountMinor: amountMinor?.toString() ?? null,
    principal: request?.principal ?? null,
    requestId: request?.requestId ?? null,
    lastProblem: null,
    updatedAt: operation.createdAt,
  };
}

export function operationFromRecord(record: Stored<OperationRecord>): Operation {
  const { principal, requestId } = record;
  return {
    id: record.id as OperationId,
    paymentId: record.paymentId as PaymentId,
    refundId: (record.refundId as RefundId | null | undefined) ?? null,
    kind: record.kind,
    state: record.state,
    paymentMethod: record.paymentMethod ?? null,
    amountMinor: record.amountMinor === null || record.amountMinor === undefined ? null : bigintOf(record.amountMinor),
    reason: record.reason ?? null,
    attemptsBefore: record.attemptsBefore ?? null,
    request: principal && requestId ? { principal, requestId } : null,
    attempts: record.attempts,
    nextAttemptAt: dateOf(record.nextAttemptAt),
    createdAt: dateOf(record.createdAt),
  };
}
