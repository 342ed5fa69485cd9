// The relay brings every event from the outbox to the stream. Of all the processes on a database one leads.
//
// A relay is AWAY while it has no connection to NATS. Connected, it FOLLOWS: it asks for the lease from time to time. With the lease it LEADS: it makes sure of the stream, has published again what the stream lost, and then drains the
// outbox until the lease, the connection, the stream or the database fails it. After a failure of the stream or the database it
// prepares and drains again, while it has lease and connection; without one of them it gives the lease back and FOLLOWS or is AWAY.
// Whenever it does not drain itself, it passes wake-ups on to whoever does.
// stop() leads from every state to the end; a leader sends what is left first, within a bound.
//
// The promise: each event is delivered at least once, under one id, and those of one payment in order on first delivery.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { measureDepth, type OutboxDepth } from "../db/outbox.ts";
import { audit, hasNewestEvents } from "./audit.ts";
import { Drain } from "./drain.ts";
import { Lease } from "./lease.ts";
import type { MessageWatch } from "./message-watch.ts";
import { listen } from "./listener.ts";
import type { NatsLink } from "./nats-connection.ts";
import { Notifier } from "./notifier.ts";
import { pause } from "./pause.ts";
import { Publisher } from "./publisher.ts";
import { ensureStream } from "./stream.ts";

const LEASE_NAME = "relay";
const CHANNEL = "payment_event";
const DEPTH_MAX = 100_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;
/** A drain that lasted so long was not in trouble. */
const STEADY_AFTER_MS = 10_000;

const DEFAULT_TIMES = {
  leaseTtlMs: 5_000,
  leaseRenewMs: 1_500,
  /** How often the outbox is read though nobody said that there is something in it. */
  pollMs: 1_000,
  /** How long the stream may take to confirm a message before it is sent again. */
  ackTimeoutMs: 5_000,
  /** How long stop() goes on sending. */
  drainTimeoutMs: 10_000,
  auditIntervalMs: 60 * 60_000,
};
type Times = typeof DEFAULT_TIMES;

export interface RelayOptions {
  /** Of a few connections, best of the relay's own: behind the waiting calls of a busy service the lease would run out. */
  readonly pool: Pool;
  /** For the connection that listens. */
  readonly databaseUrl: string;
  readonly nats: NatsLink;
  readonly log: Logger;
  readonly streamName: string;
  /** CloudEvents' `source` of every event. */
  readonly source: string;
  /** Copies that a cluster keeps of the stream. */
  readonly replicas: number;
  readonly times?: Partial<Times>;
  readonly watch?: MessageWatch;
}

export interface Relay {
  /** Begins; it needs neither database nor NATS yet. */
  start(): void;
  /** Says that events were committed. Cheap, and never fails; a relay that was not started passes it on to those that were. */
  wake(): void;
  /** Sends what is left, within a bound, when it leads; gives the lease back, and ends. */
  stop(): Promise<void>;
  /** Whether this process is the one that publishes, at this moment. */
  isLeading(): boolean;
  /** Counts the events that are not published, up to 100,000. */
  depth(): Promise<OutboxDepth>;
}

export function createRelay(options: RelayOptions): Relay {
  return new LeasedRelay(options);
}

class LeasedRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #times: Times;
  readonly #lease: Lease;
  readonly #notifier: Notifier;
  readonly #stopping = new AbortController();
  readonly #stopped: Promise<unknown>;
  #drain: Drain | undefined;
  #running: Promise<unknown> | undefined;

  constructor(options: RelayOptions) {
    const { pool, log } = options;
    this.#options = options;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    this.#stopped = once(this.#stopping.signal, "abort");
    this.#notifier = new Notifier(pool, CHANNEL, log);
    this.#lease = new Lease({
      pool,
      log,
      name: LEASE_NAME,
      holder: randomUUID(),
      ttlMs: this.#times.leaseTtlMs,
      renewMs: this.#times.leaseRenewMs,
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  wake(): void {
    if (this.#drain) this.#drain.wake();
    else this.#notifier.notify();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  isLeading(): boolean {
    return this.#drain !== undefined && this.#lease.isHeld();
  }

  depth(): Promise<OutboxDepth> {
    return measureDepth(this.#options.pool, DEPTH_MAX);
  }

  async #run(): Promise<void> {
    const { databaseUrl, nats, log } = this.#options;
    const { signal } = this.#stopping;
    const stopListening = listen({ databaseUrl, channel: CHANNEL, log, onNotification: () => this.#drain?.wake() });
    const poll = setInterval(() => this.#drain?.wake(), this.#times.pollMs);
    for (let connection = await nats.up(signal); connection; connection = await nats.up(signal)) {
      if (await this.#takeLease()) await this.#lead(connection);
      else await pause(this.#times.leaseRenewMs, signal);
    }
    clearInterval(poll);
    await stopListening();
  }

  async #takeLease(): Promise<boolean> {
    try {
      return await this.#lease.take();
    } catch (error) {
      this.#options.log.debug({ err: error }, "the relay's lease could not be asked for");
      return false;
    }
  }

  async #lead(connection: NatsConnection): Promise<void> {
    const { log, streamName } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; this.#lease.isHeld() && !connection.isClosed() && !signal.aborted; ) {
      const startedAt = performance.now();
      try {
        await this.#prepare(connection);
        log.info({ stream: streamName }, "relay leads");
        const reason = await this.#drainOnce(connection);
        log.info({ stream: streamName, reason }, "relay stopped publishing");
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, stream: streamName }, "relay cannot publish");
      }
      failures = performance.now() - startedAt > STEADY_AFTER_MS ? 0 : failures + 1;
      if (!connection.isClosed()) await pause(Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS), signal);
    }
    await this.#lease.release();
  }

  /** Before anything new is sent: a stream that lost messages gets them back first, in their order. */
  async #prepare(connection: NatsConnection): Promise<void> {
    const { pool, log, streamName, replicas } = this.#options;
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await ensureStream(manager, { streamName, replicas }, log);
    const { signal } = this.#stopping;
    if (!(await hasNewestEvents({ pool, connection, streamName, signal }))) await this.#audit(connection, signal);
  }

  async #audit(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const { pool, log, streamName } = this.#options;
    const result = await audit({ pool, connection, streamName, signal });
    if (result.lost > 0) log.warn({ ...result, stream: streamName }, "stream lacks events; they are published again");
    else log.info({ ...result, stream: streamName }, "stream has every event");
  }

  async #drainOnce(connection: NatsConnection): Promise<string> {
    const { pool, log, source, streamName, watch } = this.#options;
    const { ackTimeoutMs, drainTimeoutMs } = this.#times;
    const publisher = new Publisher(connection, { streamName, ackTimeoutMs });
    const drain = new Drain({
      pool,
      publisher,
      log,
      source,
      mayPublish: () => this.#lease.isHeld(),
      ...(watch && { watch }),
    });
    const over = new AbortController();
    void connection.closed().then(() => drain.end("the connection ended"));
    this.#drain = drain;
    drain.wake();
    const auditing = this.#auditRegularly(connection, drain, over.signal);
    await Promise.race([drain.ended, this.#stopped]);
    over.abort();
    if (this.#stopping.signal.aborted) {
      await Promise.race([drain.empty(), delay(drainTimeoutMs, undefined, { ref: false })]);
      drain.end("the service stops");
    }
    this.#drain = undefined;
    await auditing;
    return drain.ended;
  }

  async #auditRegularly(connection: NatsConnection, drain: Drain, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#audit(connection, signal);
        drain.wake();
      } catch (error) {
        if (!signal.aborted) this.#options.log.warn({ err: error }, "stream not audited");
      }
      await pause(this.#times.auditIntervalMs, signal);
    }
  }
}
