// How many messages are worked on at a time, and how many wait. NATS pushes messages as fast as they are sent and cannot be told to slow down, so what
// comes beyond both bounds is turned away: memory stays bounded, and a caller learns at once what it would have learned by its timeout.

export interface AdmissionLimits {
  readonly inFlightMax: number;
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
}

export interface Job {
  readonly bytes: number;
  /** Does the work. Never rejects. */
  run(): Promise<void>;
  /** It will not be run. */
  turnAway(): void;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  /** A queue with its head at `#next`, cut off now and then. */
  #waiting: Job[] = [];
  #next = 0;
  #waitingBytes = 0;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Runs a job now or in its turn, or turns it away. */
  enter(job: Job): void {
    const { inFlightMax, waitingMax, waitingBytesMax } = this.#limits;
    if (this.#inFlight < inFlightMax) this.#begin(job);
    else if (this.#waitingCount >= waitingMax || this.#waitingBytes + job.bytes > waitingBytesMax) job.turnAway();
    else {
      this.#waiting.push(job);
      this.#waitingBytes += job.bytes;
    }
  }

  /** Resolves when nothing is in flight or waits. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  turnAwayWaiting(): void {
    const waiting = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    this.#waitingBytes = 0;
    for (const job of waiting) job.turnAway();
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#next;
  }

  #begin(job: Job): void {
    this.#inFlight += 1;
    void job.run().then(() => this.#end());
  }

  #end(): void {
    this.#inFlight -= 1;
    const job = this.#takeNext();
    if (job) this.#begin(job);
    else if (this.#inFlight === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
  }

  #takeNext(): Job | undefined {
    const job = this.#waiting[this.#next];
    if (!job) return undefined;
    this.#next += 1;
    this.#waitingBytes -= job.bytes;
    if (this.#next === this.#waiting.length || this.#next >= this.#limits.waitingMax) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return job;
  }
}
