// Document 004 prints no bodies: it names endpoints, fields, statuses and events. Here a shop's order service does what the document has it do, in
// that order, and every name that the document prints is looked for.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { type Json, openShop } from "../../api/rest/open-shop.ts";

/** Section 3: what the request names. */
const REQUEST = { orderId: randomUUID(), amount: 59.9, currency: "EUR", paymentMethodId: "pm_card_visa" };
/** Section 5, the table of payments, in JSON's spelling; the id is named as in the events of section 4. */
const PAYMENT_FIELDS = [
  "paymentId",
  "orderId",
  "status",
  "amount",
  "currency",
  "provider",
  "providerPaymentId",
  "clientSecret",
  "failureCode",
  "failureMessage",
  "createdAt",
  "updatedAt",
];
/** Section 5, the table of refunds. */
const REFUND_FIELDS = ["refundId", "paymentId", "amount", "status", "providerRefundId", "createdAt", "completedAt"];

const shop = await openShop({ after });

async function post(path: string, body?: unknown): Promise<Json> {
  const answer = await shop.ask("POST", path, body === undefined ? {} : { body });
  assert.ok(answer.status < 300, answer.text);
  return answer.body;
}

const get = async (path: string): Promise<Json> => (await shop.ask("GET", path)).body;

function assertHas(body: object, fields: readonly string[]): void {
  assert.deepEqual(
    fields.filter((field) => !(field in body)),
    [],
  );
}

test("an order is paid, looked up, found on the dashboard, given back, and reconciled", async () => {
  const created = await post("/api/payments", REQUEST);
  assertHas(created, PAYMENT_FIELDS);
  assert.equal(created.status, "Succeeded");
  assert.deepEqual(await get(`/api/payments/${created.paymentId}`), { ...created, clientSecret: null, refunds: [] });
  const found = await get(`/api/payments?status=Succeeded&orderId=${REQUEST.orderId}&from=2020-01-01&to=2100-01-01`);
  assert.equal(found.items.length, 1);
  const refund = await post(`/api/payments/${created.paymentId}/refund`, { amount: 9.9 });
  assertHas(refund, REFUND_FIELDS);
  assert.equal(refund.status, "Succeeded");
  await post(`/api/payments/${created.paymentId}/refund`);
  assert.equal((await get(`/api/payments/${created.paymentId}`)).status, "Refunded");
  const run = await post("/api/payments/reconcile", {});
  assert.deepEqual(
    run.providers.map(({ drifts }: Json) => drifts),
    run.providers.map(() => []),
  );
});

test("the document's five statuses, and no other", async () => {
  const statusOf = async (change: object): Promise<string> =>
    (await post("/api/payments", { ...REQUEST, orderId: randomUUID(), ...change })).status;
  assert.equal(await statusOf({ paymentMethodId: null }), "Pending");
  assert.equal(await statusOf({ captureMethod: "Manual" }), "Pending");
  assert.equal(await statusOf({ paymentMethodId: "pm_card_authenticationRequired" }), "RequiresAction");
  assert.equal(await statusOf({}), "Succeeded");
  assert.equal(await statusOf({ paymentMethodId: "pm_card_chargeDeclined" }), "Failed");
});

test("a redirect flow is confirmed by hand once the customer is back", async () => {
  const created = await post("/api/payments", {
    ...REQUEST,
    orderId: randomUUID(),
    paymentMethodId: "pm_card_authenticationRequired",
  });
  await shop.service.elsewhere({ operation: "authenticate", id: created.providerPaymentId, approve: true });
  const confirmed = await shop.ask("POST", `/api/payments/${created.paymentId}/confirm`);
  assert.equal(confirmed.status, 200, confirmed.text);
  assert.equal(confirmed.body.status, "Succeeded");
});

test("what was held is captured upon shipment", async () => {
  const held = await post("/api/payments", { ...REQUEST, orderId: randomUUID(), captureMethod: "Manual" });
  const captured = await post("/internal/payments/capture", { paymentId: held.paymentId });
  assert.equal(captured.status, "Succeeded");
});

test("the document's three events are told, with what it names", async () => {
  const orderId = randomUUID();
  const paid = await post("/api/payments", { ...REQUEST, orderId });
  await post(`/api/payments/${paid.paymentId}/refund`, { amount: 1 });
  const failed = await post("/api/payments", {
    ...REQUEST,
    orderId: randomUUID(),
    paymentMethodId: "pm_card_chargeDeclined",
  });
  const dataOf = async (id: string, type: string): Promise<Json> => {
    const rows = await shop.service.rows<{ data: Json }>(
      "select data from payment_event where payment_id = $1 and type = $2",
      [id, type],
    );
    return rows[0]?.data;
  };
  const names = {
    "payment.succeeded": ["paymentId", "orderId", "amount", "currency", "providerReference", "occurredAt"],
    "payment.refunded": ["paymentId", "refundId", "amount", "refundedAt"],
    "payment.failed": ["paymentId", "orderId", "errorCode", "failureReason"],
  } as const;
  assertHas(await dataOf(paid.paymentId, "payment.succeeded"), names["payment.succeeded"]);
  assertHas(await dataOf(paid.paymentId, "payment.refunded"), names["payment.refunded"]);
  assertHas(await dataOf(failed.paymentId, "payment.failed"), names["payment.failed"]);
});
