// All lives. The latest are held in memory; of the others only their place in the journal is, from where they are read again when asked for.
import { baseOf, type Life, timeOfBase } from "./objects.ts";

/** Lives held in memory: many times what is under way at once. */
const HOT_MAX = 2000;

export interface LifeSpan {
  readonly from?: Date;
  readonly to?: Date;
  /** A base. */
  readonly after?: string;
  readonly order: "newest" | "oldest";
}

export class Lives {
  readonly #read: (offset: number) => Life;
  /** In the order in which they were made. */
  readonly #bases: string[] = [];
  /** The place of the latest line of each. */
  readonly #places: number[] = [];
  /** Where in those two a base is. */
  readonly #indexes = new Map<string, number>();
  /** The least recently changed first. */
  readonly #hot = new Map<string, Life>();

  /** `read` reads a life from its place in the journal. */
  constructor(read: (offset: number) => Life) {
    this.#read = read;
  }

  /** The life that an id belongs to. */
  get(id: string): Life | undefined {
    const base = baseOf(id);
    const hot = this.#hot.get(base);
    if (hot !== undefined) return hot;
    const place = this.placeOf(base);
    return place === undefined ? undefined : this.#read(place);
  }

  /** The place of the latest line of a life. */
  placeOf(base: string): number | undefined {
    const index = this.#indexes.get(base);
    return index === undefined ? undefined : this.#places[index];
  }

  put(life: Life, place: number): void {
    const base = baseOf(life.intent.id);
    this.place(base, place);
    this.#hot.delete(base);
    this.#hot.set(base, life);
    const coldest = this.#hot.keys().next();
    if (this.#hot.size > HOT_MAX && !coldest.done) this.#hot.delete(coldest.value);
  }

  /** Notes where the latest state of a life is, without holding it. */
  place(base: string, place: number): void {
    const index = this.#indexes.get(base);
    if (index === undefined) this.#bases.push(base);
    if (index === undefined) this.#indexes.set(base, this.#places.push(place) - 1);
    else this.#places[index] = place;
  }

  /** The lives made within a span of time, `to` exclusive, from a life on that is left out. Lives made meanwhile may be among them. */
  *between({ from, to, after, order }: LifeSpan): Generator<string> {
    const step = order === "newest" ? -1 : 1;
    const start = order === "newest" ? this.#bases.length - 1 : 0;
    const index = after === undefined ? start : (this.#indexes.get(after) ?? -2) + step;
    for (let at = index; at >= 0 && at < this.#bases.length; at += step) {
      const base = this.#bases[at] ?? "";
      const time = timeOfBase(base);
      if (time >= (from?.getTime() ?? 0) && time < (to?.getTime() ?? Infinity)) yield base;
    }
  }
}
