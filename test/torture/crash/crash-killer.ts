// Watches the wires of a service, and kills it at a boundary: what was to pass there is lost, and the process is gone before it can do anything else. Then it is
// started again; and killed again, where the plan has a boundary for its next life as well.
import { setTimeout as delay } from "node:timers/promises";
import { type Boundary, nameOf, Tally } from "./crash-boundary.ts";
import { CLEAR } from "../wire/condition.ts";
import type { Act, Point } from "../wire/point.ts";
import type { Stack } from "../wire/stack.ts";

const POLL_MS = 5;
/** A server may be busy with what the dead had asked for last. */
const HANG_UP_TIMEOUT_MS = 1_000;

/** One life of the process, as far as it was watched. */
class Life {
  readonly seen: Boundary[] = [];
  /** How many there were when the first act since its beginning was over. */
  untilAct: number | undefined;
  readonly #tally = new Tally();

  note(point: Point): Boundary {
    const boundary = this.#tally.note(point);
    this.seen.push(boundary);
    return boundary;
  }
}

export class Killer {
  readonly #stack: Stack;
  /** Where the service dies in its first life, in its second, and so on. */
  #plan: readonly string[] = [];
  #life = new Life();
  #lives: Life[] = [this.#life];
  /** Settles when the service is ready, after all kills so far. */
  #up: Promise<void> = Promise.resolve();
  #dying = false;

  constructor(stack: Stack) {
    this.#stack = stack;
    for (const wire of Object.values(stack.wires)) wire.watch = (point) => this.#meet(point);
  }

  /** Watches anew. */
  arm(plan: readonly Boundary[]): void {
    this.#plan = plan.map(nameOf);
    this.#life = new Life();
    this.#lives = [this.#life];
  }

  get kills(): number {
    return this.#lives.length - 1;
  }

  get isDone(): boolean {
    return this.kills >= this.#plan.length;
  }

  /** All that came about in the first life. */
  get seen(): readonly Boundary[] {
    return this.#lives[0]?.seen ?? [];
  }

  /** What came about in the second life until what the kill had interrupted was over. */
  get recovery(): readonly Boundary[] {
    const life = this.#lives[1];
    return life?.seen.slice(0, life.untilAct) ?? [];
  }

  noteAct(): void {
    this.#life.untilAct ??= this.#life.seen.length;
  }

  /** Waits until the service is up and stays so, as far as it is known. */
  async up(): Promise<void> {
    for (let awaited: Promise<void> | undefined; awaited !== this.#up; ) {
      awaited = this.#up;
      await awaited;
    }
  }

  /** Gives a boundary that is still to come a moment. */
  async linger(ms: number): Promise<void> {
    for (const startedAt = performance.now(); !this.isDone && performance.now() - startedAt < ms; )
      await delay(POLL_MS);
  }

  #meet(point: Point): Act {
    // What the dead sent before it died.
    if (this.#dying) return "pass";
    const name = nameOf(this.#life.note(point));
    if (name !== this.#plan[this.kills]) return "pass";
    this.#dying = true;
    this.#stack.service.signal("SIGKILL");
    const before = this.#up;
    this.#up = this.#restart(before);
    // Whoever waits for it hears of a failure.
    this.#up.catch(() => {});
    return "swallow";
  }

  async #restart(before: Promise<void>): Promise<void> {
    const { service } = this.#stack;
    await service.kill();
    await this.#hangUp();
    // The lease of the dead runs out: that takes seconds in which nothing happens.
    await this.#stack.query("update lease set expires_at = now()");
    // A start that was cut short has failed by now.
    await before.catch(() => {});
    this.#life = new Life();
    this.#lives.push(this.#life);
    this.#dying = false;
    const { kills } = this;
    service.launch();
    try {
      await service.ready();
    } catch (error) {
      // Killed while it started: whoever did it starts it again.
      if (this.kills === kills && !this.#dying) throw error;
    }
  }

  /** Waits until the servers know that the dead is gone: what it had sent has arrived by then, or never will. */
  async #hangUp(): Promise<void> {
    const wires = Object.values(this.#stack.wires);
    for (
      const startedAt = performance.now();
      performance.now() - startedAt < HANG_UP_TIMEOUT_MS;
      await delay(POLL_MS)
    ) {
      for (const wire of wires) wire.setCondition(CLEAR);
      if (wires.every((wire) => wire.connections === 0)) return;
    }
  }
}
