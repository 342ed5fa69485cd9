// All lives. The latest are held in memory; of the others only their place in the journal is, from where they are read again when asked for.
import { baseOf, type Life, timeOfBase } from "./objects.ts";

/** Lives held in memory: many times what is under way at once. */
const HOT_MAX = 2000;

export class Lives {
  readonly #read: (offset: number) => Life;
  /** By base, in the order in which they were made. */
  readonly #offsets = new Map<string, number>();
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
    const offset = this.#offsets.get(base);
    return offset === undefined ? undefined : this.#read(offset);
  }

  put(life: Life, offset: number): void {
    const base = baseOf(life.intent.id);
    this.place(life.intent.id, offset);
    this.#hot.delete(base);
    this.#hot.set(base, life);
    const coldest = this.#hot.keys().next();
    if (this.#hot.size > HOT_MAX && !coldest.done) this.#hot.delete(coldest.value);
  }

  /** Notes where the latest state of a life is, without holding it. */
  place(id: string, offset: number): void {
    this.#offsets.set(baseOf(id), offset);
  }

  /** The places of lives made since a time, oldest first. */
  *since(from: Date): Generator<number> {
    for (const [base, offset] of this.#offsets) {
      if (timeOfBase(base) >= from.getTime()) yield offset;
    }
  }
}
