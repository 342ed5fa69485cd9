// The relay from outside: how fast it drains a backlog, and how long after an event a consumer of the stream has it.
import { setTimeout as delay } from "node:timers/promises";
import { type Consumer, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type pg from "pg";
import { parseNatsUrl } from "../src/outbox/nats-connection.ts";
import { withClient } from "../test/support/with-client.ts";
import { runLoad, type Running, targetOf, type Window } from "./measure-service.ts";
import { type Percentiles, percentilesOf } from "./statistics.ts";

const stream = "PAYMENTS";
const drainDeadlineMs = 120_000;
const streamDeadlineMs = 10_000;
const pollMs = 50;
// Enough lives at once that their rate, and not their latency, bounds them.
const lagCallers = 64;
const lagLivesPerSecond = 300;

export interface Drain {
  readonly events: number;
  readonly eventsPerSecond: number;
}

/**
 * Waits until no event is left unpublished. The rate is by the database's clock, from the first mark to the last, and without the events
 * of the first mark, which were published before it.
 */
export async function measureDrain({ service }: Running, databaseUrl: string): Promise<Drain> {
  return withClient(databaseUrl, async (client) => {
    const deadline = Date.now() + drainDeadlineMs;
    while (await hasUnpublished(client)) {
      service.assertRunning();
      if (Date.now() > deadline) throw new Error(`the relay has not drained its backlog after ${drainDeadlineMs} ms`);
      await delay(pollMs);
    }
    return readDrain(client);
  });
}

async function hasUnpublished(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query("select from payment_event where published_at is null limit 1");
  return rowCount !== 0;
}

async function readDrain(client: pg.Client): Promise<Drain> {
  const { rows } = await client.query<{ events: number; later: number; seconds: number }>(`
    select count(*)::int as events, (count(*) filter (where published_at > first))::int as later,
      extract(epoch from max(published_at) - min(first))::float8 as seconds
    from payment_event, (select min(published_at) as first from payment_event) f`);
  const [row] = rows;
  if (!row || row.later === 0) throw new Error("the backlog is too small to tell how fast it was drained");
  return { events: row.events, eventsPerSecond: row.later / row.seconds };
}

/**
 * Milliseconds from an event's `occurredAt` to its receipt by an independent consumer, at a modest load over gRPC. `occurredAt` is a little
 * before the commit, so that the lag is never told too short.
 */
export async function measureLag({ service, nats }: Running, window: Window): Promise<Percentiles> {
  const connection = await connect(parseNatsUrl(nats.url));
  try {
    const lags: { readonly occurredAt: number; readonly lagMs: number }[] = [];
    const consumer = await openConsumer(connection);
    const messages = await consumer.consume({
      callback: (message) => {
        const receivedAt = performance.timeOrigin + performance.now();
        const occurredAt = Date.parse(message.json<{ occurredAt: string }>().occurredAt);
        lags.push({ occurredAt, lagMs: receivedAt - occurredAt });
      },
    });
    let openedAt = 0;
    await runLoad(
      {
        protocol: "grpc",
        target: targetOf(service, "grpc"),
        callers: lagCallers,
        livesPerSecondMax: lagLivesPerSecond,
        ...window,
      },
      {
        opened: () => {
          openedAt = Date.now();
        },
        closed: () => {},
      },
    );
    await messages.close();
    return percentilesOf(lags.filter(({ occurredAt }) => occurredAt >= openedAt).map(({ lagMs }) => lagMs));
  } finally {
    await connection.close();
  }
}

async function openConsumer(connection: NatsConnection): Promise<Consumer> {
  await awaitStream(connection);
  return jetstream(connection).consumers.get(stream, { deliver_policy: DeliverPolicy.New });
}

/** The relay makes the stream in its own time: the service is ready without it, since NATS being away only delays events. */
async function awaitStream(connection: NatsConnection): Promise<void> {
  const { streams } = await jetstreamManager(connection);
  const deadline = Date.now() + streamDeadlineMs;
  while (Date.now() < deadline) {
    const names = await streams.names().next();
    if (names.includes(stream)) return;
    await delay(pollMs);
  }
  throw new Error(`there is no stream ${stream} after ${streamDeadlineMs} ms`);
}
