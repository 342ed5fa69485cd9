// The orders dialect over HTTP, on a real database and the mock gateway: every sentence and status of document 001. The orders are a table here;
// the order service itself is tried in test/orders.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ORDERS_DIALECT } from "../../../src/api/rest/orders.ts";
import { completePayment } from "../../../src/app/complete-payment.ts";
import { money } from "../../../src/domain/money.ts";
import type { OrderLookup } from "../../../src/domain/order.ts";
import { printEvent } from "../../../src/gateway/direct.ts";
import type { Provider } from "../../../src/provider/provider.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { caller, WEBHOOK_SECRET } from "../../app/open-service.ts";
import { type Answer, type OpenedRest, openRest } from "./open-rest.ts";
import { as, authenticate } from "./people.ts";

const ADA = as("ada");
const BOB = as("bob");
const SERVICE = as("service");
const HOLDER = as("holder:token");

/** The orders of a test: Ada's, PENDING, of 199.98 USD unless they say otherwise. */
class Orders {
  readonly #known = new Map<string, OrderLookup>();

  add(id: string, change: { status?: string; minor?: bigint; currency?: string } = {}): void {
    const { status = "PENDING", minor = 19_998n, currency = "USD" } = change;
    const amount = money(minor, currency);
    this.#known.set(id, {
      found: { id, status, amount, customerId: "ada", customerEmail: "ada@example.com", items: [] },
    });
  }

  loseSight(id: string): void {
    this.#known.set(id, { unavailable: "no route" });
  }

  async find(id: string): Promise<OrderLookup> {
    return this.#known.get(id) ?? { found: null };
  }
}

interface Opened {
  readonly rest: OpenedRest;
  readonly orders: Orders;
  create(body: unknown, headers?: Record<string, string>): Promise<Answer>;
  statusOf(orderId: string, headers?: Record<string, string>): Promise<Answer>;
}

async function open(t: TestContext, wrap?: (provider: Provider) => Provider): Promise<Opened> {
  const orders = new Orders();
  const rest = await openRest(t, {
    dialects: [ORDERS_DIALECT],
    authenticate,
    ...(wrap && { service: { wrap } }),
    changeParts: (parts) => ({ ...parts, orders }),
  });
  return {
    rest,
    orders,
    create: (body, headers = ADA) => rest.ask("POST", "/payments/create-session", { body, headers }),
    statusOf: (orderId, headers = ADA) => rest.ask("GET", `/payments/status/${orderId}`, { headers }),
  };
}

async function deliver(opened: Opened, orderId: string, path: string): Promise<Answer> {
  const { service } = opened.rest;
  const [row] = await service.rows<{ provider_reference: string }>(
    "select provider_reference from payment where order_id = $1",
    [orderId],
  );
  const event = service
    .eventsOf(row?.provider_reference ?? "")
    .find(({ type }) => type === "checkout.session.completed");
  assert.ok(event);
  const body = printEvent(event);
  const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(service.time));
  return opened.rest.ask("POST", path, { body, headers: { "stripe-signature": signature } });
}

/** What the customer does on the page. */
async function payOnPage({ rest }: Opened, sessionId: string, card = "pm_card_visa"): Promise<void> {
  await rest.service.elsewhere({ operation: "pay_session", id: sessionId, payment_method: card });
}

test("a customer's order is fetched, and its amount is what the checkout is of", async (t) => {
  const opened = await open(t);
  opened.orders.add("6958e1369235ba086d317435");
  const created = await opened.create({ orderId: "6958e1369235ba086d317435" });
  assert.equal(created.status, 200);
  assert.deepEqual(Object.keys(created.body), ["checkoutUrl", "sessionId"]);
  assert.ok(created.body.checkoutUrl.endsWith(created.body.sessionId));
  const found = await opened.statusOf("6958e1369235ba086d317435");
  const { createdAt, ...said } = found.body;
  assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(said, { orderId: "6958e1369235ba086d317435", status: "INITIATED", amount: 199.98, currency: "usd" });
  const again = await opened.create({ orderId: "6958e1369235ba086d317435" });
  assert.equal(again.text, created.text, "one open payment per order");
  const [row] = await opened.rest.service.rows("select attempts_max, customer_id, customer_email from payment");
  assert.deepEqual(row, { attempts_max: 1, customer_id: "ada", customer_email: "ada@example.com" });
});

