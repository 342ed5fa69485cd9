// Payments that are paid are not over: refunds that are decided days later, and disputes.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { getPayment } from "../../src/app/get-payment.ts";
import { recover } from "../../src/app/recover.ts";
import { answerOf, caller } from "./open-service.ts";
import { Shop } from "./shop.ts";

const shop = await Shop.open();
const { service } = shop;
after(() => shop.close());

describe("what happens after the payment", () => {
  it("a refund that fails days later gives its amount back, and says so", async () => {
    const payment = await shop.pay({ paymentMethod: "pm_card_refundFail" });
    const refunded = answerOf(await shop.refund(payment, `refund-${payment.id}`));
    await service.elsewhere({ operation: "settle_refund", id: refunded.refund?.providerReference ?? "" });
    await service.deliver(shop.eventOf(payment, "refund.failed"));
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
    assert.equal((await shop.history(payment)).at(-1), "payment.refund_failed");
  });

  it("a refund that stays open at the provider is asked about, also without a webhook", async () => {
    const payment = await shop.pay({ paymentMethod: "pm_card_pendingRefund" });
    const refunded = answerOf(await shop.refund(payment, `refund-${payment.id}`));
    assert.equal(refunded.refund?.status, "PENDING");
    await service.elsewhere({ operation: "settle_refund", id: refunded.refund?.providerReference ?? "" });
    await recover(service.parts);
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
    await service.recoverAfter(3_600_000);
    assert.equal((await shop.books(payment)).status, "REFUNDED");
  });

  it("a dispute is shown with its payment, opened and lost, and leaves the status as it is", async () => {
    const payment = await shop.pay({ paymentMethod: "pm_card_createDispute" });
    const opened = shop.eventOf(payment, "charge.dispute.created");
    await service.deliver(opened);
    await service.elsewhere({ operation: "close_dispute", id: (opened.data.object as { id: string }).id });
    await service.deliver(shop.eventOf(payment, "charge.dispute.closed"));
    const found = await getPayment(service.parts, caller, payment.id);
    assert.ok(found.ok);
    const [dispute] = found.value.disputes;
    assert.deepEqual(
      [
        found.value.payment.status,
        found.value.payment.disputeStatus,
        dispute?.status,
        dispute?.amount,
        dispute?.reason,
      ],
      ["SUCCEEDED", "LOST", "LOST", payment.amount, "fraudulent"],
    );
    assert.deepEqual((await shop.history(payment)).slice(2), ["payment.dispute_opened", "payment.dispute_closed"]);
  });
});
