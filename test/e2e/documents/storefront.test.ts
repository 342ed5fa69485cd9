// Document 003: its own examples, run as they are printed there, against a shop whose browser is played here: `fetch` finds the shop, and the provider's
// form pays at the gateway, which tells the shop by a webhook at the document's path.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { grantCredits } from "../../../src/app/credits.ts";
import { findCard } from "../../../src/gateway/cards.ts";
import { printEvent } from "../../../src/gateway/direct.ts";
import { type Json, openShop } from "../../api/rest/open-shop.ts";
import { caller, WEBHOOK_SECRET } from "../../app/open-service.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { runCurl } from "./printed.ts";

const ELEMENTS = `// 1. Get publishable key
const { publishable_key } = await fetch('/api/v1/payment/config/publishable-key').then(r => r.json())

// 2. Initialize Stripe
const stripe = await loadStripe(publishable_key)

// 3. Create Payment Intent
const { client_secret } = await fetch('/api/v1/payment/create-payment-intent', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    user_id: 'user_123',
    items: [
      { book_id: 'book_1', quantity: 1, price_cents: 999, credits: 1, title: 'Book Title' }
    ]
  })
}).then(r => r.json())

// 4. Confirm payment with Stripe Elements
const { error, paymentIntent } = await stripe.confirmPayment({
  elements,
  clientSecret: client_secret,
  confirmParams: { return_url: 'http://localhost:5173/checkout/success' }
})`;

const CHECKOUT = `// 1. Create Checkout Session
const { checkout_url } = await fetch('/api/v1/payment/create-checkout-session', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    user_id: 'user_123',
    items: [
      { book_id: 'book_1', quantity: 1, price_cents: 999, credits: 1, title: 'Book Title' }
    ],
    customer_email: 'user@example.com'
  })
}).then(r => r.json())

// 2. Redirect to Stripe Checkout
window.location.href = checkout_url`;

const CREDITS = `const result = await fetch('/api/v1/payment/pay-with-credits', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    user_id: 'user_123',
    items: [{ book_id: 'book_1', quantity: 1, price_cents: 999, credits: 1, title: 'Book Title' }],
    total_credits: 1
  })
}).then(r => r.json())`;

/** The proxy in front of the shop takes its own name out of the path. */
const PROXIED_HEALTH = "curl http://localhost:8009/api/v1/audiobooker_proxy/payment/health/";

const ITEM = { book_id: "book_1", quantity: 1, price_cents: 999, credits: 1, title: "Book Title" };

const shop = await openShop({ after });
const { service } = shop;

const get = async (path: string): Promise<Json> => (await shop.ask("GET", `/api/v1/payment/${path}`)).body;

/** What the provider sends of a payment, as `stripe listen` forwards it. */
async function forwardWebhooks(intent: string): Promise<void> {
  for (const event of service.eventsOf(intent)) {
    const body = printEvent(event);
    const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(service.time));
    const headers = { "stripe-signature": signature };
    const answer = await shop.ask("POST", "/api/v1/payment/webhook/stripe", { body, headers });
    assert.deepEqual([answer.status, answer.body], [200, { received: true }]);
  }
}

interface Browser {
  readonly window: { readonly location: { href: string } };
  /** What `loadStripe` was given. */
  readonly keys: string[];
  readonly intents: string[];
}

