// The inventory service: takes back what was reserved for an order.
import { conclude, done, isSuccess, type Outcome } from "./outcome.ts";
import type { ServiceClient } from "./service-client.ts";

export interface Release {
  readonly orderId: string;
  readonly paymentId: string;
  readonly productId: string;
  readonly quantity: number;
}

export interface InventoryServiceOptions {
  readonly client: ServiceClient;
  /** POST `{"productId", "quantity", "orderId", "paymentId", "releaseId"}` releases; default `/internal/inventory/release`. */
  readonly releasePath?: string;
}

export interface InventoryService {
  /** Once for each payment and product, however often it is called: the same key goes with every repeat. */
  release(release: Release, signal: AbortSignal): Promise<Outcome<null>>;
}

export function createInventoryService({ client, releasePath }: InventoryServiceOptions): InventoryService {
  const path = releasePath ?? "/internal/inventory/release";
  return {
    async release({ orderId, paymentId, productId, quantity }, signal) {
      // A header takes no character beyond ASCII, and a product's id may have any.
      const releaseId = `release-${paymentId}-${encodeURIComponent(productId)}`;
      const body = { productId, quantity, orderId, paymentId, releaseId };
      const reply = await client.send({ method: "POST", path, body, idempotencyKey: releaseId, signal });
      // 409: this release was made before.
      if (isSuccess(reply) || ("status" in reply && reply.status === 409)) return done(null);
      return conclude(reply, `the inventory service, asked to release product ${productId}`);
    },
  };
}
