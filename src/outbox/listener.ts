// Hears the notifications of one channel over a connection of its own, which it opens again whenever it ends, or does not answer any more: a network that fails
// without a word would leave it listening to nobody. What was said meanwhile is lost, so that every new connection counts as a notification.
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import type { Logger } from "pino";
import { pause } from "./pause.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;
const CLOSE_TIMEOUT_MS = 1_000;

const DEFAULT_TIMES = {
  /** How often the server is asked for a sign of life. */
  checkIntervalMs: 10_000,
  answerTimeoutMs: 5_000,
};

export interface ListenerOptions {
  readonly databaseUrl: string;
  /** A plain lower-case identifier. */
  readonly channel: string;
  readonly log: Logger;
  onNotification(): void;
  readonly times?: typeof DEFAULT_TIMES;
}

/** Listens until the function that it gives is called. */
export function listen(options: ListenerOptions): () => Promise<void> {
  const closing = new AbortController();
  const ended = run(options, closing.signal);
  return async () => {
    closing.abort();
    await ended;
  };
}

async function run(options: ListenerOptions, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await listenOnce(options, signal, () => {
        failures = 0;
      });
    } catch (error) {
      failures += 1;
      if (failures === 1) {
        options.log.warn({ err: error, channel: options.channel }, "notifications are not heard; connecting again");
      }
    }
    await pause(Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS), signal);
  }
}

/** Ends with the connection: normally when the signal says so, else with what broke it. */
async function listenOnce(options: ListenerOptions, signal: AbortSignal, onListening: () => void): Promise<void> {
  const { checkIntervalMs, answerTimeoutMs } = options.times ?? DEFAULT_TIMES;
  const client = new Client({
    connectionString: options.databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    application_name: "payment-service listener",
  });
  const ended = new Promise<void>((resolve, reject) => {
    client.on("error", reject);
    client.on("end", () => (signal.aborted ? resolve() : reject(new Error("the connection ended"))));
  });
  // It is awaited below, unless connecting fails first.
  ended.catch(() => {});
  const statement = `listen ${options.channel}`;
  const close = () => void client.end();
  signal.addEventListener("abort", close);
  const over = new AbortController();
  try {
    client.on("notification", () => options.onNotification());
    await client.connect();
    await client.query(statement);
    onListening();
    options.onNotification();
    await Promise.race([ended, askAgain(client, { statement, intervalMs: checkIntervalMs, over: over.signal })]);
  } finally {
    over.abort();
    signal.removeEventListener("abort", close);
    // A server that is not there any more does not say good-bye.
    await Promise.race([client.end(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

/** Says it again now and then, which changes nothing. Rejects when the server does not answer. */
async function askAgain(
  client: Client,
  { statement, intervalMs, over }: { statement: string; intervalMs: number; over: AbortSignal },
): Promise<void> {
  for (await pause(intervalMs, over); !over.aborted; await pause(intervalMs, over)) await client.query(statement);
}
