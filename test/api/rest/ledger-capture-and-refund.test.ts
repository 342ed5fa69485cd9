// The ledger captures what is held and gives back what was paid: in part or as a whole, never more, and once for its key.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import type { Json, Told } from "./open-shop.ts";
import { assertProblem, GUID, openLedger, order } from "./open-ledger.ts";

const shop = await openLedger({ after });
const { post, get, create, paid } = shop;

test("money is given back, in part and then the rest, and never more", async () => {
  const { paymentId } = await paid();
  const part = await post(`/api/payments/${paymentId}/refund`, { amount: 0.25, reason: "damaged" });
  assert.equal(part.status, 200, part.text);
  const { refundId, providerRefundId, createdAt, completedAt, payment, ...rest } = part.body;
  assert.match(refundId, GUID);
  assert.match(providerRefundId, /^re_/);
  assert.match(createdAt, /Z$/);
  assert.match(completedAt, /Z$/);
  assert.deepEqual(rest, { paymentId, amount: 0.25, currency: "USD", status: "Succeeded", reason: "damaged" });
  assert.deepEqual([payment.status, payment.state, payment.refundedAmount], ["Succeeded", "PARTIALLY_REFUNDED", 0.25]);
  assertProblem(await post(`/api/payments/${paymentId}/refund`, { amount: 100.25 }), 409, "REFUND_EXCEEDS_CAPTURED");
  assertProblem(await post(`/api/payments/${paymentId}/refund`, { amount: 0.001 }), 400, "INVALID_AMOUNT");
  assertProblem(await post(`/api/payments/${paymentId}/refund`, { amount: 1, currency: "EUR" }), 400, "INVALID_AMOUNT");
  // The order of two in one millisecond is anybody's guess.
  shop.service.time += 10;
  const all = await post(`/api/payments/${paymentId}/refund`);
  assert.equal(all.body.amount, 100);
  assert.equal(all.body.payment.status, "Refunded");
  const read = await get(`/api/payments/${paymentId}`);
  assert.deepEqual(
    read.body.refunds.map((refund: Json) => refund.amount),
    [0.25, 100],
  );
  assertProblem(await post(`/api/payments/${paymentId}/refund`), 409, "REFUND_EXCEEDS_CAPTURED");
});

test("a refund that the provider has not settled is accepted, and what was not paid is not given back", async () => {
  const slow = await paid({ paymentMethodId: "pm_card_pendingRefund" });
  const asked = await post(`/api/payments/${slow.paymentId}/refund`, {});
  assert.equal(asked.status, 202, asked.text);
  assert.equal(asked.body.status, "Pending");
  assert.equal(asked.body.completedAt, null);
  const open = await create();
  assertProblem(await post(`/api/payments/${open.paymentId}/refund`), 409, "PAYMENT_NOT_PAID");
});

test("what is held is captured upon shipment, in whole or in part, by payment or by order", async () => {
  const held = { captureMethod: "Manual" };
  const whole = await paid(held);
  assert.deepEqual([whole.status, whole.state], ["Pending", "AUTHORIZED"]);
  const captured = await post("/internal/payments/capture", { paymentId: whole.paymentId });
  assert.equal(captured.status, 200, captured.text);
  assert.deepEqual([captured.body.status, captured.body.capturedAmount], ["Succeeded", 100.25]);
  const part = await paid(held);
  const some = await post("/internal/payments/capture", { orderId: part.orderId, amount: 40.1 });
  assert.equal(some.body.capturedAmount, 40.1);
  assertProblem(await post("/internal/payments/capture", { orderId: part.orderId }), 409, "PAYMENT_ALREADY_COMPLETED");
});

test("a capture takes no money that is not held, and no more than that", async () => {
  const open = await create();
  assertProblem(await post("/internal/payments/capture", { paymentId: open.paymentId }), 409, "PAYMENT_NOT_PAID");
  assert.equal((await get(`/api/payments/${open.paymentId}`)).body.state, "PENDING");
  const held = await paid({ captureMethod: "Manual" });
  const capture = (body: object): Promise<Told> => post("/internal/payments/capture", body);
  assertProblem(await capture({ paymentId: held.paymentId, amount: 100.26 }), 400, "INVALID_AMOUNT");
  assertProblem(await capture({ paymentId: held.paymentId, amount: 0 }), 400, "INVALID_AMOUNT");
  assertProblem(await capture({}), 400, "INVALID_ARGUMENT");
  assertProblem(await capture({ paymentId: held.paymentId, orderId: held.orderId }), 400, "INVALID_ARGUMENT");
  assert.equal((await get(`/api/payments/${held.paymentId}`)).body.state, "AUTHORIZED");
});

test("a repeated request with its key has one effect and one answer", async () => {
  const body = order();
  const once = { "idempotency-key": randomUUID() };
  const [first, second] = await Promise.all([post("/api/payments", body, once), post("/api/payments", body, once)]);
  assert.equal(first.status, 201);
  assert.equal(second.text, first.text);
  assert.equal((await post("/api/payments", body, once)).headers.get("idempotent-replayed"), "true");
  assertProblem(await post("/api/payments", { ...body, amount: 7 }, once), 422, "REQUEST_ID_REUSED");
  const { paymentId } = await paid();
  const back = { "idempotency-key": randomUUID() };
  const refunds = await Promise.all(
    [1, 2, 3].map(() => post(`/api/payments/${paymentId}/refund`, { amount: 10 }, back)),
  );
  assert.equal(new Set(refunds.map(({ text }) => text)).size, 1);
  assert.equal((await get(`/api/payments/${paymentId}`)).body.refundedAmount, 10);
  const held = await paid({ captureMethod: "Manual" });
  const ship = { "idempotency-key": randomUUID() };
  const captures = await Promise.all(
    [1, 2].map(() => post("/internal/payments/capture", { paymentId: held.paymentId, amount: 1 }, ship)),
  );
  assert.equal(captures[1]?.text, captures[0]?.text);
  assert.equal(captures[0]?.body.capturedAmount, 1);
});
