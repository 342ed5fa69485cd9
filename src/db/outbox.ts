// What the relay asks of payment_event: which events are not published, and which are. The body is read as text, never as JSON, since
// its decimals can have more digits than a double holds.
import type { Pool } from "pg";
import type { EventId } from "../domain/ids.ts";
import { type NamedQuery, runNamed } from "./named-query.ts";

export interface OutboxEvent {
  readonly id: EventId;
  /** Null for what is told of no single payment. */
  readonly paymentId: string | null;
  readonly version: number;
  readonly type: string;
  /** The JSON text of the message. */
  readonly body: string;
  readonly position: string;
  readonly createdAt: Date;
}

const readUnpublishedStatement: NamedQuery = {
  name: "read-unpublished",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i ("limit" int, skip json)
    )
    select e.id, e.payment_id as "paymentId", e.version, e.type, e.data::text as body, e.position::text as position,
      e.created_at as "createdAt"
    from payment_event e
    where e.published_at is null
      and e.position not in (select value::bigint from input, json_array_elements_text(input.skip))
    order by e.position
    limit (select "limit" from input)`,
};

/**
 * Reads events that are not published, in the order of their positions, without those at the positions to skip. There is no cursor: a
 * transaction that took its position early and committed late would stay behind it.
 */
export function readUnpublished(
  pool: Pool,
  page: { readonly limit: number; readonly skip: readonly string[] },
): Promise<OutboxEvent[]> {
  return runNamed<OutboxEvent>(pool, readUnpublishedStatement, [page]);
}

const markPublishedStatement: NamedQuery = {
  name: "mark-published",
  text: `
    with relaxed as materialized (
      select set_config('synchronous_commit', 'off', true) as value
    )
    update payment_event e set published_at = now()
    from relaxed, json_to_recordset($1::json) as i (id uuid)
    where relaxed.value = 'off' and e.id = i.id and e.published_at is null`,
};

/**
 * Marks events as published. The commit does not wait for the disk: a mark that a crash takes back makes the relay send the event
 * again, under the same id, and the stream drops the repeat.
 */
export async function markPublished(pool: Pool, ids: readonly EventId[]): Promise<void> {
  await runNamed(
    pool,
    markPublishedStatement,
    ids.map((id) => ({ id })),
  );
}

const markUnpublishedStatement: NamedQuery = {
  name: "mark-unpublished",
  text: `
    update payment_event e set published_at = null
    from json_to_recordset($1::json) as i (id uuid)
    where e.id = i.id and e.published_at is not null`,
};

/** Has events published once more. */
export async function markUnpublished(pool: Pool, ids: readonly EventId[]): Promise<void> {
  await runNamed(
    pool,
    markUnpublishedStatement,
    ids.map((id) => ({ id })),
  );
}

export interface OutboxDepth {
  readonly events: number;
  /** When the oldest of them was made; null when there is none. */
  readonly oldestCreatedAt: Date | null;
}

const measureDepthStatement: NamedQuery = {
  name: "measure-outbox-depth",
  text: `
    select count(*)::int as events, min(e.created_at) as "oldestCreatedAt"
    from (
      select created_at from payment_event
      where published_at is null
      order by position
      limit (select "limit" from json_to_recordset($1::json) as i ("limit" int))
    ) e`,
};

/** Counts the events that are not published, up to `limit` of them. */
export async function measureDepth(pool: Pool, limit: number): Promise<OutboxDepth> {
  const [depth] = await runNamed<OutboxDepth>(pool, measureDepthStatement, [{ limit }]);
  return depth ?? { events: 0, oldestCreatedAt: null };
}

export interface PublishedRange {
  /** By the database's clock, as are the marks. */
  readonly since: Date;
  readonly until: Date;
}

const publishedRangeStatement: NamedQuery = {
  name: "published-range",
  text: `
    select now() - i."windowMs" * interval '1 millisecond' as since, now() as until
    from json_to_recordset($1::json) as i ("windowMs" bigint)`,
};

/** The last `windowMs` until now, by the database's clock. */
export async function publishedRange(pool: Pool, windowMs: number): Promise<PublishedRange> {
  const [range] = await runNamed<{ since: Date; until: Date }>(pool, publishedRangeStatement, [{ windowMs }]);
  if (!range) throw new Error("the database told no time");
  return range;
}

const readPublishedStatement: NamedQuery = {
  name: "read-published",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (after uuid, since timestamptz, until timestamptz, "limit" int)
    )
    select e.id, e.position from payment_event e
    where e.id > (select after from input)
      and e.published_at >= (select since from input) and e.published_at <= (select until from input)
    order by e.id
    limit (select "limit" from input)`,
};

export interface PublishedEvent {
  readonly id: EventId;
  readonly position: bigint;
}

/** Reads events that were marked in a range, in the order of their ids, after a given id. */
export function readPublished(
  pool: Pool,
  page: PublishedRange & { readonly after: EventId; readonly limit: number },
): Promise<PublishedEvent[]> {
  return runNamed<PublishedEvent>(pool, readPublishedStatement, [page]);
}

const readNewestPublishedStatement: NamedQuery = {
  name: "read-newest-published",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (since timestamptz, until timestamptz, "limit" int)
    )
    select n.id from (
      select e.id, e.published_at from payment_event e order by e.id desc limit (select "limit" from input)
    ) n
    where n.published_at >= (select since from input) and n.published_at <= (select until from input)`,
};

/** Reads, of the newest events, the ids of those that were marked in a range. */
export async function readNewestPublished(
  pool: Pool,
  page: PublishedRange & { readonly limit: number },
): Promise<EventId[]> {
  const rows = await runNamed<{ id: EventId }>(pool, readNewestPublishedStatement, [page]);
  return rows.map((row) => row.id);
}

const notifyStatement: NamedQuery = {
  name: "notify",
  text: "select pg_notify(i.channel, '') from json_to_recordset($1::json) as i (channel text)",
};

/** Wakes those who listen to a channel. Outside any other transaction, since transactions that notify commit one after the other. */
export async function notify(pool: Pool, channel: string): Promise<void> {
  await runNamed(pool, notifyStatement, [{ channel }]);
}
