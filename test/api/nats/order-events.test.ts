// Orders that another service announces on a stream of its own become payments: once each, through outages, and malformed ones hold up nobody.
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import {
  type CreateForOrder,
  createForOrders,
  type OrderEventOutcome,
  type OrderEventsOptions,
  startOrderEvents,
} from "../../../src/api/nats/order-events.ts";
import { refusal, type Reason, type Refusal } from "../../../src/domain/error.ts";
import { headersOf, NatsWorld, newOrderId } from "./open-door.ts";

const world = await NatsWorld.open();
after(() => world.close());
const manager = await jetstreamManager(world.connection);
const client = jetstream(world.connection);

const create = createForOrders(world.service.parts, { provider: "mock" });
const TIMES = { retryMinMs: 20, retryMaxMs: 40, deliveriesMax: 5, streamRetryMs: 20 };

let streams = 0;

interface Heard {
  readonly subject: string;
  readonly outcomes: OrderEventOutcome[];
  stop(): Promise<void>;
  publish(event: unknown, fields?: Record<string, string>): Promise<void>;
  /** Waits until so many deliveries had an outcome. */
  until(count: number): Promise<readonly OrderEventOutcome[]>;
}

/** A stream of an order service, and a consumer of its orders. */
async function hear(t: TestContext, change: Partial<OrderEventsOptions> = {}, stream?: string): Promise<Heard> {
  streams += 1;
  const streamName = stream ?? `ORDERS_${streams}`;
  const subject = change.subject ?? `orders${streams}.order.created`;
  if (!stream) await manager.streams.add({ name: streamName, subjects: [subject] });
  const outcomes: OrderEventOutcome[] = [];
  const watchers = new Set<() => void>();
  const nats = world.link();
  const events = startOrderEvents({
    nats,
    create,
    log: world.log.logger,
    streamName,
    subject,
    times: TIMES,
    onOutcome(outcome) {
      outcomes.push(outcome);
      for (const watcher of watchers) watcher();
    },
    ...change,
  });
  const stop = async (): Promise<void> => {
    await events.stop();
    await nats.close();
  };
  t.after(stop);
  return {
    subject,
    outcomes,
    stop,
    async publish(event, fields = {}) {
      const body = typeof event === "string" ? event : JSON.stringify(event);
      await client.publish(subject, body, { headers: headersOf(fields) });
    },
    async until(count) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => {
        if (outcomes.length >= count) resolve();
      };
      const timer = setTimeout(() => reject(new Error(`only ${outcomes.join(", ")}`)), 20_000);
      watchers.add(look);
      look();
      await promise.finally(() => clearTimeout(timer));
      return outcomes;
    },
  };
}

interface PaymentRow {
  readonly minor: string;
  readonly currency: string;
  readonly principal: string;
  readonly customer: string | null;
  readonly request: string;
  readonly items: number;
}

async function paymentsOf(orderId: string): Promise<PaymentRow[]> {
  return world.service.rows<PaymentRow>(
    `select p.amount_minor::text as minor, p.currency, p.principal, p.customer_id as customer, o.request_id as request,
       jsonb_array_length(p.items) as items
     from payment p join provider_operation o on o.payment_id = p.id where p.order_id = $1`,
    [orderId],
  );
}

const items = [{ name: "Premium T-shirt", price: 25.99, quantity: 2 }];

