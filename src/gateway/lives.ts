// All lives. The latest are held in memory; of the others only their place in the journal is, from where they are read again when asked for, and what
// finds them by their metadata, and those of checkouts.
import { MetadataIndex } from "./metadata-index.ts";
import { baseOf, type Life, type Metadata, timeOfBase } from "./objects.ts";

/** Lives held in memory: many times what is under way at once. */
const HOT_MAX = 2000;

export interface LifeSpan {
  readonly from?: Date;
  readonly to?: Date;
  /** A base. */
  readonly after?: string;
  readonly order: "newest" | "oldest";
  /** Those alone that may have had these pairs. */
  readonly metadata?: Metadata;
  /** True: without metadata, those alone that were made as checkouts. */
  readonly checkouts?: boolean;
}

/** What a life is found by. */
interface Traits {
  readonly metadata: Metadata;
  /** Whether it was made as a checkout. */
  readonly checkout: boolean;
}

export class Lives {
  readonly #read: (offset: number) => Life;
  /** In the order in which they were made. */
  readonly #bases: string[] = [];
  /** The place of the latest line of each. */
  readonly #places: number[] = [];
  /** Where in those two a base is. */
  readonly #indexes = new Map<string, number>();
  readonly #metadata = new MetadataIndex();
  /** Where checkouts are. */
  readonly #checkouts: number[] = [];
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
    this.place(base, place, { metadata: life.intent.metadata, checkout: life.session !== null });
    this.#hot.delete(base);
    this.#hot.set(base, life);
    const coldest = this.#hot.keys().next();
    if (this.#hot.size > HOT_MAX && !coldest.done) this.#hot.delete(coldest.value);
  }

  /** Notes where the latest state of a life is, without holding it. `checkout` is asked of the first alone. */
  place(base: string, place: number, { metadata, checkout }: Traits): void {
    const index = this.#indexes.get(base) ?? this.#add(base, checkout);
    this.#places[index] = place;
    this.#metadata.note(metadata, index);
  }

  #add(base: string, checkout: boolean): number {
    const index = this.#bases.push(base) - 1;
    this.#indexes.set(base, index);
    if (checkout) this.#checkouts.push(index);
    return index;
  }

  /** The lives made within a span of time, `to` exclusive, from a life on that is left out. Lives made meanwhile may be among them. */
  *between({ from, to, ...query }: LifeSpan): Generator<string> {
    for (const index of this.#indexesOf(query)) {
      const base = this.#bases[index] ?? "";
      const time = timeOfBase(base);
      if (time >= (from?.getTime() ?? 0) && time < (to?.getTime() ?? Infinity)) yield base;
    }
  }

  *#indexesOf(query: LifeSpan): Generator<number> {
    const { after, order } = query;
    const step = order === "newest" ? -1 : 1;
    const behind = after === undefined ? (step === 1 ? -1 : this.#bases.length) : this.#indexes.get(after);
    if (behind === undefined) return;
    const named = this.#named(query)?.filter((index) => (index - behind) * step > 0);
    if (named) yield* step === 1 ? named : named.toReversed();
    else for (let index = behind + step; index >= 0 && index < this.#bases.length; index += step) yield index;
  }

  /** Those that need not be looked for among all, oldest first; undefined where all are asked for. */
  #named({ metadata = {}, checkouts = false }: LifeSpan): readonly number[] | undefined {
    if (Object.keys(metadata).length > 0) return this.#metadata.find(metadata);
    return checkouts ? this.#checkouts : undefined;
  }
}
