// The canonical dialect's reads: a payment with its refunds and its history, and lists of payments.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { newOrder, openCanonical, refused } from "./open-canonical.ts";

const { ask, createSession, payOrder } = await openCanonical({ after });

suite("reads", () => {
  test("a payment by its id has its refunds and its history", async () => {
    const orderId = await payOrder();
    await ask("POST", "/v1/payments/refund/order", { body: { orderId, amount: 1.5, reason: "worn" } });
    const { body: status } = await ask("GET", `/v1/payments/status/order/${orderId}`);
    assert.deepEqual([status.status, status.amountCaptured, status.amountRefunded], ["partially_refunded", 51.98, 1.5]);
    const { body } = await ask("GET", `/v1/payments/${status.paymentId}`);
    assert.equal(body.orderId, orderId);
    assert.deepEqual(
      body.refunds.map(({ amount, reason }: { amount: number; reason: string }) => [amount, reason]),
      [[1.5, "worn"]],
    );
    assert.deepEqual(
      body.history.map(({ type, version }: { type: string; version: number }) => [version, type]),
      [
        [1, "payment.created"],
        [2, "payment.succeeded"],
        [3, "payment.refunded"],
      ],
    );
  });

  test("an order id may hold whatever a path can carry", async () => {
    const orderId = `é/ü ?#%&${newOrder()}`;
    await createSession(orderId);
    const { status, body } = await ask("GET", `/v1/payments/status/order/${encodeURIComponent(orderId)}`);
    assert.deepEqual([status, body.orderId], [200, orderId]);
  });

  test("a list goes page by page, and filters by order, customer, status and time", async () => {
    const customerId = `c-${newOrder()}`;
    for (let at = 0; at < 3; at += 1) await createSession(newOrder(), `,"customerId":"${customerId}"`);
    const first = await ask("GET", `/v1/payments?customerId=${customerId}&pageSize=2`);
    assert.equal(first.body.payments.length, 2);
    const token = encodeURIComponent(first.body.nextPageToken);
    const second = await ask("GET", `/v1/payments?customerId=${customerId}&pageSize=2&pageToken=${token}`);
    assert.deepEqual([second.body.payments.length, second.body.nextPageToken], [1, ""]);
    const counts = async (query: string): Promise<number> =>
      (await ask("GET", `/v1/payments?customerId=${customerId}&${query}`)).body.payments.length;
    assert.equal(await counts("status=pending"), 3);
    assert.equal(await counts("status=completed,refunded"), 0);
    assert.equal(await counts("status=completed&status=PENDING"), 3);
    assert.equal(await counts("createdFrom=2020-01-01&createdTo=2020-01-02T00:00:00Z"), 0);
    assert.equal(await counts("createdFrom=2020-01-01T00:00:00%2B02:00"), 3);
  });

  for (const [query, field] of [
    ["pageSize=-1", "pageSize"],
    ["pageSize=many", "pageSize"],
    ["pageSize=1&pageSize=2", "pageSize"],
    ["pageToken=abc", "pageToken"],
    ["status=paid", "status"],
    ["createdFrom=yesterday", "createdFrom"],
    ["createdTo=1969-01-01", "createdTo"],
    [`customerId=${"a".repeat(129)}`, "customerId"],
    ["orderId=a%00", "orderId"],
  ] as const) {
    test(`${query.slice(0, 40)} is refused, naming ${field}`, async () => {
      const answer = await ask("GET", `/v1/payments?${query}`);
      assert.deepEqual(refused(answer), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", field]);
    });
  }
});
