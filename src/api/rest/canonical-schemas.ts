// What the OpenAPI document says of the canonical dialect's routes. The examples are those of document 000.
import {
  AMOUNT,
  CURRENCY,
  IDEMPOTENCY_HEADERS,
  objectSchema,
  ORDER_ID,
  pathSchema,
  PAYMENT_ID,
  refusals,
  TEXT,
  TIME,
} from "./schemas.ts";
import { STATUS_WORDS } from "../json/canonical-words.ts";

const TAGS = ["canonical"];
const CURRENCY_OUT = { ...CURRENCY, description: "ISO 4217, in lower case." };
const STATUS = { type: "string", enum: Object.values(STATUS_WORDS) };
const REASON = { type: "string", maxLength: 250, description: "In the caller's words." };
const REQUEST_ID = { type: "string", maxLength: 255, description: "In place of the Idempotency-Key header." };
const nullable = (type: string, description = "") => ({ type: [type, "null"], ...(description && { description }) });
const NULL_TIME = { type: ["string", "null"], format: "date-time" };

const BROKEN = {
  400: "A field is missing or wrong; the violations name each.",
  401: "No token, or one that does not hold.",
  403: "The caller's role may not do this.",
  429: "Too many requests; Retry-After says when to come back.",
};
const CHANGING = {
  ...BROKEN,
  422: "The Idempotency-Key was used with other parameters.",
  502: "The provider failed, or its answer is not known yet; `outcome` says which.",
  503: "The database is away.",
};
const NO_ORDER = { 404: "The order has no payment that the caller may know of." };

const ITEM = objectSchema({
  name: { type: "string", minLength: 1, maxLength: 250, examples: ["Premium T-shirt"] },
  price: AMOUNT,
  quantity: { type: "integer", minimum: 1, maximum: 10_000, examples: [2] },
});

const STATUS_FIELDS = {
  orderId: ORDER_ID,
  paymentId: PAYMENT_ID,
  status: STATUS,
  amount: AMOUNT,
  currency: CURRENCY_OUT,
  amountCaptured: AMOUNT,
  amountRefunded: AMOUNT,
  failure: {
    type: ["object", "null"],
    description: "The last decline or failure.",
    properties: { reason: TEXT, code: TEXT, message: TEXT },
  },
  version: { type: "integer", description: "Counts the changes of this payment." },
  createdAt: TIME,
  updatedAt: TIME,
};

const PAYMENT_FIELDS = {
  ...STATUS_FIELDS,
  customerId: nullable("string"),
  customerEmail: nullable("string"),
  mode: { type: "string", enum: ["checkout", "intent"] },
  captureMethod: { type: "string", enum: ["automatic", "manual"] },
  provider: TEXT,
  providerReference: nullable("string"),
  paymentMethod: nullable("string", "What paid, for people to read."),
  items: { type: "array", items: ITEM },
  description: nullable("string"),
  metadata: { type: "object", additionalProperties: TEXT },
  cancelReason: nullable("string"),
  disputeStatus: nullable("string"),
  completedAt: NULL_TIME,
  cancelledAt: NULL_TIME,
  expiresAt: NULL_TIME,
};

const REFUND_FIELDS = {
  refundId: { type: "string", description: "refund_ and a UUID." },
  amount: AMOUNT,
  currency: CURRENCY_OUT,
  status: { type: "string", enum: ["pending", "succeeded", "failed", "canceled"] },
  createdAt: TIME,
  reason: nullable("string"),
};

export const SESSION_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalCreateSession",
  summary: "Create a payment session for an order",
  description:
    "Answers with a hosted page on which the customer pays; with mode `intent`, with what the caller's own form needs. An order has one open payment: asking again for the same amount gives the same one.",
  headers: IDEMPOTENCY_HEADERS,
  body: {
    type: "object",
    required: ["orderId"],
    properties: {
      orderId: ORDER_ID,
      currency: { ...CURRENCY, description: "ISO 4217, in either case. Needed with items or an amount." },
      items: { type: "array", maxItems: 100, items: ITEM },
      amount: { ...AMOUNT, description: "In place of items, or their exact sum. In major units." },
      customerId: { type: "string", maxLength: 128 },
      customerEmail: { type: "string", format: "email", maxLength: 320 },
      mode: { type: "string", enum: ["checkout", "intent"], default: "checkout" },
      captureMethod: { type: "string", enum: ["automatic", "manual"], default: "automatic" },
      provider: { type: "string", description: "By default the one that the service is configured with." },
      paymentMethod: { type: "string", description: "A token; with it an intent is confirmed at once." },
      successUrl: { type: "string", format: "uri" },
      cancelUrl: { type: "string", format: "uri" },
      description: { type: "string", maxLength: 500 },
      metadata: { type: "object", additionalProperties: { type: "string", maxLength: 500 } },
      attemptsMax: { type: "integer", minimum: 1, maximum: 20 },
      requestId: REQUEST_ID,
    },
    examples: [
      {
        orderId: "123e4567-e89b-12d3-a456-426614174000",
        currency: "usd",
        items: [{ name: "Premium T-shirt", price: 25.99, quantity: 2 }],
      },
    ],
  },
  response: {
    201: {
      description: "The session, or with mode `intent` the payment.",
      anyOf: [
        objectSchema({
          paymentSessionId: { type: "string", examples: ["cs_test_a1b2c3"] },
          paymentUrl: { type: "string", format: "uri" },
          expiresAt: TIME,
        }),
        objectSchema({ ...STATUS_FIELDS, clientSecret: nullable("string"), clientToken: TEXT }),
      ],
    },
    ...refusals({
      ...CHANGING,
      402: "An intent was confirmed at once and declined.",
      409: "The order is paid, or has an open payment of another amount; or the first call with this key is under way.",
    }),
  },
};

