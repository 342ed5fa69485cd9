// Orders, stock and payments together, as document 001 has them: the service as its users run it, and an order and an inventory service beside it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Shop, TOKEN } from "../orders/shop.ts";
import { type LogLine, ServiceProcess } from "../support/service-process.ts";
import type { ExampleOrder } from "../../examples/orders/order-service.ts";

const DAY_SECONDS = 24 * 60 * 60;
const INTENT = { mode: "PAYMENT_MODE_INTENT" };
const VISA = { ...INTENT, paymentMethod: "pm_card_visa" };
const DECLINED = { ...INTENT, paymentMethod: "pm_card_chargeDeclined" };

let shop: Shop;
let service: ServiceProcess;

before(async () => {
  shop = await Shop.open();
  service = await ServiceProcess.start({
    ORDER_SERVICE_URL: shop.orderUrl,
    INVENTORY_SERVICE_URL: shop.inventoryUrl,
    INTERNAL_SERVICE_TOKEN: TOKEN,
  });
});

after(async () => {
  await service?.remove();
  await shop?.close();
});

interface Answer {
  readonly code?: string;
  readonly payment?: {
    readonly status: string;
    readonly amount: { readonly minor: string; readonly currency: string };
  };
  readonly checkout?: { readonly url: string };
}

async function call(method: string, request: object): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${service.http.port}/payment.v1.PaymentService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer caller-canary" },
    body: JSON.stringify(request),
  });
  return (await response.json()) as Answer;
}

async function becomes(order: ExampleOrder, status: string): Promise<void> {
  await shop.until(() => shop.statusOf(order) === status);
}

test("an order that is paid, with its own amount, is confirmed", async () => {
  const order = shop.place();
  const { payment } = await call("CreatePayment", { orderId: order._id, ...VISA });
  assert.partialDeepStrictEqual(payment, {
    status: "PAYMENT_STATUS_SUCCEEDED",
    amount: { minor: "19998", currency: "USD" },
  });
  await becomes(order, "CONFIRMED");
  assert.deepEqual(shop.reserved(order), [2, 1]);
  const again = await call("CreatePayment", { orderId: order._id, ...VISA });
  assert.equal(again.code, "failed_precondition");
});

test("an order whose payment is declined, canceled or expires is cancelled, and its items are released once", async () => {
  const [declined, canceled, expired] = [shop.place(), shop.place(), shop.place()];
  await call("CreatePayment", { orderId: declined._id, ...DECLINED });
  await call("CreatePayment", { orderId: canceled._id });
  await call("CancelPayment", { orderId: canceled._id, reason: "changed mind" });
  const { checkout } = await call("CreatePayment", { orderId: expired._id });
  for (const order of [declined, canceled]) await becomes(order, "CANCELLED");
  await fetch(new URL("/_gateway/clock", checkout?.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ advance_seconds: 2 * DAY_SECONDS }),
  });
  await becomes(expired, "CANCELLED");
  for (const order of [declined, canceled, expired]) {
    assert.deepEqual(shop.stock(order), [10, 10]);
    assert.deepEqual(shop.reserved(order), [0, 0]);
  }
});

test("an order service that answers 500 ten times after the payment gets its word in the end", async () => {
  const [paid, declined] = [shop.place(), shop.place()];
  let failures = 0;
  shop.fault = ({ method, service: asked }) => {
    // Creating a payment looks at the order as well; what comes after is not let through.
    const isAfter = method !== "GET" || shop.count(`GET /orders/${declined._id}`) > 1;
    if (asked !== "orders" || !isAfter || failures >= 10) return undefined;
    failures += 1;
    return { status: 500, body: {} };
  };
  await call("CreatePayment", { orderId: paid._id, ...VISA });
  await call("CreatePayment", { orderId: declined._id, ...DECLINED });
  await becomes(paid, "CONFIRMED");
  await becomes(declined, "CANCELLED");
  assert.equal(failures, 10);
  assert.deepEqual(shop.stock(declined), [10, 10]);
  assert.deepEqual(shop.stock(paid), [8, 9]);
});

test("the end of a payment leaves its order alone once another payment is open for it, and that one decides", async () => {
  const order = shop.place();
  shop.fault = ({ path }) => (path.at(-1) === "release" ? { status: 500, body: {} } : undefined);
  await call("CreatePayment", { orderId: order._id, ...DECLINED });
  await shop.until(() => shop.seen.some(({ body }) => body["orderId"] === order._id));
  const second = await call("CreatePayment", { orderId: order._id, ...INTENT });
  assert.equal(second.payment?.status, "PAYMENT_STATUS_PENDING");
  // A delivery that began before that may not know of it; the next one does.
  const again = "order not driven; the event comes again";
  await service.awaitLog(again, service.logged.filter(({ msg }) => msg === again).length + 1);
  shop.fault = () => undefined;
  const isLeft = (line: LogLine): boolean => line["order"] === "left, since it is another payment's now";
  for (let driven = 1; !service.logged.some(isLeft); driven += 1) await service.awaitLog("order driven", driven);
  assert.equal(shop.statusOf(order), "PENDING");
  await call("CompletePayment", { orderId: order._id, paymentMethod: "pm_card_visa" });
  await becomes(order, "CONFIRMED");
  assert.deepEqual(shop.reserved(order), [2, 1]);
});

test("a service that is killed with an order on its way takes it up when it runs again", async () => {
  const order = shop.place();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  shop.fault = ({ line }) => {
    if (line !== "POST /internal/inventory/release") return undefined;
    resolve();
    return "lose and hang";
  };
  await call("CreatePayment", { orderId: order._id, ...DECLINED });
  await asked;
  await service.kill();
  shop.fault = () => undefined;
  await service.start();
  await becomes(order, "CANCELLED");
  assert.deepEqual(shop.stock(order), [10, 10]);
});

test("no payment is created while the order service is away, and the caller is told to come back", async () => {
  const order = shop.place();
  shop.fault = () => ({ status: 503, body: {} });
  const answer = await call("CreatePayment", { orderId: order._id, ...VISA });
  shop.fault = () => undefined;
  assert.equal(answer.code, "unavailable");
  assert.deepEqual(await service.query("select 1 from payment where order_id = $1", [order._id]), []);
});

test("neither the services' token nor the caller's is anywhere in the log, nor the caller's at the order service", () => {
  assert.ok(!service.said.includes(TOKEN));
  assert.ok(!service.said.includes("caller-canary"));
  for (const request of shop.seen) assert.equal(request.header("authorization"), `Bearer ${TOKEN}`);
});

test("the example tells its story", async () => {
  const main = join(import.meta.dirname, "../../examples/orders/main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [main]);
  assert.match(stdout, /CONFIRMED[^]*CANCELLED[^]*The story went as told\./);
});
