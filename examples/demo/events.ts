// An independent consumer of the events: it knows the stream's name and the events' fields, and nothing else.
import { setTimeout as pause } from "node:timers/promises";
import { type Consumer, DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";

export interface Event {
  readonly eventId: string;
  readonly version: number;
  readonly orderId: string;
  readonly paymentId: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly subject: string;
}

export interface EventLog {
  /** Waits for an order's events up to a version; gives all of them, in the order in which they came. */
  upTo(orderId: string, version: number): Promise<readonly Event[]>;
  /** The events of each payment, in the order in which they came. */
  byPayment(): ReadonlyMap<string, readonly Event[]>;
  close(): Promise<void>;
}

const WAIT_TIMEOUT_MS = 10_000;
const PAUSE_MS = 50;

/** A service that starts at this moment makes the stream within the next ones. */
async function openConsumer(connection: NatsConnection): Promise<Consumer> {
  for (const start = performance.now(); ; await pause(PAUSE_MS)) {
    try {
      return await jetstream(connection).consumers.get("PAYMENTS", { deliver_policy: DeliverPolicy.New });
    } catch (error) {
      if (performance.now() - start > WAIT_TIMEOUT_MS) throw error;
    }
  }
}

export async function followEvents(url: string): Promise<EventLog> {
  const { username, password, host } = new URL(url);
  const connection = await connect({ servers: host, ...(username && { user: username, pass: password }) });
  const consumer = await openConsumer(connection);
  const messages = await consumer.consume();
  const events: Event[] = [];
  const watchers = new Set<() => void>();
  const reading = (async () => {
    for await (const message of messages) {
      events.push({ ...message.json<Event>(), subject: message.subject });
      for (const watcher of watchers) watcher();
    }
  })();

  return {
    async upTo(orderId, version) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const ofOrder = (): Event[] => events.filter((event) => event.orderId === orderId);
      const look = (): void => {
        if (ofOrder().some((event) => event.version >= version)) resolve();
      };
      const timer = setTimeout(
        () => reject(new Error(`no event of version ${version} for ${orderId} in ${WAIT_TIMEOUT_MS} ms`)),
        WAIT_TIMEOUT_MS,
      );
      watchers.add(look);
      look();
      try {
        await promise;
      } finally {
        watchers.delete(look);
        clearTimeout(timer);
      }
      return ofOrder();
    },
    byPayment: () => Map.groupBy(events, (event) => event.paymentId),
    async close() {
      messages.stop();
      await reading;
      await connection.close();
    },
  };
}
