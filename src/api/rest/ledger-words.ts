// The words of the ledger document: five statuses, amounts as decimals, Guids without a prefix, and ASP.NET's errors, which are problem details
// (RFC 9457) with the canonical reason and outcome beside them.
import { STATUS_CODES } from "node:http";
import type { ReconcileRun } from "../../app/reconcile.ts";
import type { SettledDrift } from "../../app/reconcile-payment.ts";
import type { Refusal } from "../../domain/error.ts";
import { readPaymentId } from "../../domain/ids.ts";
import { type Money, money, printDecimal } from "../../domain/money.ts";
import { isOpen, type Payment, type PaymentStatus } from "../../domain/payment.ts";
import type { PaymentWithHistory } from "../../domain/query.ts";
import type { Refund, RefundStatus } from "../../domain/refund.ts";
import type { Refused, RestAnswer } from "./dialect.ts";
import { renameFields, toCamelCase } from "../json/rename-fields.ts";

/** The document's five statuses; each answer has the canonical one in `state`. */
export const LEDGER_STATUSES = {
  PENDING: "Pending",
  REQUIRES_ACTION: "RequiresAction",
  PROCESSING: "Pending",
  AUTHORIZED: "Pending",
  SUCCEEDED: "Succeeded",
  PARTIALLY_REFUNDED: "Succeeded",
  REFUNDED: "Refunded",
  FAILED: "Failed",
  CANCELED: "Failed",
  EXPIRED: "Failed",
} as const satisfies Record<PaymentStatus, string>;

const REFUND_WORDS: Readonly<Record<RefundStatus, string>> = {
  PENDING: "Pending",
  SUCCEEDED: "Succeeded",
  FAILED: "Failed",
  CANCELED: "Canceled",
};

function decimal(amount: Money): unknown {
  return JSON.rawJSON(printDecimal(amount));
}

interface Secrets {
  /** For the browser's own form; told when a payment is created. */
  readonly clientSecret: string | null;
}

export function describePayment(payment: Payment, { clientSecret }: Secrets = { clientSecret: null }) {
  const { amount, failure, status } = payment;
  const part = (minor: bigint): unknown => decimal(money(minor, amount.currency));
  return {
    paymentId: payment.id,
    orderId: payment.orderId,
    status: LEDGER_STATUSES[status],
    state: status,
    amount: decimal(amount),
    currency: amount.currency,
    capturedAmount: part(payment.capturedMinor),
    refundedAmount: part(payment.refundedMinor),
    provider: payment.provider,
    providerPaymentId: payment.providerReference,
    clientSecret,
    redirectUrl: isOpen(status) ? payment.checkoutUrl : null,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
    createdAt: payment.createdAt,
    updatedAt: payment.updatedAt,
  };
}

export function describeRefund(refund: Refund) {
  return {
    refundId: refund.id,
    paymentId: refund.paymentId,
    amount: decimal(refund.amount),
    currency: refund.amount.currency,
    status: REFUND_WORDS[refund.status],
    reason: refund.reason,
    providerRefundId: refund.providerReference,
    createdAt: refund.createdAt,
    completedAt: refund.status === "PENDING" ? null : refund.updatedAt,
  };
}

export function describeHistory({ payment, refunds }: PaymentWithHistory) {
  return { ...describePayment(payment), refunds: refunds.map(describeRefund) };
}

function describeDrift(drift: SettledDrift) {
  const { kind, paymentId, providerReference, ours, theirs, applied, remedy } = drift;
  return {
    kind,
    paymentId,
    providerPaymentId: providerReference,
    ours,
    theirs,
    applied,
    needsPerson: remedy.by === "person" ? remedy.why : null,
  };
}

export function describeRun({ runId, range, applied, providers }: ReconcileRun) {
  return {
    runId,
    from: range.from,
    to: range.to,
    applied,
    providers: providers.map(({ provider, checkedHere, checkedThere, complete, drifts }) => ({
      provider,
      checkedHere,
      checkedThere,
      complete,
      drifts: drifts.map(describeDrift),
    })),
  };
}

const FIELD_NAMES: Readonly<Record<string, string>> = {
  "amount.minor": "amount",
  "amount.currency": "currency",
  paymentMethod: "paymentMethodId",
  createTimeFrom: "from",
  createTimeTo: "to",
  pageToken: "page",
  requestId: "Idempotency-Key",
};

function nameOf(field: string): string {
  const name = toCamelCase(field);
  return FIELD_NAMES[name] ?? name;
}

/** What ASP.NET links to, for each status (RFC 9110). */
const SECTIONS: Readonly<Record<number, string>> = {
  400: "15.5.1",
  401: "15.5.2",
  402: "15.5.3",
  403: "15.5.4",
  404: "15.5.5",
  405: "15.5.6",
  409: "15.5.10",
  413: "15.5.14",
  414: "15.5.15",
  415: "15.5.16",
  422: "15.5.21",
  500: "15.6.1",
  502: "15.6.3",
  503: "15.6.4",
};

function typeOf(status: number): string {
  if (status === 429) return "https://tools.ietf.org/html/rfc6585#section-4";
  const section = SECTIONS[status];
  return section === undefined ? "about:blank" : `https://tools.ietf.org/html/rfc9110#section-${section}`;
}

/** Our ids have a prefix inside; a Guid has none. */
function toGuids(text: string): string {
  return text.replaceAll(/\bpayment_(?=[0-9a-f]{8}-)/g, "payment ");
}

function toGuid(text: string): string {
  return readPaymentId(text) ?? text;
}

function errorsOf({ violations }: Refusal): Record<string, string[]> {
  const byField = Map.groupBy(violations, ({ field }) => field);
  return Object.fromEntries([...byField].map(([field, all]) => [field, all.map(({ description }) => description)]));
}

export function describeRefusal({ refusal: refused, status, request }: Refused): RestAnswer {
  const refusal = renameFields(refused, nameOf);
  const { reason, outcome, message, violations, metadata } = refusal;
  const isInvalid = violations.length > 0;
  return {
    status,
    body: {
      type: typeOf(status),
      title: isInvalid ? "One or more validation errors occurred." : (STATUS_CODES[status] ?? "Error"),
      status,
      detail: toGuids(message),
      instance: request.url.split("?", 1)[0],
      ...(isInvalid && { errors: errorsOf(refusal) }),
      reason,
      outcome,
      metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, toGuid(value)])),
    },
    headers: { "content-type": "application/problem+json; charset=utf-8" },
  };
}
