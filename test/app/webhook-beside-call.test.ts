// A webhook that tells of what a call of ours did, or of what somebody else did meanwhile: neither changes what the caller is
// answered, nor is told twice.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { answerOf, caller, createInput, verdictOf } from "./open-service.ts";
import { Shop } from "./shop.ts";

const shop = await Shop.open();
const { service } = shop;
after(() => shop.close());

describe("a webhook beside a call", () => {
  it("that comes before the call's own answer changes nothing of the answer, and adds no event", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:lost_after" } });
    await shop.create(input);
    for (const event of service.events.filter(({ data }) =>
      JSON.stringify(data, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value)).includes(
        input.orderId,
      ),
    ))
      await service.deliver(event);
    await service.recoverAfter(2_000);
    const answer = answerOf(await shop.create(input));
    assert.equal(answer.payment.status, "SUCCEEDED");
    assert.deepEqual(await shop.history(answer.payment), ["payment.created", "payment.succeeded"]);
  });

  it("of a cancel keeps the caller's reason when it comes before the cancel's answer", async () => {
    const payment = await shop.openCheckout({ metadata: { gateway_fault: "cancel:lost_after" } });
    const cancel = () =>
      cancelPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        reason: "out of stock",
        requestId: `cancel-${payment.id}`,
      });
    assert.equal(verdictOf(await cancel()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(shop.eventOf(payment, "checkout.session.expired"));
    const [row] = await service.rows("select status, cancel_reason from payment where id = $1", [payment.id]);
    assert.deepEqual(row, { status: "CANCELED", cancel_reason: "out of stock" });
    await service.recoverAfter(2_000);
    assert.equal(answerOf(await cancel()).payment.cancelReason, "out of stock");
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.cancelled"]);
  });

  it("of a decline does not hide from recovery what became of the call whose answer nobody knew", async () => {
    const payment = await shop.openCheckout({ attemptsMax: 3 });
    await shop.payOnPage(payment, "pm_card_authenticationRequired");
    await service.elsewhere({ operation: "authenticate", id: payment.providerReference ?? "", approve: false });
    await service.deliver(shop.eventOf(payment, "payment_intent.payment_failed"));
    service.gateway.script({ operation: "confirm", fault: "error_after" });
    const confirm = () => shop.complete(payment, `confirm-${payment.id}`, "pm_card_chargeDeclinedInsufficientFunds");
    assert.equal(verdictOf(await confirm()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(shop.eventOf(payment, "payment_intent.payment_failed"));
    await service.recoverAfter(2_000);
    const told = answerOf(await confirm()).payment;
    assert.deepEqual([told.status, told.failure?.reason], ["PENDING", "INSUFFICIENT_FUNDS"]);
    assert.deepEqual(await shop.history(payment), [
      "payment.created",
      "payment.requires_action",
      "payment.attempt_failed",
      "payment.attempt_failed",
    ]);
  });

  it("of an earlier attempt is not taken for the outcome of a call that did not arrive", async () => {
    const payment = await shop.openCheckout({ attemptsMax: 3 });
    await shop.payOnPage(payment, "pm_card_authenticationRequired");
    await service.elsewhere({ operation: "authenticate", id: payment.providerReference ?? "", approve: false });
    await service.deliver(shop.eventOf(payment, "payment_intent.payment_failed"));
    service.gateway.script({ operation: "confirm", fault: "lost_before", times: 2 });
    const confirm = () => shop.complete(payment, `confirm-${payment.id}`, "pm_card_visa");
    assert.equal(verdictOf(await confirm()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.recoverAfter(2_000);
    assert.equal((await shop.books(payment)).status, "PENDING");
    await service.recoverAfter(60_000);
    assert.equal(answerOf(await confirm()).payment.status, "SUCCEEDED");
  });

  it("of the last decline lets go of the payment at the provider once the call under way has ended", async () => {
    const payment = await shop.openCheckout({ attemptsMax: 1, metadata: { gateway_fault: "confirm:lost_after" } });
    const confirmed = await shop.complete(payment, `confirm-${payment.id}`, "pm_card_chargeDeclined");
    assert.equal(verdictOf(confirmed), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(shop.eventOf(payment, "payment_intent.payment_failed"));
    assert.equal((await shop.books(payment)).status, "FAILED");
    await service.recoverAfter(2_000);
    await service.recoverAfter(2_000);
    shop.eventOf(payment, "checkout.session.expired");
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.failed"]);
  });

  it("of a refund leaves the refund in its call's answer when it comes first, also while the answer is late", async () => {
    const payment = await shop.pay({ metadata: { gateway_fault: "refund:lost_after" } });
    const refund = () =>
      refundPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: "returned",
        requestId: `refund-${payment.id}`,
      });
    assert.equal(verdictOf(await refund()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(shop.eventOf(payment, "refund.created"));
    assert.equal((await shop.books(payment)).status, "REFUNDED");
    await service.recoverAfter(2_000);
    const told = answerOf(await refund());
    assert.deepEqual([told.refund?.status, told.refund?.amount.minor], ["SUCCEEDED", 10_000n]);
  });

  it("of a refund made elsewhere, while ours that it makes impossible is under way, is applied once ours has ended", async () => {
    const payment = await shop.pay({ metadata: { gateway_fault: "refund:lost_before" } });
    const refund = () => shop.refund(payment, `refund-${payment.id}`);
    assert.equal(verdictOf(await refund()), "PROVIDER_OUTCOME_UNKNOWN");
    const params = { amount: 10_000n, reason: null, metadata: {} };
    await service.elsewhere({ operation: "create_refund", id: payment.providerReference ?? "", params });
    const event = shop.eventOf(payment, "refund.created");
    await service.deliver(event);
    assert.equal((await shop.judged(event))?.state, "PARKED");
    await service.recoverAfter(2_000);
    await service.recoverAfter(600_000);
    assert.equal(verdictOf(await refund()), "REFUND_NOT_ALLOWED");
    assert.equal((await shop.books(payment)).status, "REFUNDED");
    assert.deepEqual(await shop.history(payment), [
      "payment.created",
      "payment.succeeded",
      "payment.refund_failed",
      "payment.refunded",
    ]);
  });

  it("of a dispute, while nobody knows yet that the payment was paid, tells of both", async () => {
    const payment = await shop.openCheckout({ metadata: { gateway_fault: "confirm:lost_after" } });
    assert.equal(verdictOf(await shop.complete(payment, `confirm-${payment.id}`)), "PROVIDER_OUTCOME_UNKNOWN");
    const params = { reason: "fraudulent", inquiry: false };
    await service.elsewhere({ operation: "open_dispute", id: payment.providerReference ?? "", params });
    await service.deliver(shop.eventOf(payment, "charge.dispute.created"));
    await service.recoverAfter(2_000);
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded", "payment.dispute_opened"]);
  });

  it("of a refund's id alone, while its call is under way, writes nothing", async () => {
    const fault = { gateway_fault: "refund:lost_after" };
    const payment = await shop.pay({ paymentMethod: "pm_card_pendingRefund", metadata: fault });
    assert.equal(verdictOf(await shop.refund(payment, `refund-${payment.id}`)), "PROVIDER_OUTCOME_UNKNOWN");
    const revision = () => service.rows("select revision from payment where id = $1", [payment.id]);
    const before = await revision();
    for (const type of ["refund.created", "charge.refunded"]) {
      const event = shop.eventOf(payment, type);
      await service.deliver(event);
      assert.equal((await shop.judged(event))?.state, "INERT", type);
    }
    assert.deepEqual(await revision(), before);
    await service.recoverAfter(2_000);
    const told = answerOf(await shop.refund(payment, `refund-${payment.id}`));
    assert.match(told.refund?.providerReference ?? "", /^re_/);
  });
});
