import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { getPaymentStatus } from "../../src/app/get-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { CreatePaymentInput } from "../../src/app/create-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

async function create(change: Partial<CreatePaymentInput> = {}): Promise<Payment> {
  return answerOf(await createPayment(service.parts, caller, createInput(change))).payment;
}

function complete(payment: Payment, requestId: string, change: { paymentMethod?: string; minor?: bigint } = {}) {
  const amount = change.minor === undefined ? null : { minor: change.minor, currency: "EUR" };
  const find = { paymentId: payment.id };
  return completePayment(service.parts, caller, {
    find,
    paymentMethod: change.paymentMethod ?? null,
    amount,
    requestId,
  });
}

function refund(payment: Payment, requestId: string, minor?: bigint) {
  const amount = minor === undefined ? null : { minor, currency: "EUR" };
  return refundPayment(service.parts, caller, { find: { paymentId: payment.id }, amount, reason: null, requestId });
}

async function current(payment: Payment): Promise<Payment> {
  const found = await getPaymentStatus(service.parts, caller, { paymentId: payment.id });
  assert.ok(found.ok);
  return found.value;
}

describe("CompletePayment", () => {
  it("pays an open checkout with the test card that succeeds, found by its order", async () => {
    const payment = await create({ mode: "CHECKOUT", paymentMethod: null });
    const find = { orderId: payment.orderId };
    const done = answerOf(
      await completePayment(service.parts, caller, { find, paymentMethod: null, amount: null, requestId: "k1" }),
    );
    assert.deepEqual([done.payment.status, done.payment.paymentMethod], ["SUCCEEDED", "visa ending 4242"]);
  });

  it("captures a part of what is held, once, whoever asks at the same time", async () => {
    const payment = await create({ captureMethod: "MANUAL" });
    assert.equal(payment.status, "AUTHORIZED");
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, n) => complete(payment, `capture-${n}`, { minor: 2_500n })),
    );
    assert.deepEqual(results.map(verdictOf).toSorted(), [...Array(9).fill("PAYMENT_ALREADY_COMPLETED"), "ok"]);
    const totals = (await service.journal()).orders.get(payment.orderId);
    assert.deepEqual([totals?.charges, totals?.capturedMinor], [1, 2_500n]);
    assert.equal((await current(payment)).capturedMinor, 2_500n);
  });

  it("leaves the payment open after a decline until its attempts are used up", async () => {
    const payment = await create({ paymentMethod: null, attemptsMax: 2 });
    const first = answerOf(await complete(payment, "d1", { paymentMethod: "pm_card_chargeDeclined" }));
    assert.deepEqual([first.payment.status, first.payment.failure?.reason], ["PENDING", "CARD_DECLINED"]);
    const second = answerOf(await complete(payment, "d2", { paymentMethod: "pm_card_chargeDeclined" }));
    assert.equal(second.payment.status, "FAILED");
    assert.equal(verdictOf(await complete(payment, "d3", { paymentMethod: "pm_card_visa" })), "ORDER_NOT_PAYABLE");
  });

  it("refuses a method that does not exist, and the payment can still be paid", async () => {
    const payment = await create({ paymentMethod: null });
    assert.equal(verdictOf(await complete(payment, "m1", { paymentMethod: "pm_card_nonsense" })), "INVALID_ARGUMENT");
    assert.equal(
      answerOf(await complete(payment, "m2", { paymentMethod: "pm_card_visa" })).payment.status,
      "SUCCEEDED",
    );
  });

  it("answers with the payment as it is when its page was paid meanwhile, and the money is held", async () => {
    const payment = await create({ mode: "CHECKOUT", captureMethod: "MANUAL", paymentMethod: null });
    const page = payment.sessionId ?? "";
    await service.elsewhere({ operation: "pay_session", id: page, payment_method: "pm_card_mastercard" });
    const held = answerOf(await complete(payment, "h1")).payment;
    assert.deepEqual([held.status, held.paymentMethod, held.version], ["AUTHORIZED", "mastercard ending 4444", 2]);
    assert.equal(answerOf(await complete(payment, "h2")).payment.status, "SUCCEEDED");
    assert.equal((await service.journal()).orders.get(payment.orderId)?.charges, 1);
  });

  it("says that the provider would not capture, and blames no field for it", async () => {
    const payment = await create({ captureMethod: "MANUAL" });
    const provider = service.parts.providers.get("mock");
    assert.ok(provider);
    const message = "The authorization cannot be captured any more.";
    const capture = async () => ({ outcome: "refused" as const, code: "charge_expired", message, facts: [] });
    const parts = { ...service.parts, providers: new Map([["mock", { ...provider, capture }]]) };
    const input = { find: { paymentId: payment.id }, paymentMethod: null, amount: null, requestId: "refused-capture" };
    const refused = await completePayment(parts, caller, input);
    assert.ok(!refused.ok);
    const { reason, violations, message: told } = refused.error;
    assert.deepEqual([reason, violations], ["ORDER_NOT_PAYABLE", []]);
    assert.match(told, /the provider refused the capture: The authorization cannot/);
    assert.equal((await current(payment)).status, "AUTHORIZED");
  });
});