export const COMPLETE_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalCompleteOrder",
  summary: "Complete the payment of an order",
  description:
    "Confirms an open payment with the given method, captures a held one, or asks the provider whether its checkout was paid. It never takes the caller's word that money moved.",
  headers: IDEMPOTENCY_HEADERS,
  params: pathSchema({ orderId: ORDER_ID }),
  body: {
    type: ["object", "null"],
    properties: {
      paymentMethod: { type: "string", description: "A token, such as pm_card_visa." },
      amount: { ...AMOUNT, description: "How much of a held payment to capture; by default all." },
      currency: CURRENCY,
      requestId: REQUEST_ID,
    },
  },
  response: {
    200: {
      description: "The payment is completed; one with captureMethod `manual` may be `authorized` at first.",
      ...objectSchema({
        orderId: ORDER_ID,
        paymentId: PAYMENT_ID,
        status: STATUS,
        completedAt: NULL_TIME,
        amount: AMOUNT,
        currency: CURRENCY_OUT,
      }),
    },
    202: { description: "The provider is still processing the payment.", type: "object" },
    ...refusals({
      ...CHANGING,
      ...NO_ORDER,
      402: "The payment was declined, or the customer has to authenticate it first.",
      409: "The payment is completed already, is closed, or is not paid; or another call on it is under way.",
    }),
  },
};

export const CANCEL_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalCancelOrder",
  summary: "Cancel the payment of an order",
  headers: IDEMPOTENCY_HEADERS,
  params: pathSchema({ orderId: ORDER_ID }),
  body: {
    type: ["object", "null"],
    properties: { reason: { ...REASON, default: "user_requested" }, requestId: REQUEST_ID },
  },
  response: {
    200: {
      description: "The payment is cancelled; held money is released.",
      ...objectSchema({
        orderId: ORDER_ID,
        paymentId: PAYMENT_ID,
        cancelled: { type: "boolean" },
        cancelledAt: NULL_TIME,
        reason: nullable("string"),
      }),
    },
    ...refusals({ ...CHANGING, ...NO_ORDER, 409: "The payment cannot be cancelled any more." }),
  },
};

export const REFUND_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalRefundOrder",
  summary: "Refund the payment of an order, whole or in part",
  headers: IDEMPOTENCY_HEADERS,
  body: {
    type: "object",
    required: ["orderId"],
    properties: {
      orderId: ORDER_ID,
      amount: { ...AMOUNT, description: "In major units of the payment's currency; by default all that is left." },
      currency: { ...CURRENCY, description: "By default the payment's." },
      reason: REASON,
      requestId: REQUEST_ID,
    },
    examples: [{ orderId: "123e4567-e89b-12d3-a456-426614174000", amount: 50.0, reason: "customer_request" }],
  },
  response: {
    200: {
      description: "The refund.",
      ...objectSchema({ orderId: ORDER_ID, paymentId: PAYMENT_ID, ...REFUND_FIELDS }),
    },
    ...refusals({
      ...CHANGING,
      ...NO_ORDER,
      409: "The payment is not paid, or the amount is above what is left to give back.",
    }),
  },
};

export const STATUS_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalOrderStatus",
  summary: "How the payment of an order stands",
  params: pathSchema({ orderId: ORDER_ID }),
  response: {
    200: { description: "The order's newest payment in short.", ...objectSchema(STATUS_FIELDS) },
    ...refusals({ ...BROKEN, ...NO_ORDER }),
  },
};

export const GET_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalGetPayment",
  summary: "A payment with its refunds, disputes and history",
  params: pathSchema({ paymentId: PAYMENT_ID }),
  response: {
    200: {
      description: "The payment.",
      ...objectSchema({
        ...PAYMENT_FIELDS,
        refunds: { type: "array", items: objectSchema({ ...REFUND_FIELDS, failure: STATUS_FIELDS.failure }) },
        disputes: {
          type: "array",
          items: objectSchema({ disputeId: TEXT, amount: AMOUNT, status: TEXT, reason: TEXT, createdAt: TIME }),
        },
        history: {
          type: "array",
          items: objectSchema({
            eventId: TEXT,
            version: { type: "integer" },
            type: TEXT,
            status: STATUS,
            createdAt: TIME,
          }),
        },
      }),
    },
    ...refusals({ ...BROKEN, 404: "There is no such payment that the caller may know of." }),
  },
};

export const LIST_SCHEMA = {
  tags: TAGS,
  operationId: "canonicalListPayments",
  summary: "Payments, newest first, page by page",
  querystring: {
    type: "object",
    properties: {
      pageSize: { type: "integer", minimum: 0, maximum: 500, default: 50 },
      pageToken: { type: "string", description: "The nextPageToken of the page before." },
      orderId: { type: "string", maxLength: 128 },
      customerId: { type: "string", maxLength: 128 },
      status: { type: "array", items: STATUS, description: "Only these; repeated, or with commas." },
      createdFrom: { ...TIME, description: "Created at this time or later." },
      createdTo: { ...TIME, description: "Created before this time." },
    },
  },
  response: {
    200: {
      description: "A page. Its nextPageToken is empty when it is the last.",
      ...objectSchema({ payments: { type: "array", items: objectSchema(PAYMENT_FIELDS) }, nextPageToken: TEXT }),
    },
    ...refusals(BROKEN),
  },
};
