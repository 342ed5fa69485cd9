// Money that comes for a payment that has ended here: it is given back, or put aside until a person says so.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { answerOf, caller } from "./open-service.ts";
import { Shop } from "./shop.ts";

const shop = await Shop.open();
const { service } = shop;
after(() => shop.close());

describe("money that arrives for a payment that has ended", () => {
  /** Money comes for a payment that was ended here without the provider's knowing, as a race between the two would have it. */
  async function paidLate(late: Shop): Promise<Payment> {
    const payment = await late.pay({ paymentMethod: null });
    await late.service.rows(
      "update payment set status = 'CANCELED', live = false, version = version + 1, revision = revision + 2 where id = $1",
      [payment.id],
    );
    await late.service.rows(
      `insert into payment_event (id, payment_id, version, type, status, data, created_at)
        values (gen_random_uuid(), $1, 2, 'payment.cancelled', 'CANCELED', '{}', now())`,
      [payment.id],
    );
    await late.service.elsewhere({
      operation: "confirm_intent",
      id: payment.providerReference ?? "",
      payment_method: "pm_card_visa",
    });
    await late.service.deliver(late.eventOf(payment, "payment_intent.succeeded"));
    return payment;
  }

  it("is given back at once by the policy refund", async () => {
    const payment = await paidLate(shop);
    await service.recoverAfter(0);
    const [row] = await service.rows("select status, captured_minor, refunded_minor from payment where id = $1", [
      payment.id,
    ]);
    assert.deepEqual(row, { status: "CANCELED", captured_minor: "10000", refunded_minor: "10000" });
    assert.deepEqual((await shop.history(payment)).slice(2), ["payment.late", "payment.refunded"]);
  });

  it("is put aside by the policy hold, told as such, and given back when a person says so", async () => {
    const holding = await Shop.open({ latePolicy: "hold" });
    try {
      const payment = await paidLate(holding);
      await holding.service.recoverAfter(0);
      const [told] = await holding.service.rows(
        "select data ->> 'resolution' as resolution from payment_event where type = 'payment.late'",
      );
      assert.deepEqual(told, { resolution: "hold" });
      const refund = await refundPayment(holding.service.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: "requested_by_customer",
        requestId: "give-back",
      });
      const { payment: after } = answerOf(refund);
      assert.deepEqual([after.status, after.capturedMinor, after.refundedMinor], ["CANCELED", 10_000n, 10_000n]);
    } finally {
      await holding.close();
    }
  });
});
