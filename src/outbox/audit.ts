// Compares the table with the stream, and has published again what the stream lacks: after its store was lost, in whole or in part.
//
// Events that were marked, up to a moment, must be on the stream, up to its last message after that moment, since an event is marked when
// the stream has confirmed it. Table and stream are read side by side, and what is found in both is forgotten, so that little is held
// in memory. What is then left of the table is marked as unpublished, and the drain does the rest.
import { type JetStreamClient, jetstream, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Pool } from "pg";
import {
  markUnpublished,
  type PublishedEvent,
  publishedRange,
  readNewestPublished,
  readPublished,
} from "../db/outbox.ts";
import { type EventId, mintId } from "../domain/ids.ts";
import { MESSAGE_ID_HEADER, parseMessageId } from "./message.ts";
import { DUPLICATE_WINDOW_MS } from "./stream.ts";

const WINDOW_MS = 24 * 60 * 60_000;
const PAGE_MAX = 5_000;
const FETCH_TIMEOUT_MS = 5_000;
/** Events held at most that the stream seems to lack; when there are more, the rest is for the next audit. */
const LOST_MAX = 500_000;
const MARK_MAX = 1_000;
/** The newest events, which a server that was cut off from power loses first. */
const TAIL_EVENTS = 5_000;
/** Messages among which they are looked for: more, since events and messages are not in the same order. */
const TAIL_MESSAGES = 10_000;
const NO_RANDOM_BITS = "00000000-0000-0000-0000-000000000000";
const NANOS_PER_MS = 1_000_000;

export interface AuditOptions {
  readonly pool: Pool;
  readonly connection: NatsConnection;
  readonly streamName: string;
  /** Ends it, between two pages, with an error. */
  readonly signal: AbortSignal;
}

export interface AuditResult {
  /** Events compared. */
  readonly checked: number;
  /** Events that the stream lacks, and that are published again. */
  readonly lost: number;
}

interface Start {
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
}

/** Reads the ids of our messages, page by page, from a start up to the last message that `info` knows of. */
async function* readMessageIds(client: JetStreamClient, info: StreamInfo, start: Start): AsyncGenerator<EventId[]> {
  const { messages, last_seq: last } = info.state;
  if (messages === 0) return;
  const consumer = await client.consumers.get(info.config.name, { ...start, headers_only: true });
  try {
    let pending = (await consumer.info()).num_pending;
    for (let sequence = 0; pending > 0 && sequence < last; ) {
      const ids: EventId[] = [];
      const before = sequence;
      for await (const message of await consumer.fetch({ max_messages: PAGE_MAX, expires: FETCH_TIMEOUT_MS })) {
        sequence = message.seq;
        pending = message.info.pending;
        const id = parseMessageId(message.headers?.get(MESSAGE_ID_HEADER) ?? "");
        if (id) ids.push(id);
        if (pending === 0 || sequence >= last) break;
      }
      if (sequence === before) throw new Error(`the stream delivered nothing in ${FETCH_TIMEOUT_MS} ms`);
      yield ids;
    }
  } finally {
    await consumer.delete();
  }
}

/** Reads events marked in a range, page by page. */
async function* readMarked(pool: Pool, range: { since: Date; until: Date }): AsyncGenerator<PublishedEvent[]> {
  // Ids grow with the time at which their event was made; one that waited longer than this for the stream is not looked at.
  const floor = new Date(range.since.getTime() - DUPLICATE_WINDOW_MS);
  let after = mintId<EventId>(floor, NO_RANDOM_BITS);
  for (;;) {
    const page = await readPublished(pool, { ...range, after, limit: PAGE_MAX });
    yield page;
    const newest = page.at(-1);
    if (!newest || page.length < PAGE_MAX) return;
    after = newest.id;
  }
}

/**
 * The moment from which marked events must be on the stream. It drops old messages by their age, and when it is full; their marks may be
 * younger by as long as repeats are dropped.
 */
function keptSince(info: StreamInfo, range: { since: Date; until: Date }): Date {
  const { max_age, max_bytes, max_msgs } = info.config;
  const isLimited = max_bytes > 0 || max_msgs > 0;
  const times = [range.since.getTime()];
  if (max_age > 0) times.push(range.until.getTime() - max_age / NANOS_PER_MS + DUPLICATE_WINDOW_MS);
  if (isLimited && info.state.first_seq > 1) times.push(Date.parse(info.state.first_ts) + DUPLICATE_WINDOW_MS);
  return new Date(Math.max(...times));
}

async function readStreamInfo({ connection, streamName }: AuditOptions): Promise<StreamInfo> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return manager.streams.info(streamName);
}

/**
 * Tells quickly whether the stream has the newest events. It is a hint, since a process whose clock is off mints ids that are
 * newer, or older, than its events: a `false` is a reason for an audit, not a finding.
 */
export async function hasNewestEvents(options: AuditOptions): Promise<boolean> {
  const { pool, connection, signal } = options;
  const range = await publishedRange(pool, WINDOW_MS);
  const info = await readStreamInfo(options);
  const since = keptSince(info, range);
  const wanted = new Set(await readNewestPublished(pool, { since, until: range.until, limit: TAIL_EVENTS }));
  const start = Math.max(1, info.state.first_seq, info.state.last_seq - TAIL_MESSAGES + 1);
  for await (const ids of readMessageIds(jetstream(connection), info, { opt_start_seq: start })) {
    signal.throwIfAborted();
    for (const id of ids) wanted.delete(id);
  }
  return wanted.size === 0;
}

/** Compares the events marked in the last day with the stream, and marks those that it lacks as unpublished. */
export async function audit(options: AuditOptions): Promise<AuditResult> {
  const { pool, connection, signal } = options;
  const range = await publishedRange(pool, WINDOW_MS);
  const info = await readStreamInfo(options);
  const since = keptSince(info, range);
  // A mark can follow its message late, when a leader died in between, but not later than repeats are dropped.
  const startTime = new Date(since.getTime() - DUPLICATE_WINDOW_MS).toISOString();

  const lost = new Map<EventId, bigint>();
  const unmatched = new Set<EventId>();
  let checked = 0;
  const see = (event: PublishedEvent) => {
    checked += 1;
    if (!unmatched.delete(event.id)) lost.set(event.id, event.position);
  };
  const marked = readMarked(pool, { since, until: range.until });
  for await (const ids of readMessageIds(jetstream(connection), info, { opt_start_time: startTime })) {
    signal.throwIfAborted();
    for (const id of ids) if (!lost.delete(id)) unmatched.add(id);
    if (lost.size < LOST_MAX) (await marked.next()).value?.forEach(see);
  }
  while (lost.size < LOST_MAX) {
    signal.throwIfAborted();
    const page = await marked.next();
    if (page.done) break;
    page.value.forEach(see);
  }
  await publishAgain(pool, lost);
  return { checked, lost: lost.size };
}

/** In the order of positions: what a drain reads in between is then never ahead of an earlier event of its payment. */
async function publishAgain(pool: Pool, lost: ReadonlyMap<EventId, bigint>): Promise<void> {
  const ids = [...lost].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([id]) => id);
  for (let from = 0; from < ids.length; from += MARK_MAX) await markUnpublished(pool, ids.slice(from, from + MARK_MAX));
}
