// The lease that makes one relay the leader.
//
// It is FREE to us until an attempt succeeds. It is HELD then, and renewed well before it expires. Each success holds for the lease's
// time, counted on the monotonic clock from before the database was asked, so that it ends here before it ends there. When that time
// runs out without another success, for whatever reason, the lease is LOST: another process may have it, or have had it. Only
// release(), which also gives a held lease back early, makes it FREE to us again.
import type { Pool } from "pg";
import type { Logger } from "pino";
import { releaseLease, takeLease } from "../db/leases.ts";

/** The part of its time by which a holder stops early, for clocks that run at different speeds. */
const MARGIN = 0.1;

export interface LeaseOptions {
  readonly pool: Pool;
  readonly log: Logger;
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
  readonly renewMs: number;
}

export class Lease {
  readonly #options: LeaseOptions;
  #heldUntil = 0;
  #renewing: Promise<unknown> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Whether nobody else can have it. It becomes false by itself. */
  isHeld(): boolean {
    return performance.now() < this.#heldUntil;
  }

  /** Asks once, and keeps the lease renewed if the answer is yes. Throws when the database does not answer. */
  async take(): Promise<boolean> {
    const held = await this.#ask();
    if (held) this.#timer ??= setInterval(() => void this.#renew(), this.#options.renewMs);
    return held;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#renewing;
    this.#heldUntil = 0;
    const { pool, log, name, holder } = this.#options;
    try {
      await releaseLease(pool, { name, holder });
    } catch (error) {
      log.warn({ err: error, lease: name }, "lease not released; it expires by itself");
    }
  }

  async #ask(): Promise<boolean> {
    const { pool, name, holder, ttlMs } = this.#options;
    const askedAt = performance.now();
    const held = await takeLease(pool, { name, holder, ttlMs });
    if (held) this.#heldUntil = askedAt + ttlMs * (1 - MARGIN);
    return held;
  }

  /** One at a time. A database that is away is asked again by the next tick, until the time is up. */
  async #renew(): Promise<void> {
    if (this.#renewing || !this.isHeld()) return;
    const heldUntil = this.#heldUntil;
    this.#renewing = this.#ask().then(
      (held) => {
        // An answer that came too late, or that says no: what happened in between is not known.
        if (!held || performance.now() >= heldUntil) this.#heldUntil = 0;
      },
      (error: unknown) => this.#options.log.warn({ err: error, lease: this.#options.name }, "lease not renewed"),
    );
    await this.#renewing;
    this.#renewing = undefined;
  }
}
