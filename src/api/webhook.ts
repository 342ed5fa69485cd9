// The door for webhooks. A message that is stored is answered 200, whatever becomes of it. What can never be accepted is 4xx, so that nobody sends it
// for ever; 5xx means that the same message is welcome again.
import type { Logger } from "pino";
import type { Parts } from "../app/parts.ts";
import { receiveWebhook } from "../app/receive-webhook.ts";
import { refuseUnavailable } from "../app/unavailable.ts";
import { refusal } from "../domain/error.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./http-port.ts";
import { readBody, sendJson, sendRefusal } from "./json-http.ts";

/** Stripe's largest events are a fraction of this. */
const BODY_BYTES_MAX = 256 * 1024;

const PROBLEMS = {
  signature: "Invalid signature",
  body: "Invalid body: it is signed, and is not an event that can be read",
} as const;

async function receive(parts: Parts, request: HttpRequest, response: HttpResponse): Promise<void> {
  const rawBody = await readBody(request, BODY_BYTES_MAX);
  if (rawBody === null) {
    const message = `Body too large: at most ${BODY_BYTES_MAX} bytes are read`;
    return sendRefusal(response, 413, refusal("INVALID_ARGUMENT", message));
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
  );
  const receipt = await receiveWebhook(parts, { rawBody, headers });
  if (receipt.received) return sendJson(response, 200, { received: true });
  const { problem, description } = receipt;
  sendRefusal(response, 400, refusal("INVALID_ARGUMENT", PROBLEMS[problem], { metadata: { description } }));
}

export function createWebhookHandler(parts: Parts, log: Logger): HttpHandler {
  return (request, response) => {
    if (request.method !== "POST") {
      request.resume();
      response.setHeader("allow", "POST");
      return sendRefusal(response, 405, refusal("INVALID_ARGUMENT", "Webhooks are sent by POST"));
    }
    receive(parts, request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        log.debug({ err: error }, "webhook broken off by its sender");
        return;
      }
      const unavailable = refuseUnavailable(error);
      log[unavailable ? "warn" : "error"]({ err: error }, "webhook not stored");
      const refused = unavailable ?? refusal("INTERNAL", "The service failed; send the webhook again.");
      sendRefusal(response, unavailable ? 503 : 500, refused);
    });
  };
}