test("an order's event becomes a payment, in each shape that events have", async (t) => {
  const heard = await hear(t);
  const [plain, packet, cloud, total, named] = Array.from({ length: 5 }, newOrderId);
  await heard.publish({ eventId: "e-1", orderId: plain, customerId: "ann", currency: "usd", items });
  await heard.publish({ pattern: "order.created", data: { eventId: "e-2", orderId: packet, currency: "usd", items } });
  await heard.publish({ specversion: "1.0", id: "e-3", data: { id: cloud, currency: "usd", items } });
  await heard.publish({ id: total, userId: "bob", currency: "eur", total: 60.1, items }, { "Nats-Msg-Id": "e 4" });
  await heard.publish(`{"orderId":"${named}","currency":"JPY","totalAmount":1500}`);
  assert.deepEqual(await heard.until(5), Array(5).fill("created"));
  const rows = await Promise.all([plain, packet, cloud, total, named].map((id) => paymentsOf(id ?? "")));
  assert.deepEqual(
    rows.map((each) => each.length),
    [1, 1, 1, 1, 1],
  );
  const [first, second, third, fourth, fifth] = rows.flat();
  const principal = "service:order-events";
  const usd = { minor: "5198", currency: "USD", principal, items: 1 };
  assert.partialDeepStrictEqual(first, { ...usd, customer: "ann", request: "order-event:e-1" });
  assert.partialDeepStrictEqual(second, { ...usd, request: "order-event:e-2" });
  assert.partialDeepStrictEqual(third, { ...usd, request: "order-event:e-3" });
  // More than its items: shipping. The total is what is owed. An id that no request may have is told by its digest.
  assert.partialDeepStrictEqual(fourth, { minor: "6010", currency: "EUR", customer: "bob", items: 0 });
  assert.match(fourth?.request ?? "", /^order-event:sha256-[0-9a-f]{64}$/);
  assert.match(fifth?.request ?? "", /^order-event:ORDERS_\d+\.5\.\d+$/);
});

test("an event that comes again makes no second payment, even when the first was cancelled since", async (t) => {
  const heard = await hear(t);
  await world.openDoor();
  const orderId = newOrderId();
  const event = { eventId: `again-${orderId}`, orderId, currency: "usd", items };
  await heard.publish(event);
  await heard.publish(event);
  await heard.until(2);
  await world.ask("cancel.payment", { orderId });
  await heard.publish(event);
  assert.deepEqual(await heard.until(3), ["created", "created", "created"]);
  assert.equal((await world.service.rows("select from payment where order_id = $1", [orderId])).length, 1);
});

test("an order that is paid already is left alone", async (t) => {
  const heard = await hear(t);
  await world.openDoor();
  const orderId = newOrderId();
  await world.ask("create.payment.session", { orderId, currency: "usd", items });
  await world.ask("complete.payment", { orderId });
  await heard.publish({ eventId: `paid-${orderId}`, orderId, currency: "usd", items });
  assert.deepEqual(await heard.until(1), ["paid already"]);
});

test("what cannot be read or is refused for good is parked, and holds up nobody", async (t) => {
  const heard = await hear(t);
  const broken: unknown[] = [
    "",
    "no JSON",
    "[]",
    {},
    { orderId: "o" },
    { orderId: "o", currency: "usd" },
    { orderId: "o", currency: "usd", total: 1.001 },
    { orderId: "o", currency: "usd", total: "1" },
    { orderId: "o", currency: "zzz", total: 1 },
    { pattern: "order.created", data: "text" },
    { orderId: "o", currency: "usd", items: [{ name: "a", price: 1, quantity: -1 }] },
  ];
  for (const event of broken) await heard.publish(event);
  const orderId = newOrderId();
  await heard.publish({ orderId, currency: "usd", total: 1 });
  const outcomes = await heard.until(broken.length + 1);
  assert.deepEqual(outcomes.toSorted(), ["created", ...Array<string>(broken.length).fill("parked")]);
  assert.equal((await paymentsOf(orderId)).length, 1);
  const parked = world.log.lines.filter((line) => line.msg.startsWith("order event parked"));
  assert.ok(parked.some((line) => line["reason"] === "INVALID_AMOUNT" && typeof line["streamSequence"] === "number"));
  const { num_pending, num_ack_pending } = await manager.consumers.info(`ORDERS_${streams}`, "payment-service");
  assert.deepEqual([num_pending, num_ack_pending], [0, 0]);
});

/** Creates as it is, save that the first few are refused. */
function failing(times: number, refuse: () => Refusal): CreateForOrder {
  let left = times;
  return async (request, caller) => {
    left -= 1;
    return left >= 0 ? { ok: false, error: refuse() } : create(request, caller);
  };
}

