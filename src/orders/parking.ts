// Where events wait that the other services never took: the stream ORDER_DRIVER_PARKED keeps them, each with why, until somebody has them tried
// again. What is to be tried again goes through ORDER_DRIVER_RETRY, a queue of the driver's own: on the payments' stream it would be a second
// event for everybody else.
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type JsMsg,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";

const PARKED_STREAM = "ORDER_DRIVER_PARKED";
export const RETRY_STREAM = "ORDER_DRIVER_RETRY";
/** Followed by the event's type. */
const PARKED_SUBJECT = "orders.parked.";
export const RETRY_SUBJECT = "orders.retry.";

const WHY_HEADER = "Parked-Why";
const AT_HEADER = "Parked-At";
const DELIVERIES_HEADER = "Parked-Deliveries";
/** A reason tells what the services answered, and is bounded here whatever they did. */
const WHY_LENGTH_MAX = 500;
const PAGE_MAX = 100;
const FETCH_TIMEOUT_MS = 5_000;

async function isThere(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    await manager.streams.info(name);
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return false;
    throw error;
  }
}

async function ensure(manager: JetStreamManager, config: Partial<StreamConfig> & { readonly name: string }) {
  if (!(await isThere(manager, config.name))) await manager.streams.add(config);
}

/** Makes sure that both streams are there. */
export async function ensureParking(manager: JetStreamManager, replicas: number): Promise<void> {
  const common = { storage: StorageType.File, num_replicas: replicas, discard: DiscardPolicy.New };
  await ensure(manager, {
    ...common,
    name: PARKED_STREAM,
    subjects: [`${PARKED_SUBJECT}>`],
    retention: RetentionPolicy.Limits,
  });
  await ensure(manager, {
    ...common,
    name: RETRY_STREAM,
    subjects: [`${RETRY_SUBJECT}>`],
    retention: RetentionPolicy.Workqueue,
  });
}

/** A reason as a header takes it: one line of printable ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, "?").slice(0, WHY_LENGTH_MAX);
}

export interface Parked {
  readonly type: string;
  readonly why: string;
  readonly now: Date;
}

/** Ends when the stream has stored it; throws when it has not. */
export async function park(client: JetStreamClient, message: JsMsg, { type, why, now }: Parked): Promise<void> {
  const fields = headers();
  fields.set(WHY_HEADER, headerText(why));
  fields.set(AT_HEADER, now.toISOString());
  fields.set(DELIVERIES_HEADER, String(message.info.deliveryCount));
  // Not the event's own id: an event that is tried again may have to be parked again.
  const msgID = `parked-${message.info.stream}-${message.seq}`;
  await client.publish(PARKED_SUBJECT + type, message.data, { headers: fields, msgID });
}

export interface ParkedEvent {
  readonly sequence: number;
  readonly type: string;
  readonly why: string;
  readonly parkedAt: string;
  readonly deliveries: string;
  readonly orderId: string;
  readonly paymentId: string;
  readonly body: string;
}

function field(body: string, name: string): string {
  try {
    const value = (JSON.parse(body) as Record<string, unknown> | null)?.[name];
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}

function describe(message: JsMsg): ParkedEvent {
  const body = message.string();
  return {
    sequence: message.seq,
    type: message.subject.slice(PARKED_SUBJECT.length),
    why: message.headers?.get(WHY_HEADER) ?? "",
    parkedAt: message.headers?.get(AT_HEADER) ?? "",
    deliveries: message.headers?.get(DELIVERIES_HEADER) ?? "",
    orderId: field(body, "orderId"),
    paymentId: field(body, "paymentId"),
    body,
  };
}

/** The events that wait at this moment, oldest first. */
export async function* listParked(connection: NatsConnection): AsyncGenerator<ParkedEvent> {
  // Without the stream nothing has ever been parked.
  const manager = await jetstreamManager(connection, { checkAPI: false });
  if (!(await isThere(manager, PARKED_STREAM))) return;
  const consumer = await jetstream(connection).consumers.get(PARKED_STREAM, {});
  try {
    for (let left = (await consumer.info()).num_pending; left > 0; ) {
      const before = left;
      for await (const message of await consumer.fetch({ max_messages: PAGE_MAX, expires: FETCH_TIMEOUT_MS })) {
        left -= 1;
        yield describe(message);
        if (left === 0 || before - left === PAGE_MAX) break;
      }
      if (left === before) throw new Error(`the stream ${PARKED_STREAM} delivered nothing in ${FETCH_TIMEOUT_MS} ms`);
    }
  } finally {
    await consumer.delete();
  }
}

/** Has the driver take an event again. A crash in between leaves it parked as well, which does no harm. */
export async function retryParked(connection: NatsConnection, event: ParkedEvent): Promise<void> {
  const { type, body, parkedAt, sequence } = event;
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await jetstream(connection).publish(RETRY_SUBJECT + type, body, { msgID: `retry-${parkedAt}-${sequence}` });
  await manager.streams.deleteMessage(PARKED_STREAM, sequence);
}
