// An order service: an order reserves what it is made of, is PENDING until it is paid, and then CONFIRMED or CANCELLED by the payment service. It
// keeps all of it in memory, and has the inventory at hand, where real services would call each other.
//
// POST /orders {customerId, items: [{productId, quantity}]}          GET /orders/:id
// PUT  /internal/orders/:id/status {status, paymentId, reason}
import { randomUUID } from "node:crypto";
import { type Answer, type Handler, isInternal, problem, type Question } from "./http.ts";
import { type Inventory, printPrice } from "./inventory-service.ts";

type OrderStatus = "PENDING" | "CONFIRMED" | "CANCELLED";

interface Line {
  readonly productId: string;
  readonly name: string;
  readonly quantity: number;
  readonly priceMinor: bigint;
}

export interface ExampleOrder {
  readonly _id: string;
  readonly userId: string;
  readonly status: OrderStatus;
  readonly items: readonly Line[];
}

function show(order: ExampleOrder, status = 200): Answer {
  const items = order.items.map(({ priceMinor, ...line }) => ({ ...line, price: printPrice(priceMinor) }));
  const total = order.items.reduce((sum, line) => sum + line.priceMinor * BigInt(line.quantity), 0n);
  return { status, body: { order: { ...order, items, totalAmount: printPrice(total), currency: "usd" } } };
}

export class Orders {
  readonly #orders = new Map<string, ExampleOrder>();
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  get(id: string): ExampleOrder | undefined {
    return this.#orders.get(id);
  }

  /** Undefined when something is not there, or not enough of it. */
  place(userId: string, wanted: readonly { productId: string; quantity: number }[]): ExampleOrder | undefined {
    const items: Line[] = [];
    for (const { productId, quantity } of wanted) {
      const product = this.#inventory.get(productId);
      if (!product || !this.#inventory.reserve(productId, quantity)) return undefined;
      items.push({ productId, name: product.name, quantity, priceMinor: product.priceMinor });
    }
    const order: ExampleOrder = { _id: randomUUID(), userId, status: "PENDING", items };
    this.#orders.set(order._id, order);
    return order;
  }

  /** Whether the order could take the status. Taking the one that it has changes nothing. */
  move(order: ExampleOrder, status: OrderStatus): boolean {
    if (order.status !== status && order.status !== "PENDING") return false;
    this.#orders.set(order._id, { ...order, status });
    return true;
  }
}

function place(orders: Orders, { body }: Question): Answer {
  const wanted = body["items"] as readonly { productId: string; quantity: number }[];
  const order = orders.place(String(body["customerId"]), wanted);
  return order ? show(order, 201) : problem(409, "Not enough in stock");
}

function move(orders: Orders, order: ExampleOrder, { body }: Question): Answer {
  const { status } = body;
  if (status !== "CONFIRMED" && status !== "CANCELLED") return problem(400, "status must be CONFIRMED or CANCELLED");
  if (!orders.move(order, status)) return problem(409, `Order is ${order.status}`);
  return show({ ...order, status });
}

export function orderHandler(orders: Orders, token: string): Handler {
  return (question) => {
    const { method, path } = question;
    if (method === "POST" && path.join("/") === "orders") return place(orders, question);
    const isInternalPath = path[0] === "internal";
    if (isInternalPath && !isInternal(question, token)) return problem(403, "Forbidden");
    const [room, id = "", last] = isInternalPath ? path.slice(1) : path;
    const order = room === "orders" ? orders.get(id) : undefined;
    if (!order) return problem(404, "Order not found");
    if (method === "GET" && last === undefined) return show(order);
    if (method === "PUT" && isInternalPath && last === "status") return move(orders, order, question);
    return problem(404, "Not found");
  };
}
