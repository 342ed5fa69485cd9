// What an event makes of its order, from the beginning each time that it is delivered, so that a crash between two steps needs no memory: money came,
// the order is CONFIRMED; no money came, what is reserved for it is released, item by item, and then it is CANCELLED.
//
// Only a PENDING order is cancelled, and its items are released before it is: an order that is CANCELLED was dealt with, by an earlier delivery or by
// somebody else. An order that another payment has taken up since lives on with that one.
import { unreachable } from "../domain/error.ts";
import type { OrderItem } from "../domain/order.ts";
import type { InventoryService } from "./inventory-service.ts";
import type { OrderService } from "./order-service.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import type { OrderEvent } from "./read-event.ts";

/** What was done, for the log. */
export type Driven =
  | "confirmed"
  | "confirmed before"
  | "cancelled"
  | "cancelled before"
  | "left, since it is another payment's now"
  | "left, since it is not pending";

export interface Services {
  readonly orders: OrderService;
  /** Null when nothing is reserved anywhere. */
  readonly inventory: InventoryService | null;
  /**
   * Whether the order has a newer payment than this one. May throw while that cannot be found out. Without it an ended payment cancels its order
   * whatever came after.
   */
  readonly isSuperseded?: (event: OrderEvent) => Promise<boolean>;
}

const NO_ORDER = "the order service knows no such order";

async function confirm({ orders }: Services, event: OrderEvent, signal: AbortSignal): Promise<Outcome<Driven>> {
  const changed = await orders.change({ ...event, status: "CONFIRMED" }, signal);
  if (changed.kind !== "done") return changed;
  if (changed.value) return done("confirmed");
  const fetched = await orders.fetch(event.orderId, signal);
  if (fetched.kind !== "done") return fetched;
  if (fetched.value === null) return refused(NO_ORDER);
  const { status } = fetched.value;
  if (status === "CONFIRMED") return done("confirmed before");
  if (status === "PENDING") return refused("the order service does not confirm the order, which is PENDING");
  return refused(`the payment succeeded, but the order is ${status}; give the money back, or take the order up again`);
}

/** Each product once, however many lines name it, since its release is known by its product. */
function countByProduct(items: readonly OrderItem[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { productId, quantity } of items) counts.set(productId, (counts.get(productId) ?? 0) + quantity);
  return counts;
}

async function cancel(services: Services, event: OrderEvent, signal: AbortSignal): Promise<Outcome<Driven>> {
  const { orders, inventory } = services;
  const fetched = await orders.fetch(event.orderId, signal);
  if (fetched.kind !== "done") return fetched;
  const order = fetched.value;
  if (order === null) return refused(NO_ORDER);
  if (order.status === "CANCELLED") return done("cancelled before");
  if (order.status !== "PENDING") return done("left, since it is not pending");
  if (await services.isSuperseded?.(event)) return done("left, since it is another payment's now");
  if (inventory) {
    for (const [productId, quantity] of countByProduct(order.items)) {
      const { orderId, paymentId } = event;
      const released = await inventory.release({ orderId, paymentId, productId, quantity }, signal);
      if (released.kind !== "done") return released;
    }
  }
  const changed = await orders.change({ ...event, status: "CANCELLED" }, signal);
  if (changed.kind !== "done") return changed;
  if (changed.value) return done("cancelled");
  const found = await orders.fetch(event.orderId, signal);
  if (found.kind !== "done") return found;
  if (found.value?.status === "CANCELLED") return done("cancelled before");
  return refused("the items were released, but the order service does not cancel the order");
}

export function driveOrder(services: Services, event: OrderEvent, signal: AbortSignal): Promise<Outcome<Driven>> {
  switch (event.type) {
    case "payment.succeeded":
      return confirm(services, event, signal);
    case "payment.failed":
    case "payment.cancelled":
      return cancel(services, event, signal);
    default:
      return unreachable(event.type);
  }
}
