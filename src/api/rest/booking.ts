// The booking dialect: the document of a service that takes payments for movie tickets, in one call each and by card number.
//
// Its transactions are payments and its bookings are orders; a transaction's id is the payment's with the document's prefix. Its amounts have no
// currency, so there is one for all of them.
import type { FastifyInstance } from "fastify";
import { getPaymentStatus } from "../../app/get-payment.ts";
import type { Parts } from "../../app/parts.ts";
import { refundPayment } from "../../app/refund-payment.ts";
import { accept, refuse, type Result } from "../../domain/error.ts";
import { printPaymentId } from "../../domain/ids.ts";
import { type Money, printDecimal } from "../../domain/money.ts";
import type { Payment } from "../../domain/payment.ts";
import { describeRefusal } from "./booking-errors.ts";
import { type BookingRules, enabledMethods, processPayment } from "./booking-process.ts";
import { parseAmount, readRefund, type RefundRequest } from "./booking-requests.ts";
import { METHODS_SCHEMA, PROCESS_SCHEMA, REFUND_SCHEMA, STATUS_SCHEMA } from "./booking-schemas.ts";
import {
  type Method,
  methodOf,
  printRefundTransactionId,
  printTime,
  printTransactionId,
  readTransactionId,
  statusOf,
} from "./booking-words.ts";
import { checkRefund } from "../json/contract.ts";
import type { Dialect, RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { readBody } from "../json/fields.ts";
import { textParameter } from "./parameters.ts";

export interface BookingOptions {
  /** Of every amount: a known ISO 4217 code, upper case. */
  readonly currency: string;
}

const METHOD_NAMES: readonly { readonly id: Method; readonly name: string; readonly description: string }[] = [
  { id: "credit_card", name: "Credit Card", description: "Visa, MasterCard, American Express" },
  { id: "debit_card", name: "Debit Card", description: "Bank debit cards" },
  { id: "paypal", name: "PayPal", description: "Pay with your PayPal account" },
  { id: "stripe", name: "Stripe", description: "Secure online payments" },
];

function major(amount: Money): unknown {
  return JSON.rawJSON(printDecimal(amount));
}

function refuseUnknown(message: string): Result<never> {
  return refuse("PAYMENT_NOT_FOUND", message);
}

/** The payment of a transaction's id, as far as it is there for the caller. */
async function findTransaction(parts: Parts, call: RestCall, id: string, message: string): Promise<Result<Payment>> {
  const paymentId = readTransactionId(id);
  if (paymentId === undefined) return refuseUnknown(message);
  const found = await getPaymentStatus(parts, call.caller, { paymentId });
  if (!found.ok && found.error.reason === "PAYMENT_NOT_FOUND") return refuseUnknown(message);
  return found;
}

/** The payment to give back: its booking and its user must be those that are named, or it is not found. */
async function findOriginal(parts: Parts, call: RestCall, request: RefundRequest): Promise<Result<Payment>> {
  const message = "Original transaction not found";
  const found = await findTransaction(parts, call, request.transactionId, message);
  if (!found.ok) return found;
  const { orderId, customerId } = found.value;
  const isTheirs = customerId === null || customerId === request.userId;
  return orderId === request.bookingId && isTheirs ? found : refuseUnknown(message);
}

async function refundTransaction(parts: Parts, call: RestCall): Promise<Result<RestAnswer>> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const read = readRefund(body.value);
  if (!read.ok) return read;
  const request = read.value;
  const found = await findOriginal(parts, call, request);
  if (!found.ok) return found;
  const payment = found.value;
  const amount = parseAmount(request.amountText, payment.amount.currency, "refund_amount");
  if (!amount.ok) return amount;
  const input = checkRefund({
    payment: { case: "paymentId", value: printPaymentId(payment.id) },
    amount: amount.value,
    reason: request.reason,
    requestId: call.requestId,
  });
  if (!input.ok) return input;
  const answer = await refundPayment(parts, call.caller, input.value);
  if (!answer.ok) return answer;
  const { refund } = answer.value;
  if (refund === null) throw new Error("a refund was accepted, and there is none");
  if (refund.status === "FAILED" || refund.status === "CANCELED") {
    return refuse("REFUND_NOT_ALLOWED", refund.failure?.message ?? "The refund failed.");
  }
  const isDone = refund.status === "SUCCEEDED";
  return accept({
    status: 200,
    body: {
      status: isDone ? "success" : "pending",
      refund_transaction_id: printRefundTransactionId(refund.id),
      original_transaction_id: printTransactionId(payment.id),
      booking_id: payment.orderId,
      refund_amount: major(refund.amount),
      processed_at: printTime(refund.updatedAt),
      message: isDone ? "Refund processed successfully" : "Refund is being processed",
    },
  });
}

function describeTransaction(payment: Payment): RestAnswer {
  const { createdAt, updatedAt, capturedAt, amount, refundedMinor } = payment;
  const status = statusOf(payment.status);
  return {
    status: 200,
    body: {
      transaction_id: printTransactionId(payment.id),
      status,
      booking_id: payment.orderId,
      amount: major(amount),
      payment_method: methodOf(payment),
      created_at: printTime(createdAt),
      processed_at: status === "pending" ? null : printTime(capturedAt ?? updatedAt),
      ...(refundedMinor > 0n && { refunded_amount: major({ minor: refundedMinor, currency: amount.currency }) }),
    },
  };
}

function describeMethods({ provider }: BookingRules): RestAnswer {
  const enabled = enabledMethods(provider);
  return {
    status: 200,
    body: { payment_methods: METHOD_NAMES.map((method) => ({ ...method, enabled: enabled.has(method.id) })) },
  };
}

function register(app: FastifyInstance, context: RestContext, { currency }: BookingOptions): void {
  const { parts } = context;
  const provider = parts.providers.get(context.provider);
  if (!provider) throw new Error(`the provider ${context.provider} is not there`);
  const rules = { currency, provider };
  app.post(
    "/payment/process",
    { schema: PROCESS_SCHEMA },
    context.serve((call) => processPayment(parts, call, rules)),
  );
  app.post(
    "/payment/refund",
    { schema: REFUND_SCHEMA },
    context.serve((call) => refundTransaction(parts, call)),
  );
  app.get(
    "/payment/status/:transaction_id",
    { schema: STATUS_SCHEMA },
    context.serve(async (call) => {
      const id = textParameter(call.request, "transaction_id");
      const found = await findTransaction(parts, call, id, "Transaction not found");
      return found.ok ? accept(describeTransaction(found.value)) : found;
    }),
  );
  app.get(
    "/payment/methods",
    { schema: METHODS_SCHEMA },
    context.servePublic(async () => accept(describeMethods(rules))),
  );
}

export function createBookingDialect(options: BookingOptions): Dialect {
  return {
    name: "booking",
    description: "Payments of bookings in one call, by card number (test cards, in test mode) or by token.",
    describeRefusal,
    register: (app, context) => register(app, context, options),
  };
}
