// A driver between a real nats-server and the shop's two services, without a payment service: the test publishes the events. Pauses are short.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import pino, { type Logger } from "pino";
import { type DriverLimits, type OrderDriver, startOrderDriver } from "../../src/orders/driver.ts";
import type { Services } from "../../src/orders/drive-order.ts";
import { createInventoryService } from "../../src/orders/inventory-service.ts";
import { createOrderService } from "../../src/orders/order-service.ts";
import { listParked, type ParkedEvent } from "../../src/orders/parking.ts";
import { type CallLimits, ServiceClient } from "../../src/orders/service-client.ts";
import { ensureStream } from "../../src/outbox/stream.ts";
import { connectNats } from "../../src/outbox/nats-connection.ts";
import { startNatsServer } from "../support/nats-server.ts";
import { type ExampleOrder } from "../../examples/orders/order-service.ts";
import { Shop, TOKEN } from "./shop.ts";

export const CALLS: CallLimits = {
  timeoutMs: 300,
  attemptsMax: 2,
  pauseFirstMs: 5,
  pauseMaxMs: 20,
  failuresMax: 1_000,
  openMs: 50,
};
const DRIVER: Partial<DriverLimits> = {
  ackWaitMs: 2_000,
  pauseFirstMs: 10,
  pauseMaxMs: 40,
  deliveriesMax: 100,
  refusalsMax: 3,
  stopTimeoutMs: 1_000,
};

export interface Wanted {
  readonly limits?: Partial<DriverLimits>;
  readonly calls?: Partial<CallLimits>;
  readonly token?: string;
  readonly isSuperseded?: Services["isSuperseded"];
}

export class World {
  readonly shop: Shop;
  readonly connection: NatsConnection;
  readonly natsUrl: string;
  readonly logged: Record<string, unknown>[] = [];
  readonly #log: Logger;
  readonly #stops: (() => Promise<unknown>)[] = [];

  private constructor(shop: Shop, connection: NatsConnection, natsUrl: string) {
    this.shop = shop;
    this.connection = connection;
    this.natsUrl = natsUrl;
    this.#log = pino({ level: "debug" }, { write: (line: string) => this.logged.push(JSON.parse(line)) });
  }

  static async open(t: TestContext): Promise<World> {
    const server = await startNatsServer();
    const shop = await Shop.open();
    const connection = await server.connect();
    const world = new World(shop, connection, server.url);
    t.after(async () => {
      for (const stop of world.#stops.reverse()) await stop();
      await connection.close();
      await shop.close();
      await server.stop();
    });
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await ensureStream(manager, { streamName: "PAYMENTS", replicas: 1 }, world.#log);
    return world;
  }

  client(name: "orders" | "inventory", wanted: Wanted = {}): ServiceClient {
    const baseUrl = name === "orders" ? this.shop.orderUrl : this.shop.inventoryUrl;
    const limits = { ...CALLS, ...wanted.calls };
    const client = new ServiceClient({ name, baseUrl, token: wanted.token ?? TOKEN, log: this.#log, limits });
    this.#stops.push(async () => client.close());
    return client;
  }

  /** As one more process would. */
  startDriver(wanted: Wanted = {}): OrderDriver {
    const nats = connectNats(this.natsUrl, this.#log);
    const services: Services = {
      orders: createOrderService({ client: this.client("orders", wanted), currency: "USD" }),
      inventory: createInventoryService({ client: this.client("inventory", wanted) }),
      ...(wanted.isSuperseded && { isSuperseded: wanted.isSuperseded }),
    };
    const driver = startOrderDriver({
      nats,
      services,
      streamName: "PAYMENTS",
      log: this.#log,
      replicas: 1,
      since: new Date(0),
      limits: { ...DRIVER, ...wanted.limits },
    });
    this.#stops.push(() => nats.close());
    this.#stops.push(() => driver.stop());
    return driver;
  }

  /** A driver in a process of its own, to be killed. It is ready when this ends. */
  async startProcess(): Promise<ChildProcess> {
    const { orderUrl, inventoryUrl } = this.shop;
    const services = ["--nats", this.natsUrl, "--orders", orderUrl, "--inventory", inventoryUrl, "--token", TOKEN];
    const child = spawn(process.execPath, [fileURLToPath(new URL("driver-process.ts", import.meta.url)), ...services], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#stops.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes("order driver follows the stream") && line.includes('"PAYMENTS"')) break;
    }
    child.stdout.resume();
    return child;
  }

  /** Gives the payment's id. */
  async publish(type: string, order: Pick<ExampleOrder, "_id">, fields: object = {}): Promise<string> {
    const paymentId = `payment_${randomUUID()}`;
    await this.publishRaw(type, JSON.stringify({ orderId: order._id, paymentId, version: 2, ...fields }));
    return paymentId;
  }

  async publishRaw(type: string, body: string): Promise<void> {
    await jetstream(this.connection).publish(type, body);
  }

  /** Waits for log lines of a message. */
  async untilLogged(message: string, count = 1): Promise<Record<string, unknown>[]> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const lines = this.logged.filter(({ msg }) => msg === message);
      if (lines.length >= count) return lines;
      if (performance.now() > deadline) throw new Error(`not logged: ${message}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async parked(): Promise<ParkedEvent[]> {
    return Array.fromAsync(listParked(this.connection));
  }
}
