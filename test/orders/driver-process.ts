// A driver in a process of its own, to be killed by a test. It writes its log to its output.
import { parseArgs } from "node:util";
import pino from "pino";
import { startOrderDriver } from "../../src/orders/driver.ts";
import { createInventoryService } from "../../src/orders/inventory-service.ts";
import { createOrderService } from "../../src/orders/order-service.ts";
import { ServiceClient } from "../../src/orders/service-client.ts";
import { connectNats } from "../../src/outbox/nats-connection.ts";

const { values } = parseArgs({
  options: {
    nats: { type: "string", default: "" },
    orders: { type: "string", default: "" },
    inventory: { type: "string", default: "" },
    token: { type: "string", default: "" },
  },
});

const log = pino({ level: "debug" }, pino.destination({ sync: true }));
const { token } = values;
const client = (name: "orders" | "inventory"): ServiceClient =>
  new ServiceClient({ name, baseUrl: values[name], token, log, limits: { timeoutMs: 10_000 } });
startOrderDriver({
  nats: connectNats(values.nats, log),
  services: {
    orders: createOrderService({ client: client("orders"), currency: "USD" }),
    inventory: createInventoryService({ client: client("inventory") }),
  },
  streamName: "PAYMENTS",
  log,
  replicas: 1,
  since: new Date(0),
  limits: { ackWaitMs: 600 },
});
