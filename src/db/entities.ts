// The tables. Every invariant that a constraint can hold is a constraint here as well as a rule in domain/. The migrations in
// migrations/ create what this file says, and a test compares the two.
import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import type { LineItem, PaymentMode, PaymentStatus, CaptureMethod } from "../domain/payment.ts";
import type { OperationKind, OperationState } from "../domain/operation.ts";
import type { DisputeStatus } from "../domain/dispute.ts";
import type { RefundStatus } from "../domain/refund.ts";
import type { WebhookState } from "../domain/webhook.ts";
import type { Failure } from "../domain/failure.ts";
import { CreditAccountEntity, CreditEntryEntity, CreditTransferEntity } from "./credit-entities.ts";

/** An item as it is stored: its price counts in the payment's currency, as a string, since JSON numbers are not exact. */
export interface StoredItem extends Omit<LineItem, "unitPrice"> {
  readonly unitPriceMinor: string;
}

export const PaymentEntity = defineEntity({
  name: "Payment",
  tableName: "payment",
  properties: {
    id: p.uuid().primary(),
    principal: p.text(),
    orderId: p.text(),
    customerId: p.text().nullable(),
    customerEmail: p.text().nullable(),
    mode: p.text().$type<PaymentMode>(),
    captureMethod: p.text().$type<CaptureMethod>(),
    provider: p.text(),
    currency: p.text(),
    amountMinor: p.bigint("bigint"),
    items: p.json<readonly StoredItem[]>(),
    description: p.text().nullable(),
    metadata: p.json<Readonly<Record<string, string>>>(),
    successUrl: p.text().nullable(),
    cancelUrl: p.text().nullable(),
    attemptsMax: p.integer(),
    clientToken: p.text(),
    createdAt: p.datetime(3),

    status: p.text().$type<PaymentStatus>(),
    // Whether the payment holds its order: false once it is closed. A column of its own, so that the unique index below is not touched
    // by the other moves of the status.
    live: p.boolean(),
    providerReference: p.text().nullable(),
    sessionId: p.text().nullable(),
    checkoutUrl: p.text().nullable(),
    chargeReference: p.text().nullable(),
    paymentMethod: p.text().nullable(),
    capturedMinor: p.bigint("bigint"),
    refundedMinor: p.bigint("bigint"),
    refundPendingMinor: p.bigint("bigint"),
    declinedAttempts: p.json<readonly string[]>(),
    failure: p.json<Failure>().nullable(),
    cancelReason: p.text().nullable(),
    disputeStatus: p.text().$type<DisputeStatus>().nullable(),
    activeOperationId: p.uuid().nullable(),
    version: p.integer(),
    revision: p.integer(),
    updatedAt: p.datetime(3),
    expiresAt: p.datetime(3).nullable(),
    capturedAt: p.datetime(3).nullable(),
    canceledAt: p.datetime(3).nullable(),
  },
  checks: [
    { name: "payment_amount", expression: "amount_minor > 0" },
    { name: "payment_currency", expression: "currency ~ '^[A-Z]{3}$'" },
    { name: "payment_captured", expression: "captured_minor >= 0 and captured_minor <= amount_minor" },
    {
      name: "payment_refunded",
      expression:
        "refunded_minor >= 0 and refund_pending_minor >= 0 and refunded_minor + refund_pending_minor <= captured_minor",
    },
    {
      name: "payment_status",
      expression:
        "status in ('PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'FAILED', 'CANCELED', 'EXPIRED')",
    },
    { name: "payment_live", expression: "live <> (status in ('FAILED', 'CANCELED', 'EXPIRED'))" },
    {
      name: "payment_status_amounts",
      expression: `case status
        when 'SUCCEEDED' then captured_minor > 0 and refunded_minor = 0
        when 'PARTIALLY_REFUNDED' then refunded_minor > 0 and refunded_minor < captured_minor
        when 'REFUNDED' then refunded_minor > 0 and refunded_minor = captured_minor
        when 'FAILED' then true when 'CANCELED' then true when 'EXPIRED' then true
        else captured_minor = 0 end`,
    },
    { name: "payment_dispute_status", expression: "dispute_status in ('OPEN', 'WON', 'LOST', 'CLOSED')" },
    { name: "payment_version", expression: "version >= 1 and revision >= version" },
  ],
  indexes: [
    { name: "payment_of_order", properties: ["orderId", "id"] },
    {
      name: "payment_of_customer",
      expression: "create index payment_of_customer on payment (customer_id, id) where customer_id is not null",
    },
    {
      name: "payment_expiring",
      expression: "create index payment_expiring on payment (expires_at) where expires_at is not null",
    },
    {
      name: "payment_of_provider",
      expression:
        "create index payment_of_provider on payment (provider, provider_reference) where provider_reference is not null",
    },
    {
      name: "payment_of_session",
      expression: "create index payment_of_session on payment (session_id) where session_id is not null",
    },
    // Money that came late and waits for a person.
    {
      name: "payment_held_late",
      expression:
        "create index payment_held_late on payment (id) where not live and captured_minor > refunded_minor + refund_pending_minor",
    },
  ],
  uniques: [
    // One live payment per order: the rule against double payment that no race can get around.
    {
      name: "payment_live_order",
      expression: "create unique index payment_live_order on payment (order_id) where live",
    },
  ],
});

