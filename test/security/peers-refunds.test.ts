// What other payment services lived through with refunds. Each of these gave money away, or lost sight of it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answerOf, verdictOf } from "../app/open-service.ts";
import { Shop } from "../app/shop.ts";

const PAYMENTS = 25;
const AT_ONCE = 8;

let shop: Shop;
before(async () => {
  shop = await Shop.open();
});
after(() => shop.close());

describe("peers:", () => {
  it("concurrent over-refund", async () => {
    const payments = await Promise.all(Array.from({ length: PAYMENTS }, () => shop.pay()));
    const verdicts = await Promise.all(
      payments.flatMap((payment) =>
        Array.from({ length: AT_ONCE }, async (_, n) =>
          verdictOf(await shop.refund(payment, `over-${payment.id}-${n}`, 6_000n)),
        ),
      ),
    );
    assert.equal(verdicts.filter((verdict) => verdict === "ok").length, PAYMENTS);
    const refused = verdicts.filter((verdict) => verdict === "REFUND_EXCEEDS_CAPTURED");
    assert.equal(refused.length, PAYMENTS * (AT_ONCE - 1));
    for (const payment of payments) {
      assert.equal((await shop.totals(payment)).refundedMinor, 6_000n);
      const { refunded, pending } = await shop.books(payment);
      assert.deepEqual([refunded, pending], ["6000", "0"]);
    }
  });

  it("negative refund", async () => {
    const payment = await shop.pay();
    for (const minor of [-1n, -10_000n, 0n, -(2n ** 63n)])
      assert.equal(verdictOf(await shop.refund(payment, `less-${minor}`, minor)), "INVALID_AMOUNT");
    const unmoved = { status: "SUCCEEDED", captured: "10000", refunded: "0", pending: "0", version: 2 };
    assert.deepEqual(await shop.books(payment), unmoved);
    assert.equal((await shop.totals(payment)).refunds, 0);
    // Nor is more left to give back than there was.
    assert.equal(verdictOf(await shop.refund(payment, "less-then-more", 10_001n)), "REFUND_EXCEEDS_CAPTURED");
  });

  it("a refund retried under a new key", async () => {
    const payment = await shop.pay({ metadata: { gateway_fault: "refund:lost_after" } });
    assert.equal(verdictOf(await shop.refund(payment, "first-key")), "PROVIDER_OUTCOME_UNKNOWN");
    assert.equal(verdictOf(await shop.refund(payment, "second-key")), "REFUND_EXCEEDS_CAPTURED");
    assert.equal(verdictOf(await shop.refund(payment, "third-key", 1n)), "REFUND_EXCEEDS_CAPTURED");
    await shop.service.recoverAfter(2_000);
    assert.equal(answerOf(await shop.refund(payment, "first-key")).payment.status, "REFUNDED");
    assert.equal(verdictOf(await shop.refund(payment, "fourth-key")), "REFUND_EXCEEDS_CAPTURED");
    const { refunds, refundedMinor } = await shop.totals(payment);
    assert.deepEqual([refunds, refundedMinor], [1, 10_000n]);
  });

  it("two equal partial refunds that collide", async () => {
    const payment = await shop.pay();
    const answers = await Promise.all(
      ["left", "right", "left"].map((key) => shop.refund(payment, `equal-${key}`, 2_500n)),
    );
    const [left, right, again] = answers.map((answer) => answerOf(answer).refund);
    assert.notEqual(left?.id, right?.id);
    assert.notEqual(left?.providerReference, right?.providerReference);
    assert.equal(again?.id, left?.id);
    const { refunds, refundedMinor } = await shop.totals(payment);
    assert.deepEqual([refunds, refundedMinor], [2, 5_000n]);
    assert.equal((await shop.books(payment)).refunded, "5000");
  });

  it("our own refund recorded again from its webhook that arrived before the commit", async () => {
    const payment = await shop.pay();
    let heardFirst: unknown;
    shop.beforeAnswer("refund", async () => {
      await shop.deliverAll(payment.providerReference);
      heardFirst = await shop.judged(shop.eventOf(payment, "refund.created"));
    });
    const { refund } = answerOf(await shop.refund(payment, "once", 4_000n));
    assert.equal(refund?.amount.minor, 4_000n);
    assert.deepEqual(heardFirst, { state: "APPLIED", due: false });
    await shop.deliverAll(payment.providerReference);
    await shop.service.recoverAfter(600_000);
    const { refunded, pending } = await shop.books(payment);
    assert.deepEqual([refunded, pending], ["4000", "0"]);
    const rows = await shop.service.rows("select id from refund where payment_id = $1", [payment.id]);
    assert.equal(rows.length, 1);
    const told = (await shop.history(payment)).filter((type) => type === "payment.refunded");
    assert.equal(told.length, 1);
  });

  it("a refund that succeeds and fails days later", async () => {
    const payment = await shop.pay({ paymentMethod: "pm_card_refundFail" });
    const { refund, payment: told } = answerOf(await shop.refund(payment, "returned"));
    assert.equal(told.status, "REFUNDED");
    shop.service.time += 5 * 86_400_000;
    await shop.service.elsewhere({ operation: "settle_refund", id: refund?.providerReference ?? "" });
    const event = shop.eventOf(payment, "refund.failed");
    await Promise.all([1, 2, 3].map(() => shop.service.deliver(event)));
    const back = { status: "SUCCEEDED", captured: "10000", refunded: "0", pending: "0", version: 4 };
    assert.deepEqual(await shop.books(payment), back);
    assert.deepEqual((await shop.history(payment)).slice(2), ["payment.refunded", "payment.refund_failed"]);
    assert.equal((await shop.totals(payment)).refundedMinor, 0n);
    // What came back can be given once more, and not twice.
    assert.equal(verdictOf(await shop.refund(payment, "returned-again")), "ok");
    assert.equal(verdictOf(await shop.refund(payment, "returned-thrice", 1n)), "REFUND_EXCEEDS_CAPTURED");
  });
});
