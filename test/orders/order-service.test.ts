// How an order is asked for, and what is believed of the answer.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import type { AddressInfo } from "node:net";
import pino from "pino";
import type { OrderLookup } from "../../src/domain/order.ts";
import { createOrderService, type OrderService } from "../../src/orders/order-service.ts";
import { type CallLimits, ServiceClient } from "../../src/orders/service-client.ts";
import { CALLS } from "./world.ts";

const log = pino({ level: "silent" });
const never = new AbortController().signal;

interface Served {
  readonly orders: OrderService;
  readonly requests: { url: string; headers: Readonly<Record<string, unknown>> }[];
  readonly url: string;
}

/** An order service that answers with texts, one after the other, the last one again and again. */
async function serveTexts(
  t: TestContext,
  texts: readonly { status: number; text: string }[],
  { limits, path = "" }: { limits?: Partial<CallLimits>; path?: string } = {},
): Promise<Served> {
  const requests: Served["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? "", headers: request.headers });
    const answer = texts[Math.min(requests.length, texts.length) - 1];
    response.writeHead(answer?.status ?? 500).end(answer?.text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const client = new ServiceClient({
    name: "orders",
    baseUrl: url,
    token: "tok",
    log,
    limits: { ...CALLS, ...limits },
  });
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return { orders: createOrderService({ client, currency: "USD" }), requests, url };
}

function find(served: Served, orderId = "7"): Promise<OrderLookup> {
  return served.orders.find(orderId, { signal: never });
}

async function findText(t: TestContext, text: string): Promise<OrderLookup> {
  return find(await serveTexts(t, [{ status: 200, text }]));
}

test("an order is read as document 001's order service sends it", async (t) => {
  const text = `{"order": {"_id": "7", "status": "PENDING", "totalAmount": 199.98, "userId": {"_id": "ada", "email": "x"},
    "userEmail": "ada@example.com", "items": [{"productId": {"_id": "p1"}, "name": "Shirt\\u0007", "quantity": 2, "price": 99.99}]}}`;
  assert.deepEqual(await findText(t, text), {
    found: {
      id: "7",
      status: "PENDING",
      amount: { minor: 19_998n, currency: "USD" },
      customerId: "ada",
      customerEmail: "ada@example.com",
      items: [{ productId: "p1", name: "Shirt", quantity: 2, unitPrice: { minor: 9_999n, currency: "USD" } }],
    },
  });
});

test("amounts are taken digit for digit, in the order's currency, or are what the items come to", async (t) => {
  const cases: [string, bigint, string][] = [
    [`"totalAmount": 90071992547409.93, "currency": "eur"`, 9_007_199_254_740_993n, "EUR"],
    [`"total": 1.1e3, "currency": "JPY"`, 1_100n, "JPY"],
    [`"amount": "0.29"`, 29n, "USD"],
    [
      `"items": [{"productId": "a", "quantity": 3, "price": 0.1}, {"productId": "b", "quantity": 1, "price": 0.2}]`,
      50n,
      "USD",
    ],
  ];
  for (const [fields, minor, currency] of cases) {
    const lookup = await findText(t, `{"id": 7, "status": "pending", ${fields}}`);
    assert.deepEqual("found" in lookup && lookup.found?.amount, { minor, currency }, fields);
  }
});

test("an order that makes no sense is not believed, and none of it is repeated", async (t) => {
  const cases: [string, RegExp][] = [
    ["secret", /not JSON/],
    ["[]", /not an object/],
    [`{"order": "secret"}`, /order is not an object/],
    [`{"id": "8", "status": "PENDING"}`, /another order/],
    [`{"id": "7"}`, /status/],
    [`{"id": "7", "status": "<secret>"}`, /status/],
    [`{"id": "7", "status": "PENDING", "total": 10.001}`, /total is not an amount/],
    [`{"id": "7", "status": "PENDING", "total": -5}`, /total is not an amount/],
    [`{"id": "7", "status": "PENDING", "total": 1e400}`, /total is not an amount/],
    [`{"id": "7", "status": "PENDING", "total": [1]}`, /total is not a number/],
    [`{"id": "7", "status": "PENDING", "total": 1, "currency": "secret"}`, /currency/],
    [`{"id": "7", "status": "PENDING", "items": {"a": 1}}`, /items is not a list/],
    [`{"id": "7", "status": "PENDING", "userId": "a\\u0000secret"}`, /userId/],
  ];
  for (const [text, problem] of cases) {
    const lookup = await findText(t, text);
    assert.ok("unavailable" in lookup, text);
    assert.match(lookup.unavailable, problem);
    assert.doesNotMatch(lookup.unavailable, /secret/);
  }
});

test("an order that is not there is not found, and one whose id would lead elsewhere is not asked for", async (t) => {
  const served = await serveTexts(t, [{ status: 404, text: "" }]);
  for (const id of ["7", ".", "..", ""]) assert.deepEqual(await find(served, id), { found: null });
  await find(served, "../admin?x=1#/%2e%2e");
  assert.deepEqual(
    served.requests.map(({ url }) => url),
    ["/orders/7", "/orders/..%2Fadmin%3Fx%3D1%23%2F%252e%252e"],
  );
});

test("the token and the caller's name go along, and the user name of a URL does not", async (t) => {
  const served = await serveTexts(t, [{ status: 404, text: "" }], { path: "/api/" });
  await find(served);
  const [request] = served.requests;
  assert.equal(request?.url, "/api/orders/7");
  assert.partialDeepStrictEqual(request?.headers, {
    "x-internal-service": "payment-service",
    authorization: "Bearer tok",
  });
});

test("a service that is away is asked again, a few times", async (t) => {
  const text = `{"id": "7", "status": "CONFIRMED"}`;
  const served = await serveTexts(
    t,
    [
      { status: 503, text: "" },
      { status: 429, text: "" },
      { status: 200, text },
    ],
    { limits: { attemptsMax: 3 } },
  );
  assert.partialDeepStrictEqual(await find(served), { found: { status: "CONFIRMED" } });
  const away = await serveTexts(t, [{ status: 500, text: "" }]);
  assert.deepEqual(await find(away), { unavailable: "the order service, asked for the order: it answered 500" });
  assert.equal(away.requests.length, CALLS.attemptsMax);
});

test("redirects are not followed, since the token would go along", async (t) => {
  const served = await serveTexts(t, [{ status: 302, text: "" }]);
  assert.deepEqual(await find(served), { unavailable: "the order service, asked for the order: it answered 302" });
});

test("an answer above a megabyte is not read", async (t) => {
  const served = await serveTexts(t, [{ status: 200, text: "x".repeat(2 * 1024 * 1024) }]);
  assert.match(JSON.stringify(await find(served)), /above 1048576 bytes/);
});

test("a service that never answers is left after a while, and then spared for a while", async (t) => {
  const server = createServer(() => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { ...CALLS, timeoutMs: 50, failuresMax: 2, openMs: 60_000 };
  const client = new ServiceClient({ name: "orders", baseUrl, token: null, log, limits });
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const orders = createOrderService({ client, currency: "USD" });
  assert.match(JSON.stringify(await orders.find("7", { signal: never })), /no answer in 50 ms/);
  assert.match(JSON.stringify(await orders.find("7", { signal: never })), /held back/);
});

test("a caller that leaves is let go at once", async (t) => {
  const server = createServer(() => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new ServiceClient({ name: "orders", baseUrl, token: null, log, limits: { timeoutMs: 60_000 } });
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const leaving = new AbortController();
  const lookup = createOrderService({ client, currency: "USD" }).find("7", { signal: leaving.signal });
  await once(server, "request");
  leaving.abort();
  assert.match(JSON.stringify(await lookup), /caller left/);
});

test("a service that nobody runs is unavailable", async () => {
  const client = new ServiceClient({ name: "orders", baseUrl: "http://127.0.0.1:1", token: null, log, limits: CALLS });
  const lookup = await createOrderService({ client, currency: "USD" }).find("7", { signal: never });
  assert.match(JSON.stringify(lookup), /ECONNREFUSED/);
});

test("ports that browsers refuse are called, as document 001's inventory has one", async () => {
  const client = new ServiceClient({
    name: "inventory",
    baseUrl: "http://127.0.0.1:6000",
    token: null,
    log,
    limits: CALLS,
  });
  const reply = await client.send({ method: "GET", path: "/health", signal: never });
  client.close();
  assert.doesNotMatch(JSON.stringify(reply), /bad port/);
});
