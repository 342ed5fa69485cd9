// The webhooks' door on a real port, over the use cases on a real database and gateway.
import pino from "pino";
import { openToAll } from "../../src/api/auth.ts";
import { startHttp } from "../../src/api/connect.ts";
import { createHealth } from "../../src/api/health.ts";
import { createHttpRoutes } from "../../src/api/http-routes.ts";
import { type GatewayEvent, printEvent } from "../../src/gateway/direct.ts";
import { type TestService, WEBHOOK_SECRET } from "../app/open-service.ts";
import { stripeSignature } from "../support/stripe-signature.ts";

const PATH = "/v1/payments/webhook";

export interface WebhookDoor {
  /** Sends a body as its signer would; gives the status. */
  post(body: string, signature: string): Promise<number>;
  /** Sends an event of the gateway, signed now, in its own words or in others. */
  deliver(event: GatewayEvent, body?: string): Promise<number>;
  close(): Promise<void>;
}

export async function openWebhookDoor(service: TestService): Promise<WebhookDoor> {
  const log = pino({ level: "silent" });
  const http = await startHttp({
    host: "127.0.0.1",
    port: 0,
    tls: null,
    reflection: false,
    stopTimeoutMs: 1_000,
    calls: [],
    authenticate: openToAll(),
    health: createHealth({ checks: [], log }),
    log,
    corsOrigins: [],
    findRoute: createHttpRoutes(service.parts, log, () => undefined),
  });
  async function post(body: string, signature: string): Promise<number> {
    const headers = { "content-type": "application/json", "stripe-signature": signature };
    const answer = await fetch(`http://127.0.0.1:${http.port}${PATH}`, { method: "POST", headers, body });
    await answer.text();
    return answer.status;
  }
  return {
    post,
    deliver: (event, body = printEvent(event)) =>
      post(body, stripeSignature(body, WEBHOOK_SECRET, new Date(service.time))),
    close: () => http.stop(),
  };
}
