// Chance that can be repeated: the same seed gives the same choices. (mulberry32, by Tommy Ettinger.)

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below the bound. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const placed = items.map((item) => ({ item, place: this.next() }));
    return placed.toSorted((one, other) => one.place - other.place).map(({ item }) => item);
  }

  /** One of its own for a part of the work, so that parts that run side by side do not disturb each other's choices. */
  fork(): Random {
    return new Random(this.below(2 ** 32));
  }
}