test("each row of the document's table of errors is said word for word", async (t) => {
  const opened = await open(t);
  opened.orders.add("confirmed", { status: "CONFIRMED" });
  opened.orders.add("paid");
  const session = await opened.create({ orderId: "paid" });
  await payOnPage(opened, session.body.sessionId);
  await deliver(opened, "paid", "/payments/webhook");
  const cases = [
    [{}, ADA, 400, "orderId is required", "INVALID_ARGUMENT"],
    [{ orderId: "" }, ADA, 400, "orderId is required", "INVALID_ARGUMENT"],
    [{ orderId: null }, ADA, 400, "orderId is required", "INVALID_ARGUMENT"],
    [{ orderId: "paid" }, {}, 401, "User not authenticated", "UNAUTHENTICATED"],
    [{ orderId: "paid" }, { authorization: "Bearer forged" }, 401, "User not authenticated", "UNAUTHENTICATED"],
    [{ orderId: "nowhere" }, ADA, 404, "Order not found", "ORDER_NOT_FOUND"],
    [{ orderId: "paid" }, BOB, 404, "Order not found", "ORDER_NOT_FOUND"],
    [{ orderId: "confirmed" }, ADA, 400, "Cannot create payment for order with status: CONFIRMED", "ORDER_NOT_PAYABLE"],
    [{ orderId: "paid" }, ADA, 400, "Payment already completed", "PAYMENT_ALREADY_COMPLETED"],
    [{ orderId: "paid" }, HOLDER, 403, "Forbidden", "PERMISSION_DENIED"],
  ] as const;
  for (const [body, headers, status, error, reason] of cases) {
    const refused = await opened.create(body, headers);
    assert.deepEqual([refused.status, refused.body.error, refused.body.reason], [status, error, reason], error);
    assert.equal(refused.body.outcome, "NOT_ATTEMPTED");
  }
  for (const path of ["/payments/webhook", "/webhook"]) {
    const refused = await opened.rest.ask("POST", path, {
      body: {},
      headers: { "stripe-signature": "t=1609459200,v1=abc123" },
    });
    assert.deepEqual([refused.status, refused.body.error], [400, "Invalid signature"]);
    assert.equal((await opened.rest.ask("POST", path, { body: {} })).body.error, "Invalid signature");
  }
});

test("a provider that fails is the one 500, and says whether money may have moved", async (t) => {
  const state: { outcome: "unavailable" | "unknown" | null } = { outcome: "unavailable" };
  const opened = await open(t, (provider) => ({
    ...provider,
    create: async (call) => (state.outcome ? { outcome: state.outcome, message: "no route" } : provider.create(call)),
  }));
  opened.orders.add("a");
  const failed = await opened.create({ orderId: "a" }, { ...ADA, "idempotency-key": "a" });
  assert.deepEqual(
    [failed.status, failed.body.error, failed.body.reason, failed.body.outcome],
    [500, "Failed to create payment session", "PROVIDER_ERROR", "NOT_ATTEMPTED"],
  );
  state.outcome = "unknown";
  opened.orders.add("b");
  const unknown = await opened.create({ orderId: "b" }, { ...ADA, "idempotency-key": "b" });
  assert.deepEqual(
    [unknown.status, unknown.body.reason, unknown.body.outcome],
    [500, "PROVIDER_OUTCOME_UNKNOWN", "UNKNOWN"],
  );
  state.outcome = null;
  assert.equal((await opened.create({ orderId: "a" }, { ...ADA, "idempotency-key": "a" })).status, 200);
});