/** Runs a printed snippet in a browser in whose form a card was typed. Gives the named constants. */
async function run(snippet: string, names: readonly string[], card: string): Promise<Record<string, Json> & Browser> {
  const browser: Browser = { window: { location: { href: "" } }, keys: [], intents: [] };
  const stripe = {
    async confirmPayment({ clientSecret }: { readonly clientSecret: string }): Promise<object> {
      const id = clientSecret.split("_secret_", 1)[0] ?? "";
      browser.intents.push(id);
      await service.elsewhere({ operation: "confirm_intent", id, payment_method: findCard(card)?.token ?? "" });
      await forwardWebhooks(id);
      return { paymentIntent: { id } };
    },
  };
  const world = {
    fetch: (path: string, options: RequestInit) => fetch(shop.url + path, options),
    loadStripe: async (key: string) => {
      browser.keys.push(key);
      return stripe;
    },
    elements: {},
    window: browser.window,
  };
  const AsyncFunction = run.constructor as new (...texts: string[]) => (...values: unknown[]) => Promise<Json>;
  const play = new AsyncFunction(...Object.keys(world), `${snippet}\nreturn { ${names.join(", ")} };`);
  return { ...browser, ...(await play(...Object.values(world))) };
}

test("option 1: the browser's own form pays, and the order is there when the payment succeeded", async () => {
  const before = (await get("user/user_123/orders")).count;
  const played = await run(ELEMENTS, ["publishable_key", "client_secret", "error"], "4242424242424242");
  assert.deepEqual(played.keys, ["pk_test_shop"]);
  assert.equal(played["error"], undefined);
  const [intent] = played.intents;
  const payment = await get(`payment/${intent}`);
  assert.equal(payment.status, "succeeded");
  assert.equal(payment.amount_cents, 999);
  assert.equal(payment.currency, "usd");
  const { orders, count } = await get("user/user_123/orders");
  assert.equal(count, before + 1);
  const order = orders.find(({ payment_id }: Json) => payment_id === payment.payment_id);
  assert.equal(order.status, "paid");
  assert.deepEqual(order.items, [ITEM]);
});

test("the printed test cards end as the document says", async () => {
  const endings: [string, string, string | null][] = [
    ["4242424242424242", "succeeded", null],
    ["4000000000000002", "pending", "CARD_DECLINED"],
    ["4000000000009995", "pending", "INSUFFICIENT_FUNDS"],
    ["4000002500003155", "requires_action", null],
  ];
  for (const [card, status, reason] of endings) {
    const { intents } = await run(ELEMENTS, [], card);
    const payment = await get(`payment/${intents[0]}`);
    assert.equal(payment.status, status, card);
    assert.equal(payment.failure?.reason ?? null, reason, card);
  }
});

test("option 2: the hosted page is opened, and its session tells how it stands", async () => {
  const { checkout_url, window } = await run(CHECKOUT, ["checkout_url"], "");
  assert.match(checkout_url, /^http/);
  assert.equal(window.location.href, checkout_url);
  const { payments } = await get("user/user_123/payments");
  const session = payments.find((payment: Json) => payment.stripe_checkout_session_id)?.stripe_checkout_session_id;
  assert.equal((await get(`checkout-session/${session}`)).status, "open");
  await service.elsewhere({ operation: "pay_session", id: session, payment_method: "pm_card_visa" });
  const [{ intent } = { intent: "" }] = await service.rows<{ intent: string }>(
    "select provider_reference as intent from payment where session_id = $1",
    [session],
  );
  await forwardWebhooks(intent);
  const paid = await get(`checkout-session/${session}`);
  assert.deepEqual([paid.status, paid.payment_status, paid.amount_total], ["complete", "paid", 999]);
});

test("option 3: credits pay at once", async () => {
  const grant = { customerId: "user_123", credits: 1n, reason: null, requestId: "" };
  assert.ok((await grantCredits(shop.parts, caller, grant)).ok);
  const { result } = await run(CREDITS, ["result"], "");
  assert.equal(result.status, "succeeded");
  assert.equal(result.credits_deducted, 1);
  assert.equal(result.remaining_credits, 0);
  const { result: broke } = await run(CREDITS, ["result"], "");
  assert.equal(broke.reason, "INSUFFICIENT_FUNDS");
  assert.equal(typeof broke.detail, "string");
});

test("the printed health check is answered, behind the proxy that the document names", async () => {
  const answer = await runCurl(PROXIED_HEALTH.replace("audiobooker_proxy/", ""), shop.url);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.status, "healthy");
});
