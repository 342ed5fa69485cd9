// The orders that payments are for, as the use cases see them: something that finds an order by its id. src/orders implements it.
import type { OrderLookup } from "../domain/order.ts";

export interface OrderDirectory {
  /** Ends by itself, whether or not the order service answers; the signal ends it sooner. Never throws. */
  find(orderId: string, options: { readonly signal: AbortSignal }): Promise<OrderLookup>;
}
