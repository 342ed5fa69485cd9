// What the OpenAPI document says of the booking dialect's routes.
import type { FastifySchema } from "fastify";
import { METHODS } from "./booking-words.ts";
import { AMOUNT, IDEMPOTENCY_HEADERS, objectSchema, pathSchema, refusals, TEXT, TIME } from "./schemas.ts";

const BOOKING_ID = { type: "string", minLength: 1, maxLength: 128, examples: ["BOOK-789012"] } as const;
const USER_ID = { type: "string", minLength: 1, maxLength: 128, examples: ["user_123"] } as const;
const TRANSACTION_ID = {
  type: "string",
  description: "TXN- and a UUID.",
  examples: ["TXN-018f3b2e-7c1a-7b59-9c3d-5a1f0e2d4c6b"],
} as const;
const METHOD = { type: "string", enum: METHODS } as const;
const OUTCOME = { type: "string", description: "Whether money moved." } as const;

const CARD_DETAILS = {
  ...objectSchema({
    card_number: { type: "string", examples: ["4111111111111111"] },
    expiry_month: { type: "string", examples: ["12"] },
    expiry_year: { type: "string", examples: ["2025"] },
    cvv: { type: "string", examples: ["123"] },
    cardholder_name: { type: "string", examples: ["John Doe"] },
  }),
  description:
    "Test cards alone, in test mode alone; the number becomes a token at once and is never stored. In live mode send payment_method_token.",
} as const;

const ERROR_DETAILS = objectSchema({
  reason: TEXT,
  transaction_id: { type: ["string", "null"] },
  retry_possible: { type: "boolean" },
});
const ERROR = objectSchema({
  error: objectSchema({
    code: { type: "string", examples: ["REFUND_NOT_ALLOWED"] },
    message: TEXT,
    details: ERROR_DETAILS,
  }),
  timestamp: TIME,
  reason: TEXT,
  outcome: OUTCOME,
});
const INVALID = objectSchema({
  detail: {
    type: "array",
    items: objectSchema({ loc: { type: "array", items: { type: "string" } }, msg: TEXT, type: TEXT }),
  },
  reason: TEXT,
  outcome: OUTCOME,
});
const FAILED = objectSchema(
  {
    status: { type: "string", const: "failed" },
    booking_id: BOOKING_ID,
    amount: AMOUNT,
    payment_method: METHOD,
    error_code: { type: "string", examples: ["INSUFFICIENT_FUNDS"] },
    error_message: TEXT,
    processed_at: TIME,
    transaction_id: TRANSACTION_ID,
    reason: TEXT,
    outcome: OUTCOME,
  },
  ["transaction_id"],
);

const UNPROCESSABLE = { description: "A field is missing or not as it should be.", ...INVALID };
const UNAVAILABLE = {
  502: "The payment provider did nothing, or its answer is not known yet; the same call again finds out.",
  503: "The database is away.",
} as const;
const KNOWN = {
  401: "Nobody is authenticated.",
  403: "The caller may not do this.",
  429: "Too many requests.",
} as const;

export const PROCESS_SCHEMA: FastifySchema = {
  operationId: "bookingProcess",
  tags: ["booking"],
  summary: "Pays for a booking",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema(
    {
      user_id: USER_ID,
      booking_id: BOOKING_ID,
      amount: AMOUNT,
      payment_method: METHOD,
      card_details: CARD_DETAILS,
      paypal_details: objectSchema({ email: TEXT, payment_id: TEXT }),
      payment_method_token: { type: "string", examples: ["pm_card_visa"], description: "In place of card_details." },
    },
    ["card_details", "paypal_details", "payment_method_token"],
  ),
  response: {
    200: {
      description: "It is paid; `pending` where the provider takes its time.",
      ...objectSchema({
        status: { type: "string", enum: ["success", "pending"] },
        transaction_id: TRANSACTION_ID,
        booking_id: BOOKING_ID,
        amount: AMOUNT,
        payment_method: METHOD,
        processed_at: TIME,
        message: TEXT,
      }),
    },
    400: { description: "It failed, or the amount is none.", anyOf: [FAILED, ERROR] },
    422: UNPROCESSABLE,
    ...refusals({ ...KNOWN, 409: "The booking is paid already, or is being paid.", ...UNAVAILABLE }, ERROR),
  },
};

export const REFUND_SCHEMA: FastifySchema = {
  operationId: "bookingRefund",
  tags: ["booking"],
  summary: "Gives the money of a booking back, all of it or a part",
  headers: IDEMPOTENCY_HEADERS,
  body: objectSchema({
    booking_id: BOOKING_ID,
    original_transaction_id: TRANSACTION_ID,
    refund_amount: AMOUNT,
    reason: { type: "string", maxLength: 250, examples: ["Customer cancellation"] },
    user_id: USER_ID,
  }),
  response: {
    200: {
      description: "It is given back; `pending` where the provider takes its time.",
      ...objectSchema({
        status: { type: "string", enum: ["success", "pending"] },
        refund_transaction_id: { type: "string", description: "REF- and a UUID." },
        original_transaction_id: TRANSACTION_ID,
        booking_id: BOOKING_ID,
        refund_amount: AMOUNT,
        processed_at: TIME,
        message: TEXT,
      }),
    },
    422: UNPROCESSABLE,
    ...refusals(
      {
        400: "It cannot be given back, or not so much.",
        ...KNOWN,
        404: "The booking has no such transaction.",
        409: "The same request is under way.",
        ...UNAVAILABLE,
      },
      ERROR,
    ),
  },
};

export const STATUS_SCHEMA: FastifySchema = {
  operationId: "bookingStatus",
  tags: ["booking"],
  summary: "How a transaction stands",
  params: pathSchema({ transaction_id: TRANSACTION_ID }),
  response: {
    200: {
      description: "The transaction.",
      ...objectSchema(
        {
          transaction_id: TRANSACTION_ID,
          status: { type: "string", enum: ["pending", "completed", "failed", "refunded"] },
          booking_id: BOOKING_ID,
          amount: AMOUNT,
          payment_method: METHOD,
          created_at: TIME,
          processed_at: { type: ["string", "null"], format: "date-time" },
          refunded_amount: AMOUNT,
        },
        ["refunded_amount"],
      ),
    },
    ...refusals({ ...KNOWN, 404: "There is no such transaction.", 503: UNAVAILABLE[503] }, ERROR),
  },
};

export const METHODS_SCHEMA: FastifySchema = {
  operationId: "bookingMethods",
  tags: ["booking"],
  summary: "How bookings can be paid",
  security: [],
  response: {
    200: {
      description: "All methods, with whether they can be used.",
      ...objectSchema({
        payment_methods: {
          type: "array",
          items: objectSchema({ id: METHOD, name: TEXT, description: TEXT, enabled: { type: "boolean" } }),
        },
      }),
    },
  },
};
