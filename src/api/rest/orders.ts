// The orders dialect: the document of a service that opens a Stripe Checkout for an order of another service, and tells that one how it ended.
//
// A request names its order and nothing else; the order service says what is owed and by whom. Where none is configured, another service may say it
// here. One declined attempt ends a payment, as the document has it.
import type { FastifyInstance, FastifySchema } from "fastify";
import { createPayment, type CreatePaymentInput } from "../../app/create-payment.ts";
import { getPaymentStatus } from "../../app/get-payment.ts";
import type { Parts } from "../../app/parts.ts";
import { accept, type Reason, type Refusal, refuse, type Result, unreachable } from "../../domain/error.ts";
import { printPaymentId } from "../../domain/ids.ts";
import { printDecimal } from "../../domain/money.ts";
import type { PaymentStatus } from "../../domain/payment.ts";
import { checkCreate, checkKey } from "../json/contract.ts";
import type { Dialect, Refused, RestAnswer, RestCall, RestContext } from "./dialect.ts";
import {
  type Fields,
  readAll,
  readAmountOrNull,
  readBody,
  readCurrencyOrNull,
  readTextOrNull,
} from "../json/fields.ts";
import { textParameter } from "./parameters.ts";
import { renameFields, toCamelCase } from "../json/rename-fields.ts";
import {
  AMOUNT,
  CURRENCY,
  IDEMPOTENCY_HEADERS,
  objectSchema,
  ORDER_ID,
  pathSchema,
  refusals,
  TEXT,
  TIME,
} from "./schemas.ts";

const NAME = "orders";
/** The document's: `'usd' (default)`. */
const CURRENCY_DEFAULT = "USD";
const ATTEMPTS_MAX = 1;

/** The document's sentences. What it has none for keeps its own, with the status of the contract. */
const SENTENCES: Partial<Record<Reason, readonly [status: number, error: string]>> = {
  UNAUTHENTICATED: [401, "User not authenticated"],
  PERMISSION_DENIED: [403, "Forbidden"],
  ORDER_NOT_FOUND: [404, "Order not found"],
  PAYMENT_NOT_FOUND: [404, "Order not found"],
  PAYMENT_ALREADY_COMPLETED: [400, "Payment already completed"],
  PROVIDER_ERROR: [500, "Failed to create payment session"],
  PROVIDER_OUTCOME_UNKNOWN: [500, "Failed to create payment session"],
  // The provider would never open this one, whoever asks again.
  PROCESSING_ERROR: [400, "Failed to create payment session"],
};

function sentenceOf({ reason, message, metadata }: Refusal, status: number): readonly [status: number, error: string] {
  if (reason === "ORDER_NOT_PAYABLE") {
    const orderStatus = metadata["status"];
    // Without a status it is another customer's order, of which nothing is told.
    return orderStatus === undefined
      ? [404, "Order not found"]
      : [400, `Cannot create payment for order with status: ${orderStatus}`];
  }
  return SENTENCES[reason] ?? [status, message];
}

function describeRefusal({ refusal, status: canonical }: Refused): RestAnswer {
  const renamed = renameFields(refusal, toCamelCase);
  const { reason, outcome, message } = renamed;
  const [status, error] = sentenceOf(renamed, canonical);
  return { status, body: { error, message, reason, outcome } };
}

function readOrderId(fields: Fields): Result<string> {
  const text = readTextOrNull(fields, "orderId");
  if (!text.ok) return text;
  if (text.value !== null) return accept(text.value);
  const description = "orderId is required";
  return refuse("INVALID_ARGUMENT", description, {
    metadata: { field: "orderId" },
    violations: [{ field: "orderId", description }],
  });
}

function readSession({ request, requestId }: RestCall, provider: string): Result<CreatePaymentInput> {
  const body = readBody(request);
  if (!body.ok) return body;
  const currency = readCurrencyOrNull(body.value, "currency");
  const all = readAll({
    orderId: readOrderId(body.value),
    currency,
    amount: readAmountOrNull(body.value, "amount", (currency.ok && currency.value) || CURRENCY_DEFAULT),
    successUrl: readTextOrNull(body.value, "successUrl"),
    cancelUrl: readTextOrNull(body.value, "cancelUrl"),
  });
  if (!all.ok) return all;
  const { orderId, amount, successUrl, cancelUrl } = all.value;
  return checkCreate(
    {
      orderId,
      ...(amount && { amount }),
      successUrl: successUrl ?? "",
      cancelUrl: cancelUrl ?? "",
      attemptsMax: ATTEMPTS_MAX,
      requestId,
    },
    { provider },
  );
}

