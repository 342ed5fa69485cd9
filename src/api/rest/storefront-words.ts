// The words of the storefront document: statuses in lower case, amounts in cents (minor units of any currency), currencies in lower case, and
// FastAPI's errors, `{"detail": …}`, with the canonical reason and outcome beside them.
import type { Checkout } from "../../app/answer.ts";
import { CREDITS_PROVIDER } from "../../domain/credit-terms.ts";
import type { FieldViolation, Refusal } from "../../domain/error.ts";
import { printPaymentId, printRefundId } from "../../domain/ids.ts";
import type { LineItem, Payment, PaymentStatus } from "../../domain/payment.ts";
import type { Refund } from "../../domain/refund.ts";
import type { Refused, RestAnswer } from "./dialect.ts";
import { renameFields } from "../json/rename-fields.ts";

const STATUS_WORDS: Readonly<Record<PaymentStatus, string>> = {
  PENDING: "pending",
  REQUIRES_ACTION: "requires_action",
  PROCESSING: "processing",
  AUTHORIZED: "authorized",
  SUCCEEDED: "succeeded",
  PARTIALLY_REFUNDED: "partially_refunded",
  REFUNDED: "refunded",
  FAILED: "failed",
  CANCELED: "cancelled",
  EXPIRED: "expired",
};

/** A whole number of any size. */
export function whole(minor: bigint): unknown {
  return JSON.rawJSON(minor.toString());
}

function isOfCredits(payment: Payment): boolean {
  return payment.provider === CREDITS_PROVIDER;
}

function amountOf({ amount }: Payment) {
  return { amount_cents: whole(amount.minor), amount: whole(amount.minor), currency: amount.currency.toLowerCase() };
}

/** What every answer says of a payment. */
export function describeShort(payment: Payment) {
  return { payment_id: printPaymentId(payment.id), order_id: payment.orderId, status: STATUS_WORDS[payment.status] };
}

export function describeIntent(payment: Payment, clientSecret: string | null) {
  return {
    ...describeShort(payment),
    client_secret: clientSecret,
    payment_intent_id: payment.providerReference,
    ...amountOf(payment),
  };
}

export function describeCheckout(payment: Payment, checkout: Checkout | null) {
  return {
    ...describeShort(payment),
    checkout_url: checkout?.url ?? null,
    session_id: checkout?.sessionId ?? null,
    expires_at: checkout?.expiresAt ?? null,
    ...amountOf(payment),
  };
}

/** Stripe's words for a session, which the document passes on. */
export function describeSession(payment: Payment) {
  const { status, sessionId, amount } = payment;
  const isOpen = status === "PENDING" || status === "REQUIRES_ACTION";
  const isLost = status === "FAILED" || status === "CANCELED" || status === "EXPIRED";
  return {
    session_id: sessionId,
    status: isOpen ? "open" : isLost ? "expired" : "complete",
    payment_status: payment.capturedMinor > 0n ? "paid" : "unpaid",
    amount_total: whole(amount.minor),
    currency: amount.currency.toLowerCase(),
    payment_id: printPaymentId(payment.id),
    order_id: payment.orderId,
  };
}

