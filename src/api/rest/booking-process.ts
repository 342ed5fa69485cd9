// The booking document's payment: created and paid in one call, which answers how it ended.
//
// The booking is the order. A booking that has an open payment already, made through another door for a form of the caller's own, is paid by that one;
// one that is open on a hosted page is the customer's to pay there. A card whose bank asks its holder first cannot be paid by a call that nobody
// can look at: the payment is canceled, so that nothing can be taken for it afterwards, and the answer is a decline.
import { hash } from "node:crypto";
import { cancelPayment } from "../../app/cancel-payment.ts";
import { completePayment } from "../../app/complete-payment.ts";
import { createPayment } from "../../app/create-payment.ts";
import type { Parts } from "../../app/parts.ts";
import { accept, refusal, type Refusal, refuse, type Result } from "../../domain/error.ts";
import { printPaymentId } from "../../domain/ids.ts";
import { type Money, printDecimal } from "../../domain/money.ts";
import { isPaid, type Payment } from "../../domain/payment.ts";
import { PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { checkToken, refuseWithoutCard, tokenize } from "./booking-cards.ts";
import { codeOf, meaningOf } from "./booking-errors.ts";
import { parseAmount, type ProcessRequest, readProcess } from "./booking-requests.ts";
import { METHOD_METADATA_KEY, type Method, printTime, printTransactionId } from "./booking-words.ts";
import { checkCreate } from "../json/contract.ts";
import type { RestAnswer, RestCall } from "./dialect.ts";
import { readBody } from "../json/fields.ts";
import { renameFields } from "../json/rename-fields.ts";

type Provider = NonNullable<ReturnType<Parts["providers"]["get"]>>;

export interface BookingRules {
  /** Of every amount, since the document's have none. */
  readonly currency: string;
  readonly provider: Provider;
}

/** What a payment request asks for, once its card is a token. */
interface Purchase {
  readonly request: ProcessRequest;
  readonly amount: Money;
  readonly token: string;
}

/** The contract's names of what the document calls otherwise. */
const FIELDS: Readonly<Record<string, string>> = {
  order_id: "booking_id",
  customer_id: "user_id",
  payment_method: "payment_method_token",
};
const CHALLENGED = refusal(
  "AUTHENTICATION_REQUIRED",
  "The card's bank asks its holder to approve the payment, which this call cannot wait for; use a checkout page, or another card.",
);
const UNPAID = refusal("PROCESSING_ERROR", "The payment could not be processed.");

/**
 * The methods that can be used. PayPal is the mock gateway's alone, where every account pays; `stripe` is a provider whose own form makes the tokens.
 */
export function enabledMethods({ defaultPaymentMethod }: Provider): ReadonlySet<Method> {
  return new Set(["credit_card", "debit_card", defaultPaymentMethod === null ? "stripe" : "paypal"]);
}

/** What to pay with. Whatever is wrong with it, no money moved. */
function tokenOf(request: ProcessRequest, { provider }: BookingRules): Result<string> {
  const { method, card, token, hasPaypalDetails } = request;
  if (!enabledMethods(provider).has(method)) {
    return refuse("PROCESSING_ERROR", `The payment method ${method} is not enabled here.`, {
      outcome: "NOT_ATTEMPTED",
    });
  }
  if (method === "paypal") {
    if (hasPaypalDetails && provider.defaultPaymentMethod !== null) return accept(provider.defaultPaymentMethod);
    return refuse("PROCESSING_ERROR", "There is nothing to pay with: send paypal_details.", {
      outcome: "NOT_ATTEMPTED",
    });
  }
  if (token !== null) return checkToken(token);
  return card === null ? refuseWithoutCard(provider.live) : tokenize(card, provider.live);
}

/** The document's body of a payment that failed. */
function describeFailure(
  { bookingId, method }: ProcessRequest,
  amount: Money,
  { refused, payment, now }: { readonly refused: Refusal; readonly payment: Payment | null; readonly now: Date },
): RestAnswer {
  const { reason, outcome, message } = refused;
  return {
    status: 400,
    body: {
      status: "failed",
      booking_id: bookingId,
      amount: JSON.rawJSON(printDecimal(amount)),
      payment_method: method,
      error_code: codeOf(reason),
      // The document has a sentence of its own for this one.
      error_message: reason === "INSUFFICIENT_FUNDS" ? meaningOf(reason) : message,
      processed_at: printTime(now),
      ...(payment && { transaction_id: printTransactionId(payment.id) }),
      reason,
      outcome,
    },
  };
}

function describeEnd({ request, amount }: Purchase, payment: Payment): RestAnswer {
  const paid = isPaid(payment.status);
  if (!paid && payment.status !== "PROCESSING" && payment.status !== "AUTHORIZED") {
    const { failure } = payment;
    const refused = failure
      ? refusal(failure.reason, failure.message)
      : payment.status === "CANCELED"
        ? CHALLENGED
        : UNPAID;
    return describeFailure(request, amount, { refused, payment, now: payment.updatedAt });
  }
  return {
    status: 200,
    body: {
      status: paid ? "success" : "pending",
      transaction_id: printTransactionId(payment.id),
      booking_id: payment.orderId,
      amount: JSON.rawJSON(printDecimal(payment.amount)),
      payment_method: request.method,
      processed_at: printTime(payment.capturedAt ?? payment.updatedAt),
      message: paid ? "Payment processed successfully" : "Payment is being processed",
    },
  };
}

/** The request id of a further step of a request, which a replay takes again. */
function stepId(requestId: string, step: string): string {
  return requestId === "" ? "" : hash("sha256", `${step} ${requestId}`, "base64url");
}

/** Takes a payment that is open to its end. */
async function finish(parts: Parts, call: RestCall, { token }: Purchase, open: Payment): Promise<Result<Payment>> {
  const { caller, requestId } = call;
  const find = { paymentId: open.id };
  let payment = open;
  if (payment.mode === "CHECKOUT") {
    return refuse("ORDER_HAS_OPEN_PAYMENT", "the booking has an open checkout page; pay it there, or cancel it first", {
      metadata: { paymentId: printPaymentId(payment.id), orderId: payment.orderId },
    });
  }
  if (payment.status === "PENDING") {
    const completed = await completePayment(parts, caller, {
      find,
      paymentMethod: token,
      amount: null,
      requestId: stepId(requestId, "complete"),
    });
    if (!completed.ok) return completed;
    payment = completed.value.payment;
  }
  if (payment.status !== "REQUIRES_ACTION") return accept(payment);
  const reason = "authentication_required";
  const canceled = await cancelPayment(parts, caller, { find, reason, requestId: stepId(requestId, "cancel") });
  return canceled.ok ? accept(canceled.value.payment) : canceled;
}

async function pay(parts: Parts, call: RestCall, purchase: Purchase, rules: BookingRules): Promise<Result<Payment>> {
  const { request, amount, token } = purchase;
  const input = checkCreate(
    {
      orderId: request.bookingId,
      amount,
      customerId: request.userId,
      mode: PaymentMode.INTENT,
      paymentMethod: token,
      metadata: { [METHOD_METADATA_KEY]: request.method },
      attemptsMax: 1,
      requestId: call.requestId,
    },
    { provider: rules.provider.name },
  );
  if (!input.ok) return { ok: false, error: renameFields(input.error, (field) => FIELDS[field] ?? field) };
  const created = await createPayment(parts, call.caller, input.value);
  if (!created.ok) return created;
  const { payment } = created.value;
  const isOpen = payment.status === "PENDING" || payment.status === "REQUIRES_ACTION";
  return isOpen ? finish(parts, call, purchase, payment) : accept(payment);
}

export async function processPayment(parts: Parts, call: RestCall, rules: BookingRules): Promise<Result<RestAnswer>> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const read = readProcess(body.value);
  if (!read.ok) return read;
  const request = read.value;
  const amount = parseAmount(request.amountText, rules.currency, "amount");
  if (!amount.ok) return amount;
  const token = tokenOf(request, rules);
  if (!token.ok) {
    return accept(describeFailure(request, amount.value, { refused: token.error, payment: null, now: parts.now() }));
  }
  const purchase = { request, amount: amount.value, token: token.value };
  const paid = await pay(parts, call, purchase, rules);
  return paid.ok ? accept(describeEnd(purchase, paid.value)) : paid;
}