describe("CancelPayment", () => {
  it("releases what is held, and says the caller's reason", async () => {
    const payment = await create({ captureMethod: "MANUAL" });
    const find = { paymentId: payment.id };
    const canceled = answerOf(
      await cancelPayment(service.parts, caller, { find, reason: "out of stock", requestId: "x1" }),
    );
    assert.deepEqual([canceled.payment.status, canceled.payment.cancelReason], ["CANCELED", "out of stock"]);
    const again = answerOf(await cancelPayment(service.parts, caller, { find, reason: "twice", requestId: "x2" }));
    assert.deepEqual([again.payment.version, again.payment.cancelReason], [canceled.payment.version, "out of stock"]);
  });

  it("against a completion at the same moment: one of them wins, and the money agrees", async () => {
    const payments = await Promise.all(Array.from({ length: 20 }, () => create({ captureMethod: "MANUAL" })));
    await Promise.all(
      payments.map(async (payment, n) => {
        const find = { paymentId: payment.id };
        const calls = [
          complete(payment, `race-complete-${n}`),
          cancelPayment(service.parts, caller, { find, reason: "", requestId: `race-cancel-${n}` }),
        ];
        const [completed, canceled] = await Promise.all(n % 2 === 0 ? calls : calls.toReversed());
        assert.notEqual(completed?.ok, canceled?.ok);
        const after = await current(payment);
        assert.ok(after.status === "SUCCEEDED" || after.status === "CANCELED", after.status);
        const charged = (await service.journal()).orders.get(payment.orderId)?.capturedMinor ?? 0n;
        assert.equal(charged, after.capturedMinor);
      }),
    );
  });
});

describe("RefundPayment", () => {
  it("in parts, then what is left, then no more", async () => {
    const payment = await create();
    assert.equal(answerOf(await refund(payment, "r1", 2_500n)).payment.status, "PARTIALLY_REFUNDED");
    const rest = answerOf(await refund(payment, "r2"));
    assert.deepEqual([rest.payment.status, rest.refund?.amount.minor], ["REFUNDED", 7_500n]);
    assert.equal(verdictOf(await refund(payment, "r3")), "REFUND_EXCEEDS_CAPTURED");
    assert.equal(verdictOf(await refund(payment, "r3")), "REFUND_EXCEEDS_CAPTURED", "a refusal is replayed as well");
  });

  it("in two equal parts with two keys gives back twice, with one key once", async () => {
    const payment = await create();
    await Promise.all([refund(payment, "e1", 1_000n), refund(payment, "e2", 1_000n), refund(payment, "e2", 1_000n)]);
    assert.equal((await current(payment)).refundedMinor, 2_000n);
    const totals = (await service.journal()).orders.get(payment.orderId);
    assert.deepEqual([totals?.refunds, totals?.refundedMinor], [2, 2_000n]);
  });

  it("eight at once on each of two hundred payments never gives back more than was captured", async () => {
    const payments = await Promise.all(Array.from({ length: 200 }, () => create()));
    const results = await Promise.all(
      payments.flatMap((payment, p) => Array.from({ length: 8 }, (_, n) => refund(payment, `many-${p}-${n}`, 3_000n))),
    );
    const verdicts = results.map(verdictOf);
    assert.equal(verdicts.filter((verdict) => verdict === "ok").length, 600, "three of 30.00 fit into 100.00");
    assert.equal(verdicts.filter((verdict) => verdict === "REFUND_EXCEEDS_CAPTURED").length, 1_000);
    const { orders } = await service.journal();
    for (const payment of payments) assert.equal(orders.get(payment.orderId)?.refundedMinor, 9_000n);
    const over =
      "select id from payment where refunded_minor + refund_pending_minor > captured_minor or refunded_minor <> 9000";
    assert.deepEqual(await service.rows(`${over} and id = any($1)`, [payments.map((payment) => payment.id)]), []);
  });

  it("of a payment that is not captured is refused", async () => {
    assert.equal(verdictOf(await refund(await create({ captureMethod: "MANUAL" }), "n1")), "PAYMENT_NOT_PAID");
  });
});

it("a payment that does not exist is not found, by its id or by its order", async () => {
  const ghost = { ...(await create()), id: "01a1f8a6-7af8-7bc6-9be7-da12830c0c3c" as Payment["id"] };
  assert.equal(verdictOf(await refund(ghost, "g1")), "PAYMENT_NOT_FOUND");
  const find = { orderId: "no-such-order" };
  assert.equal(
    verdictOf(await cancelPayment(service.parts, caller, { find, reason: "", requestId: "g2" })),
    "ORDER_NOT_FOUND",
  );
});
