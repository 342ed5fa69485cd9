// An outbox of its own for a test file: a migrated database, a nats-server that can be killed, and relays on both.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Pool } from "pg";
import pino, { type Logger } from "pino";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { startEmbeddedNats } from "../../src/embedded/nats.ts";
import type { EmbeddedServer } from "../../src/embedded/server-process.ts";
import { connectNats, type NatsLink, parseNatsUrl } from "../../src/outbox/nats-connection.ts";
import { createRelay, type Relay, type RelayOptions } from "../../src/outbox/relay.ts";
import { type EventId, mintId } from "../../src/domain/ids.ts";
import { createTestDatabase } from "../support/database.ts";
import { searchPath } from "../support/search-path.ts";

export const STREAM = "PAYMENTS";
const DEADLINE_MS = 30_000;
const POLL_MS = 10;
const silent = pino({ level: "silent" });

export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly messageId: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface NatsHost {
  readonly url: string;
  readonly pid: number;
  /** Stops the server; what it stored is kept. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Removes all that the server stored, while it is stopped. */
  wipe(): void;
  /** Ends the server as a crash would; it comes back by itself. */
  kill(): void;
  remove(): Promise<void>;
}

export function newEventId(): EventId {
  return mintId(new Date(), randomUUID());
}

async function startNatsHost(): Promise<NatsHost> {
  const dataDir = mkdtempSync(join(tmpdir(), "payment-outbox-nats-"));
  let server: EmbeddedServer = await startEmbeddedNats({ dataDir, log: silent, path: searchPath });
  return {
    get url() {
      return server.url;
    },
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
    async start() {
      server = await startEmbeddedNats({
        dataDir,
        log: silent,
        path: searchPath,
        port: Number(new URL(server.url).port),
      });
    },
    wipe: () => rmSync(join(dataDir, "nats", "jetstream"), { recursive: true }),
    kill: () => process.kill(server.pid, "SIGKILL"),
    async remove() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export type RelayChanges = Partial<Omit<RelayOptions, "pool" | "databaseUrl" | "nats">> & { readonly natsUrl?: string };

export interface RunningRelay extends Relay {
  readonly link: NatsLink;
  readonly database: Database;
  /** Everything that it logged, as objects. */
  readonly lines: readonly Record<string, unknown>[];
}

export interface RelayProcess {
  signal(signal: NodeJS.Signals): void;
  /** The messages of its log so far. */
  readonly messages: readonly unknown[];
}

export class Outbox {
  readonly databaseUrl: string;
  readonly database: Database;
  readonly nats: NatsHost;
  readonly #closers: (() => Promise<void>)[] = [];

  private constructor(databaseUrl: string, database: Database, nats: NatsHost) {
    this.databaseUrl = databaseUrl;
    this.database = database;
    this.nats = nats;
  }

  static async open(): Promise<Outbox> {
    const [database, nats] = await Promise.all([createTestDatabase(), startNatsHost()]);
    const opened = await openPool(database.url);
    const outbox = new Outbox(database.url, opened, nats);
    outbox.#closers.push(
      () => database.drop(),
      () => nats.remove(),
      () => opened.close(),
    );
    return outbox;
  }

  get pool(): Pool {
    return this.database.pool;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }

  /** Starts a relay as a process of its own would: with its own pool and its own connections. */
  async startRelay(changes: RelayChanges = {}): Promise<RunningRelay> {
    const { natsUrl = this.nats.url, ...options } = changes;
    const { log, lines } = recordLog();
    const database = await openPool(this.databaseUrl);
    const link = connectNats(natsUrl, log);
    const relay = createRelay({
      pool: database.pool,
      databaseUrl: this.databaseUrl,
      nats: link,
      log,
      streamName: STREAM,
      source: "/test",
      replicas: 1,
      ...options,
    });
    relay.start();
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= (async () => {
        await relay.stop();
        await link.close();
        await database.close();
      })();
      return stopped;
    };
    this.#closers.push(stop);
    return {
      start: () => relay.start(),
      wake: () => relay.wake(),
      isLeading: () => relay.isLeading(),
      depth: () => relay.depth(),
      stop,
      link,
      database,
      lines,
    };
  }

  /** Starts a relay in a process of its own, which is killed at the end if it still runs. */
  spawnRelay(times: RelayOptions["times"]): RelayProcess {
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL("relay-process.ts", import.meta.url)),
        `--database=${this.databaseUrl}`,
        `--nats=${this.nats.url}`,
        `--stream=${STREAM}`,
        `--times=${JSON.stringify(times)}`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const exited = once(child, "exit");
    const messages: unknown[] = [];
    createInterface(child.stdout).on("line", (line) => messages.push((JSON.parse(line) as { msg: unknown }).msg));
    this.#closers.push(async () => {
      child.kill("SIGKILL");
      await exited;
    });
    return { signal: (signal) => child.kill(signal), messages };
  }

  /** A connection of the test's own to the server of this moment. */
  async connect(): Promise<NatsConnection> {
    const connection = await connect({ ...parseNatsUrl(this.nats.url), reconnect: false });
    this.#closers.push(() => connection.close());
    return connection;
  }

  async manager(): Promise<JetStreamManager> {
    return jetstreamManager(await this.connect());
  }

  /** Adds payments with events of the versions 1 to `versions`, the events of different payments mixed; gives the ids of the payments. */
  async addPayments(count: number, versions: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUID());
    await this.pool.query(
      `insert into payment (id, principal, order_id, mode, capture_method, provider, currency, amount_minor, items, metadata, attempts_max,
         client_token, created_at, status, live, captured_minor, refunded_minor, refund_pending_minor, declined_attempts, version,
         revision, updated_at)
       select id, 'test', id::text, 'INTENT', 'AUTOMATIC', 'mock', 'EUR', 1999, '[]', '{}', 1, 'token', now(), 'PENDING', true, 0, 0, 0, '[]',
         greatest($2::int, 1), greatest($2::int, 1), now()
       from unnest($1::uuid[]) as id`,
      [ids, versions],
    );
    for (let version = 1; version <= versions; version += 1) await this.addEvents(ids, version);
    return ids;
  }

  /** Adds one event to each of the payments. */
  async addEvents(paymentIds: readonly string[], version: number, body = "{}"): Promise<void> {
    await this.pool.query(
      `insert into payment_event (id, payment_id, version, type, status, data, created_at)
       select event_id, id, $2::int, 'payment.created', 'PENDING',
         $3::jsonb || jsonb_build_object('paymentId', id, 'version', $2::int), clock_timestamp()
       from unnest($1::uuid[], $4::uuid[]) as row (id, event_id)`,
      [paymentIds, version, body, paymentIds.map(newEventId)],
    );
  }

  async countUnpublished(): Promise<number> {
    const { rows } = await this.pool.query("select count(*)::int as n from payment_event where published_at is null");
    return rows[0].n;
  }

  async eventIds(): Promise<string[]> {
    const { rows } = await this.pool.query("select id from payment_event order by id");
    return rows.map((row) => `event_${row.id}`);
  }

  allPublished(): Promise<void> {
    return eventually(async () => (await this.countUnpublished()) === 0, "every event is published");
  }

  /** Each event is on the stream, once, and those of a payment in their order. */
  async assertStreamIsWhole(): Promise<void> {
    const messages = await this.readStream();
    assert.deepEqual(messages.map(({ messageId }) => messageId).toSorted(), await this.eventIds());
    assert.deepEqual(paymentsOutOfOrder(messages), []);
  }

  /** Everything on the stream, in its order; nothing while there is no stream, or no server. */
  async readStreamOrNothing(): Promise<StoredMessage[]> {
    return this.readStream().catch(() => []);
  }

  /** Everything on the stream, in its order. */
  async readStream(): Promise<StoredMessage[]> {
    const connection = await connect({ ...parseNatsUrl(this.nats.url), reconnect: false });
    const info = await (await jetstreamManager(connection)).streams.info(STREAM);
    const messages: StoredMessage[] = [];
    if (info.state.messages > 0) {
      const consumer = await jetstream(connection).consumers.get(STREAM, {});
      for await (const message of await consumer.consume()) {
        messages.push({
          sequence: message.seq,
          subject: message.subject,
          messageId: message.headers?.get("Nats-Msg-Id") ?? "",
          headers: new Map([...(message.headers ?? [])].map(([name, values]) => [name, values.join()])),
          body: message.string(),
        });
        if (message.seq >= info.state.last_seq) break;
      }
    }
    await connection.close();
    return messages;
  }
}

function openPool(url: string): Promise<Database> {
  return openDatabase({ url, poolMax: 4, statementTimeoutMs: 10_000, connectTimeoutMs: 5_000 });
}

function recordLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

/** Waits for what has no event to wait for: a state of a server. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in ${DEADLINE_MS} ms it did not come about that ${what}`);
    await delay(POLL_MS);
  }
}

/** The payments whose messages are not the versions 1, 2, 3 … in this order. */
export function paymentsOutOfOrder(messages: readonly StoredMessage[]): string[] {
  const versions = new Map<string, number[]>();
  for (const { body } of messages) {
    const { paymentId, version } = JSON.parse(body) as { paymentId: string; version: number };
    versions.set(paymentId, [...(versions.get(paymentId) ?? []), version]);
  }
  return [...versions].filter(([, list]) => list.some((version, index) => version !== index + 1)).map(([id]) => id);
}
