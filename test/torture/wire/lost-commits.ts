// Cuts a connection to the database after the server has committed a statement, and before the service hears of it. Which calls are met is left to chance; a
// statement that had less than its part of the cuts is met sooner.
import type { Random } from "../frame/random.ts";
import type { Act, Point } from "./point.ts";

const CHANCE = 0.05;
const CHANCE_BEHIND = 0.4;
/** Of an equal part of the cuts; below it a statement is behind. */
const PART = 0.5;

export class LostCommits {
  /** How often the answer of which statement was lost. */
  readonly counts: Map<string, number>;
  readonly #random: Random;
  readonly #times: number;

  constructor(names: readonly string[], { times, random }: { readonly times: number; readonly random: Random }) {
    this.counts = new Map(names.map((name) => [name, 0]));
    this.#times = times;
    this.#random = random;
  }

  get total(): number {
    return [...this.counts.values()].reduce((total, count) => total + count, 0);
  }

  /** Those whose answer was never lost. */
  get untouched(): string[] {
    return [...this.counts].flatMap(([name, count]) => (count === 0 ? [name] : []));
  }

  /** Whether there were as many as were asked for, and every statement had its turn. */
  get isDone(): boolean {
    return this.total >= this.#times && this.untouched.length === 0;
  }

  readonly watch = ({ side, label }: Point): Act => {
    const count = this.counts.get(label);
    if (side !== "receive" || count === undefined || !this.#isMet(count)) return "pass";
    this.counts.set(label, count + 1);
    return "cut";
  };

  #isMet(count: number): boolean {
    const { total } = this;
    if (count === 0) return this.#random.chance(CHANCE_BEHIND);
    if (total >= this.#times) return false;
    const isBehind = count < (total / this.counts.size) * PART;
    return this.#random.chance(isBehind ? CHANCE_BEHIND : CHANCE);
  }
}
