// Tells the leader in another process that there are new events. However many there are, it speaks once in a while, and outside the
// transactions that wrote them, since those that notify commit one after the other.
import type { Pool } from "pg";
import type { Logger } from "pino";
import { notify } from "../db/outbox.ts";

const INTERVAL_MS = 10;

export class Notifier {
  readonly #pool: Pool;
  readonly #channel: string;
  readonly #log: Logger;
  #speaking = false;
  #more = false;

  constructor(pool: Pool, channel: string, log: Logger) {
    this.#pool = pool;
    this.#channel = channel;
    this.#log = log;
  }

  /** Notifies now, or as soon as the interval since the last time is over. */
  notify(): void {
    this.#more = true;
    if (!this.#speaking) void this.#speak();
  }

  async #speak(): Promise<void> {
    this.#speaking = true;
    this.#more = false;
    try {
      await notify(this.#pool, this.#channel);
    } catch (error) {
      this.#log.debug({ err: error }, "the relay's leader was not notified; it polls");
    }
    setTimeout(() => {
      this.#speaking = false;
      if (this.#more) void this.#speak();
    }, INTERVAL_MS);
  }
}
