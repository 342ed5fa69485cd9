import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";

const stream = "KEPT";
const subject = "kept.message";

/** The client library does not read a user from the address, so it is taken out here. */
export async function connectTo(url: string): Promise<NatsConnection> {
  const { host, username, password } = new URL(url);
  return connect({ servers: host, user: username, pass: password, timeout: 5_000 });
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
