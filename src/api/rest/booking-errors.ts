// Refusals in the booking document's words: its error body with its codes, and its validation errors, which are FastAPI's. Beside them every body
// carries the canonical reason, and whether money moved.
import type { FieldViolation, Reason, Refusal } from "../../domain/error.ts";
import { readPaymentId } from "../../domain/ids.ts";
import { printTime, printTransactionId } from "./booking-words.ts";
import type { Refused, RestAnswer } from "./dialect.ts";

/** The document's table: what a code means, and its status. */
const CODES = {
  PAYMENT_FAILED: [400, "Payment could not be processed"],
  INVALID_CARD: [400, "Invalid card details"],
  INSUFFICIENT_FUNDS: [400, "Insufficient funds in account"],
  CARD_EXPIRED: [400, "Card has expired"],
  CARD_DECLINED: [400, "Card declined by bank"],
  PAYMENT_GATEWAY_ERROR: [502, "Gateway service error"],
  DUPLICATE_TRANSACTION: [409, "Transaction already processed"],
  INVALID_AMOUNT: [400, "Invalid payment amount"],
  REFUND_NOT_ALLOWED: [400, "Refund not permitted"],
} as const satisfies Record<string, readonly [number, string]>;
type Code = keyof typeof CODES;

/** What the document has no word for keeps its own, with the status of the contract. */
const CODE_BY_REASON: Partial<Record<Reason, Code>> = {
  INVALID_AMOUNT: "INVALID_AMOUNT",
  UNSUPPORTED_CURRENCY: "INVALID_AMOUNT",
  ORDER_HAS_OPEN_PAYMENT: "DUPLICATE_TRANSACTION",
  PAYMENT_ALREADY_COMPLETED: "DUPLICATE_TRANSACTION",
  DUPLICATE_TRANSACTION: "DUPLICATE_TRANSACTION",
  ORDER_NOT_PAYABLE: "PAYMENT_FAILED",
  PAYMENT_NOT_PAID: "REFUND_NOT_ALLOWED",
  REFUND_EXCEEDS_CAPTURED: "REFUND_NOT_ALLOWED",
  REFUND_NOT_ALLOWED: "REFUND_NOT_ALLOWED",
  CARD_DECLINED: "CARD_DECLINED",
  INSUFFICIENT_FUNDS: "INSUFFICIENT_FUNDS",
  CARD_EXPIRED: "CARD_EXPIRED",
  INVALID_CARD: "INVALID_CARD",
  AUTHENTICATION_REQUIRED: "CARD_DECLINED",
  PROCESSING_ERROR: "PAYMENT_FAILED",
  PROVIDER_ERROR: "PAYMENT_GATEWAY_ERROR",
  PROVIDER_OUTCOME_UNKNOWN: "PAYMENT_GATEWAY_ERROR",
};

const MESSAGES: Partial<Record<Reason, string>> = {
  UNAUTHENTICATED: "Not authenticated",
  PERMISSION_DENIED: "Not permitted",
  PAYMENT_NOT_FOUND: "Transaction not found",
  ORDER_NOT_FOUND: "Booking not found",
  RATE_LIMITED: "Too many requests",
  REQUEST_IN_FLIGHT: "The same transaction is being processed",
};

/** Beside each field at fault, the words of FastAPI for the commonest faults; for all others the sentence stands alone. */
const FAULTS: Readonly<Record<string, readonly [type: string, message: string]>> = {
  "is missing; send it": ["missing", "Field required"],
  "must be a text in quotes": ["string_type", "Input should be a valid string"],
  "must be an object": ["model_attributes_type", "Input should be a valid dictionary or object to extract fields from"],
  "must be a number": ["float_type", "Input should be a valid number"],
  "The body is not valid JSON.": ["json_invalid", "JSON decode error"],
};

function describeFault(loc: readonly string[], description: string): unknown {
  const [type, msg] = FAULTS[description] ?? ["value_error", description];
  return { loc, msg, type };
}

function locate({ field }: FieldViolation): readonly string[] {
  return /^idempotency-key$/i.test(field) ? ["header", "idempotency-key"] : ["body", ...field.split(".")];
}

/** A refusal of fields, as FastAPI words it. What was sent is not told back: it may hold a card. */
function describeInvalid(refusal: Refusal): RestAnswer {
  const { reason, outcome, message, violations } = refusal;
  const detail =
    violations.length === 0
      ? [describeFault(["body"], message)]
      : violations.map((violation) => describeFault(locate(violation), violation.description));
  return { status: 422, body: { detail, reason, outcome } };
}

/** The document's code for a reason. */
export function codeOf(reason: Reason): string {
  return CODE_BY_REASON[reason] ?? reason;
}

/** What an error's code means, for people. */
export function meaningOf(reason: Reason): string {
  const code = CODE_BY_REASON[reason];
  return code === undefined ? (MESSAGES[reason] ?? "The request could not be processed") : CODES[code][1];
}

export function describeRefusal({ refusal, status, now }: Refused): RestAnswer {
  const { reason, outcome, message, metadata, retryAfterMs } = refusal;
  if ((reason === "INVALID_ARGUMENT" && status === 400) || reason === "REQUEST_ID_REUSED") {
    return describeInvalid(refusal);
  }
  const code = CODE_BY_REASON[reason];
  const paymentId = readPaymentId(metadata["paymentId"] ?? "");
  const body = {
    error: {
      code: codeOf(reason),
      message: meaningOf(reason),
      details: {
        reason: message,
        transaction_id: paymentId ? printTransactionId(paymentId) : null,
        retry_possible: retryAfterMs !== null,
      },
    },
    timestamp: printTime(now),
    reason,
    outcome,
  };
  return { status: code === undefined ? status : CODES[code][0], body };
}
