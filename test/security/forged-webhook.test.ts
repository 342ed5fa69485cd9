// The threat "forged or replayed webhook": what somebody without the secret sends, or somebody who has seen a genuine one. Ten thousand forgeries to the running
// service are in webhook-forgery.test.ts; here are the signature's clock, replays, and services that would take anything.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ConfigError, readConfig } from "../../src/config.ts";
import { openDirect, printEvent } from "../../src/gateway/direct.ts";
import { createMockProvider } from "../../src/provider/mock/mock-provider.ts";
import { createInbox } from "../../src/db/inbox.ts";
import { createStore } from "../../src/db/store.ts";
import { WEBHOOK_SECRET } from "../app/open-service.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { openWebhookDoor } from "./webhook-door.ts";
import { openWebhookShop } from "./webhook-shop.ts";

const TOLERANCE_MS = 300_000;
const AUTH = {
  AUTH_MODE: "jwt",
  AUTH_JWKS_URL: "https://login.example/certs",
  AUTH_ISSUER: "https://login.example",
  AUTH_AUDIENCE: "payments",
};
const PROVIDERS = ["mock", "stripe", "credits"];

const { shop, door, close } = await openWebhookShop();
after(close);

/** A payment that was paid, and the genuine webhook that says so. */
async function seen() {
  const { payment, event } = await shop.payUnheard();
  return { payment, event, body: printEvent(event) };
}

function signedAt(body: string, ms: number): string {
  return stripeSignature(body, WEBHOOK_SECRET, new Date(ms));
}

function direct() {
  return openDirect(shop.service.gateway);
}

describe("forged or replayed webhook:", () => {
  it("a signature is good for 300 s, before and after, to the second", async () => {
    // On a whole second, as signatures are.
    shop.service.time = Math.ceil(shop.service.time / 1_000) * 1_000;
    const { time } = shop.service;
    for (const ahead of [TOLERANCE_MS + 1_000, TOLERANCE_MS, -TOLERANCE_MS, -TOLERANCE_MS - 1_000]) {
      const { payment, event, body } = await seen();
      const isGood = Math.abs(ahead) <= TOLERANCE_MS;
      assert.equal(await door.post(body, signedAt(body, time + ahead)), isGood ? 200 : 400, `${ahead} ms`);
      assert.equal((await shop.judged(event))?.state, isGood ? "APPLIED" : undefined);
      assert.equal((await shop.books(payment)).status, isGood ? "SUCCEEDED" : "PENDING");
    }
  });

  it("a genuine one that is sent again at once is taken for what it is, and moves nothing", async () => {
    const { payment, event, body } = await seen();
    const signature = signedAt(body, shop.service.time);
    assert.equal(await door.post(body, signature), 200);
    const books = await shop.books(payment);
    assert.equal(books.status, "SUCCEEDED");
    shop.service.time += TOLERANCE_MS - 1_000;
    assert.equal(await door.post(body, signature), 200);
    assert.deepEqual(await shop.books(payment), books);
    const rows = await shop.service.rows("select state from webhook_event where event_id = $1", [event.id]);
    assert.deepEqual(rows, [{ state: "APPLIED" }]);
  });

  it("a genuine one that is sent again later is refused", async () => {
    const { payment, body } = await seen();
    const signature = signedAt(body, shop.service.time);
    shop.service.time += TOLERANCE_MS + 1_000;
    assert.equal(await door.post(body, signature), 400);
    assert.equal((await shop.books(payment)).status, "PENDING");
  });

  it("an event is known again by another process, and after its payment has moved on", async () => {
    const { payment, event, body } = await seen();
    assert.equal(await door.deliver(event), 200);
    await shop.refund(payment, "moved-on");
    const books = await shop.books(payment);
    // Nothing of it is in the memory of the process that took it.
    const { database } = shop.service;
    const parts = { ...shop.service.parts, store: createStore(database), inbox: createInbox(database) };
    const other = await openWebhookDoor(Object.assign(Object.create(shop.service) as typeof shop.service, { parts }));
    assert.equal(await other.post(body, signedAt(body, shop.service.time)), 200);
    await other.close();
    assert.deepEqual(await shop.books(payment), books);
    assert.equal(books.status, "REFUNDED");
  });

  it("one of several secrets is enough while they are changed, and none of others is", async () => {
    const { body } = await seen();
    const now = new Date(shop.service.time);
    const time = Math.floor(now.getTime() / 1_000);
    const v1 = (secret: string): string => stripeSignature(body, secret, now).split(",")[1] ?? "";
    assert.equal(await door.post(body, `t=${time},${v1("whsec_old")},${v1("whsec_older")}`), 400);
    assert.equal(await door.post(body, `t=${time},${v1("whsec_old")},${v1(WEBHOOK_SECRET)}`), 200);
  });

  it("a service with an empty secret does not start, nor one for real money without any", () => {
    const stripe = { PAYMENT_PROVIDER: "stripe", STRIPE_SECRET_KEY: "sk_test_1" };
    for (const secrets of ["whsec_", "whsec_good,whsec_", "secret", "'',whsec_good"])
      assert.throws(
        () => readConfig(PROVIDERS, { ...stripe, STRIPE_WEBHOOK_SECRETS: secrets }),
        (error) => error instanceof ConfigError && error.message.startsWith("STRIPE_WEBHOOK_SECRETS"),
        JSON.stringify(secrets),
      );
    const live = { ...stripe, STRIPE_SECRET_KEY: "sk_live_1", NODE_ENV: "production", ...AUTH };
    for (const secrets of [undefined, "", " ", ",", " , "])
      assert.throws(
        () => readConfig(PROVIDERS, { ...live, STRIPE_WEBHOOK_SECRETS: secrets }),
        (error) => error instanceof ConfigError && error.message.startsWith("STRIPE_WEBHOOK_SECRETS is missing"),
        JSON.stringify(secrets),
      );
    assert.equal(readConfig(PROVIDERS, { ...live, STRIPE_WEBHOOK_SECRETS: "whsec_1" }).stripe?.live, true);
    assert.throws(() => readConfig(PROVIDERS, { GATEWAY_WEBHOOK_SECRET: "whsec_" }), ConfigError);
    for (const webhookSecrets of [[""], ["whsec_good", ""]])
      assert.throws(() => createMockProvider(direct(), { checkoutBaseUrl: "http://localhost", webhookSecrets }));
  });

  it("a service without a secret takes no webhook at all", async () => {
    const { body } = await seen();
    const now = new Date(shop.service.time);
    const provider = createMockProvider(direct(), { checkoutBaseUrl: "http://localhost", webhookSecrets: [] });
    for (const secret of ["", "undefined", "null", WEBHOOK_SECRET]) {
      const headers = { "stripe-signature": stripeSignature(body, secret, now) };
      const parsed = provider.parseWebhook(Buffer.from(body), headers, now);
      assert.equal(!parsed.ok && parsed.problem, "signature", JSON.stringify(secret));
    }
  });

  it("signatures are compared in constant time", () => {
    const source = readFileSync(join(import.meta.dirname, "../../src/provider/stripe/signature.ts"), "utf8");
    assert.match(source, /timingSafeEqual\(digest, candidate\)/);
    // Nothing else looks at the digest.
    assert.equal(source.match(/\bdigest\b(?!\()/g)?.length, 2);
  });
});
