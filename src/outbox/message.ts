// An event as a message: the subject is its type, and the headers are CloudEvents 1.0 attributes beside JetStream's id.
import { headers } from "@nats-io/transport-node";
import type { OutboxEvent } from "../db/outbox.ts";
import { type EventId, printEventId } from "../domain/ids.ts";
import type { Message } from "./publisher.ts";

/** The header by which the stream drops repeats. */
export const MESSAGE_ID_HEADER = "Nats-Msg-Id";

/** `source` says where the event comes from, as a URI reference (CloudEvents, `source`). */
export function describeMessage(
  event: OutboxEvent,
  source: string,
  more: Readonly<Record<string, string>> = {},
): Message {
  const id = printEventId(event.id);
  const fields = headers();
  fields.append(MESSAGE_ID_HEADER, id);
  fields.append("ce-specversion", "1.0");
  fields.append("ce-id", id);
  fields.append("ce-type", event.type);
  fields.append("ce-source", source);
  fields.append("ce-time", event.createdAt.toISOString());
  fields.append("content-type", "application/json");
  for (const [name, value] of Object.entries(more)) fields.append(name, value);
  return { subject: event.type, headers: fields, body: event.body };
}

/** The event's id in a message's id, or undefined where the message is not one of ours. */
export function parseMessageId(text: string): EventId | undefined {
  return text.startsWith("event_") ? (text.slice("event_".length) as EventId) : undefined;
}
