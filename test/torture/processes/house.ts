// Several processes of the service on one PostgreSQL, one nats-server and one gateway, each of these a process of its own. Every service reaches NATS through a
// valve of its own.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import pg from "pg";
import pino from "pino";
import { startEmbeddedNats } from "../../../src/embedded/nats.ts";
import { startEmbeddedPostgres } from "../../../src/embedded/postgres.ts";
import type { EmbeddedServer } from "../../../src/embedded/server-process.ts";
import { parseNatsUrl } from "../../../src/outbox/nats-connection.ts";
import type { JournalAudit } from "../../support/gateway-journal.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { searchPath } from "../../support/search-path.ts";
import { ServiceProcess } from "../../support/service-process.ts";
import type { Telling } from "../frame/leaks.ts";
import { Valve } from "./valve.ts";
import type { Scene } from "../frame/verdict.ts";

const QUERY_CONNECTIONS_MAX = 3;
const log = pino({ level: "silent" });

export interface Dweller {
  readonly service: ServiceProcess;
  /** Between it and NATS. */
  readonly nats: Valve;
}

export class House implements Scene {
  readonly dwellers: Dweller[] = [];
  readonly gateway: GatewayProcess;
  /** It goes with the house. */
  readonly folder: string;
  readonly #postgres: EmbeddedServer;
  readonly #pool: pg.Pool;
  #nats: EmbeddedServer;

  private constructor(parts: {
    readonly folder: string;
    readonly postgres: EmbeddedServer;
    readonly nats: EmbeddedServer;
    readonly gateway: GatewayProcess;
  }) {
    this.folder = parts.folder;
    this.#postgres = parts.postgres;
    this.#nats = parts.nats;
    this.gateway = parts.gateway;
    this.#pool = new pg.Pool({ connectionString: parts.postgres.url, max: QUERY_CONNECTIONS_MAX });
    this.#pool.on("error", () => {});
  }

  /** It is torn down when the test is over. */
  static async open(
    t: TestContext,
    { services, environment }: { readonly services: number; readonly environment: Readonly<Record<string, string>> },
  ): Promise<House> {
    const endings: (() => unknown)[] = [];
    t.after(async () => {
      for (const end of endings.toReversed()) await end();
    });
    const folder = mkdtempSync(join(tmpdir(), "payment-house-"));
    endings.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
    // The embedded PostgreSQL may run as another user, who must be able to enter.
    chmodSync(folder, 0o755);
    const postgres = await startEmbeddedPostgres({ dataDir: folder, log });
    endings.push(() => postgres.stop());
    const nats = await startEmbeddedNats({ dataDir: folder, log, path: searchPath });
    const gateway = await GatewayProcess.start();
    endings.push(() => gateway.remove());
    const house = new House({ folder, postgres, nats, gateway });
    endings.push(() => house.#close());
    // One after the other: the first one makes the schema.
    for (let count = 0; count < services; count += 1) await house.#moveIn(environment);
    return house;
  }

  /** Of the nats-server that runs now. */
  get natsPid(): number {
    return this.#nats.pid;
  }

  /** Past the valves. */
  get natsUrl(): string {
    return this.#nats.url;
  }

  stopNats(): Promise<void> {
    return this.#nats.stop();
  }

  /** Starts it again, on the same store and the same port. */
  async startNats(): Promise<void> {
    const port = Number(new URL(this.#nats.url).port);
    this.#nats = await startEmbeddedNats({ dataDir: this.folder, log, path: searchPath, port });
  }

  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.#pool.query(text, values)).rows as T[];
  }

  connectNats(): Promise<NatsConnection> {
    return connect(parseNatsUrl(this.natsUrl));
  }

  journal(): Promise<JournalAudit> {
    return this.gateway.journal();
  }

  secrets(): string[] {
    return this.dwellers.flatMap(({ service }) => service.secrets());
  }

  overheard(): Telling[] {
    return this.dwellers.flatMap(({ service }) => service.overheard());
  }

  async #moveIn(environment: Readonly<Record<string, string>>): Promise<void> {
    const nats = await Valve.open(this.#nats.url);
    const endpoint = await this.gateway.createEndpoint();
    const service = await ServiceProcess.start({
      ...environment,
      DATABASE_URL: this.#postgres.url,
      NATS_URL: nats.url,
      GATEWAY_URL: this.gateway.url,
      GATEWAY_WEBHOOK_SECRET: endpoint.secret,
    }).catch(async (error: unknown) => {
      await nats.close();
      throw error;
    });
    this.dwellers.push({ service, nats });
    await this.gateway.forward(endpoint, service);
  }

  async #close(): Promise<void> {
    for (const { service, nats } of this.dwellers) {
      await service.remove();
      await nats.close();
    }
    await this.#pool.end();
    await this.#nats.stop();
  }
}
