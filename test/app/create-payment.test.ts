import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { toStored } from "../../src/app/answer.ts";
import { getPayment } from "../../src/app/get-payment.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

describe("CreatePayment", () => {
  it("with a method takes the money, and its history says so without a gap", async () => {
    const input = createInput({ amount: { minor: 9_007_199_254_740_993n, currency: "eur" } });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    assert.deepEqual([payment.status, payment.capturedMinor], ["SUCCEEDED", 9_007_199_254_740_993n]);
    const found = await getPayment(service.parts, caller, payment.id);
    assert.ok(found.ok);
    assert.deepEqual(
      found.value.events.map((event) => [event.version, event.type]),
      [
        [1, "payment.created"],
        [2, "payment.succeeded"],
      ],
    );
    assert.equal((await service.journal()).orders.get(input.orderId)?.capturedMinor, 9_007_199_254_740_993n);
  });

  it("as a checkout gives the page to send the customer to, and waits", async () => {
    const { payment, checkout } = answerOf(
      await createPayment(service.parts, caller, createInput({ mode: "CHECKOUT", paymentMethod: null })),
    );
    assert.equal(payment.status, "PENDING");
    assert.equal(checkout?.url, `http://localhost:8080/c/pay/${checkout?.sessionId}`);
    assert.equal(checkout?.expiresAt.getTime(), Math.floor(service.time / 1_000) * 1_000 + 3_600_000);
  });

  it("that is declined is an answer that says why", async () => {
    const input = createInput({ paymentMethod: "pm_card_chargeDeclinedInsufficientFunds" });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    assert.deepEqual([payment.status, payment.failure?.reason], ["FAILED", "INSUFFICIENT_FUNDS"]);
    assert.equal((await service.journal()).orders.get(input.orderId), undefined);
  });

  it("with a method that does not exist fails the payment and says so", async () => {
    const { payment } = answerOf(await createPayment(service.parts, caller, createInput({ paymentMethod: "pm_none" })));
    assert.deepEqual([payment.status, payment.failure?.reason], ["FAILED", "INVALID_CARD"]);
  });

  it("sent a hundred times at once with one request id makes one payment, one charge and a hundred equal answers", async () => {
    const input = createInput({ metadata: { zebra: "1", a: "2", middle: "3" } });
    const answers = await Promise.all(Array.from({ length: 100 }, () => createPayment(service.parts, caller, input)));
    assert.equal(new Set(answers.map((answer) => JSON.stringify(toStored(answer)))).size, 1);
    assert.equal(verdictOf(answers[0] as (typeof answers)[0]), "ok");
    assert.deepEqual(
      await service.rows("select count(*)::int as n from payment where order_id = $1", [input.orderId]),
      [{ n: 1 }],
    );
    assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
  });

  it("with a request id that was used for something else is refused", async () => {
    const input = createInput();
    await createPayment(service.parts, caller, input);
    for (const change of [{ amount: { minor: 1n, currency: "EUR" } }, { orderId: "another" }, { description: "x" }]) {
      assert.equal(verdictOf(await createPayment(service.parts, caller, { ...input, ...change })), "REQUEST_ID_REUSED");
    }
    assert.deepEqual(await service.rows("select 1 from payment where order_id = 'another'"), []);
  });

  it("with the request id of another principal is another request", async () => {
    const input = createInput();
    await createPayment(service.parts, caller, input);
    const other = await createPayment(
      service.parts,
      { ...caller, principal: "another" },
      { ...input, orderId: `${input.orderId}-b` },
    );
    assert.equal(verdictOf(other), "ok");
  });

  it("for an order that has an open payment gives that payment, or names it where the amount differs", async () => {
    const input = createInput({ paymentMethod: null });
    const first = answerOf(await createPayment(service.parts, caller, input));
    const again = answerOf(await createPayment(service.parts, caller, { ...input, requestId: "again" }));
    assert.equal(again.payment.id, first.payment.id);
    assert.equal(again.clientSecret, first.clientSecret);
    const other = await createPayment(service.parts, caller, {
      ...input,
      requestId: "other",
      amount: { minor: 1n, currency: "EUR" },
    });
    assert.equal(!other.ok && other.error.metadata["paymentId"], `payment_${first.payment.id}`);
    assert.equal(verdictOf(other), "ORDER_HAS_OPEN_PAYMENT");
  });

  it("does not wait for ever for a provider that is asked about the open payment and stays silent", async () => {
    const input = createInput({ paymentMethod: null });
    await createPayment(service.parts, caller, input);
    service.gateway.script({ operation: "retrieve", fault: "delay", delayMs: 60_000 });
    const again = await createPayment(service.parts, caller, { ...input, requestId: `${input.requestId}-silent` });
    assert.equal(verdictOf(again), "PROVIDER_ERROR");
    assert.equal(
      verdictOf(await createPayment(service.parts, caller, { ...input, requestId: `${input.requestId}-silent` })),
      "ok",
    );
  });

  it("for a paid order is refused, under whatever key", async () => {
    const input = createInput();
    await createPayment(service.parts, caller, input);
    assert.equal(
      verdictOf(await createPayment(service.parts, caller, { ...input, requestId: "second-key" })),
      "PAYMENT_ALREADY_COMPLETED",
    );
  });

  it("for an order whose payment failed or was canceled makes a new one", async () => {
    const input = createInput({ paymentMethod: "pm_card_chargeDeclined" });
    const failed = answerOf(await createPayment(service.parts, caller, input));
    const open = answerOf(
      await createPayment(service.parts, caller, { ...input, requestId: "b", paymentMethod: null }),
    );
    assert.notEqual(open.payment.id, failed.payment.id);
    await cancelPayment(service.parts, caller, { find: { paymentId: open.payment.id }, reason: "", requestId: "c" });
    const paid = answerOf(
      await createPayment(service.parts, caller, { ...input, requestId: "d", paymentMethod: "pm_card_visa" }),
    );
    assert.equal(paid.payment.status, "SUCCEEDED");
  });

  it("by fifty callers with fifty keys for one order takes the money once", async () => {
    const input = createInput();
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, n) => createPayment(service.parts, caller, { ...input, requestId: `race-${n}` })),
    );
    assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
    assert.deepEqual(new Set(results.map(verdictOf)), new Set(["ok", "PAYMENT_ALREADY_COMPLETED"]));
  });
});
