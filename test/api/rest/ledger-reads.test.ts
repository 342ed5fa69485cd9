// The ledger's reads: a payment by its id, and lists by status, time and order.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Json } from "./open-shop.ts";
import { assertProblem, openLedger } from "./open-ledger.ts";

const UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057";

const shop = await openLedger({ after });
const { post, get, create } = shop;

test("a payment is read by its Guid in either case, or by our id", async () => {
  const { paymentId, clientSecret: _told, ...rest } = await create();
  for (const id of [paymentId, paymentId.toUpperCase(), `payment_${paymentId}`]) {
    const { status, body } = await get(`/api/payments/${id}`);
    assert.equal(status, 200);
    assert.deepEqual(body, { ...rest, paymentId, clientSecret: null, refunds: [] });
  }
});

test("an id that is none is refused, and one that nobody has is not found", async () => {
  for (const id of ["1", "payment_1", "not-a-guid", "%00", `${UNKNOWN}0`]) {
    const refused = await get(`/api/payments/${id}`);
    assertProblem(refused, 400, "INVALID_ARGUMENT");
    assert.ok(refused.body.errors.paymentId, id);
  }
  const missing = await get(`/api/payments/${UNKNOWN}`);
  assertProblem(missing, 404, "PAYMENT_NOT_FOUND");
  assert.equal(missing.body.instance, `/api/payments/${UNKNOWN}`);
  assert.equal(missing.body.metadata.paymentId, UNKNOWN);
  assertProblem(await post(`/api/payments/${UNKNOWN}/confirm`), 404, "PAYMENT_NOT_FOUND");
  assertProblem(await post(`/api/payments/${UNKNOWN}/refund`, {}), 404, "PAYMENT_NOT_FOUND");
  assertProblem(await post(`/api/payments/${UNKNOWN}/refund`, { amount: 1 }), 404, "PAYMENT_NOT_FOUND");
  assertProblem(await post("/internal/payments/capture", { paymentId: UNKNOWN }), 404, "PAYMENT_NOT_FOUND");
  assertProblem(await post("/internal/payments/capture", { orderId: "nobody" }), 404, "ORDER_NOT_FOUND");
});

test("payments are listed newest first, by status, time and order, page by page", async () => {
  const begin = new Date(shop.service.time + 1_000);
  const made: Json[] = [];
  for (const change of [{}, { paymentMethodId: "pm_card_visa" }, { paymentMethodId: "pm_card_chargeDeclined" }]) {
    shop.service.time += 1_000;
    made.push(await create(change));
  }
  const [pending, succeeded, failed] = made;
  const idsOf = async (query: string): Promise<string[]> => {
    const answer = await get(`/api/payments?from=${begin.toISOString()}&${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.body.items.map((item: Json) => item.paymentId);
  };
  assert.deepEqual(await idsOf(""), [failed.paymentId, succeeded.paymentId, pending.paymentId]);
  assert.deepEqual(await idsOf("status=Pending"), [pending.paymentId]);
  assert.deepEqual(await idsOf("status=succeeded,FAILED"), [failed.paymentId, succeeded.paymentId]);
  assert.deepEqual(await idsOf("status=Pending&status=Succeeded"), [succeeded.paymentId, pending.paymentId]);
  assert.deepEqual(await idsOf(`orderId=${succeeded.orderId}`), [succeeded.paymentId]);
  assert.deepEqual(await idsOf(`to=${succeeded.createdAt}`), [pending.paymentId]);
  const first = await get(`/api/payments?from=${begin.toISOString()}&pageSize=2`);
  assert.deepEqual(first.body.items.length, 2);
  assert.deepEqual(await idsOf(`pageSize=2&page=${first.body.nextPage}`), [pending.paymentId]);
});

test("filters that mean nothing are refused", async () => {
  for (const [query, field] of [
    ["status=Paid", "status"],
    ["from=yesterday", "from"],
    ["to=2026-13-01", "to"],
    ["page=2", "page"],
    ["pageSize=many", "pageSize"],
    ["pageSize=-1", "pageSize"],
    ["orderId=a&orderId=b", "orderId"],
  ]) {
    const refused = await get(`/api/payments?${query}`);
    assertProblem(refused, 400, "INVALID_ARGUMENT");
    assert.deepEqual(Object.keys(refused.body.errors), [field], query);
  }
});