function describeItem(item: LineItem, ofCredits: boolean) {
  const { book_id, price_cents, credits, ...metadata } = item.metadata ?? {};
  const noted = (text: string | undefined): unknown => (text === undefined ? null : JSON.rawJSON(text));
  const price = whole(item.unitPrice.minor);
  return {
    book_id: book_id ?? null,
    title: item.name,
    quantity: item.quantity,
    price_cents: ofCredits ? noted(price_cents) : price,
    credits: ofCredits ? price : noted(credits),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

function describeItems(payment: Payment) {
  return payment.items.map((item) => describeItem(item, isOfCredits(payment)));
}

export function describePayment(payment: Payment) {
  const { failure } = payment;
  return {
    ...describeShort(payment),
    user_id: payment.customerId,
    ...amountOf(payment),
    amount_refunded_cents: whole(payment.refundedMinor),
    payment_method: isOfCredits(payment) ? "credits" : "card",
    payment_method_details: payment.paymentMethod,
    stripe_payment_intent_id: isOfCredits(payment) ? null : payment.providerReference,
    stripe_checkout_session_id: payment.sessionId,
    items: describeItems(payment),
    failure: failure && { reason: failure.reason, code: failure.code, message: failure.message },
    metadata: payment.metadata,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
  };
}

function orderStatus({ status }: Payment): "paid" | "partially_refunded" | "refunded" {
  if (status === "REFUNDED") return "refunded";
  return status === "PARTIALLY_REFUNDED" ? "partially_refunded" : "paid";
}

/** A paid order: it came to be when its payment succeeded. */
export function describeOrder(payment: Payment) {
  const ofCredits = isOfCredits(payment);
  const total = whole(payment.amount.minor);
  return {
    order_id: payment.orderId,
    user_id: payment.customerId,
    payment_id: printPaymentId(payment.id),
    status: orderStatus(payment),
    items: describeItems(payment),
    total,
    total_cents: ofCredits ? 0 : total,
    total_credits: ofCredits ? total : 0,
    currency: payment.amount.currency.toLowerCase(),
    payment_method: ofCredits ? "credits" : "card",
    created_at: payment.capturedAt ?? payment.createdAt,
  };
}

export function describeRefund(payment: Payment, refund: Refund) {
  return {
    payment_id: printPaymentId(payment.id),
    order_id: payment.orderId,
    refund_id: printRefundId(refund.id),
    amount_cents: whole(refund.amount.minor),
    currency: refund.amount.currency.toLowerCase(),
    status: refund.status.toLowerCase(),
    reason: refund.reason,
    payment_status: STATUS_WORDS[payment.status],
  };
}

/** The document's names of what the contract calls otherwise. */
const FIELD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\.name$/, ".title"],
  [/\.unit_price(\.minor)?$/, ".price_cents"],
  [/^items\[\d+\]\.unit_price\.currency$/, "currency"],
  [/^amount\.currency$/, "currency"],
  [/^amount\.minor$/, "amount_cents"],
  [/^customer_id$/, "user_id"],
  [/^payment_method$/, "payment_method_id"],
  [/^request_id$/, "Idempotency-Key"],
];
const PLACES: Readonly<Record<string, string>> = {
  limit: "query",
  page_token: "query",
  page_size: "query",
  "Idempotency-Key": "header",
};

function nameOf(field: string): string {
  const found = FIELD_NAMES.find(([pattern]) => pattern.test(field));
  return found ? field.replace(...found) : field;
}

/** `items[0].title` is ["body", "items", 0, "title"]. */
function locate(field: string): readonly (string | number)[] {
  const steps = [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));
  return [PLACES[field] ?? "body", ...steps];
}

function describeViolation({ field, description }: FieldViolation) {
  const isMissing = description.startsWith("is missing");
  return {
    type: isMissing ? "missing" : "value_error",
    loc: locate(field),
    msg: isMissing ? "Field required" : description,
  };
}

const INVALID = new Set(["INVALID_ARGUMENT", "INVALID_AMOUNT", "UNSUPPORTED_CURRENCY", "INVALID_URL"]);

function describeDetail({ message, violations }: Refusal): readonly unknown[] {
  if (violations.length > 0) return violations.map(describeViolation);
  return [{ type: "value_error", loc: ["body"], msg: message }];
}

/** Of a payment that is not there, or not the caller's, nothing is told. */
const NOT_FOUND: Readonly<Record<string, string>> = {
  PAYMENT_NOT_FOUND: "Payment not found",
  ORDER_NOT_FOUND: "Order not found",
  CREDIT_ACCOUNT_NOT_FOUND: "User not found",
};

export function describeRefusal({ refusal: refused, status, request }: Refused): RestAnswer {
  const refusal = renameFields(refused, nameOf);
  const { reason, outcome, metadata, message } = refusal;
  const isWebhook = request.routeOptions.url?.includes("/webhook/") === true;
  if (status === 400 && INVALID.has(reason) && !isWebhook)
    return { status: 422, body: { detail: describeDetail(refusal), reason, outcome, metadata } };
  const notFound = NOT_FOUND[reason];
  if (notFound !== undefined) return { status, body: { detail: notFound, reason, outcome } };
  return { status, body: { detail: message, reason, outcome, metadata } };
}