for (const [reason, retryAfterMs] of [
  ["SERVICE_UNAVAILABLE", 10],
  ["PROVIDER_ERROR", 10],
  ["PROVIDER_OUTCOME_UNKNOWN", 10],
  ["INTERNAL", null],
] as const satisfies readonly (readonly [Reason, number | null])[]) {
  test(`an event is tried again after ${reason}`, async (t) => {
    const refuse = () => refusal(reason, "not now", retryAfterMs === null ? {} : { retryAfterMs });
    const heard = await hear(t, { create: failing(3, refuse) });
    const orderId = newOrderId();
    await heard.publish({ orderId, currency: "usd", total: 5 });
    assert.deepEqual(await heard.until(4), ["retried", "retried", "retried", "created"]);
    assert.equal((await paymentsOf(orderId)).length, 1);
  });
}

test("an event that fails too often is parked", async (t) => {
  const heard = await hear(t, {
    create: failing(100, () => refusal("SERVICE_UNAVAILABLE", "away", { retryAfterMs: 1 })),
  });
  await heard.publish({ orderId: newOrderId(), currency: "usd", total: 5 });
  assert.deepEqual(await heard.until(5), ["retried", "retried", "retried", "retried", "parked"]);
});

test("a stream that comes later is heard from its beginning, by two processes once", async (t) => {
  const stream = "ORDERS_LATER";
  const change = { subject: "later.order.created" };
  const one = await hear(t, change, stream);
  await world.log.until((line) => line.msg === "order events cannot be heard" && line["stream"] === stream);
  await manager.streams.add({ name: stream, subjects: ["later.>"] });
  const orderIds = Array.from({ length: 40 }, newOrderId);
  await client.publish("later.order.deleted", "{}");
  for (const orderId of orderIds) await one.publish({ orderId, currency: "usd", total: 5 });
  const two = await hear(t, change, stream);
  await Promise.all(
    orderIds.map((orderId) =>
      world.log.until((line) => line.msg === "payment created for an order's event" && line["orderId"] === orderId),
    ),
  );
  assert.equal(one.outcomes.length + two.outcomes.length, 40);
  const counts = await Promise.all(orderIds.map(async (orderId) => (await paymentsOf(orderId)).length));
  assert.deepEqual(counts, Array(40).fill(1));
});

test("a stop and a start lose nothing and repeat nothing", async (t) => {
  const first = await hear(t);
  const stream = `ORDERS_${streams}`;
  const orderIds = Array.from({ length: 60 }, newOrderId);
  const events = orderIds.map((orderId) => ({ orderId, currency: "usd", total: 5 }));
  for (const event of events.slice(0, 30)) await first.publish(event);
  await first.until(5);
  await first.stop();
  for (const event of events.slice(30)) await first.publish(event);
  const second = await hear(t, { subject: first.subject }, stream);
  await second.until(60 - first.outcomes.length);
  const counts = await Promise.all(orderIds.map(async (orderId) => (await paymentsOf(orderId)).length));
  assert.deepEqual(counts, Array(60).fill(1));
  assert.equal(first.outcomes.length + second.outcomes.length, 60);
});

test("orders are heard again on the next connection", async (t) => {
  const links: ReturnType<typeof world.link>[] = [];
  const nats = {
    up(signal: AbortSignal) {
      const link = world.link();
      links.push(link);
      return link.up(signal);
    },
  };
  const heard = await hear(t, { nats });
  t.after(() => Promise.all(links.map((link) => link.close())));
  await heard.publish({ orderId: newOrderId(), currency: "usd", total: 5 });
  await heard.until(1);
  await links[0]?.close();
  await world.log.until((line) => line.msg === "order events are heard" && line["subject"] === heard.subject, 2);
  await heard.publish({ orderId: newOrderId(), currency: "usd", total: 5 });
  assert.deepEqual(await heard.until(2), ["created", "created"]);
});
