// One event for each change of a payment, under the same version. What is built here is the message's body, field for field as
// proto/payment/v1/payment_event.proto defines it.
import type { Dispute } from "./dispute.ts";
import type { Failure } from "./failure.ts";
import { type EventId, type PaymentId, printDisputeId, printEventId, printPaymentId, printRefundId } from "./ids.ts";
import { type Money, printDecimal } from "./money.ts";
import type { Payment, PaymentStatus } from "./payment.ts";
import type { Refund } from "./refund.ts";

declare global {
  interface JSON {
    /** Puts a JSON text into a document as it is (ES2025, not in TypeScript's library yet). */
    rawJSON(text: string): unknown;
  }
}

export const EVENT_TYPES = [
  "payment.created",
  "payment.requires_action",
  "payment.processing",
  "payment.authorized",
  "payment.attempt_failed",
  "payment.succeeded",
  "payment.failed",
  "payment.cancelled",
  "payment.refunded",
  "payment.refund_failed",
  "payment.late",
  "payment.dispute_opened",
  "payment.dispute_closed",
  "payment.corrected",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface PaymentEvent {
  readonly id: EventId;
  readonly paymentId: PaymentId;
  readonly version: number;
  readonly type: EventType;
  /** The payment's status after the change. */
  readonly status: PaymentStatus;
  /** The body, ready for JSON.stringify. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

/** Money as events carry it: a JSON number in major units with all its digits, exact in minor units, and the currency. */
function describeMoney(amount: Money): Record<string, unknown> {
  return {
    amount: JSON.rawJSON(printDecimal(amount)),
    amountMinor: amount.minor.toString(),
    currency: amount.currency,
  };
}

function describeCustomer(payment: Payment): Record<string, unknown> {
  return {
    customerId: payment.customerId ?? undefined,
    customerEmail: payment.customerEmail ?? undefined,
    paymentMethod: payment.paymentMethod ?? undefined,
  };
}

function describeProvider(payment: Payment): Record<string, unknown> {
  return { provider: payment.provider, providerReference: payment.providerReference ?? undefined };
}

function describeFailure(failure: Failure | null): Record<string, unknown> {
  return { failureReason: failure?.code || undefined, errorCode: failure?.reason, failureMessage: failure?.message };
}

/** The failure that a body tells of, as describeFailure wrote it. */
export function readFailure(event: PaymentEvent): { reason: string; code: string; message: string } {
  const text = (field: string): string => {
    const value = event.data[field];
    return typeof value === "string" ? value : "";
  };
  return { reason: text("errorCode"), code: text("failureReason"), message: text("failureMessage") };
}

function describeCharge(payment: Payment): Record<string, unknown> {
  const charge = payment.chargeReference ?? undefined;
  return payment.provider === "stripe"
    ? { chargeReference: charge, stripeChargeId: charge }
    : { chargeReference: charge };
}

/** The amounts before and after, in minor units of the currency. */
function describeCorrection(before: Payment, after: Payment): Record<string, unknown> {
  return {
    amountBeforeMinor: before.capturedMinor.toString(),
    refundedMinor: after.refundedMinor.toString(),
    refundedBeforeMinor: before.refundedMinor.toString(),
    refundPendingMinor: after.refundPendingMinor.toString(),
    refundPendingBeforeMinor: before.refundPendingMinor.toString(),
  };
}

/** What an event tells of besides the payment. */
export interface EventSubject {
  readonly refund?: Refund;
  readonly dispute?: Dispute;
  /** The payment before a correction. */
  readonly before?: Payment;
}

/** The fields that a type has beyond those of every event; absent ones are undefined and leave no trace in the JSON. */
function describeType(
  type: EventType,
  payment: Payment,
  { refund, dispute, before }: EventSubject,
  at: string,
): Record<string, unknown> {
  const captured: Money = { minor: payment.capturedMinor, currency: payment.amount.currency };
  switch (type) {
    case "payment.created":
      return {
        ...describeMoney(payment.amount),
        ...describeCustomer(payment),
        provider: payment.provider,
        mode: payment.mode,
        captureMethod: payment.captureMethod,
      };
    case "payment.requires_action":
    case "payment.processing":
    case "payment.authorized":
      return { ...describeMoney(payment.amount), ...describeProvider(payment), ...describeCustomer(payment) };
    case "payment.succeeded":
    case "payment.late":
      return {
        ...describeMoney(captured),
        ...describeProvider(payment),
        ...describeCharge(payment),
        ...describeCustomer(payment),
        paidAt: at,
        // A refund of it is under way, or it waits for a person.
        ...(type === "payment.late" && { resolution: payment.refundPendingMinor > 0n ? "refund" : "hold" }),
      };
    case "payment.attempt_failed":
    case "payment.failed":
      return { ...describeMoney(payment.amount), ...describeFailure(payment.failure), ...describeCustomer(payment) };
    case "payment.cancelled":
      return { ...describeMoney(payment.amount), cancelledAt: at, reason: payment.cancelReason ?? undefined };
    case "payment.refunded":
    case "payment.refund_failed":
      if (!refund) throw new Error(`${type} needs its refund`);
      return {
        ...describeMoney(refund.amount),
        refundId: printRefundId(refund.id),
        reason: refund.reason ?? undefined,
        ...(type === "payment.refunded" ? { refundedAt: at } : describeFailure(refund.failure)),
      };
    case "payment.dispute_opened":
    case "payment.dispute_closed":
      if (!dispute) throw new Error(`${type} needs its dispute`);
      return {
        ...describeMoney(dispute.amount),
        disputeId: printDisputeId(dispute.id),
        disputeStatus: dispute.status,
        disputeReference: dispute.providerReference,
        reason: dispute.reason,
        ...describeProvider(payment),
      };
    case "payment.corrected":
      if (!before) throw new Error(`${type} needs what was before`);
      return { ...describeMoney(captured), ...describeProvider(payment), ...describeCorrection(before, payment) };
  }
}

/** Describes the change that gave `payment` its version. */
export function describeEvent(
  type: EventType,
  payment: Payment,
  subject: EventSubject,
  moment: { readonly id: EventId; readonly now: Date },
): PaymentEvent {
  const at = moment.now.toISOString();
  return {
    id: moment.id,
    paymentId: payment.id,
    version: payment.version,
    type,
    status: payment.status,
    createdAt: moment.now,
    data: {
      eventId: printEventId(moment.id),
      version: payment.version,
      orderId: payment.orderId,
      paymentId: printPaymentId(payment.id),
      occurredAt: at,
      status: payment.status,
      ...describeType(type, payment, subject, at),
    },
  };
}

/** What is told of a comparison of our books with a provider's. It belongs to no payment, and moves none. */
export interface RunEvent {
  readonly id: EventId;
  readonly type: "payment.reconciled";
  /** The body, ready for JSON.stringify. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

export interface RunResult {
  readonly runId: string;
  readonly provider: string;
  readonly from: Date;
  readonly to: Date;
  readonly applied: boolean;
  readonly checkedHere: number;
  readonly checkedThere: number;
  /** By kind. */
  readonly drifts: ReadonlyMap<string, number>;
  readonly driftsApplied: number;
  readonly driftsForPerson: number;
  readonly complete: boolean;
}

export function describeRun(run: RunResult, moment: { readonly id: EventId; readonly now: Date }): RunEvent {
  const { checkedHere, checkedThere, driftsApplied, driftsForPerson } = run;
  return {
    id: moment.id,
    type: "payment.reconciled",
    createdAt: moment.now,
    data: {
      eventId: printEventId(moment.id),
      occurredAt: moment.now.toISOString(),
      runId: run.runId,
      provider: run.provider,
      from: run.from.toISOString(),
      to: run.to.toISOString(),
      applied: run.applied,
      checkedHere: String(checkedHere),
      checkedThere: String(checkedThere),
      drifts: Object.fromEntries([...run.drifts].map(([kind, count]) => [kind, String(count)])),
      driftsApplied: String(driftsApplied),
      driftsForPerson: String(driftsForPerson),
      complete: run.complete,
    },
  };
}
