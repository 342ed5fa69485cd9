// What becomes of orders when payments succeed or end: on a real nats-server, with real HTTP services that fail as services do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { retryParked } from "../../src/orders/parking.ts";
import type { Seen } from "./shop.ts";
import { TOKEN } from "./shop.ts";
import { World } from "./world.ts";

const PARKED = "order event parked; `npm run orders:retry` tries it again";

const isRead = ({ line }: Seen): boolean => line.startsWith("GET /orders/");
const isCancel = ({ line }: Seen): boolean => line.startsWith("PUT /internal/orders/");
const isSecondRelease = (request: Seen, { shop }: World): boolean =>
  isRelease(request) && shop.seen.filter(isRelease).length === 2;
const isRelease = ({ line }: Seen): boolean => line === "POST /internal/inventory/release";

test("a payment that succeeds confirms its order, and what is reserved stays so", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  world.startDriver();
  const paymentId = await world.publish("payment.succeeded", order);
  await world.shop.until(() => world.shop.statusOf(order) === "CONFIRMED");
  assert.deepEqual(world.shop.reserved(order), [2, 1]);
  const [request] = world.shop.seen;
  assert.deepEqual(request?.body, { status: "CONFIRMED", paymentId, reason: "paid" });
  assert.equal(request?.header("x-internal-service"), "payment-service");
  assert.equal(request?.header("authorization"), `Bearer ${TOKEN}`);
});

for (const [name, type, fields] of [
  ["is declined", "payment.failed", { failureReason: "insufficient_funds" }],
  ["is cancelled", "payment.cancelled", { reason: "changed mind" }],
  ["expires", "payment.cancelled", { reason: "expired" }],
] as const) {
  test(`a payment that ${name} has every item released once, and then its order cancelled`, async (t) => {
    const world = await World.open(t);
    const order = world.shop.place();
    world.startDriver();
    const paymentId = await world.publish(type, order, fields);
    await world.shop.until(() => world.shop.statusOf(order) === "CANCELLED");
    assert.deepEqual(world.shop.reserved(order), [0, 0]);
    assert.deepEqual(world.shop.stock(order), [10, 10]);
    const keys = world.shop.seen.filter(isRelease).map(({ header }) => header("idempotency-key"));
    assert.deepEqual(
      keys,
      order.items.map(({ productId }) => `release-${paymentId}-${productId}`),
    );
    assert.deepEqual(world.shop.seen.at(-1)?.body, {
      status: "CANCELLED",
      paymentId,
      reason: Object.values(fields)[0],
    });
  });
}

test("two lines of one product are released together", async (t) => {
  const world = await World.open(t);
  const { _id: productId } = world.shop.inventory.add("Shirt", 100n, 10);
  const order = world.shop.orders.place("ada", [
    { productId, quantity: 2 },
    { productId, quantity: 3 },
  ]);
  assert.ok(order);
  world.startDriver();
  await world.publish("payment.failed", order);
  await world.shop.until(() => world.shop.statusOf(order) === "CANCELLED");
  assert.deepEqual(world.shop.stock(order), [10, 10]);
  assert.equal(world.shop.seen.filter(isRelease).length, 1);
});

test("other events move no order", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  world.startDriver();
  for (const type of ["payment.created", "payment.attempt_failed", "payment.late", "payment.refunded"]) {
    await world.publish(type, order);
  }
  await world.publish("payment.succeeded", order);
  await world.shop.until(() => world.shop.statusOf(order) === "CONFIRMED");
  assert.equal(world.shop.seen.length, 1);
});

test("an order service that answers 500 ten times, and one that does not answer, are asked until they do", async (t) => {
  const world = await World.open(t);
  const [paid, declined] = [world.shop.place(), world.shop.place()];
  let failures = 0;
  world.shop.fault = ({ service }) => {
    if (service !== "orders" || failures >= 20) return undefined;
    failures += 1;
    return failures % 5 === 0 ? "hang" : { status: 500, body: {} };
  };
  world.startDriver();
  await world.publish("payment.succeeded", paid);
  await world.publish("payment.failed", declined);
  await world.shop.until(
    () => world.shop.statusOf(paid) === "CONFIRMED" && world.shop.statusOf(declined) === "CANCELLED",
  );
  assert.deepEqual(world.shop.stock(declined), [10, 10]);
});

