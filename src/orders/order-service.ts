// The order service: finds orders, and says what becomes of them. It implements the use cases' OrderDirectory, whose shape it has.
import type { Order, OrderLookup } from "../domain/order.ts";
import { conclude, done, isSuccess, type Outcome, refused } from "./outcome.ts";
import { OrderProblem, readOrder } from "./read-order.ts";
import type { ServiceClient } from "./service-client.ts";

/** What the driver makes of an order. */
export type OrderEnd = "CONFIRMED" | "CANCELLED";

export interface OrderChange {
  readonly orderId: string;
  readonly status: OrderEnd;
  readonly paymentId: string;
  /** Why, in a word or two. */
  readonly reason: string;
}

export interface OrderServiceOptions {
  readonly client: ServiceClient;
  /** Of orders that name none. */
  readonly currency: string;
  readonly paths?: Partial<OrderPaths>;
}

/** In each `:id` stands for the order's id. */
export interface OrderPaths {
  /** GET gives the order. */
  readonly order: string;
  /** PUT `{"status", "paymentId", "reason"}` moves it. */
  readonly status: string;
}

const PATHS: OrderPaths = { order: "/orders/:id", status: "/internal/orders/:id/status" };
/** The database and the doors take no longer ones. */
const ID_LENGTH_MAX = 128;

export interface OrderService {
  /** For the use cases. Never throws. */
  find(orderId: string, options: { readonly signal: AbortSignal }): Promise<OrderLookup>;
  /** `done` with null: there is no such order. */
  fetch(orderId: string, signal: AbortSignal): Promise<Outcome<Order | null>>;
  /** `done` with false: the order is in a state that does not allow it (409). */
  change(change: OrderChange, signal: AbortSignal): Promise<Outcome<boolean>>;
}

/** In a path these would lead elsewhere, however they are written. */
function isUsable(orderId: string): boolean {
  return orderId !== "" && orderId !== "." && orderId !== ".." && orderId.length <= ID_LENGTH_MAX;
}

export function createOrderService({ client, currency, paths: own }: OrderServiceOptions): OrderService {
  const paths = { ...PATHS, ...own };

  async function fetch(orderId: string, signal: AbortSignal): Promise<Outcome<Order | null>> {
    if (!isUsable(orderId)) return done(null);
    const reply = await client.send({ method: "GET", path: paths.order, id: orderId, signal });
    if ("status" in reply && reply.status === 404) return done(null);
    if (!isSuccess(reply)) return conclude(reply, "the order service, asked for the order");
    try {
      return done(readOrder(reply.text, { orderId, currency }));
    } catch (error) {
      if (!(error instanceof OrderProblem)) throw error;
      return refused(`the order service sent an order that makes no sense: ${error.message}`);
    }
  }

  return {
    fetch,
    async find(orderId, { signal }) {
      const outcome = await fetch(orderId, signal);
      return outcome.kind === "done" ? { found: outcome.value } : { unavailable: outcome.why };
    },
    async change({ orderId, status, paymentId, reason }, signal) {
      if (!isUsable(orderId)) return refused("the order's id cannot be part of a path");
      const body = { status, paymentId, reason };
      const reply = await client.send({ method: "PUT", path: paths.status, id: orderId, body, signal });
      if (isSuccess(reply)) return done(true);
      if ("status" in reply && reply.status === 409) return done(false);
      return conclude(reply, `the order service, asked to make the order ${status}`);
    },
  };
}
