// What a program that was written for Stripe sees, through the official SDK: it knows nothing of this project.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import Stripe from "stripe";
import { errorOf, openSdk, PAID, StripeBench, TERMS } from "./http/open-local-stripe.ts";

let bench: StripeBench;
let stripe: Stripe;

before(async () => {
  bench = await StripeBench.make();
  stripe = bench.stripe;
});
after(() => bench.dispose());

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
    assert.equal((await errorOf(stripe.paymentIntents.search({ query: "status=succeeded" }))).param, "query");
  });
});

suite("idempotency", () => {
  test("a repeated request is answered as the first was, and says so", async () => {
    const idempotencyKey = "sdk-replay";
    const first = await stripe.paymentIntents.create(PAID, { idempotencyKey });
    await stripe.refunds.create({ payment_intent: first.id });
    const second = await stripe.paymentIntents.create(PAID, { idempotencyKey });
    assert.deepEqual(second, first);
    assert.equal(second.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal(second.lastResponse.idempotencyKey, idempotencyKey);
    assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  });

  test("a decline is repeated, too", async () => {
    const params = { ...PAID, payment_method: "pm_card_chargeDeclined" };
    const first = await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: "sdk-decline" }));
    const second = await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: "sdk-decline" }));
    assert.equal(second.payment_intent?.id, first.payment_intent?.id);
    assert.equal(second.headers?.["idempotent-replayed"], "true");
  });

  test("a key is refused for other parameters, even such as change nothing, and for another endpoint", async () => {
    const idempotencyKey = "sdk-mismatch";
    const made = await stripe.paymentIntents.create(PAID, { idempotencyKey });
    const calls = [
      stripe.paymentIntents.create({ ...PAID, amount: 2000 }, { idempotencyKey }),
      stripe.paymentIntents.create({ ...PAID, expand: ["latest_charge"] }, { idempotencyKey }),
      stripe.refunds.create({ payment_intent: made.id }, { idempotencyKey }),
    ];
    for (const error of await Promise.all(calls.map(errorOf))) {
      assert.ok(error instanceof Stripe.errors.StripeIdempotencyError);
      assert.equal(error.statusCode, 400);
    }
    assert.equal((await stripe.refunds.list({ payment_intent: made.id })).data.length, 0);
  });

  test("a second request under a key in flight is a conflict", async () => {
    await bench.control("faults", { operation: "create", fault: "delay", delay_ms: 300 });
    const twins = [1, 2].map(() => stripe.paymentIntents.create(PAID, { idempotencyKey: "sdk-flight" }));
    const [first, second] = await Promise.allSettled(twins);
    const refused = [first, second].filter((outcome) => outcome?.status === "rejected");
    assert.equal(refused.length, 1);
    const error = refused[0]?.reason as Stripe.errors.StripeError;
    assert.deepEqual([error.statusCode, error.code], [409, "idempotency_key_in_use"]);
  });

  test("an answer that is lost is made good by the SDK's retry, and takes money once", async () => {
    await bench.control("faults", { operation: "create", fault: "lost_after" });
    const retrying = openSdk(bench.server.port, { maxNetworkRetries: 2 });
    const paid = await retrying.paymentIntents.create({ ...PAID, metadata: { order: "lost" } });
    assert.equal(paid.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal((await stripe.paymentIntents.search({ query: 'metadata["order"]:"lost"' })).data.length, 1);
  });
});

suite("refunds and charges", () => {
  test("parts are given back, and never more than was taken", async () => {
    const paid = await stripe.paymentIntents.create(PAID);
    const part = await stripe.refunds.create({ payment_intent: paid.id, amount: 999, reason: "duplicate" });
    assert.deepEqual(
      [part.status, part.amount, part.reason, part.charge],
      ["succeeded", 999, "duplicate", paid.latest_charge],
    );
    const over = await errorOf(stripe.refunds.create({ payment_intent: paid.id, amount: 1001 }));
    assert.match(over.message, /greater than unrefunded amount/);
    const rest = await stripe.refunds.create({ charge: paid.latest_charge as string, expand: ["charge"] });
    assert.equal(rest.amount, 1000);
    assert.equal((rest.charge as Stripe.Charge).refunded, true);
    const again = await errorOf(stripe.refunds.create({ payment_intent: paid.id }));
    assert.equal(again.code, "charge_already_refunded");
    const listed = await stripe.refunds.list({ payment_intent: paid.id });
    assert.deepEqual(
      listed.data.map(({ id }) => id),
      [rest.id, part.id],
    );
    const charges = await stripe.charges.list({ payment_intent: paid.id, expand: ["data.refunds"] });
    assert.deepEqual(
      charges.data[0]?.refunds?.data.map(({ id }) => id),
      [rest.id, part.id],
    );
    assert.equal((await stripe.refunds.retrieve(part.id)).amount, 999);
  });

  test("lists of all refunds and charges go on from any of them", async () => {
    const paid = await stripe.paymentIntents.create(PAID);
    for (const amount of [1, 2, 3]) await stripe.refunds.create({ payment_intent: paid.id, amount });
    const amounts: number[] = [];
    for await (const { amount } of stripe.refunds.list({ limit: 1 })) {
      amounts.push(amount);
      if (amounts.length === 3) break;
    }
    assert.deepEqual(amounts, [3, 2, 1]);
    const [newest] = (await stripe.charges.list({ limit: 1 })).data;
    assert.equal(newest?.id, paid.latest_charge);
  });

  test("a refund that fails days later is seen to fail", async () => {
    const paid = await stripe.paymentIntents.create({ ...PAID, payment_method: "pm_card_refundFail" });
    const refund = await stripe.refunds.create({ payment_intent: paid.id });
    assert.equal(refund.status, "succeeded");
    await bench.control(`refunds/${refund.id}/settle`, { status: "failed" });
    const failed = await stripe.refunds.retrieve(refund.id);
    assert.equal(failed.status, "failed");
    assert.equal(failed.failure_reason, "expired_or_canceled_card");
  });
});