test("an order service that is away for a while loses no event, and is spared most of the calls", async (t) => {
  const world = await World.open(t);
  const orders = Array.from({ length: 30 }, () => world.shop.place());
  world.shop.fault = ({ service }) => (service === "orders" ? { status: 503, body: {} } : undefined);
  world.startDriver({ calls: { failuresMax: 3 } });
  for (const [index, order] of orders.entries()) {
    await world.publish(index % 2 === 0 ? "payment.succeeded" : "payment.cancelled", order);
  }
  await world.untilLogged("order not driven; the event comes again", 60);
  assert.ok(world.shop.seen.length < 60, `${world.shop.seen.length} calls`);
  world.shop.fault = () => undefined;
  await world.shop.until(() => orders.every((order) => world.shop.statusOf(order) !== "PENDING"));
  for (const [index, order] of orders.entries()) {
    assert.equal(world.shop.statusOf(order), index % 2 === 0 ? "CONFIRMED" : "CANCELLED");
    assert.deepEqual(world.shop.stock(order), index % 2 === 0 ? [8, 9] : [10, 10]);
  }
});

test("an inventory that fails in the middle, after its work or before it, releases every item once", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  let releases = 0;
  world.shop.fault = (request) => {
    if (!isRelease(request)) return undefined;
    releases += 1;
    return ([undefined, { status: 500, body: {} }, "lose", undefined, "hang", "lose"] as const)[releases - 1];
  };
  world.startDriver();
  await world.publish("payment.failed", order);
  await world.shop.until(() => world.shop.statusOf(order) === "CANCELLED");
  assert.ok(releases > 6, `${releases} releases`);
  assert.deepEqual(world.shop.stock(order), [10, 10]);
  assert.deepEqual(world.shop.reserved(order), [0, 0]);
});

test("an event that comes again, to several processes at once, is done once", async (t) => {
  const world = await World.open(t);
  const [paid, declined] = [world.shop.place(), world.shop.place()];
  const paymentId = "payment_same";
  for (let copies = 0; copies < 10; copies += 1) {
    await world.publish("payment.succeeded", paid, { paymentId });
    await world.publish("payment.failed", declined, { paymentId });
  }
  world.startDriver();
  world.startDriver();
  await world.untilLogged("order driven", 20);
  assert.equal(world.shop.statusOf(paid), "CONFIRMED");
  assert.equal(world.shop.statusOf(declined), "CANCELLED");
  assert.deepEqual(world.shop.stock(declined), [10, 10]);
  assert.deepEqual(world.shop.stock(paid), [8, 9]);
  assert.deepEqual(await world.parked(), []);
});

test("a payment that ended does not cancel an order that another payment has confirmed or taken up", async (t) => {
  const world = await World.open(t);
  const [confirmed, takenUp] = [world.shop.place(), world.shop.place()];
  world.shop.orders.move(confirmed, "CONFIRMED");
  world.startDriver({ isSuperseded: async ({ orderId }) => orderId === takenUp._id });
  await world.publish("payment.failed", confirmed);
  await world.publish("payment.failed", takenUp);
  const lines = await world.untilLogged("order driven", 2);
  assert.deepEqual(
    new Set(lines.map(({ order }) => order)),
    new Set(["left, since it is another payment's now", "left, since it is not pending"]),
  );
  assert.equal(world.shop.statusOf(confirmed), "CONFIRMED");
  assert.equal(world.shop.statusOf(takenUp), "PENDING");
  assert.equal(world.shop.seen.filter(isRelease).length, 0);
});

test("a success for a cancelled order is parked for a person", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  world.shop.orders.move(order, "CANCELLED");
  world.startDriver();
  await world.publish("payment.succeeded", order);
  await world.untilLogged(PARKED);
  const [parked] = await world.parked();
  assert.match(parked?.why ?? "", /succeeded, but the order is CANCELLED/);
});

test("what is refused is parked soon with its reason, and done when it is tried again after that", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  world.shop.fault = () => ({ status: 403, body: {} });
  world.startDriver();
  const paymentId = await world.publish("payment.failed", order);
  await world.publish("payment.succeeded", { _id: "no-such-order" });
  await world.untilLogged(PARKED, 2);
  const parked = await world.parked();
  const refused = parked.find((event) => event.paymentId === paymentId);
  assert.partialDeepStrictEqual(refused, { type: "payment.failed", orderId: order._id, deliveries: "3" });
  assert.match(refused?.why ?? "", /order service.*answered 403.*INTERNAL_SERVICE_TOKEN/);

  // Not yet: it is parked again.
  assert.ok(refused);
  await retryParked(world.connection, refused);
  await world.untilLogged(PARKED, 3);
  assert.equal((await world.parked()).length, 2);

  world.shop.fault = () => undefined;
  for (const event of await world.parked()) await retryParked(world.connection, event);
  await world.shop.until(() => world.shop.statusOf(order) === "CANCELLED");
  assert.deepEqual(world.shop.stock(order), [10, 10]);
  // The other one is of an order that is nowhere.
  await world.untilLogged(PARKED, 4);
  const left = await world.parked();
  assert.deepEqual(
    left.map((event) => event.orderId),
    ["no-such-order"],
  );
  assert.match(left[0]?.why ?? "", /404/);
});

