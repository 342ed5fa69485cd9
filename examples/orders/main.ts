// `npm run example:orders`: a shop of three services. Orders are placed, paid, declined and cancelled, and what becomes of the order and of the stock
// is printed. It ends with an error when the story does not go as it is told.
import { setTimeout as pause } from "node:timers/promises";
import { openShop } from "./shop.ts";

const WAIT_TIMEOUT_MS = 15_000;
const PAUSE_MS = 50;

interface Order {
  readonly _id: string;
  readonly status: string;
  readonly totalAmount: number;
}

interface Product {
  readonly _id: string;
  readonly stock: number;
  readonly reserved: number;
}

interface Payment {
  readonly status: string;
  readonly failure?: { readonly reason: string };
}

const shop = await openShop();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function call<T>(url: string, body?: object): Promise<T> {
  const response = await fetch(url, {
    ...(body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** Calls the payment service; plain HTTP with JSON is one of its protocols. */
async function pay(method: string, request: object): Promise<Payment> {
  const answer = await call<{ payment: Payment }>(`${shop.paymentUrl}/payment.v1.PaymentService/${method}`, request);
  return answer.payment;
}

async function place(product: Product, quantity: number): Promise<Order> {
  const items = [{ productId: product._id, quantity }];
  const { order } = await call<{ order: Order }>(`${shop.orderUrl}/orders`, { customerId: "ada", items });
  print(`\nOrder of ${quantity} shirts, ${order.totalAmount.toFixed(2)} USD: ${order.status}`);
  return order;
}

/** The payment service drives the order by its events, a moment after it answered. */
async function awaitStatus({ _id }: Order, wanted: string): Promise<void> {
  for (const start = performance.now(); ; await pause(PAUSE_MS)) {
    const { order } = await call<{ order: Order }>(`${shop.orderUrl}/orders/${_id}`);
    if (order.status === wanted) return print(`  the order is ${wanted}`);
    if (performance.now() - start > WAIT_TIMEOUT_MS) throw new Error(`the order is ${order.status}, not ${wanted}`);
  }
}

async function showStock({ _id }: Product, wanted: { stock: number; reserved: number }): Promise<void> {
  const { product } = await call<{ product: Product }>(`${shop.inventoryUrl}/products/${_id}`);
  print(`  stock ${product.stock}, reserved ${product.reserved}`);
  const holds = product.stock === wanted.stock && product.reserved === wanted.reserved;
  if (!holds) throw new Error(`the story does not hold: stock ${wanted.stock}, reserved ${wanted.reserved}`);
}

async function tell(): Promise<void> {
  const shirt = { name: "Shirt", priceMinor: "4999", stock: 10 };
  const { product } = await call<{ product: Product }>(`${shop.inventoryUrl}/products`, shirt);
  const mode = "PAYMENT_MODE_INTENT";

  const paid = await place(product, 2);
  // Neither amount nor customer: the order says them.
  const success = await pay("CreatePayment", { orderId: paid._id, mode, paymentMethod: "pm_card_visa" });
  print(`  paid with a card: ${success.status}`);
  await awaitStatus(paid, "CONFIRMED");
  await showStock(product, { stock: 8, reserved: 2 });

  const declined = await place(product, 3);
  const failure = await pay("CreatePayment", { orderId: declined._id, mode, paymentMethod: "pm_card_chargeDeclined" });
  print(`  paid with a card that is declined: ${failure.status} (${failure.failure?.reason})`);
  await awaitStatus(declined, "CANCELLED");
  await showStock(product, { stock: 8, reserved: 2 });

  const left = await place(product, 1);
  await pay("CreatePayment", { orderId: left._id });
  const canceled = await pay("CancelPayment", { orderId: left._id, reason: "changed mind" });
  print(`  a checkout was opened, and canceled: ${canceled.status}`);
  await awaitStatus(left, "CANCELLED");
  await showStock(product, { stock: 8, reserved: 2 });
}

try {
  await tell();
  print("\nThe story went as told.");
} finally {
  await shop.stop();
}
