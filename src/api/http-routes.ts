// What the HTTP port serves besides RPCs and health: webhooks, the state of a checkout, and the pages.
import type { Logger } from "pino";
import type { Parts } from "../app/parts.ts";
import { CHECKOUT_STATE_PREFIX, createCheckoutStateHandler } from "./checkout-state.ts";
import type { HttpHandler } from "./http-port.ts";
import { createWebhookHandler } from "./webhook.ts";

const WEBHOOK_PATH = "/v1/payments/webhook";

/** Finds the handler of a path. */
export type FindRoute = (path: string) => HttpHandler | undefined;

export function createHttpRoutes(parts: Parts, log: Logger, pages: FindRoute): FindRoute {
  const webhook = createWebhookHandler(parts, log);
  const checkoutState = createCheckoutStateHandler(parts, log);
  return (path) => {
    if (path === WEBHOOK_PATH) return webhook;
    return path.startsWith(CHECKOUT_STATE_PREFIX) ? checkoutState : pages(path);
  };
}
