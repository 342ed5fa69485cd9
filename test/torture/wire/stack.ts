// The service with all that it needs, each as a process of its own and behind a wire: PostgreSQL, nats-server, and a gateway that it takes for Stripe. The servers
// outlive the service, so that it is killed and started again within a second; what is true is read past the wires.
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { Pool } from "pg";
import { startEmbeddedServer } from "../../support/database-server.ts";
import type { JournalAudit } from "../../support/gateway-journal.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { startNatsServer, type TestNatsServer } from "../../support/nats-server.ts";
import { ServiceProcess } from "../../support/service-process.ts";
import { stripeSettings } from "../../support/stripe-service.ts";
import { findUnsettled } from "../frame/invariants.ts";
import type { Telling } from "../frame/leaks.ts";
import { QUICK, type Scene } from "../frame/verdict.ts";
import type { Point } from "./point.ts";
import { Wire } from "./wire.ts";

const QUERIES_ABREAST = 4;
const QUERY_TIMEOUT_MS = 10_000;
/** Longer than any pause of the service's after some attempts in vain. */
const SETTLED_TIMEOUT_MS = 120_000;
const HOUR_SECONDS = 3_600;
const POLL_MS = 50;

/** One attempt of a call to the provider has 40% of its time: over HTTP, enough for a busy machine. */
const SETTINGS = { ...QUICK, PROVIDER_TIMEOUT_MS: "2000", DATABASE_TIMEOUT_MS: "2000" };

type Environment = Readonly<Record<string, string>>;

/** Runs what is registered when all is over: a TestContext is one. */
export interface Ending {
  after(end: () => Promise<unknown> | void): void;
}

export interface StackOptions {
  /** Of the service, beside what it needs to find its servers; by default it recovers quickly. */
  readonly environment?: Environment;
}

export class Stack implements Scene {
  readonly gateway: GatewayProcess;
  readonly wires: Readonly<Record<Point["on"], Wire>>;
  readonly service: ServiceProcess;
  readonly #settings: Environment;
  readonly #t: Ending;
  readonly #nats: TestNatsServer;
  readonly #pool: Pool;
  readonly #services: ServiceProcess[];

  private constructor(
    parts: Pick<Stack, "gateway" | "wires" | "service">,
    inside: { settings: Environment; t: Ending; nats: TestNatsServer; pool: Pool },
  ) {
    this.gateway = parts.gateway;
    this.wires = parts.wires;
    this.service = parts.service;
    this.#settings = inside.settings;
    this.#t = inside.t;
    this.#nats = inside.nats;
    this.#pool = inside.pool;
    this.#services = [parts.service];
  }

  static async open(t: Ending, { environment = {} }: StackOptions = {}): Promise<Stack> {
    const ending = new Backwards(t);
    const [database, nats, gateway] = await Promise.all([
      startEmbeddedServer().then((server) => ending.stop(server, () => server.stop())),
      startNatsServer().then((server) => ending.stop(server, () => server.stop())),
      GatewayProcess.start().then((process) => ending.stop(process, () => process.remove())),
    ]);
    const wires = {
      database: await openWire(ending, "database", database.url),
      nats: await openWire(ending, "nats", nats.url),
      provider: await openWire(ending, "provider", gateway.url),
    };
    const pool = openPool(ending, database.url);
    const endpoint = await gateway.createEndpoint();
    const settings = {
      ...SETTINGS,
      ...stripeSettings(`http://127.0.0.1:${wires.provider.port}`, endpoint.secret),
      DATABASE_URL: through(wires.database, database.url),
      NATS_URL: through(wires.nats, nats.url),
      ...environment,
    };
    const service = await ServiceProcess.start(settings);
    ending.stop(service, () => service.remove());
    await gateway.forward(endpoint, service);
    // There is a stream from here on.
    await service.awaitLog("relay leads");
    return new Stack({ gateway, wires, service }, { settings, t: ending, nats, pool });
  }

  /** Starts a further process of the service on the same servers, over the same wires. */
  async launch(environment: Environment = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({ ...this.#settings, ...environment });
    this.#t.after(() => service.remove());
    this.#services.push(service);
    return service;
  }

  /**
   * Waits until all is done that was begun: webhooks are delivered and acted on, operations have their ends. What the gateway would repeat in hours is let come
   * at once; what the service puts off for a while is waited for. What is not done within the bound is left for the verdict to find.
   */
  async settled(): Promise<void> {
    await this.gateway.release();
    const deadline = performance.now() + SETTLED_TIMEOUT_MS;
    while (performance.now() < deadline && !((await this.#isDelivered()) && (await this.#isDone())))
      await delay(POLL_MS);
  }

  async #isDelivered(): Promise<boolean> {
    const { held, dropped, delayed, queued, sending, resting } = await this.gateway.deliveries();
    if (queued + sending === 0 && resting > 0) await this.gateway.control("clock", { advance_seconds: HOUR_SECONDS });
    return held + dropped + delayed + queued + sending + resting === 0;
  }

  async #isDone(): Promise<boolean> {
    return (await findUnsettled((text, values) => this.query(text, values))).length === 0;
  }

  /** Runs one statement, past the wire. */
  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#pool.query(text, values)).rows as T[];
  }

  /** Past the wire; whoever asks for it closes it. */
  connectNats(): Promise<NatsConnection> {
    return this.#nats.connect();
  }

  journal(): Promise<JournalAudit> {
    return this.gateway.journal();
  }

  secrets(): string[] {
    return this.#services.flatMap((service) => service.secrets());
  }

  overheard(): Telling[] {
    return this.#services.flatMap((service) => service.overheard());
  }
}

/** Ends things in the opposite order of their beginning, whatever order the hooks of a test have. */
class Backwards implements Ending {
  readonly #ends: (() => Promise<unknown> | void)[] = [];

  constructor(t: Ending) {
    t.after(async () => {
      for (let end = this.#ends.pop(); end; end = this.#ends.pop()) await end();
    });
  }

  after(end: () => Promise<unknown> | void): void {
    this.#ends.push(end);
  }

  /** Gives what will be ended. */
  stop<T>(part: T, end: () => Promise<unknown>): T {
    this.after(end);
    return part;
  }
}

async function openWire(ending: Backwards, on: Point["on"], url: string): Promise<Wire> {
  const { hostname: host, port } = new URL(url);
  const wire = await Wire.open({ target: { host, port: Number(port) }, on });
  return ending.stop(wire, () => wire.close());
}

/** The same address, by way of the wire. */
function through(wire: Wire, url: string): string {
  const address = new URL(url);
  address.hostname = "127.0.0.1";
  address.port = String(wire.port);
  return address.href;
}

function openPool(ending: Backwards, url: string): Pool {
  const timeouts = { connectionTimeoutMillis: QUERY_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS };
  const pool = new Pool({ connectionString: url, max: QUERIES_ABREAST, ...timeouts });
  pool.on("error", () => {});
  return ending.stop(pool, () => pool.end());
}
