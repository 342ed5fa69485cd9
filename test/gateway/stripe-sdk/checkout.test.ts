// What a program that was written for Stripe sees of its checkouts, through the official SDK.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import type Stripe from "stripe";
import { errorOf, StripeBench } from "../http/open-local-stripe.ts";

const bench = await StripeBench.make();
after(() => bench.dispose());
const { stripe } = bench;

suite("checkout sessions", () => {
  const params = {
    mode: "payment",
    line_items: [
      { price_data: { currency: "eur", unit_amount: 333, product_data: { name: "Tea" } }, quantity: 3 },
      { price_data: { currency: "eur", unit_amount: 1, product_data: { name: "Cup" } } },
    ],
    success_url: "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
    cancel_url: "https://shop.example/cart",
    customer_email: "anna@example.com",
    client_reference_id: "order-7",
    metadata: { of: "session" },
    payment_intent_data: { metadata: { of: "intent" }, description: "Order 7" },
  } as const satisfies Stripe.Checkout.SessionCreateParams;

  test("one is paid, and shows its intent only then", async () => {
    const made = await stripe.checkout.sessions.create({ ...params, expand: ["line_items"] });
    assert.deepEqual([made.status, made.payment_status, made.amount_total], ["open", "unpaid", 1000]);
    assert.deepEqual(
      made.line_items?.data.map(({ amount_total }) => amount_total),
      [999, 1],
    );
    assert.equal(made.payment_intent, null);
    assert.match(made.url ?? "", new RegExp(`/c/pay/${made.id}$`));
    await bench.control(`checkout/sessions/${made.id}/pay`, { payment_method: "pm_card_visa" });
    const paid = await stripe.checkout.sessions.retrieve(made.id, { expand: ["payment_intent.latest_charge"] });
    assert.deepEqual([paid.status, paid.payment_status, paid.url], ["complete", "paid", null]);
    const intent = paid.payment_intent as Stripe.PaymentIntent;
    assert.deepEqual(intent.metadata, { of: "intent" });
    assert.deepEqual(paid.metadata, { of: "session" });
    assert.equal((intent.latest_charge as Stripe.Charge).amount, 1000);
    const [listed] = (await stripe.checkout.sessions.list({ payment_intent: intent.id })).data;
    assert.equal(listed?.id, made.id);
    const items = await stripe.checkout.sessions.listLineItems(made.id, { limit: 1 });
    assert.deepEqual([items.data[0]?.description, items.has_more], ["Tea", true]);
  });

  test("one that is expired can be paid no more, and its intent is never seen", async () => {
    const made = await stripe.checkout.sessions.create(params);
    const expired = await stripe.checkout.sessions.expire(made.id);
    assert.deepEqual([expired.status, expired.url, expired.payment_intent], ["expired", null, null]);
    assert.match((await errorOf(stripe.checkout.sessions.expire(made.id))).message, /expired/);
    const hidden = await errorOf(stripe.paymentIntents.retrieve(made.id.replace("cs_test_", "pi_")));
    assert.equal(hidden.statusCode, 404);
  });

  test("one expires when its time has come", async () => {
    const made = await stripe.checkout.sessions.create(params);
    await bench.control("clock", { advance_seconds: 24 * 60 * 60 + 1 });
    assert.equal((await stripe.checkout.sessions.retrieve(made.id)).status, "expired");
    const [event] = (await stripe.events.list({ types: ["checkout.session.expired"], limit: 1 })).data;
    assert.equal((event?.data.object as Stripe.Checkout.Session | undefined)?.id, made.id);
  });

  test("one whose times are out of range, or whose currencies differ, is refused", async () => {
    const soon = Math.floor(Date.now() / 1000) + 60;
    assert.equal((await errorOf(stripe.checkout.sessions.create({ ...params, expires_at: soon }))).param, "expires_at");
    const dollar = { price_data: { currency: "usd", unit_amount: 1, product_data: { name: "Tea" } } };
    const mixed = stripe.checkout.sessions.create({ ...params, line_items: [...params.line_items, dollar] });
    assert.equal((await errorOf(mixed)).param, "line_items");
  });
});
