// What a program that was written for Stripe sees of its payments and cards, through the official SDK: it knows nothing of this project.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import Stripe from "stripe";
import { errorOf, PAID, StripeBench, TERMS } from "../http/open-local-stripe.ts";

const bench = await StripeBench.make();
after(() => bench.dispose());
const { stripe } = bench;

suite("payment intents", () => {
  test("one is created, confirmed and read", async () => {
    const made = await stripe.paymentIntents.create({ ...TERMS, metadata: { order: "7" }, description: "Tea" });
    assert.equal(made.status, "requires_payment_method");
    const paid = await stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" });
    assert.equal(paid.status, "succeeded");
    assert.equal(paid.amount_received, 1999);
    const read = await stripe.paymentIntents.retrieve(made.id, { expand: ["latest_charge", "payment_method"] });
    assert.deepEqual(read.metadata, { order: "7" });
    assert.equal(read.description, "Tea");
    assert.equal(read.livemode, false);
    const charge = read.latest_charge as Stripe.Charge;
    assert.deepEqual(
      [charge.object, charge.paid, charge.captured, charge.amount_captured],
      ["charge", true, true, 1999],
    );
    assert.equal(charge.payment_method_details?.card?.last4, "4242");
    assert.equal((read.payment_method as Stripe.PaymentMethod).card?.brand, "visa");
  });

  test("a method that was attached is confirmed later", async () => {
    const made = await stripe.paymentIntents.create({ ...TERMS, payment_method: "pm_card_mastercard" });
    assert.equal(made.status, "requires_confirmation");
    assert.equal((await stripe.paymentIntents.confirm(made.id)).status, "succeeded");
  });

  test("a card that is declined is a card error with the intent in it", async () => {
    const error = await errorOf(
      stripe.paymentIntents.create({ ...PAID, payment_method: "pm_card_chargeDeclinedInsufficientFunds" }),
    );
    assert.ok(error instanceof Stripe.errors.StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, "card_declined");
    assert.equal(error.decline_code, "insufficient_funds");
    assert.match(error.requestId ?? "", /^req_\w+$/);
    assert.match(error.doc_url ?? "", /card-declined$/);
    const intent = error.payment_intent;
    assert.equal(intent?.status, "requires_payment_method");
    assert.equal(intent?.last_payment_error?.decline_code, "insufficient_funds");
    assert.equal(error.charge, intent?.latest_charge);
    const retried = await stripe.paymentIntents.confirm(intent?.id ?? "", { payment_method: "pm_card_visa" });
    assert.equal(retried.status, "succeeded");
    assert.equal(retried.last_payment_error, null);
  });

  test("a part of what is held is captured, and the rest let go", async () => {
    const held = await stripe.paymentIntents.create({ ...PAID, capture_method: "manual" });
    assert.deepEqual([held.status, held.amount_capturable, held.capture_method], ["requires_capture", 1999, "manual"]);
    const tooMuch = await errorOf(stripe.paymentIntents.capture(held.id, { amount_to_capture: 2000 }));
    assert.equal(tooMuch.code, "amount_too_large");
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 });
    assert.deepEqual([captured.status, captured.amount_received, captured.amount_capturable], ["succeeded", 1500, 0]);
    assert.equal((await errorOf(stripe.paymentIntents.capture(held.id))).code, "payment_intent_unexpected_state");
  });

  test("one that is canceled says so, and cannot be paid", async () => {
    const made = await stripe.paymentIntents.create(TERMS);
    const canceled = await stripe.paymentIntents.cancel(made.id, { cancellation_reason: "duplicate" });
    assert.deepEqual([canceled.status, canceled.cancellation_reason], ["canceled", "duplicate"]);
    const error = await errorOf(stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" }));
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
    assert.equal(error.code, "payment_intent_unexpected_state");
  });

  test("metadata is merged, and unset by empty values", async () => {
    const made = await stripe.paymentIntents.create({ ...TERMS, metadata: { a: "1", b: "2" } });
    const updated = await stripe.paymentIntents.update(made.id, { metadata: { a: "", c: "3" }, description: "Tea" });
    assert.deepEqual(updated.metadata, { b: "2", c: "3" });
    assert.equal(updated.description, "Tea");
    assert.deepEqual((await stripe.paymentIntents.update(made.id, { metadata: "" })).metadata, {});
  });

  test("3-D Secure leads to the bank's page, and back to the return url", async () => {
    const made = await stripe.paymentIntents.create({
      amount: 1999,
      currency: "eur",
      confirm: true,
      payment_method: "pm_card_threeDSecure2Required",
      return_url: "https://shop.example/back?order=7",
    });
    assert.equal(made.status, "requires_action");
    const page = made.next_action?.redirect_to_url?.url ?? "";
    assert.match(await (await fetch(page)).text(), /Approve/);
    const form = { method: "POST", body: new URLSearchParams({ approve: "true" }), redirect: "manual" } as const;
    const location = new URL((await fetch(page, form)).headers.get("location") ?? "");
    assert.equal(location.searchParams.get("order"), "7");
    assert.equal(location.searchParams.get("redirect_status"), "succeeded");
    assert.equal(location.searchParams.get("payment_intent"), made.id);
    assert.equal((await stripe.paymentIntents.retrieve(made.id)).status, "succeeded");
    assert.equal((await fetch(page.replace(/secret=.*/, "secret=wrong"))).status, 404);
  });

  test("a method that may redirect needs a return url", async () => {
    const error = await errorOf(
      stripe.paymentIntents.create({ amount: 1, currency: "eur", confirm: true, payment_method: "pm_card_visa" }),
    );
    assert.equal(error.param, "return_url");
    const card = { allowed_payment_method_types: ["card" as const], payment_method: "pm_card_visa" };
    assert.equal(
      (await stripe.paymentIntents.create({ amount: 1, currency: "eur", confirm: true, ...card })).status,
      "succeeded",
    );
  });

  test("pages of a list join without gap or double, forwards and backwards", async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.unshift((await stripe.paymentIntents.create(TERMS)).id);
    const forwards: string[] = [];
    for await (const { id } of stripe.paymentIntents.list({ limit: 2 })) {
      forwards.push(id);
      if (forwards.length === 5) break;
    }
    assert.deepEqual(forwards, made);
    const backwards = await stripe.paymentIntents.list({ limit: 2, ending_before: made[4] ?? "" });
    assert.deepEqual(
      backwards.data.map(({ id }) => id),
      made.slice(2, 4),
    );
    assert.equal(backwards.has_more, true);
    const unknown = await errorOf(stripe.paymentIntents.list({ starting_after: "pi_unknown" }));
    assert.deepEqual([unknown.code, unknown.param], ["resource_missing", "starting_after"]);
    const none = await stripe.paymentIntents.list({ created: { lt: 1 } });
    assert.deepEqual([none.data.length, none.has_more], [0, false]);
  });

  test("a search finds by metadata, status, amount and time, in pages", async () => {
    for (const amount of [101, 102, 103]) {
      await stripe.paymentIntents.create({ ...PAID, amount, metadata: { "order id": 'a "b"' } });
    }
    await stripe.paymentIntents.create({ ...TERMS, metadata: { "order id": 'a "b"' } });
    const query = String.raw`metadata["order id"]:"a \"b\"" AND status:"succeeded" AND created>1000`;
    const first = await stripe.paymentIntents.search({ query, limit: 2 });
    assert.deepEqual(
      first.data.map(({ amount }) => amount),
      [103, 102],
    );
    const second = await stripe.paymentIntents.search({ query, limit: 2, page: first.next_page ?? "" });
    assert.deepEqual(
      [second.data.map(({ amount }) => amount), second.has_more, second.next_page],
      [[101], false, null],
    );
    assert.equal((await stripe.paymentIntents.search({ query: `${query} AND -amount:102` })).data.length, 2);
    const without = await stripe.paymentIntents.create({ ...TERMS, metadata: { other: "1" } });
    const absent = await stripe.paymentIntents.search({ query: `metadata["order id"]:null AND metadata["other"]:"1"` });
    assert.deepEqual(
      absent.data.map(({ id }) => id),
      [without.id],
    );
    assert.equal((await errorOf(stripe.paymentIntents.search({ query: "status=succeeded" }))).param, "query");
  });
});