test("a provider that will never open the session is no 5xx", async (t) => {
  const opened = await open(t, (provider) => ({
    ...provider,
    create: async () => ({ outcome: "refused", code: "amount_too_small", message: "Too little.", facts: [] }),
  }));
  opened.orders.add("a", { minor: 1n });
  const refused = await opened.create({ orderId: "a" });
  assert.deepEqual(
    [refused.status, refused.body.error, refused.body.message],
    [400, "Failed to create payment session", "Too little."],
  );
});

test("the status is SUCCESS once the provider said so, by either webhook path, and stays it after a refund", async (t) => {
  const opened = await open(t);
  for (const [orderId, path] of [
    ["first", "/payments/webhook"],
    ["second", "/webhook"],
  ] as const) {
    opened.orders.add(orderId);
    const session = await opened.create({ orderId });
    await payOnPage(opened, session.body.sessionId);
    const told = await deliver(opened, orderId, path);
    assert.deepEqual([told.status, told.body], [200, { received: true }]);
    assert.deepEqual((await deliver(opened, orderId, path)).body, { received: true }, "a duplicate");
    assert.equal((await opened.statusOf(orderId)).body.status, "SUCCESS");
  }
});

test("one declined attempt ends the payment, and the order can be paid anew", async (t) => {
  const opened = await open(t);
  opened.orders.add("a");
  const first = await opened.create({ orderId: "a" });
  await completePayment(opened.rest.service.parts, caller, {
    find: { orderId: "a" },
    paymentMethod: "pm_card_chargeDeclined",
    amount: null,
    requestId: "decline",
  });
  assert.equal((await opened.statusOf("a")).body.status, "FAILED");
  opened.rest.service.time += 1_000;
  const second = await opened.create({ orderId: "a" });
  assert.equal(second.status, 200);
  assert.notEqual(second.body.sessionId, first.body.sessionId);
  assert.equal((await opened.statusOf("a")).body.status, "INITIATED");
});

test("a payment is its owner's to read, and a service's", async (t) => {
  const opened = await open(t);
  opened.orders.add("a");
  await opened.create({ orderId: "a" });
  assert.equal((await opened.statusOf("a", SERVICE)).status, 200);
  for (const [orderId, headers, status, error] of [
    ["a", BOB, 404, "Order not found"],
    ["b", ADA, 404, "Order not found"],
    ["%00", ADA, 404, "Order not found"],
    ["x".repeat(300), ADA, 404, "Order not found"],
    ["a", {}, 401, "User not authenticated"],
    ["a", HOLDER, 403, "Forbidden"],
  ] as const) {
    const refused = await opened.statusOf(orderId, headers);
    assert.deepEqual([refused.status, refused.body.error], [status, error], orderId);
  }
});

test("an amount above 2^53 leaves as it is, and a currency without decimals has none", async (t) => {
  const opened = await open(t);
  opened.orders.add("large", { minor: 9_007_199_254_740_993n });
  await opened.create({ orderId: "large" });
  assert.match((await opened.statusOf("large")).text, /"amount":90071992547409\.93,"currency":"usd"/);
  opened.orders.add("yen", { minor: 2_550n, currency: "JPY" });
  await opened.create({ orderId: "yen" });
  assert.match((await opened.statusOf("yen")).text, /"amount":2550,"currency":"jpy"/);
});

test("a key answers its request again, and is refused for another order", async (t) => {
  const opened = await open(t);
  opened.orders.add("a");
  opened.orders.add("b");
  const headers = { ...ADA, "idempotency-key": "one" };
  const [first, ...copies] = await Promise.all([1, 2, 3, 4].map(() => opened.create({ orderId: "a" }, headers)));
  assert.equal(first?.status, 200);
  for (const copy of copies) assert.equal(copy.text, first?.text);
  opened.orders.add("a", { status: "CONFIRMED" });
  const replayed = await opened.create({ orderId: "a" }, headers);
  assert.deepEqual([replayed.text, replayed.headers.get("idempotent-replayed")], [first?.text, "true"]);
  const other = await opened.create({ orderId: "b" }, headers);
  assert.deepEqual([other.status, other.body.reason], [422, "REQUEST_ID_REUSED"]);
  assert.equal((await opened.rest.service.rows("select 1 from payment")).length, 1);
});

