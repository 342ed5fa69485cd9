// The ledger dialect over HTTP, on a real database and the mock gateway: every endpoint of document 004, in its words.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { printEvent } from "../../../src/gateway/direct.ts";
import { WEBHOOK_SECRET } from "../../app/open-service.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { as, type Json, openShop, type Shop, type Told } from "./open-shop.ts";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057";

const shop = await openShop({ after });
const guarded = await openShop({ after }, { people: true });

function ask(
  method: string,
  path: string,
  { body, headers = {}, on = shop }: { body?: unknown; headers?: Record<string, string>; on?: Shop } = {},
): Promise<Told> {
  return on.ask(method, path, { headers, ...(body !== undefined && { body }) });
}

function post(path: string, body?: unknown, headers: Record<string, string> = {}, on: Shop = shop): Promise<Told> {
  return ask("POST", path, { ...(body !== undefined && { body }), headers, on });
}

function get(path: string, headers: Record<string, string> = {}, on: Shop = shop): Promise<Told> {
  return ask("GET", path, { headers, on });
}

function order(change: object = {}): object {
  return { orderId: randomUUID(), amount: 100.25, currency: "USD", ...change };
}

async function create(change: object = {}, headers: Record<string, string> = {}, on: Shop = shop): Promise<Json> {
  const created = await post("/api/payments", order(change), headers, on);
  assert.equal(created.status, 201, created.text);
  return created.body;
}

const paid = (change: object = {}, headers: Record<string, string> = {}, on: Shop = shop): Promise<Json> =>
  create({ paymentMethodId: "pm_card_visa", ...change }, headers, on);

function assertProblem(answer: Told, status: number, reason: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json; charset=utf-8");
  const { body } = answer;
  assert.equal(body.status, status);
  assert.equal(body.reason, reason, answer.text);
  assert.match(body.type, /^https:\/\/tools\.ietf\.org\/html\/rfc/);
  for (const key of ["title", "detail", "instance", "outcome"]) assert.equal(typeof body[key], "string", key);
}

test("a payment is created with a client secret, and its place is told", async () => {
  const sent = order();
  const created = await post("/api/payments", sent);
  assert.equal(created.status, 201, created.text);
  const { paymentId, providerPaymentId, clientSecret, createdAt, updatedAt, ...rest } = created.body;
  assert.match(paymentId, GUID);
  assert.equal(created.headers.get("location"), `/api/payments/${paymentId}`);
  assert.match(providerPaymentId, /^pi_/);
  assert.match(clientSecret, /_secret_/);
  assert.match(createdAt, /^\d{4}-.*Z$/);
  assert.match(updatedAt, /^\d{4}-.*Z$/);
  assert.deepEqual(rest, {
    ...sent,
    status: "Pending",
    state: "PENDING",
    capturedAmount: 0,
    refundedAmount: 0,
    provider: "mock",
    redirectUrl: null,
    failureCode: null,
    failureMessage: null,
  });
  assert.match(created.text, /"amount":100\.25,/);
});

test("decimals are exact: what the currency cannot hold is refused, and no digit is lost", async () => {
  const text = JSON.stringify(order({ amount: 1 })).replace('"amount":1', '"amount":90071992547409.93');
  assert.match((await post("/api/payments", text)).text, /"amount":90071992547409\.93,/);
  const inQuotes = await create({ amount: "19.90" });
  assert.equal(inQuotes.amount, 19.9);
  for (const [amount, currency] of [
    ["10.001", "USD"],
    ["0.5", "JPY"],
    ["0", "USD"],
    ["-1", "USD"],
    ["1e99", "USD"],
    ['"ten"', "USD"],
    ["true", "USD"],
    ["99999999999999999999", "USD"],
  ]) {
    const body = JSON.stringify(order({ amount: 1, currency })).replace('"amount":1', `"amount":${amount}`);
    const refused = await post("/api/payments", body);
    assertProblem(refused, 400, "INVALID_AMOUNT");
    assert.equal(refused.body.title, "One or more validation errors occurred.");
    assert.ok(refused.body.errors.amount, amount);
  }
  assert.equal((await create({ amount: 100, currency: "jpy" })).currency, "JPY");
});

