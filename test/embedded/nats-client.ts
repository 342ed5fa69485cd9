import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { parseNatsUrl } from "../../src/outbox/nats-connection.ts";

const stream = "KEPT";
const subject = "kept.message";

export function connectTo(url: string): Promise<NatsConnection> {
  return connect({ ...parseNatsUrl(url), timeout: 5_000 });
}

export async function storeMessage(url: string): Promise<void> {
  const connection = await connectTo(url);
  await (await jetstreamManager(connection)).streams.add({ name: stream, subjects: [subject] });
  await jetstream(connection).publish(subject, "kept");
  await connection.close();
}

export async function countStoredMessages(url: string): Promise<number> {
  const connection = await connectTo(url);
  const { state } = await (await jetstreamManager(connection)).streams.info(stream);
  await connection.close();
  return state.messages;
}
