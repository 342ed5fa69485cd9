// Which lives had a pair in their metadata, at any time. Pairs are held as numbers, so that two may be taken for one, and a life may have lost its pair
// since: what is found is to be looked at again.
import { crc32 } from "node:zlib";
import type { Metadata } from "./objects.ts";

export class MetadataIndex {
  /** The life that had a pair; a set where there are several, as most pairs name one alone. */
  readonly #lives = new Map<number, number | Set<number>>();

  /** Lives are numbered in the order in which they were made. */
  note(metadata: Metadata, life: number): void {
    for (const pair of Object.entries(metadata)) {
      const number = numberOf(pair);
      const noted = this.#lives.get(number);
      if (noted === undefined) this.#lives.set(number, life);
      else if (noted instanceof Set) noted.add(life);
      else if (noted !== life) this.#lives.set(number, new Set([noted, life]));
    }
  }

  /** Those that may have all of the pairs, of which there is one at least, the first made first. */
  find(metadata: Metadata): readonly number[] {
    const noted = Object.entries(metadata).map((pair) => this.#lives.get(numberOf(pair)) ?? new Set<number>());
    const sets = noted.map((each) => (each instanceof Set ? each : new Set([each])));
    return [...sets.reduce((some, other) => some.intersection(other))].sort((one, other) => one - other);
  }
}

function numberOf([key, value]: readonly [string, string]): number {
  // A signed number of 32 bits is one that a map holds without a place of its own.
  return crc32(`${key}\0${value}`) | 0;
}
