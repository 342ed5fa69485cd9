// Events as Stripe sends them, signed, and what the provider reads of them.
import assert from "node:assert/strict";
import type { WebhookMessage, WebhookParse } from "../../src/provider/provider.ts";
import { createStripeProvider } from "../../src/provider/stripe/stripe-provider.ts";
import { SECRET, signatureOf } from "./gateway-hands.ts";
import { NOW, SECONDS } from "./stripe-objects.ts";

export const provider = createStripeProvider({
  secretKey: "sk_test_webhooks",
  webhookSecrets: [SECRET],
  apiUrl: null,
  timeoutMs: 1_000,
  defaultPaymentMethod: null,
  returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
});

export function event(type: string, object: object, more: object = {}): string {
  const data = { object };
  return JSON.stringify({
    id: "evt_1",
    object: "event",
    type,
    created: SECONDS,
    livemode: false,
    api_version: "2026-10-28.endive",
    data,
    ...more,
  });
}

export function parse(body: string): WebhookParse {
  return provider.parseWebhook(Buffer.from(body), { "stripe-signature": signatureOf(body, SECONDS) }, NOW);
}

export function read(type: string, object: object, more: object = {}): WebhookMessage {
  const parsed = parse(event(type, object, more));
  assert.ok(parsed.ok, `${type} was refused`);
  return parsed.message;
}