test("what a service that stays away never takes is parked in the end", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  world.shop.fault = () => ({ status: 502, body: {} });
  world.startDriver({ limits: { deliveriesMax: 6 } });
  await world.publish("payment.failed", order);
  await world.untilLogged(PARKED);
  const [parked] = await world.parked();
  assert.equal(parked?.deliveries, "6");
  assert.match(parked?.why ?? "", /order service, asked for the order: it answered 502/);
});

for (const [name, body] of [
  ["that is not JSON", "nonsense"],
  ["without an order", "{}"],
  ["that is null", "null"],
] as const) {
  test(`an event ${name} is parked at once`, async (t) => {
    const world = await World.open(t);
    world.startDriver();
    await world.publishRaw("payment.failed", body);
    await world.untilLogged(PARKED);
    const parked = await world.parked();
    assert.deepEqual(
      parked.map((event) => [event.body, event.deliveries]),
      [[body, "1"]],
    );
  });
}

test("answers that make no sense release nothing and are parked", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  const answers: object[] = [
    {},
    { order: { _id: "another", status: "PENDING", items: [] } },
    { order: { _id: order._id, status: 7 } },
    { order: { _id: order._id, status: "PENDING", items: [{ productId: "p", quantity: -1 }] } },
    { order: { _id: order._id, status: "PENDING", items: [{ productId: "p", quantity: 1.5 }] } },
    { order: { _id: order._id, status: "PENDING", items: [{ quantity: 1 }] } },
    { order: { _id: order._id, status: "PENDING", items: "many" } },
  ];
  let asked = 0;
  world.shop.fault = () => ({ status: 200, body: answers[asked++] ?? [] });
  world.startDriver({ limits: { refusalsMax: answers.length } });
  await world.publish("payment.failed", order);
  await world.untilLogged(PARKED);
  assert.equal(asked, answers.length);
  assert.equal(world.shop.seen.filter(isRelease).length, 0);
});

test("a driver that stops gives back what is under way, and the next one takes it at once", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  world.shop.fault = (request) => (isRelease(request) ? "hang" : undefined);
  const first = world.startDriver({ calls: { timeoutMs: 60_000 }, limits: { stopTimeoutMs: 50, ackWaitMs: 60_000 } });
  await world.publish("payment.failed", order);
  await world.shop.until(() => world.shop.seen.some(isRelease));
  await first.stop();
  world.shop.fault = () => undefined;
  world.startDriver({ limits: { ackWaitMs: 60_000 } });
  await world.shop.until(() => world.shop.statusOf(order) === "CANCELLED");
  assert.deepEqual(world.shop.stock(order), [10, 10]);
});

for (const [name, isMoment] of [
  ["before its first release", isRead],
  ["between two releases", isSecondRelease],
  ["between the last release and the order", isCancel],
] as const) {
  test(`a driver that is killed ${name} is followed by one that ends its work, once`, async (t) => {
    const world = await World.open(t);
    const order = world.shop.place();
    let reached = false;
    // The work of that moment is done, and the one who asked for it never hears of it.
    world.shop.fault = (request) => {
      if (reached || !isMoment(request, world)) return undefined;
      reached = true;
      return "lose and hang";
    };
    const killed = await world.startProcess();
    await world.publish("payment.failed", order);
    await world.shop.until(() => reached);
    killed.kill("SIGKILL");
    await world.startProcess();
    await world.shop.until(
      () => world.shop.statusOf(order) === "CANCELLED" && world.shop.seen.filter(isRead).length > 1,
    );
    assert.deepEqual(world.shop.stock(order), [10, 10]);
    assert.deepEqual(world.shop.reserved(order), [0, 0]);
  });
}

test("neither the token nor what was sent is in the log or with what is parked", async (t) => {
  const world = await World.open(t);
  const order = world.shop.place();
  let calls = 0;
  world.shop.fault = () => {
    calls += 1;
    if (calls === 1) return "hang";
    return { status: calls % 2 === 0 ? 500 : 401, body: { echo: TOKEN } };
  };
  world.startDriver();
  await world.publish("payment.failed", order);
  await world.untilLogged(PARKED);
  const said = JSON.stringify([world.logged, await world.parked()]);
  assert.ok(!said.includes(TOKEN));
});
