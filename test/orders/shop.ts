// An order service and an inventory service as real HTTP servers, those of examples/orders, between which and their callers a test may stand: it
// sees every request, and may answer in their place.
import { EventEmitter, once } from "node:events";
import { type Answer, type Handler, type Question, type RunningService, serve } from "../../examples/orders/http.ts";
import { Inventory, inventoryHandler } from "../../examples/orders/inventory-service.ts";
import { type ExampleOrder, orderHandler, Orders } from "../../examples/orders/order-service.ts";

export const TOKEN = "internal-token-canary";
const WAIT_MAX_MS = 60_000;

/** What is sent instead of the service's own answer; `hang` never answers, `lose` does the work and says 500, or nothing. */
type Fault = Answer | "hang" | "lose" | "lose and hang";

export interface Seen extends Question {
  readonly service: "orders" | "inventory";
  readonly line: string;
}

export class Shop {
  readonly inventory = new Inventory();
  readonly orders = new Orders(this.inventory);
  readonly seen: Seen[] = [];
  /** Asked for each request; undefined lets the service answer. */
  fault: (request: Seen) => Fault | undefined = () => undefined;
  readonly #events = new EventEmitter();
  readonly #services: RunningService[] = [];

  private constructor() {
    this.#events.setMaxListeners(0);
  }

  static async open(): Promise<Shop> {
    const shop = new Shop();
    shop.#services.push(await serve(shop.#between("orders", orderHandler(shop.orders, TOKEN))));
    shop.#services.push(await serve(shop.#between("inventory", inventoryHandler(shop.inventory, TOKEN))));
    return shop;
  }

  get orderUrl(): string {
    return this.#services[0]?.url ?? "";
  }

  get inventoryUrl(): string {
    return this.#services[1]?.url ?? "";
  }

  /** An order of 199.98: two shirts of 49.99, and a coat of 100.00. */
  place(userId = "ada"): ExampleOrder {
    const shirt = this.inventory.add("Shirt", 4_999n, 10);
    const coat = this.inventory.add("Coat", 10_000n, 10);
    const order = this.orders.place(userId, [
      { productId: shirt._id, quantity: 2 },
      { productId: coat._id, quantity: 1 },
    ]);
    if (!order) throw new Error("the shop could not take the order");
    return order;
  }

  statusOf(order: ExampleOrder): string | undefined {
    return this.orders.get(order._id)?.status;
  }

  /** What is reserved of each item of an order's. */
  reserved(order: ExampleOrder): number[] {
    return order.items.map(({ productId }) => this.inventory.get(productId)?.reserved ?? Number.NaN);
  }

  stock(order: ExampleOrder): number[] {
    return order.items.map(({ productId }) => this.inventory.get(productId)?.stock ?? Number.NaN);
  }

  /** The requests so far, as `PUT /internal/orders/…/status`. */
  count(start: string): number {
    return this.seen.filter(({ line }) => line.startsWith(start)).length;
  }

  /** Waits until it holds, looking at each request when it comes, and when it was answered. */
  async until(holds: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS);
    while (!holds()) await once(this.#events, "request", { signal });
  }

  async close(): Promise<void> {
    for (const service of this.#services) await service.stop();
  }

  #between(service: Seen["service"], handler: Handler): Handler {
    return async (question) => {
      const request = { ...question, service, line: `${question.method} /${question.path.join("/")}` };
      this.seen.push(request);
      this.#events.emit("request");
      const fault = this.fault(request);
      try {
        if (fault === undefined) return await handler(question);
        if (fault === "hang") return await new Promise<never>(() => {});
        if (fault !== "lose" && fault !== "lose and hang") return fault;
        await handler(question);
        return fault === "lose" ? { status: 500, body: {} } : await new Promise<never>(() => {});
      } finally {
        setImmediate(() => this.#events.emit("request"));
      }
    };
  }
}
