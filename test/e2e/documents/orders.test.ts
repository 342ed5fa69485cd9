// Document 001: its end-to-end test, step by step, with an order service, an inventory, a relay and a driver beside the service. What is printed is
// sent, and what is printed is answered, ids and times aside.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import pino from "pino";
import type { Authenticate } from "../../../src/api/auth.ts";
import { ORDERS_DIALECT } from "../../../src/api/rest/orders.ts";
import { accept, refuse } from "../../../src/domain/error.ts";
import { printEvent } from "../../../src/gateway/direct.ts";
import { createOrderService } from "../../../src/orders/order-service.ts";
import { connectNats } from "../../../src/outbox/nats-connection.ts";
import { createRelay } from "../../../src/outbox/relay.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { WEBHOOK_SECRET } from "../../app/open-service.ts";
import { type OpenedRest, openRest } from "../../api/rest/open-rest.ts";
import type { ExampleOrder } from "../../../examples/orders/order-service.ts";
import { World } from "../../orders/world.ts";
import { assertPrintedExactly } from "./printed.ts";

const HEADERS = { authorization: "Bearer <JWT_TOKEN>" };
const AUTHENTICATED = { role: "customer", principal: "ada", customerId: "ada", clientToken: null } as const;
const WAIT_MAX_MS = 20_000;

const authenticate: Authenticate = (authorization) =>
  authorization === HEADERS.authorization ? accept(AUTHENTICATED) : refuse("UNAUTHENTICATED", "there is no token");

interface House {
  readonly world: World;
  readonly rest: OpenedRest;
}

/** All that the document's picture shows. */
async function openHouse(t: TestContext): Promise<House> {
  // Hooks run in the order in which they were added: the relay stops before the servers and the database that it uses.
  const stops: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const stop of stops) await stop();
  });
  const world = await World.open(t);
  world.startDriver();
  const orders = createOrderService({ client: world.client("orders"), currency: "USD" });
  const wake: (() => void)[] = [];
  const rest = await openRest(t, {
    dialects: [ORDERS_DIALECT],
    authenticate,
    changeParts: (parts) => ({ ...parts, orders, wakeRelay: () => wake.forEach((each) => each()) }),
  });
  const { pool } = rest.service.database;
  const log = pino({ level: "silent" });
  const nats = connectNats(world.natsUrl, log);
  const relay = createRelay({
    pool,
    databaseUrl: pool.options.connectionString ?? "",
    nats,
    log,
    streamName: "PAYMENTS",
    source: "payment-service",
    replicas: 1,
  });
  wake.push(() => relay.wake());
  relay.start();
  stops.push(
    () => relay.stop(),
    () => nats.close(),
  );
  return { world, rest };
}

/** What Stripe does once the customer has paid, or has not: its event of a type arrives. */
async function deliver({ rest }: House, orderId: string, type: string): Promise<void> {
  const { service } = rest;
  const [row] = await service.rows<{ provider_reference: string }>(
    "select provider_reference from payment where order_id = $1",
    [orderId],
  );
  const event = service.eventsOf(row?.provider_reference ?? "").find((each) => each.type === type);
  assert.ok(event, type);
  const body = printEvent(event);
  const headers = { "stripe-signature": stripeSignature(body, WEBHOOK_SECRET, new Date(service.time)) };
  const answer = await rest.ask("POST", "/payments/webhook", { body, headers });
  assert.deepEqual([answer.status, answer.body], [200, { received: true }]);
}

async function until(what: string, isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MAX_MS;
  while (!isDone()) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function open({ rest }: House, order: ExampleOrder): Promise<string> {
  const created = await rest.ask("POST", "/payments/create-session", {
    body: { orderId: order._id },
    headers: HEADERS,
  });
  assert.equal(created.status, 200);
  assertPrintedExactly(
    created.body,
    { checkoutUrl: "https://checkout.stripe.com/pay/cs_test_...", sessionId: "cs_test_a1b2c3d4e5f6" },
    ["checkoutUrl", "sessionId"],
  );
  assert.match(created.body.sessionId, /^cs_test_/);
  return created.body.sessionId;
}

async function assertStatus({ rest }: House, order: ExampleOrder, status: string): Promise<void> {
  const found = await rest.ask("GET", `/payments/status/${order._id}`, { headers: HEADERS });
  assert.equal(found.status, 200);
  assertPrintedExactly(
    found.body,
    { orderId: order._id, status, amount: 199.98, currency: "usd", createdAt: "2026-01-03T10:15:30.000Z" },
    ["createdAt"],
  );
}

function reservedOf({ world }: House, order: ExampleOrder): (number | undefined)[] {
  return order.items.map(({ productId }) => world.shop.inventory.get(productId)?.reserved);
}

test("an order is created, its payment is opened and paid, and the order is CONFIRMED", async (t) => {
  const house = await openHouse(t);
  const { shop } = house.world;
  const order = shop.place("ada");
  const sessionId = await open(house, order);
  await assertStatus(house, order, "INITIATED");
  await house.rest.service.elsewhere({ operation: "pay_session", id: sessionId, payment_method: "4242424242424242" });
  await deliver(house, order._id, "checkout.session.completed");
  await assertStatus(house, order, "SUCCESS");
  await until("the order is confirmed", () => shop.statusOf(order) === "CONFIRMED");
  assert.deepEqual(reservedOf(house, order), [2, 1]);
  const again = await house.rest.ask("POST", "/payments/create-session", {
    body: { orderId: order._id },
    headers: HEADERS,
  });
  assert.deepEqual([again.status, again.body.error], [400, "Cannot create payment for order with status: CONFIRMED"]);
});

test("a declined card fails the payment, and the order is CANCELLED and its items are released", async (t) => {
  const house = await openHouse(t);
  const { shop } = house.world;
  const order = shop.place("ada");
  const sessionId = await open(house, order);
  await house.rest.service.elsewhere({ operation: "pay_session", id: sessionId, payment_method: "4000000000000002" });
  await deliver(house, order._id, "payment_intent.payment_failed");
  await assertStatus(house, order, "FAILED");
  await until("the order is cancelled", () => shop.statusOf(order) === "CANCELLED");
  assert.deepEqual(reservedOf(house, order), [0, 0]);
});

test("an expired page fails the payment, and the order is CANCELLED and its items are released", async (t) => {
  const house = await openHouse(t);
  const { shop } = house.world;
  const order = shop.place("ada");
  const sessionId = await open(house, order);
  await house.rest.service.elsewhere({ operation: "expire_session", id: sessionId });
  await deliver(house, order._id, "checkout.session.expired");
  await assertStatus(house, order, "FAILED");
  await until("the order is cancelled", () => shop.statusOf(order) === "CANCELLED");
  assert.deepEqual(reservedOf(house, order), [0, 0]);
});
