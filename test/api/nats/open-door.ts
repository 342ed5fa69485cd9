// The NATS doors on a real nats-server, a real database and a real gateway: what their tests work with.
import { headers, type NatsConnection } from "@nats-io/transport-node";
import pino, { type Logger } from "pino";
import { type Authenticate, openToAll } from "../../../src/api/auth.ts";
import { type NatsDoor, type NatsDoorOptions, startNatsDoor } from "../../../src/api/nats/door.ts";
import { createOperations, type Operation } from "../../../src/api/nats/operations.ts";
import { connectNats, type NatsLink } from "../../../src/outbox/nats-connection.ts";
import { TestService } from "../../app/open-service.ts";
import { startNatsServer, type TestNatsServer } from "../../support/nats-server.ts";

type Json = Record<string, unknown>;

interface LoggedLine extends Json {
  readonly msg: string;
}

/** Collects what is logged, and lets a test wait for a line. */
class Log {
  readonly lines: LoggedLine[] = [];
  readonly logger: Logger;
  readonly #watchers = new Set<() => void>();

  constructor() {
    this.logger = pino(
      { level: "debug" },
      {
        write: (line: string) => {
          this.lines.push(JSON.parse(line) as LoggedLine);
          for (const watcher of this.#watchers) watcher();
        },
      },
    );
  }

  /** Waits until so many lines say it, counted from the beginning; gives the last of them. */
  async until(holds: (line: LoggedLine) => boolean, times = 1): Promise<LoggedLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LoggedLine>();
    const look = (): void => {
      const found = this.lines.filter(holds)[times - 1];
      if (found) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`not logged: ${JSON.stringify(this.lines.slice(-5))}`)), 20_000);
    this.#watchers.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#watchers.delete(look);
    });
  }
}

export class NatsWorld {
  readonly service: TestService;
  readonly server: TestNatsServer;
  /** The test's own. */
  readonly connection: NatsConnection;
  readonly log = new Log();
  readonly operations: ReadonlyMap<string, Operation>;
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(service: TestService, server: TestNatsServer, connection: NatsConnection) {
    this.service = service;
    this.server = server;
    this.connection = connection;
    this.operations = createOperations({ parts: service.parts, provider: "mock" });
  }

  static async open(options: Parameters<typeof TestService.open>[0] = {}): Promise<NatsWorld> {
    const [service, server] = await Promise.all([TestService.open(options), startNatsServer()]);
    return new NatsWorld(service, server, await server.connect());
  }

  link(): NatsLink {
    return connectNats(this.server.url, this.log.logger);
  }

  /** A door as a process has it, on a connection of its own. */
  async openDoor(change: Partial<NatsDoorOptions> = {}): Promise<NatsDoor> {
    const nats = this.link();
    const authenticate: Authenticate = openToAll();
    const { operations } = this;
    const door = await startNatsDoor({ nats, operations, authenticate, log: this.log.logger, ...change });
    const stop = async (): Promise<void> => {
      await door.stop();
      await nats.close();
    };
    this.#stops.push(stop);
    return { stop };
  }

  async close(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
    await this.connection.close();
    await this.server.stop();
    await this.service.close();
  }

  /** Asks in plain JSON, or with a text or bytes as they are. */
  async ask(subject: string, payload: Json | string | Uint8Array, fields: Record<string, string> = {}): Promise<Json> {
    const isRaw = typeof payload === "string" || payload instanceof Uint8Array;
    const message = await this.connection.request(subject, isRaw ? payload : JSON.stringify(payload), {
      timeout: 20_000,
      headers: headersOf(fields),
    });
    return message.json<Json>();
  }

  /** Asks as NestJS does; gives the packet. */
  askNest(subject: string, data: unknown, fields: Record<string, string> = {}): Promise<Json> {
    return this.ask(subject, { pattern: subject, data, id: "nest-1" }, fields);
  }

  command(subject: string, payload: unknown, fields: Record<string, string> = {}): void {
    this.connection.publish(subject, JSON.stringify(payload), { headers: headersOf(fields) });
  }

  count(table: "payment" | "refund"): Promise<number> {
    return this.service.rows<{ n: number }>(`select count(*)::int as n from ${table}`).then(([row]) => row?.n ?? 0);
  }
}

export function headersOf(fields: Record<string, string>) {
  const made = headers();
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  return made;
}

let orders = 0;

export function newOrderId(): string {
  orders += 1;
  return `123e4567-e89b-12d3-a456-${String(orders).padStart(12, "0")}`;
}

/** The payload that the document prints. */
export function sessionPayload(orderId: string): Json {
  return { orderId, currency: "usd", items: [{ name: "Premium T-shirt", price: 25.99, quantity: 2 }] };
}