test("an order whose amount changed, and an order service that is away, are told so", async (t) => {
  const opened = await open(t);
  opened.orders.add("a");
  await opened.create({ orderId: "a" });
  opened.orders.add("a", { minor: 5n });
  const conflict = await opened.create({ orderId: "a" });
  assert.deepEqual([conflict.status, conflict.body.reason], [409, "ORDER_HAS_OPEN_PAYMENT"]);
  opened.orders.loseSight("a");
  const away = await opened.create({ orderId: "a" });
  assert.deepEqual([away.status, away.body.reason, away.headers.get("retry-after")], [503, "SERVICE_UNAVAILABLE", "1"]);
});

test("without an order service another service says the amount, and a customer cannot", async (t) => {
  const rest = await openRest(t, { dialects: [ORDERS_DIALECT], authenticate });
  const create = (body: unknown, headers: Record<string, string> = SERVICE) =>
    rest.ask("POST", "/payments/create-session", { body, headers });
  assert.equal((await create({ orderId: "a", amount: 199.98 })).status, 200);
  assert.match(
    (await rest.ask("GET", "/payments/status/a", { headers: SERVICE })).text,
    /"amount":199\.98,"currency":"usd"/,
  );
  assert.equal((await create({ orderId: "b", amount: 199.98 }, ADA)).status, 403);
  for (const [body, reason] of [
    [{ orderId: "b" }, "INVALID_AMOUNT"],
    [{ orderId: "b", amount: 10.001 }, "INVALID_AMOUNT"],
    [{ orderId: "b", amount: 0.5, currency: "jpy" }, "INVALID_AMOUNT"],
    [{ orderId: "b", amount: "1" }, "INVALID_AMOUNT"],
    [{ orderId: "b", amount: 1, currency: "gold" }, "UNSUPPORTED_CURRENCY"],
    [{ orderId: "b", amount: 1, successUrl: "javascript:alert(1)" }, "INVALID_URL"],
    [{ orderId: "b\u0000", amount: 1 }, "INVALID_ARGUMENT"],
    [{ orderId: "b".repeat(129), amount: 1 }, "INVALID_ARGUMENT"],
    [{ orderId: 42, amount: 1 }, "INVALID_ARGUMENT"],
  ] as const) {
    const refused = await create(body);
    assert.deepEqual([refused.status, refused.body.reason], [400, reason], JSON.stringify(body));
  }
  assert.equal((await rest.service.rows("select 1 from payment")).length, 1);
});

test("what is no request is refused without a 5xx, whatever it is", async (t) => {
  const { rest } = await open(t);
  const send = (body: string, type = "application/json") =>
    rest.ask("POST", "/payments/create-session", { body, headers: { ...ADA, "content-type": type } });
  const cases = [
    ["{", "application/json", 400, "The body is not valid JSON."],
    ["[]", "application/json", 400, "The body must be a JSON object."],
    ["", "application/json", 400, "orderId is required"],
    ["orderId=a", "application/x-www-form-urlencoded", 415, undefined],
    [JSON.stringify({ orderId: "x".repeat(1024 * 1024) }), "application/json", 413, "The body is too large."],
  ] as const;
  for (const [body, type, status, error] of cases) {
    const refused = await send(body, type);
    assert.equal(refused.status, status, body.slice(0, 20));
    assert.equal(refused.body.error, error ?? refused.body.error);
    assert.equal(refused.body.reason, "INVALID_ARGUMENT");
  }
  assert.equal((await rest.ask("GET", "/payments/create-session")).status, 405);
  const large = await rest.ask("POST", "/webhook", {
    body: "x".repeat(1024 * 1024),
    headers: { "stripe-signature": "t=1,v1=a" },
  });
  assert.equal(large.status, 413);
});