test("names in PascalCase are the same names", async () => {
  const created = await post("/api/payments", {
    OrderId: randomUUID(),
    Amount: 5,
    Currency: "EUR",
    PaymentMethodId: "pm_card_visa",
  });
  assert.equal(created.status, 201, created.text);
  assert.equal(created.body.status, "Succeeded");
});

test("with a payment method it is confirmed at once: paid, declined, or waiting for the customer", async () => {
  assert.equal((await paid()).status, "Succeeded");
  const declined = await create({ paymentMethodId: "pm_card_chargeDeclinedInsufficientFunds" });
  assert.equal(declined.status, "Failed");
  assert.equal(declined.failureCode, "insufficient_funds");
  assert.equal(typeof declined.failureMessage, "string");
  const asked = await create({ paymentMethodId: "pm_card_authenticationRequired" });
  assert.equal(asked.status, "RequiresAction");
  assert.equal(typeof asked.clientSecret, "string");
});

test("a hosted page gives a redirect URL in place of a client secret", async () => {
  const created = await create({ mode: "Checkout" });
  assert.match(created.redirectUrl, /^http/);
  assert.equal(created.clientSecret, null);
});

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

test("a payment is confirmed by hand, with or without a method", async () => {
  const { paymentId } = await create();
  const confirmed = await post(`/api/payments/${paymentId}/confirm`);
  assert.equal(confirmed.status, 200, confirmed.text);
  assert.equal(confirmed.body.status, "Succeeded");
  assert.equal(confirmed.body.capturedAmount, 100.25);
  assertProblem(await post(`/api/payments/${paymentId}/confirm`), 409, "PAYMENT_ALREADY_COMPLETED");
  const other = await create();
  const declined = await post(`/api/payments/${other.paymentId}/confirm`, {
    paymentMethodId: "pm_card_chargeDeclined",
  });
  assert.equal(declined.status, 200);
  assert.equal(declined.body.status, "Failed");
  assert.equal(declined.body.failureCode, "generic_decline");
});

