// What the canonical dialect refuses: declines, what is not paid yet, and what the state of the order forbids.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { newOrder, openCanonical, PAYMENT_ID, refused } from "./open-canonical.ts";

const { ask, createSession, payOrder } = await openCanonical({ after });

suite("declines and what is not paid yet", () => {
  test("an intent that is confirmed at once and declined is 402, and says that no money moved", async () => {
    const orderId = newOrder();
    const answer = await createSession(
      orderId,
      ',"mode":"intent","paymentMethod":"pm_card_chargeDeclinedInsufficientFunds"',
    );
    assert.deepEqual(refused(answer), [402, "INSUFFICIENT_FUNDS", "DECLINED"]);
    assert.match(answer.body.metadata.paymentId, PAYMENT_ID);
    assert.equal((await ask("GET", `/v1/payments/status/order/${orderId}`)).body.status, "failed");
  });

  test("a decline of complete is 402; the checkout stays open and can be paid", async () => {
    const orderId = newOrder();
    await createSession(orderId);
    const path = `/v1/payments/complete/order/${orderId}`;
    const answer = await ask("POST", path, { body: { paymentMethod: "pm_card_chargeDeclined" } });
    assert.deepEqual(refused(answer), [402, "CARD_DECLINED", "DECLINED"]);
    assert.equal((await ask("GET", `/v1/payments/status/order/${orderId}`)).body.failure.reason, "CARD_DECLINED");
    assert.equal((await ask("POST", path)).status, 200);
  });

  test("an intent whose customer must authenticate is 201 with its client secret, and completing it is 402", async () => {
    const orderId = newOrder();
    const created = await createSession(orderId, ',"mode":"intent","paymentMethod":"pm_card_authenticationRequired"');
    assert.deepEqual([created.status, created.body.status], [201, "requires_action"]);
    assert.match(created.body.clientSecret, /_secret_/);
    assert.ok(created.body.clientToken);
    const completed = await ask("POST", `/v1/payments/complete/order/${orderId}`, {
      body: { paymentMethod: "pm_card_authenticationRequired" },
    });
    assert.deepEqual(refused(completed).slice(0, 2), [402, "AUTHENTICATION_REQUIRED"]);
  });

  test("an intent without a method is 201, and pending", async () => {
    const { status, body } = await createSession(newOrder(), ',"mode":"intent"');
    assert.deepEqual([status, body.status, body.amount, body.currency], [201, "pending", 51.98, "usd"]);
  });

  test("held money is captured in part, in the payment's currency", async () => {
    const orderId = newOrder();
    const held = await createSession(
      orderId,
      ',"mode":"intent","captureMethod":"manual","paymentMethod":"pm_card_visa"',
    );
    assert.deepEqual([held.status, held.body.status], [201, "authorized"]);
    const path = `/v1/payments/complete/order/${orderId}`;
    assert.deepEqual(refused(await ask("POST", path, { body: '{"amount":10.001}' })).slice(0, 2), [
      400,
      "INVALID_AMOUNT",
    ]);
    const eur = await ask("POST", path, { body: '{"amount":10.00,"currency":"eur"}' });
    assert.deepEqual([eur.status, eur.body.violations[0].field], [400, "currency"]);
    const captured = await ask("POST", path, { body: '{"amount":10.50}' });
    assert.deepEqual([captured.status, captured.body.status, captured.body.amount], [200, "completed", 10.5]);
  });
});

suite("the wrong state", () => {
  test("a paid order is not paid, created or cancelled again", async () => {
    const orderId = await payOrder();
    const complete = await ask("POST", `/v1/payments/complete/order/${orderId}`);
    assert.deepEqual(refused(complete), [409, "PAYMENT_ALREADY_COMPLETED", "NOT_ATTEMPTED"]);
    assert.deepEqual(refused(await createSession(orderId)), [409, "PAYMENT_ALREADY_COMPLETED", "NOT_ATTEMPTED"]);
    const cancel = await ask("POST", `/v1/payments/cancel/order/${orderId}`);
    assert.deepEqual(refused(cancel), [409, "PAYMENT_NOT_CANCELABLE", "NOT_ATTEMPTED"]);
  });

  test("no more is given back than was taken", async () => {
    const orderId = await payOrder();
    const refund = (amount: string) =>
      ask("POST", "/v1/payments/refund/order", { body: `{"orderId":"${orderId}"${amount}}` });
    assert.deepEqual(refused(await refund(',"amount":51.99')), [409, "REFUND_EXCEEDS_CAPTURED", "NOT_ATTEMPTED"]);
    assert.deepEqual(refused(await refund(',"amount":1.001')), [400, "INVALID_AMOUNT", "NOT_ATTEMPTED", "amount"]);
    assert.deepEqual(refused(await refund(',"amount":1,"currency":"eur"')).slice(0, 2), [400, "INVALID_AMOUNT"]);
    assert.equal((await refund(',"amount":1.98,"currency":"USD"')).body.amount, 1.98);
    const whole = await refund("");
    assert.deepEqual([whole.status, whole.body.amount, whole.body.reason], [200, 50, null]);
    assert.deepEqual(refused(await refund("")), [409, "REFUND_EXCEEDS_CAPTURED", "NOT_ATTEMPTED"]);
  });

  test("an unpaid order is not refunded", async () => {
    const orderId = newOrder();
    await createSession(orderId);
    const answer = await ask("POST", "/v1/payments/refund/order", { body: { orderId } });
    assert.deepEqual(refused(answer), [409, "PAYMENT_NOT_PAID", "NOT_ATTEMPTED"]);
  });

  test("an order without a payment is 404 at every path", async () => {
    for (const [method, path, body] of [
      ["POST", "/v1/payments/complete/order/none", undefined],
      ["POST", "/v1/payments/complete/order/none", '{"amount":1}'],
      ["POST", "/v1/payments/cancel/order/none", undefined],
      ["POST", "/v1/payments/refund/order", '{"orderId":"none"}'],
      ["POST", "/v1/payments/refund/order", '{"orderId":"none","amount":1.00}'],
      ["GET", "/v1/payments/status/order/none", undefined],
    ] as const) {
      const answer = await ask(method, path, { ...(body !== undefined && { body }) });
      assert.deepEqual(refused(answer), [404, "ORDER_NOT_FOUND", "NOT_ATTEMPTED"]);
    }
    const unknown = await ask("GET", "/v1/payments/payment_01890a5d-ac96-774b-bcce-b302099a8057");
    assert.deepEqual(refused(unknown), [404, "PAYMENT_NOT_FOUND", "NOT_ATTEMPTED"]);
    const wrong = await ask("GET", "/v1/payments/5");
    assert.deepEqual(refused(wrong), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", "paymentId"]);
    const control = await ask("GET", "/v1/payments/status/order/a%00b");
    assert.deepEqual(refused(control), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", "orderId"]);
  });
});
