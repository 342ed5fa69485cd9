// The paths that the HTTP port serves before fastify is asked, for the OpenAPI document.
import { AMOUNT, ORDER_ID, PAYMENT_ID, TEXT, TIME, objectSchema } from "./schemas.ts";

const json = (description: string, schema: object) => ({ description, content: { "application/json": { schema } } });
const page = (summary: string, operationId: string) => ({
  get: {
    operationId,
    tags: ["canonical"],
    summary,
    security: [],
    parameters: [{ name: "session_id", in: "query", required: false, schema: TEXT } as const],
    responses: { 200: { description: "The page.", content: { "text/html": { schema: TEXT } } } },
  },
});
const refused = (description: string) => json(description, { $ref: "#/components/schemas/Refusal" });

const CHECKS = {
  type: "object",
  description: "Each part by its name, with how long it took to answer.",
  additionalProperties: { type: "object" },
} as const;
const WHOLE = objectSchema({
  status: { type: "string", enum: ["healthy", "unhealthy"] },
  service: TEXT,
  timestamp: TIME,
  checks: CHECKS,
});
const READY = objectSchema({ status: { type: "string", enum: ["ready", "failing", "not_serving"] }, checks: CHECKS });

const probe = (summary: string, operationId: string, schema: object) => ({
  get: {
    operationId,
    tags: ["health"],
    summary,
    security: [],
    responses: { 200: json("It can.", schema), 503: json("It cannot.", schema) },
  },
});

export const ELSEWHERE = {
  "/v1/payments/success": page("The page to which a paid checkout returns", "canonicalSuccessPage"),
  "/v1/payments/cancel": page("The page to which a left checkout returns", "canonicalCancelPage"),
  "/v1/payments/session/{sessionId}": {
    get: {
      operationId: "canonicalCheckoutState",
      tags: ["canonical"],
      summary: "How the payment of a checkout session stands: what the two pages ask",
      security: [],
      parameters: [{ name: "sessionId", in: "path", required: true, schema: TEXT } as const],
      responses: {
        200: json(
          "The payment in short.",
          objectSchema({
            paymentId: PAYMENT_ID,
            orderId: ORDER_ID,
            status: TEXT,
            amount: AMOUNT,
            amountMinor: TEXT,
            currency: TEXT,
            amountCaptured: AMOUNT,
            amountRefunded: AMOUNT,
            failure: { type: ["object", "null"] },
            description: { type: ["string", "null"] },
            checkoutUrl: { type: ["string", "null"] },
            expiresAt: { type: ["string", "null"] },
            updatedAt: TIME,
          }),
        ),
        404: refused("There is no such session."),
      },
    },
  },
  "/v1/payments/webhook": {
    post: {
      operationId: "canonicalWebhook",
      tags: ["canonical"],
      summary: "Signed events of the payment provider",
      security: [],
      parameters: [{ name: "stripe-signature", in: "header", required: true, schema: TEXT } as const],
      requestBody: { required: true, content: { "application/json": { schema: { type: "object" } as const } } },
      responses: {
        200: json("The event is stored.", objectSchema({ received: { type: "boolean", const: true } })),
        400: refused("The signature is missing, wrong, stale, or of the future: `Invalid signature`."),
        413: refused("The body is too large."),
      },
    },
  },
  "/health": probe("Whether the service can work, each part named", "health", WHOLE),
  "/health/ready": probe("Whether the service can work now", "healthReady", READY),
  "/health/live": {
    get: {
      operationId: "healthLive",
      tags: ["health"],
      summary: "Whether the process is alive",
      security: [],
      responses: { 200: json("It is.", objectSchema({ status: { type: "string", const: "live" } })) },
    },
  },
};