suite("disputes", () => {
  test("one is opened by its card, and won by evidence", async () => {
    const paid = await stripe.paymentIntents.create({ ...PAID, payment_method: "pm_card_createDispute" });
    const [dispute] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
    assert.deepEqual([dispute?.status, dispute?.reason, dispute?.amount], ["needs_response", "fraudulent", 1999]);
    const won = await stripe.disputes.update(dispute?.id ?? "", {
      evidence: { uncategorized_text: "winning_evidence" },
    });
    assert.equal(won.status, "won");
    const types = (await stripe.events.list({ type: "charge.dispute.closed" })).data.map(({ data }) => data.object);
    assert.equal((types[0] as Stripe.Dispute).id, dispute?.id);
  });

  test("one that is closed is lost", async () => {
    const paid = await stripe.paymentIntents.create({
      ...PAID,
      payment_method: "pm_card_createDisputeProductNotReceived",
    });
    const [dispute] = (await stripe.disputes.list({ charge: paid.latest_charge as string })).data;
    assert.equal((await stripe.disputes.close(dispute?.id ?? "")).status, "lost");
    assert.equal((await stripe.disputes.retrieve(dispute?.id ?? "")).status, "lost");
  });
});

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

suite("events and webhooks", () => {
  test("an event is delivered to an endpoint, signed, and is the one that is listed", async () => {
    const bodies: { body: Buffer; signature: string }[] = [];
    const arrived = Promise.withResolvers<void>();
    const receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        bodies.push({ body: Buffer.concat(chunks), signature: String(request.headers["stripe-signature"]) });
        response.writeHead(200).end();
        arrived.resolve();
      });
    }).listen(0, "127.0.0.1");
    await new Promise((listening) => receiver.once("listening", listening));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ["payment_intent.succeeded"] });
    const paid = await stripe.paymentIntents.create(PAID);
    await arrived.promise;
    await bench.server.webhooks.idle();
    const [{ body, signature } = { body: Buffer.of(), signature: "" }] = bodies;
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? "");
    assert.equal(event.type, "payment_intent.succeeded");
    assert.equal((event.data.object as Stripe.PaymentIntent).latest_charge, paid.latest_charge);
    assert.equal(event.api_version, "2026-10-28.endive");
    const listed = await stripe.events.retrieve(event.id);
    assert.deepEqual(listed.data, event.data);
    assert.throws(() => stripe.webhooks.constructEvent(body, signature, "whsec_wrong"));
    assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);
    assert.equal((await stripe.webhookEndpoints.update(endpoint.id, { disabled: true })).status, "disabled");
    assert.deepEqual(await stripe.webhookEndpoints.del(endpoint.id).then(({ deleted }) => deleted), true);
    assert.equal((await stripe.webhookEndpoints.list()).data.length, 0);
    receiver.closeAllConnections();
    receiver.close();
  });

  test("events are listed by type, newest first, in pages", async () => {
    const paid = await stripe.paymentIntents.create(PAID);
    const [first] = (await stripe.events.list({ type: "payment_intent.*", limit: 1 })).data;
    assert.equal((first?.data.object as Stripe.PaymentIntent | undefined)?.id, paid.id);
    const next = await stripe.events.list({
      starting_after: first?.id ?? "",
      types: ["payment_intent.created"],
      limit: 1,
    });
    assert.equal(next.data[0]?.type, "payment_intent.created");
  });
});

test("the account and the balance tell that the key is good", async () => {
  assert.equal((await stripe.balance.retrieve()).object, "balance");
  assert.match((await stripe.accounts.retrieveCurrent()).id, /^acct_/);
});

test("a restart forgets nothing", async () => {
  const idempotencyKey = "sdk-restart";
  const paid = await stripe.paymentIntents.create(PAID, { idempotencyKey });
  await bench.restart();
  stripe = bench.stripe;
  assert.deepEqual(await stripe.paymentIntents.retrieve(paid.id), paid);
  assert.equal((await stripe.paymentIntents.create(PAID, { idempotencyKey })).id, paid.id);
});
