// The durable consumers that the driver follows: one on the payments' stream, one on the queue of what is tried again. All processes share them,
// and the server deals the messages out.
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstream,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";

/** Events that wait for a later delivery count as unanswered, and must not hold the others up. */
const UNANSWERED_MAX = 20_000;

export interface ConsumerTerms {
  readonly streamName: string;
  readonly durableName: string;
  readonly ackWaitMs: number;
  /** Where it begins when it is made; null: at the stream's first message. */
  readonly since: Date | null;
}

async function find(manager: JetStreamManager, terms: ConsumerTerms): Promise<ConsumerConfig | undefined> {
  try {
    return (await manager.consumers.info(terms.streamName, terms.durableName)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return undefined;
    throw error;
  }
}

/** Throws when the stream is not there. */
export async function openConsumer(
  connection: NatsConnection,
  manager: JetStreamManager,
  terms: ConsumerTerms,
): Promise<Consumer> {
  const { streamName, durableName, since } = terms;
  const settings = { ack_wait: nanos(terms.ackWaitMs), max_ack_pending: UNANSWERED_MAX };
  const found = await find(manager, terms);
  if (!found) {
    await manager.consumers.add(streamName, {
      ...settings,
      durable_name: durableName,
      ack_policy: AckPolicy.Explicit,
      // The driver counts the deliveries itself: the server would drop the message without a word.
      max_deliver: -1,
      ...(since
        ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
        : { deliver_policy: DeliverPolicy.All }),
    });
  } else if (found.ack_wait !== settings.ack_wait || found.max_ack_pending !== settings.max_ack_pending) {
    await manager.consumers.update(streamName, durableName, settings);
  }
  return jetstream(connection).consumers.get(streamName, durableName);
}
