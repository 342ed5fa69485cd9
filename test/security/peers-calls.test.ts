// What other payment services lived through with calls whose outcome they did not know, and with amounts. Each of these charged somebody twice, or lost sight
// of a charge.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { recover } from "../../src/app/recover.ts";
import { answerOf, createInput, verdictOf } from "../app/open-service.ts";
import { Shop } from "../app/shop.ts";

const RACES = 20;
const PROVIDER_STALL_MS = 3_600_000;
/** Each after the one before: in a month the last retry of anybody is over. */
const HOURS = [1, 12, 24, 72, 24 * 30];

let shop: Shop;
before(async () => {
  shop = await Shop.open();
});
after(() => shop.close());

describe("peers:", () => {
  it("a long-pending payment moved to failed after the last retry while the card was charged", async () => {
    // It is charged by the first call, and the provider says nothing of it for longer than it keeps our key.
    const input = createInput({ metadata: { gateway_fault: "create:lost_after" } });
    assert.equal(verdictOf(await shop.create(input)), "PROVIDER_OUTCOME_UNKNOWN");
    shop.setProviderSilent(true);
    for (const hours of HOURS) {
      await shop.service.recoverAfter(hours * 3_600_000);
      const rows = await shop.service.rows(
        "select p.status, o.state from payment p join provider_operation o on o.payment_id = p.id where p.order_id = $1",
        [input.orderId],
      );
      assert.deepEqual(rows, [{ status: "PENDING", state: "UNKNOWN" }], `after ${hours} hours`);
    }
    shop.setProviderSilent(false);
    await shop.service.recoverAfter(3_600_000);
    const { payment } = answerOf(await shop.create(input));
    assert.equal(payment.status, "SUCCEEDED");
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded"]);
    assert.equal((await shop.totals(payment)).charges, 1);
  });

  it("a retry that raced the recovery worker", async () => {
    const inputs = Array.from({ length: RACES }, () =>
      createInput({ metadata: { gateway_fault: "create:lost_after" } }),
    );
    const firsts = await Promise.all(inputs.map((input) => shop.create(input)));
    assert.deepEqual(new Set(firsts.map(verdictOf)), new Set(["PROVIDER_OUTCOME_UNKNOWN"]));
    shop.service.time += 2_000;
    const retries = Promise.all(inputs.map((input) => shop.create(input)));
    await Promise.all([recover(shop.service.parts), recover(shop.service.parts), retries]);
    for (const input of inputs) {
      const { payment } = answerOf(await shop.create(input));
      assert.deepEqual([payment.status, payment.version], ["SUCCEEDED", 2]);
      assert.equal((await shop.totals(payment)).charges, 1);
    }
  });

  it("double submit with two keys for one order", async () => {
    for (let race = 0; race < RACES; race += 1) {
      const first = createInput();
      const results = await Promise.all(
        [first, { ...first, requestId: `${first.requestId}-again` }].map((input) => shop.create(input)),
      );
      const paid = results.filter((result) => result.ok);
      const told = new Set(paid.map((result) => answerOf(result).payment.id));
      assert.equal(told.size, 1, results.map(verdictOf).join());
      assert.equal((await shop.totals(first)).charges, 1);
      const rows = await shop.service.rows("select id from payment where order_id = $1", [first.orderId]);
      assert.equal(rows.length, 1);
    }
  });

  it("a provider stall longer than a lease", async () => {
    const input = createInput();
    const stalled = Promise.withResolvers<void>();
    const goesOn = Promise.withResolvers<void>();
    shop.beforeAnswer("create", async () => {
      stalled.resolve();
      await goesOn.promise;
    });
    const first = shop.create(input);
    await stalled.promise;
    // Another process takes the operation over, and is done before the first one hears anything.
    await shop.service.recoverAfter(PROVIDER_STALL_MS);
    const { payment } = answerOf(await shop.create(input));
    assert.equal(payment.status, "SUCCEEDED");
    goesOn.resolve();
    assert.deepEqual(answerOf(await first).payment.id, payment.id);
    await shop.service.recoverAfter(PROVIDER_STALL_MS);
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded"]);
    assert.equal((await shop.totals(payment)).charges, 1);
  });
});
