// What is created for an order, and what is not: the use case on a real database, with an order service that is asked over HTTP.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import pino from "pino";
import { createPayment, type CreatePaymentInput } from "../../src/app/create-payment.ts";
import type { Caller, Parts } from "../../src/app/parts.ts";
import { createOrderService } from "../../src/orders/order-service.ts";
import { ServiceClient } from "../../src/orders/service-client.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "../app/open-service.ts";
import { Shop, TOKEN } from "./shop.ts";
import { CALLS } from "./world.ts";

let service: TestService;
let shop: Shop;
let client: ServiceClient;
let parts: Parts;

before(async () => {
  service = await TestService.open();
  shop = await Shop.open();
  const log = pino({ level: "silent" });
  client = new ServiceClient({ name: "orders", baseUrl: shop.orderUrl, token: TOKEN, log, limits: CALLS });
  parts = { ...service.parts, orders: createOrderService({ client, currency: "USD" }) };
});

after(async () => {
  client.close();
  await shop.close();
  await service.close();
});

const ada: Caller = { ...caller, role: "customer", principal: "customer:ada", customerId: "ada" };
const eve: Caller = { ...caller, role: "customer", principal: "customer:eve", customerId: "eve" };

function inputFor(orderId: string, change: Partial<CreatePaymentInput> = {}): CreatePaymentInput {
  return createInput({ orderId, amount: null, ...change });
}

async function paymentsOf(orderId: string): Promise<number> {
  return (await service.rows("select 1 from payment where order_id = $1", [orderId])).length;
}

test("a payment without an amount has its order's, with the lines and the customer", async () => {
  const order = shop.place("ada");
  for (const who of [ada, caller]) {
    const { payment } = answerOf(await createPayment(parts, who, inputFor(shop.place("ada")._id)));
    assert.deepEqual(payment.amount, { minor: 19_998n, currency: "USD" });
    assert.deepEqual(
      payment.items.map(({ name, quantity, unitPrice }) => [name, quantity, unitPrice.minor]),
      [
        ["Shirt", 2, 4_999n],
        ["Coat", 1, 10_000n],
      ],
    );
    assert.equal(payment.customerId, "ada");
  }
  assert.equal(shop.statusOf(order), "PENDING");
});

test("the order's own amount may be said, and no other", async () => {
  const order = shop.place("ada");
  for (const minor of [19_997n, 1n, 1_999_800n]) {
    const amount = { minor, currency: "USD" };
    assert.equal(verdictOf(await createPayment(parts, ada, inputFor(order._id, { amount }))), "INVALID_AMOUNT");
  }
  const euros = { minor: 19_998n, currency: "EUR" };
  assert.equal(verdictOf(await createPayment(parts, caller, inputFor(order._id, { amount: euros }))), "INVALID_AMOUNT");
  assert.equal(await paymentsOf(order._id), 0);
  const amount = { minor: 19_998n, currency: "usd" };
  assert.equal(verdictOf(await createPayment(parts, ada, inputFor(order._id, { amount }))), "ok");
});

test("an order that is nowhere, or another customer's, is not found", async () => {
  const order = shop.place("ada");
  for (const [who, orderId] of [
    [caller, "nowhere"],
    [ada, "nowhere"],
    [eve, order._id],
    [caller, ".."],
  ] as const) {
    const answer = await createPayment(parts, who, inputFor(orderId));
    assert.equal(verdictOf(answer), "ORDER_NOT_FOUND");
    assert.equal(await paymentsOf(orderId), 0);
  }
  const [own, other] = [
    await createPayment(parts, eve, inputFor("nowhere")),
    await createPayment(parts, eve, inputFor(order._id)),
  ];
  // Nothing tells the one from the other.
  assert.deepEqual(JSON.stringify(own).replaceAll("nowhere", "it"), JSON.stringify(other).replaceAll(order._id, "it"));
});

test("an order that is not pending is not payable, and the refusal names its status", async () => {
  for (const status of ["CONFIRMED", "CANCELLED"] as const) {
    const order = shop.place("ada");
    shop.orders.move(order, status);
    const answer = await createPayment(parts, ada, inputFor(order._id));
    assert.partialDeepStrictEqual(answer, {
      ok: false,
      error: { reason: "ORDER_NOT_PAYABLE", outcome: "NOT_ATTEMPTED", metadata: { orderId: order._id, status } },
    });
    assert.equal(await paymentsOf(order._id), 0);
  }
});

test("while the order service is away nothing is written, and the same request goes through afterwards", async () => {
  const order = shop.place("ada");
  const input = inputFor(order._id);
  shop.fault = () => ({ status: 500, body: {} });
  const answer = await createPayment(parts, ada, input);
  assert.partialDeepStrictEqual(answer, {
    ok: false,
    error: { reason: "SERVICE_UNAVAILABLE", outcome: "NOT_ATTEMPTED" },
  });
  assert.ok(!answer.ok && answer.error.retryAfterMs !== null);
  const requests = await service.rows("select 1 from request where request_id = $1", [input.requestId]);
  assert.deepEqual([await paymentsOf(order._id), requests.length], [0, 0]);
  shop.fault = () => undefined;
  assert.equal(verdictOf(await createPayment(parts, ada, input)), "ok");
});

test("a request that was answered has its answer, whatever becomes of its order, and other parameters are refused", async () => {
  const order = shop.place("ada");
  const input = inputFor(order._id);
  const first = answerOf(await createPayment(parts, ada, input));
  shop.orders.move(order, "CONFIRMED");
  const second = answerOf(await createPayment(parts, ada, input));
  assert.deepEqual(second.payment, first.payment);
  shop.fault = () => ({ status: 500, body: {} });
  const third = answerOf(await createPayment(parts, ada, input));
  assert.deepEqual(third.payment, first.payment);
  const other = { ...input, amount: { minor: 19_998n, currency: "USD" } };
  assert.equal(verdictOf(await createPayment(parts, ada, other)), "REQUEST_ID_REUSED");
  shop.fault = () => undefined;
});

test("one request many times at once is one payment and one answer", async () => {
  const order = shop.place("ada");
  const input = inputFor(order._id);
  const answers = await Promise.all(Array.from({ length: 12 }, () => createPayment(parts, ada, input)));
  const ids = new Set(answers.map((answer) => answerOf(answer).payment.id));
  assert.equal(ids.size, 1);
  assert.equal(await paymentsOf(order._id), 1);
});

test("a caller's own token never reaches the order service", async () => {
  for (const request of shop.seen) assert.equal(request.header("authorization"), `Bearer ${TOKEN}`);
});
