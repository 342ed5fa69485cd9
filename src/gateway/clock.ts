// The gateway's clock: the given one, and ahead of it by what it was advanced. How far it is ahead is kept in a file of its own, `<journal>.clock`,
// a line of JSON with `aheadMs`, so that a restart does not set the clock back. It ticks twice a second, and whenever it is advanced.
import { readFileSync, renameSync, writeFileSync } from "node:fs";

const TICK_MS = 500;

/** What those who only need to know the time see. */
export interface Clock {
  /** The gateway's time. */
  now(): Date;
  /** The time of the world outside, which does not jump. */
  outside(): Date;
  /** Tells that time passed. Gives the way to stop being told. */
  onTick(listener: () => void): () => void;
}

export class VirtualClock implements Clock {
  readonly #outside: () => Date;
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #aheadMs: number;

  constructor(path: string, outside: () => Date) {
    this.#path = path;
    this.#outside = outside;
    this.#aheadMs = readAhead(path);
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  now(): Date {
    return this.#aheadMs === 0 ? this.#outside() : new Date(this.#outside().getTime() + this.#aheadMs);
  }

  outside(): Date {
    return this.#outside();
  }

  onTick(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps a time that is to come, so that a restart goes on from there at the earliest. */
  keep(time: Date): void {
    const aheadMs = Math.max(0, time.getTime() - this.#outside().getTime());
    writeFileSync(`${this.#path}.new`, `${JSON.stringify({ aheadMs })}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** Moves on to a time; never back. */
  moveTo(time: number): void {
    this.#aheadMs = Math.max(this.#aheadMs, time - this.#outside().getTime());
  }

  tick(): void {
    for (const listener of this.#listeners) listener();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }
}

function readAhead(path: string): number {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw new Error("the gateway's clock cannot be read: restore its file, or move it away", { cause: error });
  }
  const kept: unknown = /^\{"aheadMs":\d+\}\n$/.test(text) ? JSON.parse(text) : undefined;
  if (typeof kept === "object" && kept !== null && "aheadMs" in kept && Number.isSafeInteger(kept.aheadMs)) {
    return Number(kept.aheadMs);
  }
  throw new Error("the gateway's clock is damaged: restore its file, or move it away");
}
