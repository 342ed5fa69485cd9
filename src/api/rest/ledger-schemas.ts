// The ledger's routes for the OpenAPI document.
import type { FastifySchema } from "fastify";
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

const tags = ["ledger"];
const GUID = { type: "string", format: "uuid" } as const;
const TEXT_OR_NULL = { type: ["string", "null"] } as const;
const TIME_OR_NULL = { type: ["string", "null"], format: "date-time" } as const;
const STATUS = { type: "string", enum: ["Pending", "RequiresAction", "Succeeded", "Failed", "Refunded"] } as const;
const ID_PATH = pathSchema({ paymentId: { ...GUID, description: "With or without the prefix payment_." } });

const PROBLEM = {
  type: "object",
  description: "Problem details (RFC 9457), sent as application/problem+json.",
  required: ["type", "title", "status", "detail", "instance", "reason", "outcome"],
  properties: {
    type: TEXT,
    title: TEXT,
    status: { type: "integer" },
    detail: TEXT,
    instance: TEXT,
    errors: { type: "object", additionalProperties: { type: "array", items: TEXT } },
    reason: { ...TEXT, examples: ["INVALID_AMOUNT"] },
    outcome: { type: "string", enum: ["NOT_ATTEMPTED", "DECLINED", "UNKNOWN", "APPLIED"] },
    metadata: { type: "object", additionalProperties: TEXT },
  },
} as const;

const PAYMENT_PROPERTIES = {
  paymentId: GUID,
  orderId: ORDER_ID,
  status: STATUS,
  state: { type: "string", description: "The canonical status, such as PARTIALLY_REFUNDED." },
  amount: AMOUNT,
  currency: CURRENCY,
  capturedAmount: AMOUNT,
  refundedAmount: AMOUNT,
  provider: TEXT,
  providerPaymentId: TEXT_OR_NULL,
  clientSecret: { ...TEXT_OR_NULL, description: "For the browser's own form; told when the payment is created." },
  redirectUrl: { ...TEXT_OR_NULL, description: "The hosted page, while it can be paid." },
  failureCode: TEXT_OR_NULL,
  failureMessage: TEXT_OR_NULL,
  createdAt: TIME,
  updatedAt: TIME,
};
const PAYMENT = objectSchema(PAYMENT_PROPERTIES);

const REFUND_PROPERTIES = {
  refundId: GUID,
  paymentId: GUID,
  amount: AMOUNT,
  currency: CURRENCY,
  status: { type: "string", enum: ["Pending", "Succeeded", "Failed", "Canceled"] },
  reason: TEXT_OR_NULL,
  providerRefundId: TEXT_OR_NULL,
  createdAt: TIME,
  completedAt: TIME_OR_NULL,
};

const BAD = { 400: "A field cannot be taken; nothing was done.", 401: "Nobody is known by this token." };
const FORBIDDEN = { 403: "The caller may not do this." };
const MISSING = { 404: "There is no such payment, or it is another's." };
const STATE = { 409: "The payment, or its order, is not in a state for this." };

function answers(schema: object, statuses: Readonly<Record<number, string>>, status = 200): object {
  return { [status]: { description: "Done.", ...schema }, ...refusals(statuses, PROBLEM) };
}

export const CREATE: FastifySchema = {
  tags,
  operationId: "ledgerCreatePayment",
  summary: "Create a payment; with a paymentMethodId it is confirmed at once, and a decline is an answer",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(
    {
      orderId: ORDER_ID,
      amount: AMOUNT,
      currency: CURRENCY,
      paymentMethodId: { ...TEXT, description: "A token, such as pm_card_visa." },
      mode: { type: "string", enum: ["Intent", "Checkout"], default: "Intent" },
      captureMethod: { type: "string", enum: ["Automatic", "Manual"], default: "Automatic" },
      provider: TEXT,
      customerId: TEXT,
      customerEmail: TEXT,
      successUrl: TEXT,
      cancelUrl: TEXT,
      description: TEXT,
      metadata: { type: "object", additionalProperties: TEXT },
    },
    [
      "paymentMethodId",
      "mode",
      "captureMethod",
      "provider",
      "customerId",
      "customerEmail",
      "successUrl",
      "cancelUrl",
      "description",
      "metadata",
    ],
  ),
  response: answers(PAYMENT, { ...BAD, ...FORBIDDEN, ...STATE }, 201),
};

