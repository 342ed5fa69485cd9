// A service that follows payments: it keeps, for each order, what was paid and given back, in a database of its own. Events come at least once, so each
// event's id is written down in the transaction that has its effect: the effect comes once, however often the event does, and whatever dies in between.
//
//   NATS_URL=nats://localhost:4222 DATABASE_URL=postgres://localhost/shop node examples/clients/jetstream/consumer.ts
//
// It prints a line for each event, and ends on SIGINT and SIGTERM.
import { once } from "node:events";
import { AckPolicy, type Consumer, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";
import pg from "pg";

const STREAM = "PAYMENTS";
const DURABLE = "shop-ledger";
/** How long an event may be worked on before it is delivered again. */
const ACK_WAIT_MS = Number(process.env["ACK_WAIT_MS"] ?? 10_000);
/** After a failure an event is left alone for so long. */
const RETRY_PAUSE_MS = 1_000;
const PENDING_MAX = 100;

/** Of what an event tells, what is used here; see proto/payment/v1/payment_event.proto. */
interface PaymentEvent {
  readonly eventId: string;
  readonly orderId: string;
  readonly currency: string;
  /** Minor units as text: exact, whatever their size. `amount` is for people. */
  readonly amountMinor: string;
}

const SCHEMA = `
  create table if not exists consumed_event (
    event_id text primary key,
    consumed_at timestamptz not null default now()
  );
  create table if not exists order_ledger (
    order_id text primary key,
    currency text not null,
    paid_minor bigint not null default 0,
    refunded_minor bigint not null default 0
  )`;

/** What each event adds. It is not the same twice, so that an event must not be taken twice. */
const EFFECTS: Readonly<Record<string, string>> = {
  "payment.succeeded": "paid_minor",
  "payment.refunded": "refunded_minor",
};

const { NATS_URL: natsUrl = "nats://localhost:4222", DATABASE_URL: databaseUrl } = process.env;
if (databaseUrl === undefined) throw new Error("DATABASE_URL is not set: name the shop's own PostgreSQL database");
const database = new pg.Pool({ connectionString: databaseUrl, max: 4 });
database.on("error", () => {});

/** Gives whether the event was new. */
async function consume(subject: string, event: PaymentEvent): Promise<boolean> {
  const client = await database.connect();
  try {
    await client.query("begin");
    const { rowCount } = await client.query(
      "insert into consumed_event (event_id) values ($1) on conflict do nothing returning event_id",
      [event.eventId],
    );
    const column = EFFECTS[subject];
    if (rowCount === 1 && column !== undefined) {
      await client.query(
        `insert into order_ledger as l (order_id, currency, ${column}) values ($1, $2, $3)
         on conflict (order_id) do update set ${column} = l.${column} + excluded.${column}`,
        [event.orderId, event.currency, event.amountMinor],
      );
    }
    await client.query("commit");
    client.release();
    return rowCount === 1;
  } catch (error) {
    // The connection's state is not known.
    client.release(true);
    throw error;
  }
}

async function work(message: JsMsg): Promise<void> {
  const { subject } = message;
  try {
    const event = message.json<PaymentEvent>();
    const isNew = await consume(subject, event);
    const { eventId, orderId } = event;
    process.stdout.write(`${JSON.stringify({ subject, eventId, orderId, isNew })}\n`);
    // After the commit: a crash before this makes the event come again, and then it is known.
    message.ack();
  } catch (error) {
    process.stderr.write(`${subject} not consumed, trying again: ${String(error)}\n`);
    message.nak(RETRY_PAUSE_MS);
  }
}

const address = new URL(natsUrl);
const connection = await connect({
  servers: address.host,
  ...(address.username && { user: address.username, pass: address.password }),
  maxReconnectAttempts: -1,
});

/** A durable consumer, which NATS remembers while nobody listens. */
async function openConsumer(): Promise<Consumer> {
  const manager = await jetstreamManager(connection);
  await manager.consumers.add(STREAM, {
    durable_name: DURABLE,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: PENDING_MAX,
  });
  return jetstream(connection).consumers.get(STREAM, DURABLE);
}

await database.query(SCHEMA);
const messages = await (await openConsumer()).consume({ max_messages: PENDING_MAX });
void Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]).then(() => messages.close());
process.stdout.write(`${JSON.stringify({ listening: STREAM })}\n`);
// One after the other, so that each order's events are taken in their order.
for await (const message of messages) await work(message);
await connection.drain();
await database.end();
