// What holds for every request of a program that was written for Stripe, through the official SDK: a key under which it is
// repeated, the key of the account, and a restart in between.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import Stripe from "stripe";
import { errorOf, openSdk, PAID, StripeBench } from "../http/open-local-stripe.ts";

const bench = await StripeBench.make();
after(() => bench.dispose());

suite("idempotency", () => {
  test("a repeated request is answered as the first was, and says so", async () => {
    const idempotencyKey = "sdk-replay";
    const first = await bench.stripe.paymentIntents.create(PAID, { idempotencyKey });
    await bench.stripe.refunds.create({ payment_intent: first.id });
    const second = await bench.stripe.paymentIntents.create(PAID, { idempotencyKey });
    assert.deepEqual(second, first);
    assert.equal(second.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal(second.lastResponse.idempotencyKey, idempotencyKey);
    assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  });

  test("a decline is repeated, too", async () => {
    const params = { ...PAID, payment_method: "pm_card_chargeDeclined" };
    const first = await errorOf(bench.stripe.paymentIntents.create(params, { idempotencyKey: "sdk-decline" }));
    const second = await errorOf(bench.stripe.paymentIntents.create(params, { idempotencyKey: "sdk-decline" }));
    assert.equal(second.payment_intent?.id, first.payment_intent?.id);
    assert.equal(second.headers?.["idempotent-replayed"], "true");
  });

  test("a key is refused for other parameters, even such as change nothing, and for another endpoint", async () => {
    const idempotencyKey = "sdk-mismatch";
    const made = await bench.stripe.paymentIntents.create(PAID, { idempotencyKey });
    const calls = [
      bench.stripe.paymentIntents.create({ ...PAID, amount: 2000 }, { idempotencyKey }),
      bench.stripe.paymentIntents.create({ ...PAID, expand: ["latest_charge"] }, { idempotencyKey }),
      bench.stripe.refunds.create({ payment_intent: made.id }, { idempotencyKey }),
    ];
    for (const error of await Promise.all(calls.map(errorOf))) {
      assert.ok(error instanceof Stripe.errors.StripeIdempotencyError);
      assert.equal(error.statusCode, 400);
    }
    assert.equal((await bench.stripe.refunds.list({ payment_intent: made.id })).data.length, 0);
  });

  test("a second request under a key in flight is a conflict", async () => {
    await bench.control("faults", { operation: "create", fault: "delay", delay_ms: 300 });
    const twins = [1, 2].map(() => bench.stripe.paymentIntents.create(PAID, { idempotencyKey: "sdk-flight" }));
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
    assert.equal((await bench.stripe.paymentIntents.search({ query: 'metadata["order"]:"lost"' })).data.length, 1);
  });
});

test("the account and the balance tell that the key is good", async () => {
  assert.equal((await bench.stripe.balance.retrieve()).object, "balance");
  assert.match((await bench.stripe.accounts.retrieveCurrent()).id, /^acct_/);
});

test("a restart forgets nothing", async () => {
  const idempotencyKey = "sdk-restart";
  const paid = await bench.stripe.paymentIntents.create(PAID, { idempotencyKey });
  await bench.restart();
  assert.deepEqual(await bench.stripe.paymentIntents.retrieve(paid.id), paid);
  assert.equal((await bench.stripe.paymentIntents.create(PAID, { idempotencyKey })).id, paid.id);
});
