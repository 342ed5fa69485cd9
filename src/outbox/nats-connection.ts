// The connection to NATS, for as long as the process lives.
//
// It is DOWN at first, and dials until a server answers: it is UP then, and DOWN again when the connection ends. Each time it comes up
// there is a new connection: the client's own way of reconnecting is not used, since it sends again, later, what it could not send, and
// the relay decides that itself. close() leads from either state to CLOSED, and nothing leads out of it.
import { EventEmitter, once } from "node:events";
import { connect, type ConnectionOptions, type NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { pause } from "./pause.ts";

const DIAL_TIMEOUT_MS = 5_000;
const REDIAL_MIN_MS = 50;
const REDIAL_MAX_MS = 2_000;
/** A server that does not answer two of these is taken for gone. */
const PING_INTERVAL_MS = 5_000;

export interface NatsLink {
  /** Waits until the connection is up. Gives undefined when the signal comes first. */
  up(signal: AbortSignal): Promise<NatsConnection | undefined>;
  isConnected(): boolean;
  /** Asks the server for a sign of life. Throws when there is none. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Reads addresses such as `nats://user:password@host:4222`, several of them with commas between. */
export function parseNatsUrl(url: string): ConnectionOptions {
  const addresses = url.split(",").map((text) => new URL(text.trim()));
  const [first] = addresses;
  const user = decodeURIComponent(first?.username ?? "");
  const pass = decodeURIComponent(first?.password ?? "");
  return {
    servers: addresses.map(({ host }) => host),
    ...(user === "" ? {} : pass === "" ? { token: user } : { user, pass }),
    ...(first?.protocol === "tls:" ? { tls: {} } : {}),
  };
}

class RedialingLink implements NatsLink {
  readonly #options: ConnectionOptions;
  readonly #log: Logger;
  readonly #events = new EventEmitter();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #connection: NatsConnection | undefined;

  constructor(url: string, log: Logger) {
    this.#options = {
      ...parseNatsUrl(url),
      name: "payment-service",
      reconnect: false,
      timeout: DIAL_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      noAsyncTraces: true,
    };
    this.#log = log;
    this.#events.setMaxListeners(0);
    this.#ended = this.#run();
  }

  async up(signal: AbortSignal): Promise<NatsConnection | undefined> {
    while (!this.#connection && !signal.aborted) await once(this.#events, "up", { signal }).catch(() => {});
    return signal.aborted ? undefined : this.#connection;
  }

  isConnected(): boolean {
    return this.#connection !== undefined;
  }

  async check(): Promise<void> {
    const connection = this.#connection;
    if (!connection) throw new Error("NATS is not connected");
    // The client leaves a flush unanswered for ever when the connection ends under it.
    const isAlive = await Promise.race([connection.flush().then(() => true), connection.closed().then(() => false)]);
    if (!isAlive) throw new Error("the connection to NATS was lost");
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const connection = await connect(this.#options);
        failures = 0;
        await this.#use(connection);
      } catch (error) {
        failures += 1;
        // One line for each time that the server is away, however long it stays away.
        if (failures === 1) this.#log.warn({ err: error }, "NATS is away; dialling until it answers");
      }
      await pause(Math.min(REDIAL_MIN_MS * 2 ** failures, REDIAL_MAX_MS), signal);
    }
  }

  async #use(connection: NatsConnection): Promise<void> {
    if (this.#closing.signal.aborted) return connection.close();
    this.#connection = connection;
    this.#log.info({ server: connection.getServer() }, "NATS connected");
    this.#events.emit("up");
    const error = await connection.closed();
    this.#connection = undefined;
    if (!this.#closing.signal.aborted) this.#log.warn({ err: error }, "NATS connection lost");
  }
}

/** Opens the connection and keeps it open. It returns at once, whether or not a server answers. Throws when `url` is not an address. */
export function connectNats(url: string, log: Logger): NatsLink {
  return new RedialingLink(url, log);
}
