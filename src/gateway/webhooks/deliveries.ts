// Deliveries, each an event on its way to an endpoint. A delivery waits for a knob (held, dropped, delayed), for its turn (queued), for an answer
// (sending), or for its next time (resting); it ends delivered or failed. Each endpoint has a queue of its own, so none waits for another's.
import { DueTimes } from "../due-times.ts";
import type { Delivery, Note } from "./delivery-log.ts";
import { findNextAttempt } from "./retry-times.ts";

type Stage = "held" | "dropped" | "delayed" | "queued" | "sending" | "resting";

export interface Job {
  delivery: Delivery;
  stage: Stage;
  timer: NodeJS.Timeout | null;
  /** Settles when the delivery has come to its end. */
  readonly end: PromiseWithResolvers<void>;
}

/** Deliveries by what they wait for, and how many came to which end since the start. */
export type DeliveryCounts = Readonly<Record<Stage | "delivered" | "failed", number>>;

export interface DeliveriesOptions {
  readonly now: () => Date;
  /** Sends once: whether it was acknowledged, or that there is nothing or nobody to send to. Rejects when that cannot be told. */
  readonly send: (delivery: Delivery) => Promise<"acknowledged" | "in vain" | "gone">;
  readonly note: (note: Note) => void;
}

interface Lane {
  readonly queue: Job[];
  sending: number;
}

/** Deliveries to one endpoint at a time. */
const SENDING_MAX = 32;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #jobs = new Map<string, Job>();
  /** When resting deliveries go on. */
  readonly #due = new DueTimes();
  /** By endpoint. */
  readonly #lanes = new Map<string, Lane>();
  readonly #counts = { held: 0, dropped: 0, delayed: 0, queued: 0, sending: 0, resting: 0, delivered: 0, failed: 0 };
  readonly #underWay = new Set<Promise<void>>();
  #idle: PromiseWithResolvers<void> | null = null;
  #closed = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  all(): IteratorObject<Job> {
    return this.#jobs.values();
  }

  get size(): number {
    return this.#jobs.size;
  }

  counts(): DeliveryCounts {
    return { ...this.#counts };
  }

  find(endpoint: string, event: string): Job | undefined {
    return this.#jobs.get(`${endpoint} ${event}`);
  }

  /** A delivery that came up; it is held until it is moved on. */
  add(endpoint: string, event: string): Job {
    const since = this.#options.now().getTime();
    const delivery = { endpoint, event, attempts: 0, since, next: null, dropped: false };
    const job: Job = { delivery, stage: "held", timer: null, end: Promise.withResolvers() };
    this.#jobs.set(keyOf(delivery), job);
    this.#counts.held += 1;
    return job;
  }

  /** Brings back what was noted of a delivery. */
  restore(delivery: Delivery): void {
    const job = this.find(delivery.endpoint, delivery.event) ?? this.add(delivery.endpoint, delivery.event);
    job.delivery = delivery;
    if (delivery.dropped) this.#move(job, "dropped");
    else if (delivery.next === null) this.#move(job, "held");
    else this.#rest(job, delivery.next);
  }

  drop(job: Job): void {
    job.delivery = { ...job.delivery, dropped: true };
    this.#move(job, "dropped");
    this.#options.note(job.delivery);
  }

  delay(job: Job, ms: number): void {
    if (ms === 0) return this.start(job);
    this.#move(job, "delayed");
    job.timer = setTimeout(() => this.start(job), ms);
  }

  /** Sends it when it has its turn, unless it is on its way. */
  start(job: Job): void {
    if (job.stage === "queued" || job.stage === "sending") return;
    clearTimeout(job.timer ?? undefined);
    this.#due.set(keyOf(job.delivery), null);
    const { dropped } = job.delivery;
    job.delivery = { ...job.delivery, next: null, dropped: false };
    if (dropped) this.#options.note(job.delivery);
    this.#move(job, "queued");
    const lane = this.#laneOf(job);
    lane.queue.push(job);
    this.#startNext(lane);
  }

  /** Sends again what has rested long enough. */
  wake(): void {
    const now = this.#options.now().getTime();
    for (let first = this.#due.first(); first !== undefined && first.time <= now; first = this.#due.first()) {
      const job = this.#jobs.get(first.base);
      this.#due.set(first.base, null);
      if (job) this.start(job);
    }
  }

  finish(job: Job, end: "delivered" | "failed"): void {
    const { endpoint, event } = job.delivery;
    this.forget(job);
    this.#counts[end] += 1;
    this.#options.note({ endpoint, event, done: true });
    job.end.resolve();
    this.#tellIdle();
  }

  /** A delivery that had come to its end before the start. */
  forget(job: Job): void {
    clearTimeout(job.timer ?? undefined);
    this.#due.set(keyOf(job.delivery), null);
    this.#jobs.delete(keyOf(job.delivery));
    this.#counts[job.stage] -= 1;
  }

  /** Settles when nothing is on its way: the rest is held, dropped, or resting until its next time. */
  idle(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    const { promise } = this.#idle;
    this.#tellIdle();
    return promise;
  }

  /** Starts nothing more, and waits for what is under way, whose end is not noted. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#jobs.values()) clearTimeout(timer ?? undefined);
    await Promise.all(this.#underWay);
    this.#idle?.resolve();
  }

  #laneOf({ delivery: { endpoint } }: Job): Lane {
    const lane = this.#lanes.get(endpoint) ?? { queue: [], sending: 0 };
    this.#lanes.set(endpoint, lane);
    return lane;
  }

  #startNext(lane: Lane): void {
    if (lane.sending >= SENDING_MAX || this.#closed) return;
    const job = lane.queue.shift();
    if (job === undefined) return;
    lane.sending += 1;
    const attempt = this.#attempt(job).finally(() => {
      this.#underWay.delete(attempt);
      lane.sending -= 1;
      this.#startNext(lane);
    });
    this.#underWay.add(attempt);
  }

  async #attempt(job: Job): Promise<void> {
    // Its endpoint was removed while it waited for its turn.
    if (this.#jobs.get(keyOf(job.delivery)) !== job) return;
    this.#move(job, "sending");
    const result = await this.#options.send(job.delivery).catch(() => "in vain" as const);
    if (this.#closed) return;
    if (result !== "in vain") return this.finish(job, result === "acknowledged" ? "delivered" : "failed");
    const attempted = { ...job.delivery, attempts: job.delivery.attempts + 1 };
    const next = findNextAttempt(attempted, this.#options.now());
    if (next === null) return this.finish(job, "failed");
    job.delivery = { ...attempted, next };
    this.#options.note(job.delivery);
    this.#rest(job, next);
  }

  #rest(job: Job, next: number): void {
    this.#move(job, "resting");
    this.#due.set(keyOf(job.delivery), next);
  }

  #move(job: Job, stage: Stage): void {
    this.#counts[job.stage] -= 1;
    this.#counts[stage] += 1;
    job.stage = stage;
    this.#tellIdle();
  }

  #tellIdle(): void {
    const { delayed, queued, sending } = this.#counts;
    if (this.#idle === null || delayed + queued + sending > 0) return;
    this.#idle.resolve();
    this.#idle = null;
  }
}

function keyOf({ endpoint, event }: Delivery): string {
  return `${endpoint} ${event}`;
}
