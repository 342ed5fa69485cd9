// Sends what is in the outbox, for as long as this process leads and one connection lasts.
//
// An event is UNREAD until a read takes it into the window. There it WAITS while an earlier event of its payment is on its way, and is then
// SENT; a send that fails is repeated after a while, and the payment's later events wait meanwhile, while other payments go on. Once
// the stream has confirmed it, it is CONFIRMED, and the payment's next event is sent. It leaves the window when it is marked. Reads
// skip what is in the window, so that no event is in it twice.
//
// Reads, sends and marks overlap; of reads there is one at a time, and of marks, too. The drain ENDS when the lease, the connection or
// the stream is gone, or the database fails. What is left in the window is then forgotten: it is in the table, unmarked, and the next
// drain, here or elsewhere, sends it again under the same id, which the stream drops if it has it.
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { markPublished, type OutboxEvent, readUnpublished } from "../db/outbox.ts";
import { describeMessage } from "./message.ts";
import type { MessageWatch } from "./message-watch.ts";
import type { Publisher, PublishProblem } from "./publisher.ts";

const BATCH_MAX = 500;
/** Events in the window at most: so many are on their way, or wait, at once. */
const WINDOW_MAX = 2_000;
/** Reads, and marks, begin so far apart, unless a whole batch is waiting: many small ones would cost the database more than the events. */
const PACE_MS = 10;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 10_000;
/** A line of the log for failed sends is written this often at most. */
const REPORT_INTERVAL_MS = 5_000;
const LEASE_LOST = "the lease is not certain any more";

export interface DrainOptions {
  readonly pool: Pool;
  readonly publisher: Publisher;
  readonly log: Logger;
  readonly source: string;
  /** Whether this process is certain to lead. */
  mayPublish(): boolean;
  readonly watch?: MessageWatch;
}

/** The events of one payment in the window: the first is on its way, the others wait. */
interface Line {
  readonly events: OutboxEvent[];
  failures: number;
}

export class Drain {
  /** Resolves when the drain has ended, with the reason. */
  readonly ended: Promise<string>;
  readonly #options: DrainOptions;
  readonly #lines = new Map<string | null, Line>();
  /** The positions of the window. */
  readonly #window = new Set<string>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #confirmed: OutboxEvent[] = [];
  #marking = false;
  #reading = false;
  /** Something may be there that no read has seen. */
  #unseen = false;
  /** The last read was cut off by its limit. */
  #isBehind = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #nextRead: NodeJS.Timeout | undefined;
  #isOver = false;
  #end: (reason: string) => void = () => {};
  #onEmpty: (() => void) | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Looks for new events, now or as soon as the window has room. */
  wake(): void {
    this.#unseen = true;
    void this.#read();
  }

  /** Resolves when nothing is left to send or to mark, as of a read that begins after the call, or when the drain has ended. */
  empty(): Promise<unknown> {
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    this.wake();
    return Promise.race([empty, this.ended]);
  }

  /** Ends it. */
  end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#nextRead);
    for (const retry of this.#retries) clearTimeout(retry);
    this.#options.publisher.close();
    this.#end(reason);
  }

  async #read(): Promise<void> {
    if (this.#isOver || this.#reading || !this.#unseen || this.#window.size > WINDOW_MAX - BATCH_MAX) return;
    if (!this.#options.mayPublish()) return this.end(LEASE_LOST);
    const now = performance.now();
    const dueAt = this.#isBehind ? now : this.#readAt + PACE_MS;
    if (now < dueAt) {
      clearTimeout(this.#nextRead);
      this.#nextRead = setTimeout(() => void this.#read(), dueAt - now);
      return;
    }
    this.#reading = true;
    this.#unseen = false;
    this.#readAt = now;
    try {
      const events = await readUnpublished(this.#options.pool, { limit: BATCH_MAX, skip: [...this.#window] });
      this.#isBehind = events.length === BATCH_MAX;
      if (this.#isBehind) this.#unseen = true;
      for (const event of events) this.#take(event);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#reading = false;
    }
    this.#settle();
  }

  #take(event: OutboxEvent): void {
    this.#window.add(event.position);
    const line = this.#lines.get(event.paymentId);
    if (line) {
      line.events.push(event);
    } else {
      const opened: Line = { events: [event], failures: 0 };
      this.#lines.set(event.paymentId, opened);
      this.#send(event, opened);
    }
  }

  #send(event: OutboxEvent, line: Line): void {
    const { publisher, source, watch } = this.#options;
    if (this.#isOver) return;
    if (!this.#options.mayPublish()) return this.end(LEASE_LOST);
    const sending = watch?.(event);
    publisher.publish(describeMessage(event, source, sending?.headers), (problem) => {
      sending?.settled(problem?.kind ?? null);
      if (problem) this.#retry(event, line, problem);
      else this.#confirm(event, line);
    });
  }

  #confirm(event: OutboxEvent, line: Line): void {
    line.failures = 0;
    line.events.shift();
    const [next] = line.events;
    if (next) this.#send(next, line);
    else this.#lines.delete(event.paymentId);
    this.#confirmed.push(event);
    void this.#mark();
  }

  #retry(event: OutboxEvent, line: Line, problem: PublishProblem): void {
    if (this.#isOver) return;
    if (problem.kind === "no-stream") return this.end(problem.detail);
    this.#report(event, problem);
    const retry = setTimeout(
      () => {
        this.#retries.delete(retry);
        this.#send(event, line);
      },
      Math.min(RETRY_MIN_MS * 2 ** line.failures, RETRY_MAX_MS),
    );
    line.failures += 1;
    this.#retries.add(retry);
  }

  #report(event: OutboxEvent, problem: PublishProblem): void {
    const now = performance.now();
    if (now < this.#reportedAt + REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    const { id, paymentId, version } = event;
    this.#options.log.warn({ eventId: id, paymentId, version, problem }, "event not published, trying again");
  }

  /** A confirmed event may be marked whoever leads by now, so that this goes on after the end until nothing is left to mark. */
  async #mark(): Promise<void> {
    if (this.#marking || this.#confirmed.length === 0) return;
    this.#marking = true;
    await delay(this.#confirmed.length < BATCH_MAX ? PACE_MS : 0);
    const events = this.#confirmed;
    this.#confirmed = [];
    try {
      await markPublished(
        this.#options.pool,
        events.map((event) => event.id),
      );
      for (const event of events) this.#window.delete(event.position);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#marking = false;
    }
    void this.#mark();
    this.#settle();
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#options.log.warn({ err: error }, "outbox not read or marked");
    this.end("the database does not answer");
  }

  #settle(): void {
    if (this.#unseen) void this.#read();
    else if (!this.#reading && this.#window.size === 0) this.#onEmpty?.();
  }
}
