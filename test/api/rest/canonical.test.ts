// The canonical dialect over HTTP: document 000 as it is printed, and who may do it.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { ITEMS, newOrder, openCanonical, PAYMENT_ID, refused } from "./open-canonical.ts";
import { as, authenticate } from "./people.ts";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

const { ask, createSession } = await openCanonical({ after });

suite("document 000, as it is printed", () => {
  const orderId = "123e4567-e89b-12d3-a456-426614174000";

  test("a session is created", async () => {
    const { status, body } = await ask("POST", "/v1/payments/session", {
      body: `{
        "orderId": "${orderId}",
        "currency": "usd",
        "items": [
          {
            "name": "Premium T-shirt",
            "price": 25.99,
            "quantity": 2
          }
        ]
      }`,
    });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(body), ["paymentSessionId", "paymentUrl", "expiresAt"]);
    assert.ok(body.paymentUrl.endsWith(body.paymentSessionId));
    assert.match(body.expiresAt, TIME);
  });

  test("its payment is completed, without a body", async () => {
    const { status, body, text } = await ask("POST", `/v1/payments/complete/order/${orderId}`);
    assert.equal(status, 200);
    const { paymentId, completedAt, ...rest } = body;
    assert.match(paymentId, PAYMENT_ID);
    assert.match(completedAt, TIME);
    assert.deepEqual(rest, { orderId, status: "completed", amount: 51.98, currency: "usd" });
    assert.deepEqual(Object.keys(body), ["orderId", "paymentId", "status", "completedAt", "amount", "currency"]);
    assert.match(text, /"amount":51\.98,/);
  });

  test("a part of it is refunded", async () => {
    const { status, body, text } = await ask("POST", "/v1/payments/refund/order", {
      body: `{ "orderId": "${orderId}", "amount": 50.0, "reason": "customer_request" }`,
    });
    assert.equal(status, 200);
    const { paymentId, refundId, createdAt, ...rest } = body;
    assert.match(paymentId, PAYMENT_ID);
    assert.match(refundId, /^refund_[0-9a-f-]{36}$/);
    assert.match(createdAt, TIME);
    assert.deepEqual(rest, { orderId, amount: 50, currency: "usd", status: "succeeded", reason: "customer_request" });
    assert.match(text, /"amount":50\.00,/);
  });

  test("an open payment is cancelled, by the user if nobody says otherwise", async () => {
    for (const [sent, reason] of [
      [{}, "user_requested"],
      [{ body: { reason: "changed my mind" } }, "changed my mind"],
    ] as const) {
      const cancelled = newOrder();
      await createSession(cancelled);
      const { status, body } = await ask("POST", `/v1/payments/cancel/order/${cancelled}`, sent);
      const { paymentId, cancelledAt, ...rest } = body;
      assert.equal(status, 200);
      assert.match(paymentId, PAYMENT_ID);
      assert.match(cancelledAt, TIME);
      assert.deepEqual(rest, { orderId: cancelled, cancelled: true, reason });
    }
  });

  test("the pages and the webhook are where they were", async () => {
    for (const page of ["success", "cancel"]) {
      const { status, headers } = await ask("GET", `/v1/payments/${page}`);
      assert.deepEqual([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    }
    const unsigned = await ask("POST", "/v1/payments/webhook", { body: "{}" });
    assert.deepEqual([unsigned.status, unsigned.body.message], [400, "Invalid signature"]);
    assert.equal((await ask("GET", "/v1/payments/session/cs_test_none")).status, 404);
  });
});

test("a customer sees what is theirs, refunds nothing, and nobody without a token does anything", async (t) => {
  const guarded = await openCanonical(t, { authenticate });
  const body = `{"orderId":"mine","currency":"usd",${ITEMS},"customerId":"ada"}`;
  assert.equal((await guarded.ask("POST", "/v1/payments/session", { body, headers: as("service") })).status, 201);
  assert.equal((await guarded.ask("GET", "/v1/payments/status/order/mine", { headers: as("ada") })).status, 200);
  assert.deepEqual(
    refused(await guarded.ask("GET", "/v1/payments/status/order/mine", { headers: as("bob") })).slice(0, 2),
    [404, "ORDER_NOT_FOUND"],
  );
  for (const refund of ['{"orderId":"mine"}', '{"orderId":"mine","amount":1.00}', '{"orderId":"none","amount":1.00}']) {
    const answer = await guarded.ask("POST", "/v1/payments/refund/order", { body: refund, headers: as("ada") });
    assert.deepEqual(refused(answer).slice(0, 2), [403, "PERMISSION_DENIED"]);
  }
  const unknown = await guarded.ask("POST", "/v1/payments/session", { body: "{}" });
  assert.deepEqual([unknown.status, unknown.headers.get("www-authenticate")], [401, "Bearer"]);
});
