// Hears an order service that announces its orders: a durable consumer of the order service's stream takes each `order.created` and creates the
// payment, the same one however often the event is delivered.
//
// A message is acknowledged once its payment is in the database, or when the order is paid already. What may go better later (the database or the
// provider is away) is asked for again, each time after a longer pause. What never succeeds is parked: an event that cannot be read, one that is refused
// for good, and one that failed too often. A parked message is terminated, so that it holds up nobody, and stays in its stream under the
// sequence that the log names.
//
// Whoever may publish to that stream decides what is paid for an order: it is the order service's to guard.
import { setTimeout as delay } from "node:timers/promises";
import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  type JetStreamManager,
  JetStreamApiCodes,
  JetStreamApiError,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { createPayment } from "../../app/create-payment.ts";
import type { Caller, Parts } from "../../app/parts.ts";
import { refuseUnavailable } from "../../app/unavailable.ts";
import { type Refusal, refusal, type Result } from "../../domain/error.ts";
import type { Payment } from "../../domain/payment.ts";
import { checkCreate } from "../json/contract.ts";
import type { NatsSource } from "./door.ts";
import { type OrderCreated, readOrderCreated } from "./order-created.ts";

const PRINCIPAL = "service:order-events";
/** A creation that takes longer is delivered again, and meets itself under its request id. */
const ACK_WAIT_MS = 30_000;
const IN_FLIGHT_MAX = 16;
const FETCHED_MAX = 32;
/** How long a fetch waits for more; so long a stop may take. The least that JetStream's client allows. */
const FETCH_MS = 1_000;
/** Unacknowledged at a time, those that wait for another delivery included. */
const ACK_PENDING_MAX = 1_000;
const CREATE_TIMEOUT_MS = 60_000;

const DEFAULT_TIMES = {
  retryMinMs: 1_000,
  retryMaxMs: 5 * 60_000,
  /** With the pauses above, about eight hours. */
  deliveriesMax: 100,
  /** Between looks for a stream that is not there. */
  streamRetryMs: 2_000,
};
type Times = typeof DEFAULT_TIMES;

/** What became of a delivery. */
export type OrderEventOutcome = "created" | "paid already" | "retried" | "parked";

/** Creates the payment of an order, or finds the one that the same event made before. */
export type CreateForOrder = (request: OrderCreated["request"], caller: Caller) => Promise<Result<Payment>>;

export function createForOrders(parts: Parts, defaults: { readonly provider: string }): CreateForOrder {
  return async (request, caller) => {
    const input = checkCreate(request, defaults);
    if (!input.ok) return input;
    const answer = await createPayment(parts, caller, input.value);
    return answer.ok ? { ok: true, value: answer.value.payment } : answer;
  };
}

export interface OrderEventsOptions {
  readonly nats: NatsSource;
  readonly create: CreateForOrder;
  readonly log: Logger;
  /** The order service's stream. It is not made here. */
  readonly streamName: string;
  readonly subject?: string;
  /** Where a consumer that is not there yet begins. */
  readonly from?: "all" | "new";
  readonly durableName?: string;
  readonly times?: Partial<Times>;
  /** For metrics. */
  readonly onOutcome?: (outcome: OrderEventOutcome) => void;
}

export interface OrderEvents {
  /** Takes nothing new, finishes what is in flight, and ends. */
  stop(): Promise<void>;
}

function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
}

class OrderEventsConsumer implements OrderEvents {
  readonly #options: OrderEventsOptions;
  readonly #times: Times;
  readonly #subject: string;
  readonly #durable: string;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #running: Promise<void>;