test("an order that is paid, or has another open payment, is refused", async () => {
  const { orderId } = await paid();
  assertProblem(await post("/api/payments", order({ orderId })), 409, "PAYMENT_ALREADY_COMPLETED");
  const open = await create();
  const other = await post("/api/payments", order({ orderId: open.orderId, amount: 7 }));
  assertProblem(other, 409, "ORDER_HAS_OPEN_PAYMENT");
  assert.equal(other.body.metadata.paymentId, open.paymentId);
  const same = await post("/api/payments", order({ orderId: open.orderId }));
  assert.equal(same.body.paymentId, open.paymentId);
  assert.equal(same.body.clientSecret, open.clientSecret);
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

test("a reconciliation pass finds drift, changes nothing unasked, and puts it right on request", async (t) => {
  const fresh = await openShop(t);
  const lost = await create({}, {}, fresh);
  await fresh.service.elsewhere({
    operation: "confirm_intent",
    id: lost.providerPaymentId,
    payment_method: "pm_card_visa",
  });
  fresh.service.time += 120_000;
  const dry = await post("/api/payments/reconcile", undefined, {}, fresh);
  assert.equal(dry.status, 200, dry.text);
  assert.equal(dry.body.applied, false);
  const drifts = dry.body.providers.find(({ provider }: Json) => provider === "mock").drifts;
  assert.deepEqual(new Set(drifts.map((drift: Json) => drift.paymentId)), new Set([lost.paymentId]));
  assert.equal((await get(`/api/payments/${lost.paymentId}`, {}, fresh)).body.status, "Pending");
  const applied = await post("/api/payments/reconcile", { apply: true }, {}, fresh);
  assert.equal(applied.body.applied, true);
  assert.equal((await get(`/api/payments/${lost.paymentId}`, {}, fresh)).body.status, "Succeeded");
  const again = await post("/api/payments/reconcile", { apply: true }, {}, fresh);
  assert.ok(again.body.providers.every(({ drifts: left }: Json) => left.length === 0));
});

test("a reconciliation of a strange span or provider is refused", async () => {
  const run = (body: unknown): Promise<Told> => post("/api/payments/reconcile", body);
  assertProblem(await run({ from: "yesterday" }), 400, "INVALID_ARGUMENT");
  assertProblem(await run({ from: "2026-01-02", to: "2026-01-01" }), 400, "INVALID_ARGUMENT");
  assertProblem(await run({ apply: "yes" }), 400, "INVALID_ARGUMENT");
  assertProblem(await run({ provider: "paypal" }), 400, "INVALID_ARGUMENT");
});

test("a provider's webhooks have a path each; others are not found", async () => {
  for (const provider of ["mock", "stripe"]) {
    const created = await create();
    const id = created.providerPaymentId;
    await shop.service.elsewhere({ operation: "confirm_intent", id, payment_method: "pm_card_visa" });
    const event = shop.service.eventsOf(id).findLast(({ type }) => type === "payment_intent.succeeded");
    assert.ok(event);
    const body = printEvent(event);
    const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(shop.service.time));
    const taken = await post(`/api/payments/webhooks/${provider}`, body, { "stripe-signature": signature });
    assert.equal(taken.status, 200, taken.text);
    assert.deepEqual(taken.body, { received: true });
    assert.equal((await get(`/api/payments/${created.paymentId}`)).body.status, "Succeeded");
    const forged = await post(`/api/payments/webhooks/${provider}`, body, { "stripe-signature": "t=1,v1=00" });
    assertProblem(forged, 400, "INVALID_ARGUMENT");
    assert.equal(forged.body.detail, "Invalid signature");
  }
  for (const provider of ["paypal", "credits"])
    assertProblem(await post(`/api/payments/webhooks/${provider}`, {}), 404, "INVALID_ARGUMENT");
});

test("bad bodies are refused with a problem that names the fields", async () => {
  const cases: [string, unknown, string, string][] = [
    ["no order", { amount: 1, currency: "USD" }, "orderId", "INVALID_ARGUMENT"],
    ["an order without end", order({ orderId: "o".repeat(200) }), "orderId", "INVALID_ARGUMENT"],
    ["an order of another type", order({ orderId: 7 }), "orderId", "INVALID_ARGUMENT"],
    ["a zero byte", order({ orderId: "a\u0000" }), "orderId", "INVALID_ARGUMENT"],
    ["no amount", { orderId: "o", currency: "USD" }, "amount", "INVALID_AMOUNT"],
    ["no currency", { orderId: "o", amount: 1 }, "currency", "INVALID_ARGUMENT"],
    ["no such currency", order({ currency: "ABC" }), "currency", "UNSUPPORTED_CURRENCY"],
    ["credits without their provider", order({ currency: "XXX", amount: 1 }), "currency", "UNSUPPORTED_CURRENCY"],
    ["no such provider", order({ provider: "paypal" }), "provider", "INVALID_ARGUMENT"],
    ["a method that is no token", order({ paymentMethodId: "4242 4242" }), "paymentMethodId", "INVALID_ARGUMENT"],
    ["a card number", order({ paymentMethodId: "4242424242424242" }), "paymentMethodId", "INVALID_ARGUMENT"],
    ["a mode that is none", order({ mode: "Fax" }), "mode", "INVALID_ARGUMENT"],
    [
      "a method for the hosted page",
      order({ mode: "Checkout", paymentMethodId: "pm_card_visa" }),
      "paymentMethodId",
      "INVALID_ARGUMENT",
    ],
    ["a foreign URL", order({ mode: "Checkout", successUrl: "https://evil.example" }), "successUrl", "INVALID_URL"],
  ];
  for (const [name, body, field, reason] of cases) {
    const refused = await post("/api/payments", body);
    assertProblem(refused, 400, reason);
    assert.ok(refused.body.errors[field], `${name}: ${refused.text}`);
    assert.equal(refused.body.outcome, "NOT_ATTEMPTED");
  }
});

test("requests that cannot be read are problems, too", async () => {
  assertProblem(await post("/api/payments", "{"), 400, "INVALID_ARGUMENT");
  assertProblem(await post("/api/payments", "[1]"), 400, "INVALID_ARGUMENT");
  assertProblem(await post("/api/payments", order({ note: "x".repeat(1_000_000) })), 413, "INVALID_ARGUMENT");
  assertProblem(await post("/api/payments", "a=1", { "content-type": "text/plain" }), 415, "INVALID_ARGUMENT");
  const method = await ask("DELETE", "/api/payments");
  assertProblem(method, 405, "INVALID_ARGUMENT");
  assert.equal(method.headers.get("allow")?.includes("POST"), true);
  assertProblem(await post("/api/payments", order(), { "idempotency-key": "a b" }), 400, "INVALID_ARGUMENT");
});

test("customers read what they own; what is another's is not found", async () => {
  const own = await paid({ customerId: "ada" }, as("service"), guarded);
  const path = `/api/payments/${own.paymentId}`;
  assert.equal((await get(path, as("ada"), guarded)).status, 200);
  assertProblem(await get(path, as("bob"), guarded), 404, "PAYMENT_NOT_FOUND");
  assertProblem(await post(`${path}/confirm`, undefined, as("bob"), guarded), 404, "PAYMENT_NOT_FOUND");
  const open = await create({ customerId: "ada" }, as("service"), guarded);
  const confirmed = await post(`/api/payments/${open.paymentId}/confirm`, undefined, as("ada"), guarded);
  assert.equal(confirmed.status, 200, confirmed.text);
  const mine = await get("/api/payments", as("ada"), guarded);
  assert.equal(mine.body.items.length, 2);
  assert.deepEqual((await get("/api/payments", as("bob"), guarded)).body.items, []);
});

test("refunds are for services, captures for services, reconciliation for admins; nothing is for strangers", async () => {
  const own = await paid({ customerId: "ada", captureMethod: "Manual" }, as("service"), guarded);
  const refundPath = `/api/payments/${own.paymentId}/refund`;
  assertProblem(await post(refundPath, {}, as("ada"), guarded), 403, "PERMISSION_DENIED");
  assertProblem(await post(refundPath, { amount: 1 }, as("ada"), guarded), 403, "PERMISSION_DENIED");
  const capture = { paymentId: own.paymentId };
  assertProblem(await post("/internal/payments/capture", capture, as("ada"), guarded), 403, "PERMISSION_DENIED");
  assertProblem(await post("/api/payments", order(), as("ada"), guarded), 403, "PERMISSION_DENIED");
  for (const person of ["ada", "service"] as const)
    assertProblem(await post("/api/payments/reconcile", {}, as(person), guarded), 403, "PERMISSION_DENIED");
  assert.equal((await post("/api/payments/reconcile", {}, as("admin"), guarded)).status, 200);
  assert.equal((await post("/internal/payments/capture", capture, as("service"), guarded)).status, 200);
  const asked: [string, string][] = [
    ["POST", "/api/payments"],
    ["GET", "/api/payments"],
    ["GET", `/api/payments/${own.paymentId}`],
    ["POST", `/api/payments/${own.paymentId}/confirm`],
    ["POST", refundPath],
    ["POST", "/api/payments/reconcile"],
    ["POST", "/internal/payments/capture"],
  ];
  for (const [method, path] of asked)
    for (const headers of [{}, as("stranger")]) {
      const refused = await ask(method, path, { headers, on: guarded });
      assertProblem(refused, 401, "UNAUTHENTICATED");
      assert.equal(refused.headers.get("www-authenticate"), "Bearer");
    }
});

test("every route is in the OpenAPI document", () => {
  const paths = Object.keys(shop.openApi["paths"] as object).filter((path) => /^\/(api|internal)\/payments/.test(path));
  assert.deepEqual(paths.toSorted(), [
    "/api/payments",
    "/api/payments/reconcile",
    "/api/payments/webhooks/mock",
    "/api/payments/webhooks/stripe",
    "/api/payments/{paymentId}",
    "/api/payments/{paymentId}/confirm",
    "/api/payments/{paymentId}/refund",
    "/internal/payments/capture",
  ]);
});
