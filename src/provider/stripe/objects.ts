// Stripe's objects, as far as facts need them: read field by field, amounts in our units. The mock gateway's objects have the same fields.
import type { DisputeStatus } from "../../domain/dispute.ts";
import type { DisputeFact, RefundFact } from "../../domain/fact.ts";
import { type Failure, translateDecline } from "../../domain/failure.ts";
import { type PaymentId, parseRefundId, readPaymentId } from "../../domain/ids.ts";
import type { Money } from "../../domain/money.ts";
import type { RefundStatus } from "../../domain/refund.ts";
import {
  asFields,
  BodyProblem,
  type Fields,
  readAmount,
  readExpanded,
  readIdOf,
  readOneOf,
  readSeconds,
  readSecondsOrNull,
  readText,
  readTextOrNull,
} from "./read.ts";
import type { Units } from "./units.ts";

const INTENT_STATUSES = [
  "requires_payment_method",
  "requires_confirmation",
  "requires_action",
  "processing",
  "requires_capture",
  "succeeded",
  "canceled",
] as const;

export interface StripeIntent {
  readonly id: string;
  readonly status: (typeof INTENT_STATUSES)[number];
  readonly owed: Money;
  readonly received: Money;
  readonly manualCapture: boolean;
  readonly createdAt: Date;
  /** Unix seconds. */
  readonly canceledAt: number | null;
  readonly cancellationReason: string | null;
  readonly clientSecret: string | null;
  readonly latestChargeId: string | null;
  /** Where Stripe was asked to expand it. */
  readonly latestCharge: StripeCharge | null;
  readonly lastError: FailedAttempt | null;
  readonly paymentId: PaymentId | null;
  readonly orderId: string | null;
}

/** An attempt that failed, as an error tells it. */
export interface FailedAttempt {
  readonly chargeId: string | null;
  readonly paymentMethodId: string | null;
  readonly failure: Failure;
  readonly paymentMethod: string | null;
  /** The cardholder was asked, and refused or could not be authenticated. */
  readonly challenged: boolean;
}

export interface StripeCharge {
  readonly id: string;
  readonly status: "succeeded" | "pending" | "failed";
  readonly amount: Money;
  readonly captured: Money;
  /** The cardholder was asked to approve it. */
  readonly challenged: boolean;
  /** A bank asked for the money back, or asked about it. */
  readonly disputed: boolean;
  /** Why it failed, if it did. */
  readonly failure: Failure;
  readonly paymentMethod: string;
}

export interface StripeSession {
  readonly id: string;
  readonly status: "open" | "complete" | "expired";
  /** Null once nothing can be paid on it. */
  readonly url: string | null;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly owed: Money;
  readonly createdAt: Date;
  /** Null until the customer first tries to pay. */
  readonly intentId: string | null;
  readonly paymentId: PaymentId | null;
  readonly orderId: string | null;
}

const AUTHENTICATION_FAILED = "payment_intent_authentication_failure";

export function readIntent(source: Fields, units: Units): StripeIntent {
  const latest = readExpanded(source, "latest_charge");
  const lastError = readExpanded(source, "last_payment_error");
  return {
    id: readText(source, "id"),
    status: readOneOf(source, "status", INTENT_STATUSES),
    owed: readMoney(source, "amount", units),
    received: readMoney(source, "amount_received", units),
    manualCapture: readText(source, "capture_method") === "manual",
    createdAt: readTime(source),
    canceledAt: readSecondsOrNull(source, "canceled_at"),
    cancellationReason: readTextOrNull(source, "cancellation_reason"),
    clientSecret: readTextOrNull(source, "client_secret"),
    latestChargeId: readIdOf(source, "latest_charge"),
    latestCharge: latest && readCharge(latest, units),
    lastError: lastError && readFailedAttempt(lastError),
    paymentId: readOurPaymentId(source),
    orderId: readOrderId(source),
  };
}

/** Reads an error that a card met: `last_payment_error`, or the error that a call was answered with. */
export function readFailedAttempt(error: Fields): FailedAttempt {
  const code = readTextOrNull(error, "code") ?? "card_declined";
  const declineCode = readTextOrNull(error, "decline_code");
  const method = readExpanded(error, "payment_method");
  return {
    chargeId: readIdOf(error, "charge"),
    paymentMethodId: readIdOf(error, "payment_method"),
    failure: translateDecline(declineCode ?? code, readTextOrNull(error, "message") ?? DECLINED),
    paymentMethod: method && describeMethod(method),
    challenged: code === AUTHENTICATION_FAILED,
  };
}

const DECLINED = "Your card was declined.";

