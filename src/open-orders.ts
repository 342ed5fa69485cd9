// Opens what deals with orders, where an order service is configured: the directory that the use cases ask, and the driver that follows the events.
import type { Logger } from "pino";
import type { OrderDirectory } from "./app/order-directory.ts";
import type { OrderSettings } from "./config/orders.ts";
import type { Store } from "./db/store.ts";
import { printPaymentId } from "./domain/ids.ts";
import { type OrderDriver, startOrderDriver } from "./orders/driver.ts";
import { createInventoryService } from "./orders/inventory-service.ts";
import { createOrderService } from "./orders/order-service.ts";
import type { OrderEvent } from "./orders/read-event.ts";
import { ServiceClient } from "./orders/service-client.ts";
import type { NatsLink } from "./outbox/nats-connection.ts";

export interface OpenedOrders {
  readonly directory: OrderDirectory;
  startDriver(options: DriverOptions): OrderDriver;
  close(): void;
}

interface DriverOptions {
  readonly nats: Pick<NatsLink, "up">;
  readonly store: Pick<Store, "loadPayment">;
  readonly streamName: string;
  readonly replicas: number;
  /** Events from before are left alone when the service starts for the first time. */
  readonly since: Date;
}

/** The newest payment of an order decides about it; the end of an earlier one does not. */
async function isSuperseded(store: Pick<Store, "loadPayment">, { orderId, paymentId }: OrderEvent): Promise<boolean> {
  const { payment } = await store.loadPayment({ find: { orderId }, request: null });
  return payment !== null && printPaymentId(payment.id) !== paymentId;
}

export function openOrders(settings: OrderSettings, log: Logger): OpenedOrders {
  const { token, timeoutMs, currency, paths, inventoryServiceUrl } = settings;
  const clients: ServiceClient[] = [];
  const open = (name: string, baseUrl: string): ServiceClient => {
    const client = new ServiceClient({ name, baseUrl, token, log, limits: { timeoutMs } });
    clients.push(client);
    return client;
  };
  const orders = createOrderService({ client: open("orders", settings.orderServiceUrl), currency, paths });
  const inventory = inventoryServiceUrl
    ? createInventoryService({ client: open("inventory", inventoryServiceUrl), releasePath: paths.release })
    : null;
  return {
    directory: orders,
    startDriver({ nats, store, streamName, replicas, since }) {
      const services = { orders, inventory, isSuperseded: (event: OrderEvent) => isSuperseded(store, event) };
      return startOrderDriver({ nats, services, streamName, replicas, since, log });
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}
