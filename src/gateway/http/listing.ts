// Lists, newest first, in pages: `limit` objects after or before one that is named. https://docs.stripe.com/api/pagination
import type { ListQuery } from "../history.ts";
import type { Life } from "../objects.ts";
import { type Body, type Outcome, refuse } from "./outcome.ts";
import { count, fields, type Reader, text, time, withDefault } from "./parameters.ts";
import { invalidRequest, noSuch } from "./refusal.ts";

export const PAGING = {
  limit: withDefault(count({ min: 1, max: 100 }), 10),
  starting_after: text(),
  ending_before: text(),
};

export interface Paging {
  readonly limit: number;
  readonly starting_after: string | null;
  readonly ending_before: string | null;
}

export interface Listed {
  readonly id: string;
  readonly created: number;
  /** The payment that it belongs to; null where it belongs to none. */
  readonly life: Life | null;
  readonly print: () => Body | null;
}

export interface Listing<T extends Listed> {
  /** From an id on, as far as it is read. */
  readonly source: (query: ListQuery) => AsyncIterable<T>;
  readonly has: (id: string) => Promise<boolean>;
  readonly url: string;
  /** Stripe's name of what is listed, for messages. */
  readonly kind: string;
  readonly created: TimeRange | null;
  /** Which of them are listed; all when absent. */
  readonly filter?: (listed: T) => boolean;
}

export async function listPage<T extends Listed>(listing: Listing<T>, paging: Paging): Promise<Outcome> {
  const { limit, starting_after, ending_before } = paging;
  if (starting_after !== null && ending_before !== null) return refuse(TWO_CURSORS);
  const cursor = starting_after ?? ending_before;
  if (cursor !== null && !(await listing.has(cursor))) {
    const param = starting_after === null ? "ending_before" : "starting_after";
    return refuse(noSuch(listing.kind, { id: cursor, param }));
  }
  const order = ending_before === null ? "newest" : "oldest";
  const page = await readPage(listing, { order, ...(cursor !== null && { after: cursor }) }, limit);
  const shown = page.slice(0, limit);
  return listOf(order === "newest" ? shown : shown.reverse(), { url: listing.url, hasMore: page.length > limit });
}

const TWO_CURSORS = invalidRequest("You may only specify one of these parameters: starting_after, ending_before.", {
  code: "parameters_exclusive",
  param: "starting_after",
});

/** Up to one more than the limit, which tells that there are more. */
async function readPage<T extends Listed>(listing: Listing<T>, query: ListQuery, limit: number): Promise<T[]> {
  const { created, filter = () => true } = listing;
  const page: T[] = [];
  for await (const listed of listing.source(query)) {
    if (query.order === "newest" && listed.created < startOf(created)) break;
    if (isWithin(listed.created, created) && filter(listed)) page.push(listed);
    if (page.length > limit) break;
  }
  return page;
}

function listOf(page: readonly Listed[], { url, hasMore }: { url: string; hasMore: boolean }): Outcome {
  const data = page.map((listed) => listed.print()).filter((body) => body !== null);
  const lives = page.map(({ life }) => life).filter((life) => life !== null);
  return { kind: "object", body: { object: "list", data, has_more: hasMore, url }, lives, replayed: false };
}

/** Lists what is at hand, given oldest first. */
export function fromArray<T extends Listed>(all: readonly T[]): Pick<Listing<T>, "source" | "has"> {
  return {
    has: async (id) => all.some((listed) => listed.id === id),
    async *source({ order, after }) {
      const ordered = order === "newest" ? all.toReversed() : all;
      yield* ordered.slice(ordered.findIndex((listed) => listed.id === after) + 1);
    },
  };
}

export interface TimeRange {
  readonly gt: number | null;
  readonly gte: number | null;
  readonly lt: number | null;
  readonly lte: number | null;
}

const RANGE = fields({ gt: time(), gte: time(), lt: time(), lte: time() });

/** A time, or bounds of it: `created=1` or `created[gte]=1`. */
export function timeRange(): Reader<TimeRange | null> {
  return (form, name) => {
    if (typeof form !== "string") return RANGE(form, name);
    const read = time()(form, name);
    return read.ok ? { ok: true, value: { gt: null, gte: read.value, lt: null, lte: read.value } } : read;
  };
}

/** The first second of a range. */
export function startOf(range: TimeRange | null): number {
  return Math.max(range?.gte ?? 0, range?.gt === null || range?.gt === undefined ? 0 : range.gt + 1);
}

/** The second behind its last. */
export function endOf(range: TimeRange | null): number {
  const { lt = null, lte = null } = range ?? {};
  return Math.min(lt ?? Infinity, lte === null ? Infinity : lte + 1);
}

function isWithin(created: number, range: TimeRange | null): boolean {
  return created >= startOf(range) && created < endOf(range);
}
