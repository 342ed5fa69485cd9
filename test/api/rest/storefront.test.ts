// The storefront dialect over HTTP (document 003): its publishable key, its webhook, requests that cannot be read, and its routes.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { printEvent } from "../../../src/gateway/direct.ts";
import { WEBHOOK_SECRET } from "../../app/open-service.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { at, cart, openStorefront } from "./open-storefront.ts";

const shop = await openStorefront({ after });
const { post, get, newIntent } = shop;

test("the publishable key is there for everybody", async (t) => {
  const guarded = await openStorefront(t, { people: true });
  const answer = await guarded.get("config/publishable-key");
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, { publishable_key: "pk_test_shop", mode: "test" });
});

test("a live deployment says so with its key, and one without a key says what to set", async (t) => {
  const live = await openStorefront(t, { storefront: { publishableKey: "pk_live_1", live: true } });
  assert.deepEqual((await live.get("config/publishable-key")).body, {
    publishable_key: "pk_live_1",
    mode: "live",
  });
  const bare = await openStorefront(t, { storefront: { publishableKey: null } });
  const missing = await bare.get("config/publishable-key");
  assert.equal(missing.status, 503);
  assert.match(missing.body.detail, /STRIPE_PUBLISHABLE_KEY/);
});

test("requests that cannot be read are refused in the same form", async () => {
  const broken = await post("create-payment-intent", '{"user_id":');
  assert.equal(broken.status, 422);
  assert.deepEqual(broken.body.detail[0].loc, ["body"]);
  assert.equal((await post("refund", "[]")).status, 422);
  assert.equal((await post("confirm-payment", {})).body.detail[0].loc[1], "payment_intent_id");
  const form = await post("refund", "payment_id=1", { "content-type": "application/x-www-form-urlencoded" });
  assert.equal(form.status, 415);
  assert.equal(typeof form.body.detail, "string");
  const large = await post("create-payment-intent", cart({ note: "x".repeat(1_000_000) }));
  assert.equal(large.status, 413);
  assert.equal(typeof large.body.detail, "string");
  const method = await shop.ask("DELETE", at("refund"));
  assert.equal(method.status, 405);
  assert.equal(method.headers.get("allow"), "POST");
  assert.equal(typeof method.body.detail, "string");
  const key = await post("create-payment-intent", cart(), { "idempotency-key": "a b" });
  assert.equal(key.status, 422);
  assert.deepEqual(key.body.detail[0].loc, ["header", "Idempotency-Key"]);
});

test("webhooks are taken at the document's path, and refused without their signature", async () => {
  const intent = await newIntent();
  await shop.service.elsewhere({
    operation: "confirm_intent",
    id: intent.payment_intent_id,
    payment_method: "pm_card_visa",
  });
  const event = shop.service
    .eventsOf(intent.payment_intent_id)
    .findLast(({ type }) => type === "payment_intent.succeeded");
  assert.ok(event);
  const body = printEvent(event);
  const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(shop.service.time));
  const unsigned = await post("webhook/stripe", body);
  assert.equal(unsigned.status, 400);
  assert.equal(unsigned.body.detail, "Invalid signature");
  const taken = await post("webhook/stripe", body, { "stripe-signature": signature });
  assert.equal(taken.status, 200);
  assert.deepEqual(taken.body, { received: true });
  assert.equal((await get(`payment/${intent.payment_id}`)).body.status, "succeeded");
  const forged = await post("webhook/stripe", body.replace("succeeded", "failed"), { "stripe-signature": signature });
  assert.equal(forged.status, 400);
});

test("every route is in the OpenAPI document", () => {
  const paths = Object.keys(shop.openApi["paths"] as object).filter((path) => path.startsWith("/api/v1/payment/"));
  assert.deepEqual(paths.toSorted(), [
    "/api/v1/payment/checkout-session/{session_id}",
    "/api/v1/payment/config/publishable-key",
    "/api/v1/payment/confirm-payment",
    "/api/v1/payment/create-checkout-session",
    "/api/v1/payment/create-payment-intent",
    "/api/v1/payment/health/",
    "/api/v1/payment/health/live",
    "/api/v1/payment/health/ready",
    "/api/v1/payment/pay-with-credits",
    "/api/v1/payment/payment/{payment_id}",
    "/api/v1/payment/refund",
    "/api/v1/payment/user/{user_id}/orders",
    "/api/v1/payment/user/{user_id}/payments",
    "/api/v1/payment/webhook/stripe",
  ]);
});
