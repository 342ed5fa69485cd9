// The canonical dialect: document 000 under /v1/payments, with reads in the same style. Its success and cancel pages, its webhook and the state of a
// checkout are served before fastify is asked.
import type { FastifyInstance } from "fastify";
import { cancelPayment } from "../../app/cancel-payment.ts";
import { completePayment } from "../../app/complete-payment.ts";
import { createPayment } from "../../app/create-payment.ts";
import { getPayment, getPaymentStatus } from "../../app/get-payment.ts";
import { listPayments } from "../../app/list-payments.ts";
import { getPaymentCurrency } from "../../app/payment-currency.ts";
import { refundPayment } from "../../app/refund-payment.ts";
import { accept, refuse, type Result } from "../../domain/error.ts";
import { parsePaymentId } from "../../domain/ids.ts";
import { type NamedPayment, readCancel, readComplete, readCreate, readRefund } from "../json/canonical-requests.ts";
import { readText } from "../json/fields.ts";
import { readCanonicalListing, readRequest } from "./canonical-requests.ts";
import {
  CANCEL_SCHEMA,
  COMPLETE_SCHEMA,
  GET_SCHEMA,
  LIST_SCHEMA,
  REFUND_SCHEMA,
  SESSION_SCHEMA,
  STATUS_SCHEMA,
} from "./canonical-schemas.ts";
import { CANONICAL_WORDS } from "./canonical-refusals.ts";
import {
  writeCanceled,
  writeCompleted,
  writeCreated,
  writeHistory,
  writePayment,
  writeRefund,
  writeStatus,
} from "../json/canonical-answers.ts";
import { checkKey } from "../json/contract.ts";
import { declineOf } from "../json/decline.ts";
import type { Dialect, RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { textParameter } from "./parameters.ts";

async function createSession({ parts, provider }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const request = readRequest(call);
  if (!request.ok) return request;
  const input = readCreate(request.value, { provider });
  if (!input.ok) return input;
  const result = await createPayment(parts, call.caller, input.value);
  if (!result.ok) return result;
  const { payment, checkout } = result.value;
  // What the customer still has to do is told with the client secret, which a refusal could not carry.
  const isDeclined =
    input.value.paymentMethod !== null && payment.status !== "REQUIRES_ACTION" && payment.failure !== null;
  const declined = isDeclined ? declineOf(payment) : null;
  if (declined) return { ok: false, error: declined };
  if (payment.mode === "CHECKOUT" && !checkout) {
    return refuse("PROVIDER_ERROR", "the payment has no checkout to pay it at", {
      metadata: { status: payment.status },
    });
  }
  return accept({ status: 201, body: writeCreated(result.value) });
}

/** The order that the path names. */
function orderInPath({ request }: RestCall): Result<NamedPayment> {
  return accept({ case: "orderId", value: textParameter(request, "orderId") });
}

async function complete({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const request = readRequest(call);
  if (!request.ok) return request;
  const input = await readComplete({
    ...request.value,
    payment: orderInPath(call),
    currencyOf: (find) => getPaymentCurrency(parts, call.caller, { find, action: "complete" }),
  });
  if (!input.ok) return input;
  const result = await completePayment(parts, call.caller, input.value);
  if (!result.ok) return result;
  const { payment } = result.value;
  const declined = declineOf(payment);
  if (declined) return { ok: false, error: declined };
  return accept({ status: payment.status === "PROCESSING" ? 202 : 200, body: writeCompleted(payment) });
}

async function cancel({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const request = readRequest(call);
  if (!request.ok) return request;
  const input = readCancel({ ...request.value, payment: orderInPath(call) });
  if (!input.ok) return input;
  const result = await cancelPayment(parts, call.caller, input.value);
  return result.ok ? accept({ status: 200, body: writeCanceled(result.value.payment) }) : result;
}

async function refund({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const request = readRequest(call);
  if (!request.ok) return request;
  const orderId = readText(request.value.fields, "orderId");
  const input = await readRefund({
    ...request.value,
    payment: orderId.ok ? accept({ case: "orderId", value: orderId.value }) : orderId,
    currencyOf: (find) => getPaymentCurrency(parts, call.caller, { find, action: "refund" }),
  });
  if (!input.ok) return input;
  const result = await refundPayment(parts, call.caller, input.value);
  return result.ok ? accept({ status: 200, body: writeRefund(result.value) }) : result;
}

async function getStatus({ parts }: RestContext, { request, caller }: RestCall): Promise<Result<RestAnswer>> {
  const find = checkKey({ case: "orderId", value: textParameter(request, "orderId") });
  if (!find.ok) return find;
  const found = await getPaymentStatus(parts, caller, find.value);
  return found.ok ? accept({ status: 200, body: writeStatus(found.value) }) : found;
}

async function getOne({ parts }: RestContext, { request, caller }: RestCall): Promise<Result<RestAnswer>> {
  const paymentId = parsePaymentId(textParameter(request, "paymentId"), "payment_id");
  if (!paymentId.ok) return paymentId;
  const found = await getPayment(parts, caller, paymentId.value);
  return found.ok ? accept({ status: 200, body: writeHistory(found.value) }) : found;
}

async function list({ parts }: RestContext, { request, caller }: RestCall): Promise<Result<RestAnswer>> {
  const input = readCanonicalListing({ request });
  if (!input.ok) return input;
  const page = await listPayments(parts, caller, input.value);
  if (!page.ok) return page;
  const { items, nextPageToken } = page.value;
  return accept({ status: 200, body: { payments: items.map(writePayment), nextPageToken } });
}

function register(app: FastifyInstance, context: RestContext): void {
  const serve = (handle: (context: RestContext, call: RestCall) => Promise<Result<RestAnswer>>) =>
    context.serve((call) => handle(context, call));
  app.post("/v1/payments/session", { schema: SESSION_SCHEMA }, serve(createSession));
  app.post("/v1/payments/complete/order/:orderId", { schema: COMPLETE_SCHEMA }, serve(complete));
  app.post("/v1/payments/cancel/order/:orderId", { schema: CANCEL_SCHEMA }, serve(cancel));
  app.post("/v1/payments/refund/order", { schema: REFUND_SCHEMA }, serve(refund));
  app.get("/v1/payments/status/order/:orderId", { schema: STATUS_SCHEMA }, serve(getStatus));
  app.get("/v1/payments/:paymentId", { schema: GET_SCHEMA }, serve(getOne));
  app.get("/v1/payments", { schema: LIST_SCHEMA }, serve(list));
}

export const CANONICAL: Dialect = {
  name: "canonical",
  description: "Payments of orders: sessions, completion, cancellation, refunds, and reads.",
  ...CANONICAL_WORDS,
  register,
};
