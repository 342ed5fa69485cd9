// A consumer of the stream PAYMENTS, independent of the service's code: it records every message from the first one on, in the stream's order.
import { EventEmitter, once } from "node:events";
import { type ConsumerMessages, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

const STREAM = "PAYMENTS";
const WAIT_MAX_MS = 30_000;

export interface RecordedMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class StreamRecorder {
  readonly messages: RecordedMessage[] = [];
  readonly #connection: NatsConnection;
  readonly #consumed: ConsumerMessages;
  readonly #events = new EventEmitter();
  readonly #done: Promise<void>;

  private constructor(connection: NatsConnection, consumed: ConsumerMessages) {
    this.#connection = connection;
    this.#consumed = consumed;
    this.#done = this.#record();
  }

  /** Takes the connection over: it is closed with the recorder. */
  static async open(connection: NatsConnection): Promise<StreamRecorder> {
    try {
      const consumer = await jetstream(connection).consumers.get(STREAM, {});
      return new StreamRecorder(connection, await consumer.consume());
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Waits until the messages so far are as wished. */
  async until(holds: (messages: readonly RecordedMessage[]) => boolean): Promise<readonly RecordedMessage[]> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS);
    while (!holds(this.messages)) await once(this.#events, "message", { signal });
    return this.messages;
  }

  /** Waits for everything that is on the stream now. */
  async all(): Promise<readonly RecordedMessage[]> {
    const { state } = await (await jetstreamManager(this.#connection)).streams.info(STREAM);
    if (state.messages === 0) return [];
    return this.until((messages) => (messages.at(-1)?.sequence ?? 0) >= state.last_seq);
  }

  async close(): Promise<void> {
    await this.#consumed.close();
    await this.#done;
    await this.#connection.close();
  }

  async #record(): Promise<void> {
    for await (const message of this.#consumed) {
      const headers = [...(message.headers ?? [])].map(([name, values]) => [name, values.join()] as const);
      const { seq: sequence, subject } = message;
      this.messages.push({ sequence, subject, headers: new Map(headers), body: message.string() });
      this.#events.emit("message");
    }
  }
}
