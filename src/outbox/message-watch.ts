// Who stands beside the messages that the relay sends: metrics and traces. Absent, nobody does.
import type { OutboxEvent } from "../db/outbox.ts";

export interface WatchedMessage {
  /** What the message bears besides its own headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null when the stream has confirmed it; else the kind of problem, after which it is sent again as a message of its own. */
  settled(problem: string | null): void;
}

export type MessageWatch = (event: OutboxEvent) => WatchedMessage;