export const GET: FastifySchema = {
  tags,
  operationId: "ledgerPayment",
  summary: "A payment with its refunds",
  params: ID_PATH,
  response: answers(
    objectSchema({ ...PAYMENT_PROPERTIES, refunds: { type: "array", items: objectSchema(REFUND_PROPERTIES) } }),
    { ...BAD, ...MISSING },
  ),
};

export const LIST: FastifySchema = {
  tags,
  operationId: "ledgerPayments",
  summary: "Payments, newest first",
  querystring: {
    type: "object",
    properties: {
      status: { ...STATUS, description: "Or a canonical one; may be repeated." },
      from: { ...TIME, description: "Created at this time or later." },
      to: { ...TIME, description: "Created before this time." },
      orderId: TEXT,
      customerId: TEXT,
      page: { type: "string", description: "The nextPage of the answer before; absent: the first." },
      pageSize: { type: "integer", minimum: 0, maximum: 500, default: 50 },
    },
  },
  response: answers(objectSchema({ items: { type: "array", items: PAYMENT }, nextPage: TEXT_OR_NULL }), {
    ...BAD,
    ...FORBIDDEN,
  }),
};

export const CONFIRM: FastifySchema = {
  tags,
  operationId: "ledgerConfirmPayment",
  summary: "Confirm a payment, or ask the provider whether it was paid",
  headers: IDEMPOTENCY_HEADERS,
  params: ID_PATH,
  body: objectSchema({ paymentMethodId: TEXT }, ["paymentMethodId"]),
  response: answers(PAYMENT, { ...BAD, ...MISSING, ...STATE }),
};

export const REFUND: FastifySchema = {
  tags,
  operationId: "ledgerRefundPayment",
  summary: "Give money back, all that is left or a part; 202 while the provider has not settled it",
  headers: IDEMPOTENCY_HEADERS,
  params: ID_PATH,
  body: objectSchema(
    { amount: { ...AMOUNT, description: "Absent: all that is left." }, currency: CURRENCY, reason: TEXT },
    ["amount", "currency", "reason"],
  ),
  response: {
    202: {
      description: "Asked for, and not settled yet.",
      ...objectSchema({ ...REFUND_PROPERTIES, payment: PAYMENT }),
    },
    ...answers(objectSchema({ ...REFUND_PROPERTIES, payment: PAYMENT }), {
      ...BAD,
      ...FORBIDDEN,
      ...MISSING,
      ...STATE,
    }),
  },
};

export const RECONCILE: FastifySchema = {
  tags,
  operationId: "ledgerReconcile",
  summary: "Compare the books with the provider's; with apply, put right what can be",
  body: objectSchema(
    {
      from: { ...TIME, description: "Absent: 48 hours before `to`." },
      to: { ...TIME, description: "Absent: a minute ago." },
      apply: { type: "boolean", default: false },
      provider: { type: "string", description: "Absent: all." },
    },
    ["from", "to", "apply", "provider"],
  ),
  response: answers(
    objectSchema({
      runId: TEXT,
      from: TIME,
      to: TIME,
      applied: { type: "boolean" },
      providers: {
        type: "array",
        items: objectSchema({
          provider: TEXT,
          checkedHere: { type: "integer" },
          checkedThere: { type: "integer" },
          complete: { type: "boolean" },
          drifts: { type: "array", items: { type: "object" } },
        }),
      },
    }),
    { ...BAD, ...FORBIDDEN, 502: "A provider cannot be asked to the end." },
  ),
};

export const CAPTURE: FastifySchema = {
  tags,
  operationId: "ledgerCapture",
  summary: "Capture what a payment holds, all of it or a part; for services",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(
    {
      paymentId: GUID,
      orderId: { ...ORDER_ID, description: "In place of paymentId: the order's newest payment." },
      amount: { ...AMOUNT, description: "Absent: all that is held." },
      currency: CURRENCY,
    },
    ["paymentId", "orderId", "amount", "currency"],
  ),
  response: answers(PAYMENT, { ...BAD, ...FORBIDDEN, ...MISSING, ...STATE }),
};

export function webhookSchema(provider: string): FastifySchema {
  return {
    tags,
    operationId: `ledgerWebhook_${provider}`,
    summary: `Signed events of the provider ${provider}`,
    security: [],
    headers: { type: "object", properties: { "stripe-signature": TEXT }, required: ["stripe-signature"] },
    body: { type: "object" },
    response: answers(objectSchema({ received: { type: "boolean", const: true } }), {
      400: "The signature is missing, wrong, stale, or of the future.",
      413: "The body is too large.",
    }),
  };
}
