// What a program that was written for Stripe sees of money that goes back, through the official SDK.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import type Stripe from "stripe";
import { errorOf, PAID, StripeBench } from "../http/open-local-stripe.ts";

const bench = await StripeBench.make();
after(() => bench.dispose());
const { stripe } = bench;

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