  constructor(options: OrderEventsOptions) {
    this.#options = options;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    this.#subject = options.subject ?? "order.created";
    this.#durable = options.durableName ?? "payment-service";
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { nats, log, streamName } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    for (let connection = await nats.up(signal); connection; connection = await nats.up(signal)) {
      try {
        const consumer = await this.#openConsumer(connection);
        failures = 0;
        log.info({ stream: streamName, subject: this.#subject, durable: this.#durable }, "order events are heard");
        await this.#consume(connection, consumer);
      } catch (error) {
        failures += 1;
        // One line for each time that the stream is away, however long it stays away.
        if (failures === 1 && !signal.aborted)
          log.warn({ err: error, stream: streamName }, "order events cannot be heard");
      }
      await Promise.all(this.#inFlight);
      if (!connection.isClosed()) await connection.flush().catch(() => {});
      await delay(this.#times.streamRetryMs, undefined, { signal }).catch(() => {});
    }
  }

  async #openConsumer(connection: NatsConnection): Promise<Consumer> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await this.#ensureConsumer(manager);
    return jetstream(connection).consumers.get(this.#options.streamName, this.#durable);
  }

  async #ensureConsumer({ consumers }: JetStreamManager): Promise<void> {
    const { streamName, from = "all" } = this.#options;
    try {
      const { config } = await consumers.info(streamName, this.#durable);
      if (config.filter_subject === this.#subject) return;
      await consumers.update(streamName, this.#durable, { filter_subject: this.#subject });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await consumers.add(streamName, {
        durable_name: this.#durable,
        filter_subject: this.#subject,
        deliver_policy: from === "all" ? DeliverPolicy.All : DeliverPolicy.New,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ACK_WAIT_MS),
        max_ack_pending: ACK_PENDING_MAX,
        // The bound on deliveries is kept here: the server's would let messages go without a word.
        max_deliver: -1,
      });
    }
  }

  /** Fetches again and again. A fetch is never broken off, since what is under way then would come again only after a while. */
  async #consume(connection: NatsConnection, consumer: Consumer): Promise<void> {
    while (!this.#stopping.signal.aborted && !connection.isClosed()) {
      const messages = await consumer.fetch({ max_messages: FETCHED_MAX, expires: FETCH_MS });
      for await (const message of messages) await this.#take(message);
    }
  }

  async #take(message: JsMsg): Promise<void> {
    const work = this.#handle(message).finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
    if (this.#inFlight.size >= IN_FLIGHT_MAX) await Promise.race(this.#inFlight);
  }

  async #handle(message: JsMsg): Promise<void> {
    const event = readOrderCreated(message);
    const outcome = event.ok ? await this.#create(message, event.value) : this.#park(message, event.error, null);
    this.#options.onOutcome?.(outcome);
  }

  async #create(message: JsMsg, event: OrderCreated): Promise<OrderEventOutcome> {
    const { log } = this.#options;
    const { orderId } = event;
    const caller: Caller = {
      role: "service",
      principal: PRINCIPAL,
      customerId: null,
      clientToken: null,
      signal: AbortSignal.timeout(CREATE_TIMEOUT_MS),
    };
    const answer = await this.#options
      .create(event.request, caller)
      .catch((error: unknown) => this.#refuseFault(error));
    if (!answer.ok) return this.#refused(message, answer.error, orderId);
    message.ack();
    const { id: paymentId, status } = answer.value;
    log.info({ orderId, paymentId, status }, "payment created for an order's event");
    return "created";
  }

  #refuseFault(error: unknown): { readonly ok: false; readonly error: Refusal } {
    const unavailable = refuseUnavailable(error);
    this.#options.log[unavailable ? "warn" : "error"]({ err: error }, "order event failed");
    return { ok: false, error: unavailable ?? refusal("INTERNAL", "the service failed") };
  }

  #refused(message: JsMsg, error: Refusal, orderId: string): OrderEventOutcome {
    const { log } = this.#options;
    if (error.reason === "PAYMENT_ALREADY_COMPLETED") {
      message.ack();
      log.info({ orderId }, "the order of an event is paid already");
      return "paid already";
    }
    const { retryMinMs, retryMaxMs, deliveriesMax } = this.#times;
    const { deliveryCount } = message.info;
    const mayGoBetter = error.retryAfterMs !== null || error.reason === "INTERNAL";
    if (!mayGoBetter || deliveryCount >= deliveriesMax) return this.#park(message, error, orderId);
    const pauseMs = Math.min(retryMinMs * 2 ** Math.min(deliveryCount - 1, 30), retryMaxMs);
    message.nak(pauseMs);
    log.warn({ orderId, reason: error.reason, deliveryCount, pauseMs }, "order event is tried again");
    return "retried";
  }

  #park(message: JsMsg, error: Refusal, orderId: string | null): OrderEventOutcome {
    const { stream, streamSequence, deliveryCount } = message.info;
    const { reason, message: problem } = error;
    message.term();
    this.#options.log.error(
      { orderId, stream, streamSequence, deliveryCount, reason, problem },
      "order event parked: no payment was created from it",
    );
    return "parked";
  }
}

/** Begins to hear, and goes on by itself whether or not NATS and the stream are there yet. */
export function startOrderEvents(options: OrderEventsOptions): OrderEvents {
  return new OrderEventsConsumer(options);
}