async function createSession(context: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const input = readSession(call, context.provider);
  if (!input.ok) return input;
  const created = await createPayment(context.parts, call.caller, input.value);
  if (!created.ok) return created;
  const { checkout, payment } = created.value;
  if (checkout && payment.status !== "FAILED") {
    return accept({ status: 200, body: { checkoutUrl: checkout.url, sessionId: checkout.sessionId } });
  }
  const metadata = { paymentId: printPaymentId(payment.id), status: payment.status };
  if (payment.failure) {
    return refuse("PROCESSING_ERROR", payment.failure.message, { metadata, outcome: "NOT_ATTEMPTED" });
  }
  return refuse("ORDER_HAS_OPEN_PAYMENT", "the order is being paid by a form of another kind", { metadata });
}

/** A payment that was given back was a success first. */
function wordOf(status: PaymentStatus): "INITIATED" | "SUCCESS" | "FAILED" {
  switch (status) {
    case "PENDING":
    case "REQUIRES_ACTION":
    case "PROCESSING":
    case "AUTHORIZED":
      return "INITIATED";
    case "SUCCEEDED":
    case "PARTIALLY_REFUNDED":
    case "REFUNDED":
      return "SUCCESS";
    case "FAILED":
    case "CANCELED":
    case "EXPIRED":
      return "FAILED";
    default:
      return unreachable(status);
  }
}

async function tellStatus(parts: Parts, { request, caller }: RestCall): Promise<Result<RestAnswer>> {
  const find = checkKey({ case: "orderId", value: textParameter(request, "orderId") });
  if (!find.ok) return refuse("ORDER_NOT_FOUND", "there is no such order");
  const found = await getPaymentStatus(parts, caller, find.value);
  if (!found.ok) return found;
  const { amount, createdAt, status } = found.value;
  return accept({
    status: 200,
    body: {
      orderId: found.value.orderId,
      status: wordOf(status),
      amount: JSON.rawJSON(printDecimal(amount)),
      currency: amount.currency.toLowerCase(),
      createdAt,
    },
  });
}

const ERROR = objectSchema({ error: TEXT, message: TEXT, reason: TEXT, outcome: TEXT });

const SESSION_SCHEMA: FastifySchema = {
  operationId: "ordersCreateSession",
  tags: [NAME],
  summary: "Opens a checkout page for an order that is PENDING at the order service",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(
    {
      orderId: ORDER_ID,
      amount: { ...AMOUNT, description: "Only where no order service is configured, and from services alone." },
      currency: CURRENCY,
      successUrl: TEXT,
      cancelUrl: TEXT,
    },
    ["amount", "currency", "successUrl", "cancelUrl"],
  ),
  response: {
    200: { description: "Where to send the customer.", ...objectSchema({ checkoutUrl: TEXT, sessionId: TEXT }) },
    ...refusals(
      {
        400: "`orderId is required`, `Cannot create payment for order with status: …`, `Payment already completed`.",
        401: "`User not authenticated`",
        403: "`Forbidden`",
        404: "`Order not found`",
        409: "The order has an open payment of another amount or kind, or the same request is under way.",
        429: "Too many requests.",
        500: "`Failed to create payment session`: the provider did nothing, or its answer is not known yet.",
        503: "The order service or the database is away.",
      },
      ERROR,
    ),
  },
};

const STATUS_SCHEMA: FastifySchema = {
  operationId: "ordersStatus",
  tags: [NAME],
  summary: "How the payment of an order stands",
  params: pathSchema({ orderId: ORDER_ID }),
  response: {
    200: {
      description: "The newest payment of the order.",
      ...objectSchema({
        orderId: ORDER_ID,
        status: { type: "string", enum: ["INITIATED", "SUCCESS", "FAILED"] },
        amount: AMOUNT,
        currency: { ...CURRENCY, description: "ISO 4217, lower case." },
        createdAt: TIME,
      }),
    },
    ...refusals(
      {
        401: "`User not authenticated`",
        403: "`Forbidden`",
        404: "`Order not found`",
        429: "Too many requests.",
        503: "The database is away.",
      },
      ERROR,
    ),
  },
};

function webhookSchema(operationId: string): FastifySchema {
  return {
    operationId,
    tags: [NAME],
    summary: "Signed events of the payment provider",
    security: [],
    body: { type: "object" },
    response: {
      200: { description: "The event is stored.", ...objectSchema({ received: { type: "boolean" } }) },
      ...refusals({ 400: "`Invalid signature`", 413: "The body is too large." }, ERROR),
    },
  };
}

function register(app: FastifyInstance, context: RestContext): void {
  app.post(
    "/payments/create-session",
    { schema: SESSION_SCHEMA },
    context.serve((call) => createSession(context, call)),
  );
  app.get(
    "/payments/status/:orderId",
    { schema: STATUS_SCHEMA },
    context.serve((call) => tellStatus(context.parts, call)),
  );
  context.receiveWebhooks(app, "/payments/webhook", webhookSchema("ordersWebhook"));
  // What the document has the Stripe CLI forward to.
  context.receiveWebhooks(app, "/webhook", webhookSchema("ordersForwardedWebhook"));
}

export const ORDERS_DIALECT: Dialect = {
  name: NAME,
  description: "Checkout pages for orders of an order service.",
  describeRefusal,
  register,
};
