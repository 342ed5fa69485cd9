// What the journal tells: lives, parts of lives and events, listed by their age from any of them on. Lines are read as far as the reader goes.
import { setImmediate } from "node:timers/promises";
import { eventsOf, type GatewayEvent, type PartKind, parseEventId } from "./events.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import type { LifeSpan, Lives } from "./lives.ts";
import { baseOf, type Life, type Metadata } from "./objects.ts";
import type { EffectName } from "./step.ts";

export interface ListQuery {
  /** Which come first. */
  readonly order: "newest" | "oldest";
  /** An id after which the list goes on, in its order; it is left out itself. */
  readonly after?: string;
}

export interface LifeQuery extends ListQuery {
  /** Made at this time or later. */
  readonly createdFrom?: Date;
  /** Made before this time. */
  readonly createdTo?: Date;
  /** Pairs that the intent's metadata must have. */
  readonly metadata?: Metadata;
  /** True: those alone that were made as checkouts. */
  readonly checkouts?: boolean;
}

/** A charge, a refund or a dispute, and the life that it belongs to as it is now. */
export interface Part {
  readonly id: string;
  readonly life: Life;
}

/** An event, and the life after the change that it tells of. */
export interface EventRecord {
  readonly event: GatewayEvent;
  readonly life: Life;
}

/** The events of one change, and the life after it. */
export interface EventBatch {
  readonly events: readonly GatewayEvent[];
  readonly life: Life;
  /** The place in the journal behind the change. */
  readonly after: number;
}

/** A millisecond or two. */
const READS_IN_TURN = 100;

/** The effects with which parts come into being. */
const BEGINNINGS: Readonly<Record<PartKind, readonly EffectName[]>> = {
  charge: ["charge", "authorize", "decline"],
  refund: ["refund"],
  dispute: ["dispute"],
};

export class History {
  readonly #journal: Journal;
  readonly #lives: Lives;

  constructor(journal: Journal, lives: Lives) {
    this.#journal = journal;
    this.#lives = lives;
  }

  async *lives({
    order,
    after,
    createdFrom,
    createdTo,
    metadata = {},
    checkouts = false,
  }: LifeQuery): AsyncGenerator<Life> {
    await this.#journal.written();
    const span: LifeSpan = {
      order,
      ...(after !== undefined && { after: baseOf(after) }),
      ...(createdFrom && { from: createdFrom }),
      ...(createdTo && { to: createdTo }),
      metadata,
      checkouts,
    };
    const pairs = Object.entries(metadata);
    for await (const base of this.#inTurns(this.#lives.between(span))) {
      const life = this.#lives.get(base);
      if (!life || (checkouts && life.session === null)) continue;
      if (pairs.every(([key, value]) => life.intent.metadata[key] === value)) yield life;
    }
  }

  async *parts(kind: PartKind, query: ListQuery): AsyncGenerator<Part> {
    for await (const place of this.#places(query, (id) => this.#findBeginning(kind, id))) {
      const head = this.#journal.readHead(place);
      const id = head[kind];
      if (id === undefined || !BEGINNINGS[kind].includes(head.effect)) continue;
      const life = this.#lives.get(id);
      if (life) yield { id, life };
    }
  }

  async *events(query: ListQuery): AsyncGenerator<EventRecord> {
    const { after, order } = query;
    const records = (entry: JournalEntry): EventRecord[] => {
      const inJournal = recordsOf(entry);
      return order === "newest" ? inJournal.reverse() : inJournal;
    };
    const line = after === undefined ? undefined : this.#findLine(after);
    if (line !== undefined) {
      const sameLine = records(line.entry);
      yield* sameLine.slice(sameLine.findIndex(({ event }) => event.id === after) + 1);
    }
    for await (const place of this.#places(query, (id) => this.#findLine(id)?.place)) {
      yield* records(this.#journal.read(place));
    }
  }

  async findEvent(id: string): Promise<EventRecord | undefined> {
    await this.#journal.written();
    const line = this.#findLine(id);
    return line && recordsOf(line.entry).find(({ event }) => event.id === id);
  }

  /** The events of the latest changes, oldest first. */
  latestEvents(changesMax: number): GatewayEvent[] {
    const places = this.#journal.backwards().take(changesMax).toArray().reverse();
    return places.flatMap((place) => eventsOf(this.#journal.read(place)));
  }

  /** The events of all changes from a place in the journal on that are written by now. */
  *batchesFrom(place: number): Generator<EventBatch> {
    const { places, end } = this.#journal.placesFrom(place);
    for (const [index, each] of places.entries()) {
      const entry = this.#journal.read(each);
      yield { events: eventsOf(entry), life: entry.life, after: places[index + 1] ?? end };
    }
  }

  /** The places of lines in order, from behind the one that an id leads to. */
  async *#places({ order, after }: ListQuery, find: (id: string) => number | undefined): AsyncGenerator<number> {
    await this.#journal.written();
    const place = after === undefined ? undefined : find(after);
    if (after !== undefined && place === undefined) return;
    if (order === "newest") yield* this.#inTurns(this.#journal.backwards(place));
    else yield* this.#inTurns(this.#journal.placesFrom(place ?? 0).places.filter((each) => each !== place));
  }

  /** Lets others have their turn now and then: for each of these a line is read. What is read after that is written as well. */
  async *#inTurns<T>(all: Iterable<T>): AsyncGenerator<T> {
    let count = 0;
    for (const each of all) {
      count += 1;
      if (count % READS_IN_TURN === 0) {
        await setImmediate();
        await this.#journal.written();
      }
      yield each;
    }
  }

  /** The line that made a part. */
  #findBeginning(kind: PartKind, id: string): number | undefined {
    let place = this.#lives.placeOf(baseOf(id)) ?? null;
    while (place !== null) {
      const head = this.#journal.readHead(place);
      if (head[kind] === id && BEGINNINGS[kind].includes(head.effect)) return place;
      place = head.before ?? null;
    }
    return undefined;
  }

  /** The line of which an event tells. */
  #findLine(eventId: string): { place: number; entry: JournalEntry } | undefined {
    const named = parseEventId(eventId);
    let place = (named && this.#lives.placeOf(named.base)) ?? null;
    while (place !== null) {
      const entry = this.#journal.read(place);
      // A refusal has the count of the change before it.
      if (entry.life.changes === named?.change && entry.effect !== "refusal") return { place, entry };
      place = entry.before ?? null;
    }
    return undefined;
  }
}

function recordsOf(entry: JournalEntry): EventRecord[] {
  return eventsOf(entry).map((event) => ({ event, life: entry.life }));
}