suite("payment methods", () => {
  test("one is made of a test card and used", async () => {
    const card = { number: "4242 4242 4242 4242", exp_month: 8, exp_year: 2040, cvc: "123" };
    const method = await stripe.paymentMethods.create({ type: "card", card });
    assert.deepEqual([method.card?.last4, method.card?.exp_year], ["4242", 2040]);
    assert.deepEqual(await stripe.paymentMethods.retrieve(method.id), method);
    const paid = await stripe.paymentIntents.create({ ...PAID, payment_method: method.id });
    assert.deepEqual([paid.status, paid.payment_method], ["succeeded", method.id]);
    const token = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_mastercard" } });
    assert.equal(token.card?.brand, "mastercard");
  });

  test("a number that is no card's, or a real card's, is a card error that does not tell it back", async () => {
    for (const [number, code] of [
      ["4242424242424243", "incorrect_number"],
      ["4929420573595709", "card_declined"],
    ] as const) {
      const card = { number, exp_month: 8, exp_year: 2040 };
      const error = await errorOf(stripe.paymentMethods.create({ type: "card", card }));
      assert.ok(error instanceof Stripe.errors.StripeCardError);
      assert.equal(error.code, code);
      assert.doesNotMatch(JSON.stringify(error.raw), new RegExp(number));
    }
    const named = await errorOf(stripe.paymentIntents.create({ ...PAID, payment_method: "4242424242424242" }));
    assert.deepEqual([named.code, named.param], ["resource_missing", "payment_method"]);
    assert.doesNotMatch(JSON.stringify(named.raw), /4242424242424242/);
  });
});
