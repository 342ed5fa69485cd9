// Drives orders by the payments' events: a durable consumer of our own stream, so that JetStream is the queue. An event is answered when the other
// services have taken it. Until then it is delivered again, after growing pauses; what they never take, or refuse, is parked.
//
// It follows the streams for as long as NATS is there, and waits where it is not. Stopping, it takes nothing new, lets what is under way end for a
// while, and gives the rest back.
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, jetstream, jetstreamManager, type JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { type Driven, driveOrder, type Services } from "./drive-order.ts";
import { openConsumer } from "./order-consumer.ts";
import type { Outcome } from "./outcome.ts";
import { ensureParking, park, RETRY_STREAM, RETRY_SUBJECT } from "./parking.ts";
import { isOrderEventType, type OrderEvent, type OrderEventType, readEvent } from "./read-event.ts";

export interface DriverLimits {
  /** An event that is neither answered nor shown to be under way for so long is delivered again. */
  readonly ackWaitMs: number;
  /** Events under way at once, in this process, for each of the two streams. */
  readonly concurrency: number;
  /** All calls of one delivery. */
  readonly eventTimeoutMs: number;
  /** The pause before the second delivery, and the longest. It doubles in between. */
  readonly pauseFirstMs: number;
  readonly pauseMaxMs: number;
  /** Deliveries of an event while a service is away, after which it is parked. With the pauses above: about a day. */
  readonly deliveriesMax: number;
  /** The same where the last answer was a refusal: soon, but a service that has just started may refuse what it takes a moment later. */
  readonly refusalsMax: number;
  /** For what is under way when the driver stops. */
  readonly stopTimeoutMs: number;
}

const LIMITS: DriverLimits = {
  ackWaitMs: 15_000,
  concurrency: 8,
  eventTimeoutMs: 60_000,
  pauseFirstMs: 1_000,
  pauseMaxMs: 600_000,
  deliveriesMax: 150,
  refusalsMax: 5,
  stopTimeoutMs: 5_000,
};
const FOLLOW_AGAIN_MS = 500;

export interface OrderDriverOptions {
  /** Gives the connection, each time that there is one; undefined when the signal comes first. */
  readonly nats: { up(signal: AbortSignal): Promise<NatsConnection | undefined> };
  readonly streamName: string;
  readonly services: Services;
  readonly log: Logger;
  /** Copies that a cluster keeps of the driver's own streams. */
  readonly replicas: number;
  readonly durableName?: string;
  /** Events from before are left alone when the durable consumer is made; default: when the driver starts. */
  readonly since?: Date;
  readonly limits?: Partial<DriverLimits>;
}

export interface OrderDriver {
  stop(): Promise<void>;
}

/** Begins at once; it needs neither NATS nor the stream yet. */
export function startOrderDriver(options: OrderDriverOptions): OrderDriver {
  const driver = new Driver(options);
  driver.start();
  return driver;
}

interface Source {
  readonly streamName: string;
  readonly durableName: string;
  readonly since: Date | null;
  /** What stands before the event's type in a subject. */
  readonly prefix: string;
}

class Driver implements OrderDriver {
  readonly #options: OrderDriverOptions;
  readonly #limits: DriverLimits;
  readonly #sources: readonly Source[];
  /** No new event is taken. */
  readonly #stopping = new AbortController();
  /** What is under way ends. */
  readonly #leaving = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #running: Promise<void> | undefined;

