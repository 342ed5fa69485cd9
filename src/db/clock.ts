// The service's clock: the database's. When an operation of one process is left to the others, when a checkout is over, how old a webhook is: what one process
// writes down, others compare with their own idea of the time, so that all need the same one, however wrong the clocks of their machines are. From one look at
// the database's clock to the next, time goes on by the process's monotonic clock, which nobody sets: a jump of the machine's clock changes nothing.
import type { Pool } from "pg";
import type { Logger } from "pino";

const LOOK_INTERVAL_MS = 5_000;

export class DatabaseClock {
  readonly #pool: Pool;
  readonly #log: Logger;
  /** The database's time when performance.now() was 0, in Unix milliseconds. */
  #origin: number;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  private constructor(pool: Pool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
    this.#origin = performance.timeOrigin;
  }

  /** Throws when the database does not answer. */
  static async open(pool: Pool, log: Logger, lookIntervalMs = LOOK_INTERVAL_MS): Promise<DatabaseClock> {
    const clock = new DatabaseClock(pool, log);
    await clock.#look();
    clock.#timer = setInterval(() => {
      clock.#looking = clock.#lookAgain();
    }, lookIntervalMs);
    return clock;
  }

  now(): Date {
    return new Date(this.#origin + performance.now());
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** It was the time that is told at some moment between question and answer; the clock is corrected as far as that proves it wrong, and no further. */
  async #look(): Promise<void> {
    const askedAt = performance.now();
    const { rows } = await this.#pool.query<{ time: number }>(
      "select (extract(epoch from clock_timestamp()) * 1000)::float8 as time",
    );
    const answeredAt = performance.now();
    const [{ time } = { time: Number.NaN }] = rows;
    this.#origin = Math.min(Math.max(this.#origin, time - answeredAt), time - askedAt);
  }

  /** While the database is away, time goes on as it did. */
  async #lookAgain(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#log.debug({ err: error }, "the database's clock could not be looked at");
    }
  }
}
