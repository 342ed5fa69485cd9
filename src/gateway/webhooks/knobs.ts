// What tests do to the delivery of webhooks, at any time. None of it is kept through a restart.

/** Which deliveries are never sent, until they are released or sent again: none, all, the next so many, or those of some types of events. */
export type Drop = "none" | "all" | number | readonly string[];

export interface Knobs {
  /** How much later each delivery starts, in milliseconds of the outside world. */
  readonly delayMs: number;
  /** How many copies are sent besides the first. */
  readonly duplicates: number;
  /** Deliveries that come up within so many milliseconds start in any order. */
  readonly reorderMs: number;
  readonly drop: Drop;
  /** Nothing starts until it is released. */
  readonly hold: boolean;
}

export const NO_KNOBS: Knobs = { delayMs: 0, duplicates: 0, reorderMs: 0, drop: "none", hold: false };

const WAIT_MS_MAX = 60 * 60 * 1000;
const DUPLICATES_MAX = 100;

/** Throws RangeError on what cannot be. */
export function checkKnobs(knobs: Knobs): void {
  const { delayMs, duplicates, reorderMs, drop } = knobs;
  checkCount("delayMs", delayMs, WAIT_MS_MAX);
  checkCount("reorderMs", reorderMs, WAIT_MS_MAX);
  checkCount("duplicates", duplicates, DUPLICATES_MAX);
  if (typeof drop === "number") checkCount("drop", drop, Number.MAX_SAFE_INTEGER);
}

function checkCount(name: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${name} is a whole number from 0 to ${max}`);
  }
}

/** Whether a delivery is dropped, and what drops the next one. */
export function takeDrop(drop: Drop, type: string): { readonly dropped: boolean; readonly next: Drop } {
  if (typeof drop === "number") return { dropped: drop > 0, next: Math.max(0, drop - 1) };
  if (typeof drop === "string") return { dropped: drop === "all", next: drop };
  return { dropped: drop.includes(type), next: drop };
}
