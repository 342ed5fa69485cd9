// A wire between the service and one of its servers, which can be disturbed: as a whole (condition.ts), or at a point of what passes over it (point.ts).
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { CLEAR, type Condition } from "./condition.ts";
import type { Dialect } from "./dialect.ts";
import { HttpDialect } from "./http-points.ts";
import { Link, type Target } from "./link.ts";
import { NatsDialect } from "./nats-points.ts";
import type { Point, Watch } from "./point.ts";
import { PostgresDialect } from "./postgres-points.ts";

const DIALECTS: Readonly<Record<Point["on"], new () => Dialect>> = {
  database: PostgresDialect,
  nats: NatsDialect,
  provider: HttpDialect,
};

export interface WireOptions {
  /** What it leads to. */
  readonly target: Target;
  readonly on: Point["on"];
  readonly watch?: Watch;
}

export class Wire {
  /** Asked at every point; null: all pass. */
  watch: Watch | null;
  readonly #options: WireOptions;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #condition: Condition = CLEAR;

  private constructor(options: WireOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.watch = options.watch ?? null;
    server.on("connection", (client) => this.#connect(client));
  }

  static async open(options: WireOptions): Promise<Wire> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Wire(options, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that there are at the moment. */
  get connections(): number {
    return this.#links.size;
  }

  /** Of these, those on which something was lost, and which have been silent since. */
  get silent(): number {
    return [...this.#links].filter(({ isLost }) => isLost).length;
  }

  get condition(): Condition {
    return this.#condition;
  }

  /** For the connections that there are, and for new ones. */
  setCondition(condition: Condition): void {
    this.#condition = condition;
    if (condition.kind === "blackhole" || condition.kind === "half-open") return;
    for (const link of this.#links) link.settle();
  }

  /** Resets all connections. */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.reset();
    await closed;
  }

  #connect(client: Socket): void {
    if (this.#condition.kind === "refuse") {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const { target, on } = this.#options;
    const link = new Link(client, { wire: this, dialect: new DIALECTS[on](), target });
    this.#links.add(link);
    void link.ended.finally(() => this.#links.delete(link));
  }
}
