// Publishes to the stream over one connection, any number of messages at a time, and tells for each what the stream answered. It is an
// inbox of its own and a map, rather than a request for each message: a request costs a timer and three promises.
import { createInbox, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from "@nats-io/transport-node";

const SWEEP_INTERVAL_MS = 250;
const NO_RESPONDERS = 503;

export interface Message {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly body: string;
}

/** What became of a message when the stream did not confirm it. It may be stored nevertheless, save when `refused`. */
export type PublishProblem =
  /** No answer in time, or the connection ended. */
  | { readonly kind: "unanswered"; readonly detail: string }
  /** The stream, or the client, does not take this message. */
  | { readonly kind: "refused"; readonly detail: string }
  /** Nobody stores the subject, or another stream does. */
  | { readonly kind: "no-stream"; readonly detail: string };

type Settle = (problem: PublishProblem | undefined) => void;

interface Pending {
  readonly settle: Settle;
  readonly deadline: number;
}

interface PubAck {
  readonly stream?: string;
  readonly error?: { readonly description?: string };
}

export interface PublisherOptions {
  readonly streamName: string;
  readonly ackTimeoutMs: number;
}

export class Publisher {
  readonly #connection: NatsConnection;
  readonly #options: PublisherOptions;
  /** In the order of their deadlines, since all have the same time. */
  readonly #pending = new Map<string, Pending>();
  readonly #inbox = `${createInbox()}.`;
  readonly #subscription: Subscription;
  readonly #sweep: NodeJS.Timeout;
  #count = 0;

  constructor(connection: NatsConnection, options: PublisherOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#subscription = connection.subscribe(`${this.#inbox}*`, { callback: (_error, msg) => this.#receive(msg) });
    this.#sweep = setInterval(() => this.#expire(performance.now()), SWEEP_INTERVAL_MS);
  }

  /** Sends a message, and settles once: with nothing when our stream has stored it. */
  publish(message: Message, settle: Settle): void {
    this.#count += 1;
    const token = this.#count.toString(36);
    try {
      this.#connection.publish(message.subject, message.body, {
        headers: message.headers,
        reply: this.#inbox + token,
      });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      settle({ kind: this.#connection.isClosed() ? "unanswered" : "refused", detail });
      return;
    }
    this.#pending.set(token, { settle, deadline: performance.now() + this.#options.ackTimeoutMs });
  }

  /** Ends it; what is not settled yet never is. */
  close(): void {
    clearInterval(this.#sweep);
    this.#pending.clear();
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe();
  }

  #receive(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length);
    const pending = this.#pending.get(token);
    if (!pending) return;
    this.#pending.delete(token);
    pending.settle(this.#judge(msg));
  }

  #judge(msg: Msg): PublishProblem | undefined {
    if (msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS) {
      return { kind: "no-stream", detail: "no stream stores the subject" };
    }
    let ack: PubAck;
    try {
      ack = msg.json<PubAck>();
    } catch {
      return { kind: "no-stream", detail: "something that is not JetStream answered" };
    }
    if (ack.error) return { kind: "refused", detail: ack.error.description ?? "no description" };
    if (ack.stream !== this.#options.streamName) return { kind: "no-stream", detail: `stored by ${ack.stream}` };
    return undefined;
  }

  #expire(now: number): void {
    for (const [token, { settle, deadline }] of this.#pending) {
      if (deadline > now) return;
      this.#pending.delete(token);
      settle({ kind: "unanswered", detail: `no answer in ${this.#options.ackTimeoutMs} ms` });
    }
  }
}
