// Hears the notifications of one channel over a connection of its own, which it opens again whenever it ends. What was said meanwhile is
// lost, so that every new connection counts as a notification.
import { Client } from "pg";
import type { Logger } from "pino";
import { pause } from "./pause.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;

export interface ListenerOptions {
  readonly databaseUrl: string;
  /** A plain lower-case identifier. */
  readonly channel: string;
  readonly log: Logger;
  onNotification(): void;
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
  const client = new Client({
    connectionString: options.databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: "payment-service listener",
  });
  const ended = new Promise<void>((resolve, reject) => {
    client.on("error", reject);
    client.on("end", () => (signal.aborted ? resolve() : reject(new Error("the connection ended"))));
  });
  // It is awaited below, unless connecting fails first.
  ended.catch(() => {});
  const close = () => void client.end();
  signal.addEventListener("abort", close);
  try {
    client.on("notification", () => options.onNotification());
    await client.connect();
    await client.query(`listen ${options.channel}`);
    onListening();
    options.onNotification();
    await ended;
  } finally {
    signal.removeEventListener("abort", close);
    await client.end();
  }
}