export function readCharge(source: Fields, units: Units): StripeCharge {
  const details = readExpanded(source, "payment_method_details");
  const card = details && readExpanded(details, "card");
  const secure = card && readExpanded(card, "three_d_secure");
  return {
    id: readText(source, "id"),
    status: readOneOf(source, "status", ["succeeded", "pending", "failed"]),
    amount: readMoney(source, "amount", units),
    captured: readMoney(source, "amount_captured", units),
    // In the frictionless flow nobody was asked.
    challenged: secure !== null && secure["authentication_flow"] !== "frictionless",
    disputed: source["disputed"] !== false,
    failure: translateDecline(readFailureCode(source), readTextOrNull(source, "failure_message") ?? DECLINED),
    paymentMethod: details === null ? "unknown method" : describeMethod(details),
  };
}

/** The issuer's own word where there is one: Stripe puts it into the charge's outcome. */
function readFailureCode(source: Fields): string {
  const outcome = readExpanded(source, "outcome");
  return (outcome && readTextOrNull(outcome, "reason")) ?? readTextOrNull(source, "failure_code") ?? "card_declined";
}

/** For people to read: `visa ending 4242`, `sepa debit ending 3000`. */
function describeMethod(method: Fields): string {
  const card = readExpanded(method, "card");
  if (card !== null) return `${readTextOrNull(card, "brand") ?? "card"} ending ${readTextOrNull(card, "last4") ?? "?"}`;
  const type = readText(method, "type");
  const own = readExpanded(method, type);
  const last4 = own && readTextOrNull(own, "last4");
  return type.replaceAll("_", " ") + (last4 === null ? "" : ` ending ${last4}`);
}

export function readSession(source: Fields, units: Units): StripeSession {
  return {
    id: readText(source, "id"),
    status: readOneOf(source, "status", ["open", "complete", "expired"]),
    url: readTextOrNull(source, "url"),
    expiresAt: readSeconds(source, "expires_at"),
    owed: readMoney(source, "amount_total", units),
    createdAt: readTime(source),
    intentId: readIdOf(source, "payment_intent"),
    paymentId: readOurPaymentId(source),
    orderId: readOrderId(source),
  };
}

const REFUND_STATUS: Readonly<Record<string, RefundStatus>> = {
  pending: "PENDING",
  requires_action: "PENDING",
  succeeded: "SUCCEEDED",
  failed: "FAILED",
  canceled: "CANCELED",
};

export function readRefund(source: Fields, units: Units): RefundFact {
  const status = lookUp(REFUND_STATUS, source, "status");
  const refundId = readExpanded(source, "metadata")?.["refund_id"];
  const failed = status === "FAILED" || status === "CANCELED";
  return {
    kind: "refund",
    refundId: (typeof refundId === "string" ? parseRefundId(refundId) : undefined) ?? null,
    providerReference: readText(source, "id"),
    status,
    amount: readMoney(source, "amount", units),
    failure: failed ? refundFailure(readTextOrNull(source, "failure_reason")) : null,
  };
}

function refundFailure(reason: string | null): Failure {
  return {
    reason: "PROVIDER_ERROR",
    code: reason ?? "unknown",
    message: "The refund could not be paid out to the card.",
  };
}

const DISPUTE_STATUS: Readonly<Record<string, DisputeStatus>> = {
  needs_response: "OPEN",
  under_review: "OPEN",
  warning_needs_response: "OPEN",
  warning_under_review: "OPEN",
  won: "WON",
  lost: "LOST",
  warning_closed: "CLOSED",
  prevented: "CLOSED",
};

export function readDispute(source: Fields, units: Units): DisputeFact {
  return {
    kind: "dispute",
    providerReference: readText(source, "id"),
    status: lookUp(DISPUTE_STATUS, source, "status"),
    amount: readMoney(source, "amount", units),
    reason: readText(source, "reason"),
  };
}

/** Our id, which we put into the metadata of all that we make; never a problem, since others make objects too. */
export function readOurPaymentId(source: Fields): PaymentId | null {
  const metadata = source["metadata"];
  const fromMetadata = typeof metadata === "object" && metadata !== null ? asFields(metadata, "metadata") : {};
  const printed = fromMetadata["payment_id"] ?? source["client_reference_id"];
  return (typeof printed === "string" ? readPaymentId(printed) : undefined) ?? null;
}

function readOrderId(source: Fields): string | null {
  const orderId = readExpanded(source, "metadata")?.["order_id"];
  return typeof orderId === "string" ? orderId : null;
}

/** Reads the objects of a list. */
export function readList<T>(values: readonly unknown[], read: (source: Fields) => T): T[] {
  return values.map((value) => read(asFields(value, "data")));
}

function readMoney(source: Fields, key: string, units: Units): Money {
  const amount = units.fromWire(readAmount(source, key), readText(source, "currency"));
  if (amount !== undefined) return amount;
  throw new BodyProblem(`"${key}" is no amount of its currency`);
}

function readTime(source: Fields): Date {
  return new Date(readSeconds(source, "created") * 1000);
}

function lookUp<T>(table: Readonly<Record<string, T>>, source: Fields, key: string): T {
  const name = readText(source, key);
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found !== undefined) return found;
  throw new BodyProblem(`there is no known "${key}"`);
}