  constructor(options: OrderDriverOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    const { streamName, durableName = "order-driver", since = new Date() } = options;
    this.#sources = [
      { streamName, durableName, since, prefix: "" },
      { streamName: RETRY_STREAM, durableName: `${durableName}-retry`, since: null, prefix: RETRY_SUBJECT },
    ];
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([
      Promise.all(this.#underWay),
      delay(this.#limits.stopTimeoutMs, undefined, { ref: false, signal: this.#leaving.signal }).catch(() => {}),
    ]);
    this.#leaving.abort();
    await Promise.all(this.#underWay);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { nats } = this.#options;
    for (let connection = await nats.up(signal); connection; connection = await nats.up(signal)) {
      const here = connection;
      await Promise.all(this.#sources.map((source) => this.#follow(here, source)));
      // What was answered last is on its way when the connection is closed after this.
      if (signal.aborted && !here.isClosed()) await here.flush().catch(() => {});
    }
  }

  async #follow(connection: NatsConnection, source: Source): Promise<void> {
    const { signal } = this.#stopping;
    const { log } = this.#options;
    const { streamName } = source;
    for (let failures = 0; !signal.aborted && !connection.isClosed(); ) {
      try {
        await this.#consume(connection, source);
        failures = 0;
      } catch (error) {
        failures += 1;
        // One line for each time that it cannot, however long: the relay may make the stream a moment later.
        if (failures === 3) log.warn({ err: error, stream: streamName }, "order driver cannot follow the stream");
      }
      await delay(FOLLOW_AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Ends when the driver stops, the connection ends, or stream or consumer are gone. */
  async #consume(connection: NatsConnection, source: Source): Promise<void> {
    const { log, replicas } = this.#options;
    const { ackWaitMs, concurrency } = this.#limits;
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await ensureParking(manager, replicas);
    const consumer = await openConsumer(connection, manager, { ...source, ackWaitMs });
    const messages = await consumer.consume({ max_messages: concurrency, abort_on_missing_resource: true });
    const end = (): void => messages.stop();
    const { signal } = this.#stopping;
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    log.info({ stream: source.streamName, consumer: source.durableName }, "order driver follows the stream");
    const client = jetstream(connection);
    const underWay = new Set<Promise<void>>();
    try {
      for await (const message of messages) {
        const type = message.subject.slice(source.prefix.length);
        if (!isOrderEventType(type)) {
          message.ack();
          continue;
        }
        while (underWay.size >= concurrency) await Promise.race(underWay);
        const work = this.#handle(client, message, type).finally(() => {
          underWay.delete(work);
          this.#underWay.delete(work);
        });
        underWay.add(work);
        this.#underWay.add(work);
      }
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Never rejects. */
  async #handle(client: JetStreamClient, message: JsMsg, type: OrderEventType): Promise<void> {
    const beat = setInterval(() => message.working(), this.#limits.ackWaitMs / 3);
    try {
      const event = readEvent(type, message.string());
      if (event) await this.#settle(client, message, { event, outcome: await this.#drive(event) });
      else await this.#park(client, message, { type, why: "it is not an event of the payment service", ids: {} });
    } catch (error) {
      this.#options.log.error({ err: error, type }, "order event not handled");
      message.nak(this.#pauseBefore(message));
    } finally {
      clearInterval(beat);
    }
  }

  async #drive(event: OrderEvent): Promise<Outcome<Driven>> {
    const signal = AbortSignal.any([this.#leaving.signal, AbortSignal.timeout(this.#limits.eventTimeoutMs)]);
    try {
      return await driveOrder(this.#options.services, event, signal);
    } catch (error) {
      const { paymentId, orderId } = event;
      this.#options.log.warn({ err: error, paymentId, orderId }, "order not driven");
      return { kind: "away", why: "the payment service itself could not find something out" };
    }
  }

  async #settle(
    client: JetStreamClient,
    message: JsMsg,
    { event, outcome }: { readonly event: OrderEvent; readonly outcome: Outcome<Driven> },
  ): Promise<void> {
    const { log } = this.#options;
    const { type, orderId, paymentId } = event;
    const ids = { orderId, paymentId };
    const deliveries = message.info.deliveryCount;
    if (outcome.kind === "done") {
      log.info({ ...ids, type, deliveries, order: outcome.value }, "order driven");
      return message.ack();
    }
    // It was broken off, which says nothing about the services.
    if (this.#leaving.signal.aborted) return message.nak();
    const { why } = outcome;
    const { refusalsMax, deliveriesMax } = this.#limits;
    if (deliveries >= (outcome.kind === "refused" ? refusalsMax : deliveriesMax)) {
      return this.#park(client, message, { type, why, ids });
    }
    const pauseMs = this.#pauseBefore(message);
    log.warn({ ...ids, type, deliveries, why, pauseMs }, "order not driven; the event comes again");
    message.nak(pauseMs);
  }

  async #park(
    client: JetStreamClient,
    message: JsMsg,
    { type, why, ids }: { readonly type: OrderEventType; readonly why: string; readonly ids: object },
  ): Promise<void> {
    await park(client, message, { type, why, now: new Date() });
    message.ack();
    const deliveries = message.info.deliveryCount;
    this.#options.log.error(
      { ...ids, type, deliveries, why },
      "order event parked; `npm run orders:retry` tries it again",
    );
  }

  /** Doubles with each delivery up to its bound; random by half, so that what failed together does not come together again. */
  #pauseBefore(message: JsMsg): number {
    const { pauseFirstMs, pauseMaxMs } = this.#limits;
    const whole = Math.min(pauseMaxMs, pauseFirstMs * 2 ** Math.min(30, message.info.deliveryCount - 1));
    return Math.ceil((whole * (1 + Math.random())) / 2);
  }
}