export const RefundEntity = defineEntity({
  name: "Refund",
  tableName: "refund",
  properties: {
    id: p.uuid().primary(),
    paymentId: () => p.manyToOne(PaymentEntity).mapToPk().fieldName("payment_id"),
    amountMinor: p.bigint("bigint"),
    currency: p.text(),
    status: p.text().$type<RefundStatus>(),
    reason: p.text().nullable(),
    providerReference: p.text().nullable(),
    failure: p.json<Failure>().nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    // When the provider was last asked about a refund that it had not settled.
    checkedAt: p.datetime(3).nullable(),
  },
  checks: [
    { name: "refund_amount", expression: "amount_minor > 0" },
    { name: "refund_status", expression: "status in ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED')" },
  ],
  indexes: [
    { name: "refund_of_payment", properties: ["paymentId"] },
    {
      name: "refund_unsettled",
      expression: "create index refund_unsettled on refund (coalesce(checked_at, updated_at)) where status = 'PENDING'",
    },
  ],
});

export const DisputeEntity = defineEntity({
  name: "Dispute",
  tableName: "dispute",
  properties: {
    id: p.uuid().primary(),
    paymentId: () => p.manyToOne(PaymentEntity).mapToPk().fieldName("payment_id"),
    providerReference: p.text(),
    amountMinor: p.bigint("bigint"),
    currency: p.text(),
    status: p.text().$type<DisputeStatus>(),
    reason: p.text(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
  checks: [
    { name: "dispute_amount", expression: "amount_minor > 0" },
    { name: "dispute_status", expression: "status in ('OPEN', 'WON', 'LOST', 'CLOSED')" },
  ],
  uniques: [{ name: "dispute_of_payment", properties: ["paymentId", "providerReference"] }],
});

// What a provider sent, as it sent it, and what became of it. A row is written before the provider is told that its message arrived.
export const WebhookEventEntity = defineEntity({
  name: "WebhookEvent",
  tableName: "webhook_event",
  properties: {
    provider: p.text().primary(),
    eventId: p.text().primary(),
    type: p.text(),
    // The raw text, whose signature was good.
    body: p.text(),
    headers: p.json<Readonly<Record<string, string>>>(),
    state: p.text().$type<WebhookState>(),
    // Why it is in this state; null where the state says it all.
    note: p.text().nullable(),
    paymentId: p.uuid().nullable(),
    attempts: p.integer(),
    // Null once nothing more will be tried by itself.
    nextAttemptAt: p.datetime(3).nullable(),
    receivedAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
  checks: [
    {
      name: "webhook_event_state",
      expression: "state in ('RECEIVED', 'APPLIED', 'INERT', 'PARKED', 'QUARANTINED')",
    },
  ],
  indexes: [
    {
      name: "webhook_event_due",
      expression: "create index webhook_event_due on webhook_event (next_attempt_at) where next_attempt_at is not null",
    },
    { name: "webhook_event_received", properties: ["receivedAt"] },
  ],
});

export const OperationEntity = defineEntity({
  name: "ProviderOperation",
  tableName: "provider_operation",
  properties: {
    id: p.uuid().primary(),
    paymentId: () => p.manyToOne(PaymentEntity).mapToPk().fieldName("payment_id"),
    refundId: p.uuid().nullable(),
    kind: p.text().$type<OperationKind>(),
    state: p.text().$type<OperationState>(),
    paymentMethod: p.text().nullable(),
    amountMinor: p.bigint("bigint").nullable(),
    reason: p.text().nullable(),
    attemptsBefore: p.json<readonly string[]>().nullable(),
    principal: p.text().nullable(),
    requestId: p.text().nullable(),
    attempts: p.integer(),
    nextAttemptAt: p.datetime(3),
    lastProblem: p.text().nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
  checks: [
    { name: "provider_operation_kind", expression: "kind in ('CREATE', 'CONFIRM', 'CAPTURE', 'CANCEL', 'REFUND')" },
    { name: "provider_operation_state", expression: "state in ('IN_FLIGHT', 'UNKNOWN', 'SUCCEEDED', 'FAILED')" },
    { name: "provider_operation_refund", expression: "(kind = 'REFUND') = (refund_id is not null)" },
  ],
  indexes: [
    {
      name: "provider_operation_due",
      expression:
        "create index provider_operation_due on provider_operation (next_attempt_at) where state in ('IN_FLIGHT', 'UNKNOWN')",
    },
  ],
  uniques: [
    {
      name: "provider_operation_active",
      expression:
        "create unique index provider_operation_active on provider_operation (payment_id) where state in ('IN_FLIGHT', 'UNKNOWN') and kind <> 'REFUND'",
    },
  ],
});

export const EventEntity = defineEntity({
  name: "PaymentEvent",
  tableName: "payment_event",
  properties: {
    id: p.uuid().primary(),
    // Null for what is told of no single payment: the result of a reconciliation.
    paymentId: () => p.manyToOne(PaymentEntity).mapToPk().fieldName("payment_id").nullable().deleteRule("no action"),
    version: p.integer(),
    type: p.text(),
    status: p.text().$type<PaymentStatus>().nullable(),
    // The message's body, as it is published.
    data: p.json<Record<string, unknown>>(),
    // Grows within a payment, since its rows are written under the payment's lock; between payments it is not commit order.
    position: p.bigint("bigint").autoincrement().generated("identity"),
    createdAt: p.datetime(3),
    publishedAt: p.datetime(3).nullable(),
  },
  checks: [{ name: "payment_event_version", expression: "version >= 1" }],
  indexes: [
    {
      name: "payment_event_unpublished",
      expression: "create index payment_event_unpublished on payment_event (position) where published_at is null",
    },
  ],
  uniques: [{ name: "payment_event_of_payment", properties: ["paymentId", "version"] }],
});

const RequestEntity = defineEntity({
  name: "Request",
  tableName: "request",
  properties: {
    principal: p.text().primary(),
    requestId: p.text().primary(),
    // SHA-256 of what was asked, so that the same id with other parameters is refused.
    fingerprint: p.text(),
    // What was answered, whichever door asked; null while the answer is not known.
    response: p.json<unknown>().columnType("json").nullable(),
    createdAt: p.datetime(3),
  },
  indexes: [{ name: "request_created", expression: "create index request_created on request using brin (created_at)" }],
});

const LeaseEntity = defineEntity({
  name: "Lease",
  tableName: "lease",
  properties: {
    name: p.text().primary(),
    holder: p.text(),
    // By the database's clock, never by a process's.
    expiresAt: p.datetime(3),
  },
});

export type PaymentRecord = InferEntity<typeof PaymentEntity>;
export type RefundRecord = InferEntity<typeof RefundEntity>;
export type DisputeRecord = InferEntity<typeof DisputeEntity>;
export type WebhookEventRecord = InferEntity<typeof WebhookEventEntity>;
export type OperationRecord = InferEntity<typeof OperationEntity>;

export const entities = [
  PaymentEntity,
  RefundEntity,
  DisputeEntity,
  OperationEntity,
  EventEntity,
  WebhookEventEntity,
  RequestEntity,
  LeaseEntity,
  CreditAccountEntity,
  CreditTransferEntity,
  CreditEntryEntity,
];
