// The storefront's routes for the OpenAPI document.
import type { FastifySchema } from "fastify";
import {
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

const tags = ["storefront"];
const CENTS = { type: "integer", description: "Minor units, such as cents.", examples: [999] } as const;
const COUNT = { type: "integer" } as const;
const TEXT_OR_NULL = { type: ["string", "null"] } as const;
const METADATA = { type: "object", additionalProperties: TEXT } as const;
const USER_ID = { type: "string", maxLength: 128, examples: ["user_123"] } as const;
const STATUS = { type: "string", description: "pending, succeeded, refunded, …", examples: ["pending"] } as const;

const ERROR = {
  type: "object",
  required: ["detail", "reason", "outcome"],
  properties: {
    detail: {
      description: "A sentence; for a body that cannot be taken, what is wrong with each field.",
      anyOf: [TEXT, { type: "array", items: objectSchema({ type: TEXT, loc: { type: "array" }, msg: TEXT }) }],
    },
    reason: TEXT,
    outcome: TEXT,
    metadata: METADATA,
  },
} as const;

const ITEM = objectSchema(
  {
    book_id: { type: "string", examples: ["book_1"] },
    quantity: { type: "integer", minimum: 1, default: 1 },
    price_cents: CENTS,
    credits: { type: "integer", minimum: 0, default: 1 },
    title: { type: "string", examples: ["Book Title"] },
  },
  ["quantity", "credits"],
);
const ITEMS = { type: "array", minItems: 1, maxItems: 100, items: ITEM } as const;

const CART = {
  user_id: USER_ID,
  items: ITEMS,
  currency: { ...CURRENCY, default: "usd" },
  customer_email: TEXT,
  order_id: { ...ORDER_ID, description: "The caller's own id of the order; one is made where there is none." },
  metadata: METADATA,
};
const CART_OPTIONAL = ["currency", "customer_email", "order_id", "metadata"];

const SHORT = { payment_id: PAYMENT_ID, order_id: ORDER_ID, status: STATUS };
const AMOUNT = { amount_cents: CENTS, amount: CENTS, currency: CURRENCY };

const PAYMENT = objectSchema({
  ...SHORT,
  user_id: TEXT_OR_NULL,
  ...AMOUNT,
  amount_refunded_cents: CENTS,
  payment_method: { type: "string", enum: ["card", "credits"] },
  payment_method_details: TEXT_OR_NULL,
  stripe_payment_intent_id: TEXT_OR_NULL,
  stripe_checkout_session_id: TEXT_OR_NULL,
  items: { type: "array", items: { type: "object" } },
  failure: { type: ["object", "null"] },
  metadata: METADATA,
  created_at: TIME,
  updated_at: TIME,
});

const ORDER = objectSchema({
  order_id: ORDER_ID,
  user_id: TEXT_OR_NULL,
  payment_id: PAYMENT_ID,
  status: { type: "string", enum: ["paid", "partially_refunded", "refunded"] },
  items: { type: "array", items: { type: "object" } },
  total: CENTS,
  total_cents: CENTS,
  total_credits: COUNT,
  currency: CURRENCY,
  payment_method: { type: "string", enum: ["card", "credits"] },
  created_at: TIME,
});

function answers(schema: object, statuses: Readonly<Record<number, string>>): object {
  return { 200: { description: "Done.", ...schema }, ...refusals(statuses, ERROR) };
}

const BAD = { 401: "Nobody is known by this token.", 422: "The body cannot be taken; nothing was done." };
const ELSE = { 404: "There is no such payment, or it is another's." };
const STATE = { 402: "Declined.", 409: "The payment, or its order, is not in a state for this." };

export const PUBLISHABLE_KEY: FastifySchema = {
  tags,
  operationId: "storefrontPublishableKey",
  summary: "The provider's key for browsers",
  security: [],
  response: answers(objectSchema({ publishable_key: TEXT, mode: { type: "string", enum: ["test", "live"] } }), {
    503: "None is configured.",
  }),
};

export const CREATE_INTENT: FastifySchema = {
  tags,
  operationId: "storefrontCreatePaymentIntent",
  summary: "Create a payment for the browser's own form",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(CART, CART_OPTIONAL),
  response: answers(
    objectSchema({ ...SHORT, client_secret: TEXT_OR_NULL, payment_intent_id: TEXT_OR_NULL, ...AMOUNT }),
    { ...BAD, ...STATE },
  ),
};

export const CONFIRM: FastifySchema = {
  tags,
  operationId: "storefrontConfirmPayment",
  summary: "Confirm a payment from the server",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(
    {
      payment_intent_id: { ...TEXT, description: "The provider's id; or send payment_id." },
      payment_id: PAYMENT_ID,
      payment_method_id: { ...TEXT, description: "A token, such as pm_card_visa." },
      payment_method: { ...TEXT, description: "The same." },
    },
    ["payment_intent_id", "payment_id", "payment_method_id", "payment_method"],
  ),
  response: answers(objectSchema({ ...SHORT, payment_intent_id: TEXT_OR_NULL }), { ...BAD, ...ELSE, ...STATE }),
};

export const CREATE_CHECKOUT: FastifySchema = {
  tags,
  operationId: "storefrontCreateCheckoutSession",
  summary: "Create a payment for the hosted page",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema({ ...CART, success_url: TEXT, cancel_url: TEXT }, [...CART_OPTIONAL, "success_url", "cancel_url"]),
  response: answers(
    objectSchema({
      ...SHORT,
      checkout_url: TEXT_OR_NULL,
      session_id: TEXT_OR_NULL,
      expires_at: { type: ["string", "null"], format: "date-time" },
      ...AMOUNT,
    }),
    { ...BAD, ...STATE },
  ),
};

export const GET_SESSION: FastifySchema = {
  tags,
  operationId: "storefrontCheckoutSession",
  summary: "How a checkout session stands",
  params: pathSchema({ session_id: TEXT }),
  response: answers(
    objectSchema({
      session_id: TEXT_OR_NULL,
      status: { type: "string", enum: ["open", "complete", "expired"] },
      payment_status: { type: "string", enum: ["paid", "unpaid"] },
      amount_total: CENTS,
      currency: CURRENCY,
      payment_id: PAYMENT_ID,
      order_id: ORDER_ID,
    }),
    { 401: BAD[401], ...ELSE },
  ),
};

export const PAY_WITH_CREDITS: FastifySchema = {
  tags,
  operationId: "storefrontPayWithCredits",
  summary: "Pay a cart with the customer's credits",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema({ ...CART, total_credits: { ...COUNT, description: "What the items' credits add up to." } }, [
    ...CART_OPTIONAL,
  ]),
  response: answers(
    objectSchema({
      ...SHORT,
      credits_deducted: COUNT,
      remaining_credits: { type: ["integer", "null"], description: "As of now." },
      message: TEXT,
    }),
    { ...BAD, 402: "The customer has too few credits.", 409: STATE[409] },
  ),
};

export const GET_PAYMENT: FastifySchema = {
  tags,
  operationId: "storefrontPayment",
  summary: "A payment",
  params: pathSchema({ payment_id: PAYMENT_ID }),
  response: answers(PAYMENT, { 401: BAD[401], ...ELSE }),
};

function listSchema(operationId: string, summary: string, properties: Readonly<Record<string, object>>): FastifySchema {
  return {
    tags,
    operationId,
    summary,
    params: pathSchema({ user_id: USER_ID }),
    querystring: {
      type: "object",
      properties: {
        limit: { type: "integer", minimum: 1, maximum: 500, default: 50 },
        page_token: { type: "string", description: "The next_page_token of the page before." },
      },
    },
    response: answers(objectSchema({ ...properties, count: COUNT, next_page_token: TEXT_OR_NULL }), {
      ...BAD,
      404: "There is no such customer for this caller.",
    }),
  };
}

export const USER_PAYMENTS = listSchema("storefrontUserPayments", "A customer's payments, newest first", {
  payments: { type: "array", items: PAYMENT },
});
export const USER_ORDERS = listSchema("storefrontUserOrders", "A customer's paid orders, newest first", {
  orders: { type: "array", items: ORDER },
});

export const REFUND: FastifySchema = {
  tags,
  operationId: "storefrontRefund",
  summary: "Give money back, all that is left or a part",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(
    {
      payment_id: PAYMENT_ID,
      amount_cents: { ...CENTS, description: "Absent: all that is left." },
      amount: { ...CENTS, description: "The same." },
      reason: TEXT,
    },
    ["amount_cents", "amount", "reason"],
  ),
  response: answers(
    objectSchema({
      payment_id: PAYMENT_ID,
      order_id: ORDER_ID,
      refund_id: TEXT,
      amount_cents: CENTS,
      currency: CURRENCY,
      status: { type: "string", enum: ["pending", "succeeded", "failed", "canceled"] },
      reason: TEXT_OR_NULL,
      payment_status: STATUS,
    }),
    { ...BAD, 403: "The caller may not refund.", ...ELSE, 409: STATE[409] },
  ),
};

export const WEBHOOK: FastifySchema = {
  tags,
  operationId: "storefrontWebhook",
  summary: "Signed events of the payment provider",
  security: [],
  headers: { type: "object", properties: { "stripe-signature": TEXT }, required: ["stripe-signature"] },
  body: { type: "object" },
  response: answers(objectSchema({ received: { type: "boolean", const: true } }), {
    400: "The signature is missing, wrong, stale, or of the future.",
    413: "The body is too large.",
  }),
};

function probe(operationId: string, summary: string): FastifySchema {
  const report = { type: "object", required: ["status"], properties: { status: TEXT, checks: { type: "object" } } };
  return {
    tags,
    operationId,
    summary,
    security: [],
    response: { 200: { description: "It is.", ...report }, 503: { description: "It is not.", ...report } },
  };
}

export const HEALTH = probe("storefrontHealth", "Whether the service can work, each part named");
export const LIVE = probe("storefrontLive", "Whether the process is alive");
export const READY = probe("storefrontReady", "Whether the service can work");
