// The same request again, at the canonical dialect and through another door.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CreatePaymentRequestSchema, RefundPaymentRequestSchema } from "../../../gen/payment/v1/payment_service_pb.ts";
import { createHandlers } from "../../../src/api/handlers.ts";
import { caller } from "../../app/open-service.ts";
import { ITEMS, newOrder, openCanonical, refused } from "./open-canonical.ts";

const { ask, createSession, payOrder, service } = await openCanonical({ after });

suite("the same request again", () => {
  test("has one effect and one answer, which says that it is repeated; with other parameters it is 422", async () => {
    const orderId = await payOrder();
    const refund = (amount: string, key: string) =>
      ask("POST", "/v1/payments/refund/order", {
        body: `{"orderId":"${orderId}","amount":${amount}}`,
        headers: { "idempotency-key": key },
      });
    const first = await refund("10.00", "refund-1");
    const again = await refund("10.0", '"refund-1"');
    assert.deepEqual([first.status, first.headers.get("idempotent-replayed")], [200, null]);
    assert.deepEqual([again.status, again.headers.get("idempotent-replayed")], [200, "true"]);
    assert.equal(again.text, first.text);
    const other = await refund("11.00", "refund-1");
    assert.deepEqual(refused(other), [422, "REQUEST_ID_REUSED", "NOT_ATTEMPTED"]);
    assert.equal(other.headers.get("idempotent-replayed"), null);
    const { body } = await ask("GET", `/v1/payments/status/order/${orderId}`);
    assert.equal(body.amountRefunded, 10);
  });

  test("a kept refusal is repeated as well", async () => {
    const orderId = await payOrder();
    const headers = { "idempotency-key": `complete-${orderId}` };
    const path = `/v1/payments/complete/order/${orderId}`;
    const first = await ask("POST", path, { headers });
    const again = await ask("POST", path, { headers });
    assert.deepEqual([first.status, again.status, again.headers.get("idempotent-replayed")], [409, 409, "true"]);
    assert.equal(again.text, first.text);
  });

  test("many at once have one effect", async () => {
    const orderId = newOrder();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        ask("POST", "/v1/payments/session", {
          body: `{"orderId":"${orderId}","currency":"usd",${ITEMS}}`,
          headers: { "idempotency-key": `create-${orderId}` },
        }),
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(answers.filter(({ headers }) => headers.get("idempotent-replayed") === "true").length, 11);
    assert.equal((await ask("GET", `/v1/payments?orderId=${orderId}`)).body.payments.length, 1);
  });

  test("the body may carry the request id, but not another one than the header", async () => {
    const orderId = newOrder();
    const first = await createSession(orderId, `,"requestId":"body-${orderId}"`);
    const again = await ask("POST", "/v1/payments/session", {
      body: `{"orderId":"${orderId}","currency":"USD",${ITEMS}}`,
      headers: { "idempotency-key": `body-${orderId}` },
    });
    assert.equal(again.text, first.text);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    const torn = await ask("POST", "/v1/payments/session", {
      body: `{"orderId":"${orderId}","currency":"USD",${ITEMS},"requestId":"x"}`,
      headers: { "idempotency-key": "y" },
    });
    assert.deepEqual(refused(torn), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", "requestId"]);
  });

  test("through the door of RPCs it is the same request", async () => {
    const handlers = createHandlers(service.parts, { provider: "mock" });
    const anybody = { ...caller, role: "admin", principal: "anonymous" } as const;
    const orderId = newOrder();
    const requestId = `both-${orderId}`;
    const headers = { "idempotency-key": requestId };
    const created = await handlers.createPayment(
      create(CreatePaymentRequestSchema, {
        orderId,
        requestId,
        items: [{ name: "Premium T-shirt", unitPrice: { currency: "usd", minor: 2599n }, quantity: 2 }],
      }),
      anybody,
    );
    assert.ok(created.ok);
    const session = await ask("POST", "/v1/payments/session", {
      body: `{"orderId":"${orderId}","currency":"usd",${ITEMS}}`,
      headers,
    });
    assert.deepEqual(
      [session.status, session.body.paymentSessionId, session.headers.get("idempotent-replayed")],
      [201, created.value.checkout?.sessionId, "true"],
    );
    await ask("POST", `/v1/payments/complete/order/${orderId}`);
    const refundKey = { "idempotency-key": `refund-${orderId}` };
    const refund = await ask("POST", "/v1/payments/refund/order", {
      body: `{"orderId":"${orderId}","amount":5.5}`,
      headers: refundKey,
    });
    const repeated = await handlers.refundPayment(
      create(RefundPaymentRequestSchema, {
        payment: { case: "orderId", value: orderId },
        amount: { currency: "USD", minor: 550n },
        requestId: `refund-${orderId}`,
      }),
      anybody,
    );
    assert.ok(repeated.ok);
    assert.equal(repeated.value.refund?.refundId, refund.body.refundId);
  });
});
