// The parts of OpenAPI schemas that dialects share. Schemas describe; they check nothing.

/** Registered once for all routes; referred to by `{ $ref: "Refusal#" }`. */
export const REFUSAL = {
  $id: "Refusal",
  type: "object",
  description: "Why a call was refused, and whether money moved.",
  required: ["message", "reason", "outcome", "metadata", "violations"],
  properties: {
    message: { type: "string", description: "A sentence for the caller's engineers." },
    reason: { type: "string", description: "For programs, such as INVALID_AMOUNT.", examples: ["INVALID_AMOUNT"] },
    outcome: {
      type: "string",
      enum: ["NOT_ATTEMPTED", "DECLINED", "UNKNOWN", "APPLIED"],
      description:
        "Whether money moved. UNKNOWN: the service is finding out; repeat the call with the same Idempotency-Key.",
    },
    metadata: {
      type: "object",
      additionalProperties: { type: "string" },
      description: "Every dynamic value of the sentence.",
    },
    violations: {
      type: "array",
      items: {
        type: "object",
        required: ["field", "description"],
        properties: { field: { type: "string" }, description: { type: "string" } },
      },
    },
  },
} as const;

export const TEXT = { type: "string" } as const;
export const TIME = { type: "string", format: "date-time" } as const;
export const AMOUNT = { type: "number", description: "In major units, exact.", examples: [25.99] } as const;
export const CURRENCY = { type: "string", description: "ISO 4217, in either case.", examples: ["usd"] } as const;
export const ORDER_ID = {
  type: "string",
  minLength: 1,
  maxLength: 128,
  description: "The caller's own id of the order.",
  examples: ["123e4567-e89b-12d3-a456-426614174000"],
} as const;
export const PAYMENT_ID = {
  type: "string",
  description: "payment_ and a UUID.",
  examples: ["payment_018f3b2e-7c1a-7b59-9c3d-5a1f0e2d4c6b"],
} as const;

/** Of the calls that change something. */
export const IDEMPOTENCY_HEADERS = {
  type: "object",
  properties: {
    "Idempotency-Key": {
      type: "string",
      maxLength: 255,
      description: "Makes a retry safe: best a UUID. Quoted or plain.",
    },
  },
} as const;

/** The parameters of a path, all of them texts. */
export function pathSchema(parameters: Readonly<Record<string, object>>): object {
  return { type: "object", properties: parameters, required: Object.keys(parameters) };
}

/** An object of which all properties but the named ones are always there. */
export function objectSchema(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, ...(required.length > 0 && { required }) };
}

/** The answers of a route by status, each with what it means. `schema` is that of the refusals' bodies. */
export function refusals(statuses: Readonly<Record<number, string>>, schema: object = { $ref: "Refusal#" }): object {
  return Object.fromEntries(
    Object.entries(statuses).map(([status, description]) => [status, { description, ...schema }]),
  );
}
