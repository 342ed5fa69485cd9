// The door for NATS services: requests on subjects, answered, and commands that nobody waits for, carried out.
//
// It is AWAY while there is no connection. When one comes up it LISTENS on every subject, in a queue group, so that of all processes one takes each
// message. stop() leads from either state to the end: the subscriptions are drained, what was taken is finished and answered, and the answers
// are flushed; what has not been begun by the end of the time for that is told so.
//
// Every message with a reply inbox is answered, whatever it is. Answers are published without a reply inbox, and never to a subject that means something
// by itself: a caller must not make the service publish for it where only the service may.
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { refuseUnavailable } from "../../app/unavailable.ts";
import { type Refusal, type Result, refusal } from "../../domain/error.ts";
import type { Authenticate } from "../auth.ts";
import type { CallWatch } from "../call-watch.ts";
import { toGrpcStatus } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { NatsCaller } from "./caller.ts";
import { readAuthorization, readRequestId, readTimeout, readTraceparent } from "./headers.ts";
import { type Operation } from "./operations.ts";
import { printAnswer, readPacket } from "./packet.ts";

/** Where connections come from: the next one that is up, or undefined once the signal is aborted. */
export interface NatsSource {
  up(signal: AbortSignal): Promise<NatsConnection | undefined>;
}

const DEFAULT_LIMITS = {
  inFlightMax: 256,
  waitingMax: 4_096,
  waitingBytesMax: 16 * 1_024 * 1_024,
  /** How long a caller is taken to wait that does not say. */
  timeoutMs: 30_000,
  /** How long stop() lets what was taken go on. */
  stopTimeoutMs: 20_000,
  /** How long starting waits for NATS. */
  startTimeoutMs: 2_000,
};
type Limits = typeof DEFAULT_LIMITS & AdmissionLimits;

const RETRY_MS = 250;
const RETRY_AFTER_MS = 1_000;

export interface NatsDoorOptions {
  readonly nats: NatsSource;
  /** By subject. */
  readonly operations: ReadonlyMap<string, Operation>;
  readonly authenticate: Authenticate;
  readonly log: Logger;
  readonly queueGroup?: string;
  readonly limits?: Partial<Limits>;
  /** Absent: nobody measures or traces messages. */
  readonly watch?: CallWatch;
}

export interface NatsDoor {
  /** Takes nothing new, finishes what is in flight, and ends. */
  stop(): Promise<void>;
}

function refuseBusy(): Refusal {
  return refusal("RATE_LIMITED", "more messages wait than are taken on; come again later", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

function refuseStopping(): Refusal {
  return refusal("SERVICE_UNAVAILABLE", "the service stops, and nothing was begun; send the message again", {
    outcome: "NOT_ATTEMPTED",
    retryAfterMs: RETRY_AFTER_MS,
  });
}

function refuseLate(timeoutMs: number): Refusal {
  return refusal("SERVICE_UNAVAILABLE", `nothing was begun within ${timeoutMs} ms, which is how long you wait`, {
    metadata: { timeoutMs: String(timeoutMs) },
    outcome: "NOT_ATTEMPTED",
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** The ids in an answer, for the log. */
function nameThings(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { orderId, paymentId, refundId } = body;
  return { orderId, paymentId, refundId };
}

/** The gRPC code of an answer, by which calls are counted at every door. */
function codeOf(answer: Result<object>): number {
  return answer.ok ? status.OK : toGrpcStatus(answer.error).code;
}

class QueueDoor implements NatsDoor {
  readonly #options: NatsDoorOptions;
  readonly #limits: Limits;
  readonly #admission: Admission;
  readonly #stopping = new AbortController();
  readonly #listening = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #subscriptions: readonly Subscription[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: NatsDoorOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#admission = new Admission(this.#limits);
    this.#running = this.#run();
  }

  async listening(): Promise<void> {
    const giveUp = new AbortController();
    const timeout = delay(this.#limits.startTimeoutMs, undefined, { signal: giveUp.signal }).catch(() => {});
    await Promise.race([this.#listening.promise, timeout]);
    giveUp.abort();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #run(): Promise<void> {
    const { nats, log } = this.#options;
    const { signal } = this.#stopping;
    const stopped = once(signal, "abort");
    for (let connection = await nats.up(signal); connection; connection = await nats.up(signal)) {
      try {
        await this.#listen(connection);
        await Promise.race([connection.closed(), stopped]);
      } catch (error) {
        if (!connection.isClosed()) log.warn({ err: error }, "NATS subjects cannot be subscribed to; trying again");
        await delay(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #listen(connection: NatsConnection): Promise<void> {
    const { queueGroup = "payment-service", log } = this.#options;
    this.#connection = connection;
    this.#subscriptions = [...this.#options.operations].map(([subject, operation]) =>
      connection.subscribe(subject, {
        queue: queueGroup,
        callback: (error, msg) => {
          if (error) log.error({ err: error, subject }, "NATS subscription failed");
          else this.#take(msg, operation);
        },
      }),
    );
    // The client leaves a flush unanswered for ever when the connection ends under it.
    const isServed = await Promise.race([connection.flush().then(() => true), connection.closed().then(() => false)]);
    if (!isServed) return;
    log.info({ subjects: [...this.#options.operations.keys()], queueGroup }, "NATS subjects are served");
    this.#listening.resolve();
  }

  async #end(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const deadline = delay(this.#limits.stopTimeoutMs, undefined, { ref: false });
    await Promise.race([Promise.allSettled(this.#subscriptions.map((each) => each.drain())), deadline]);
    await Promise.race([this.#admission.idle(), deadline]);
    this.#admission.turnAwayWaiting();
    const connection = this.#connection;
    if (connection && !connection.isClosed()) await Promise.race([connection.flush().catch(() => {}), deadline]);
  }

  #take(msg: Msg, operation: Operation): void {
    const takenAt = performance.now();
    this.#admission.enter({
      bytes: msg.data.length,
      run: () => this.#work(msg, operation, takenAt).catch((error: unknown) => this.#tellFault(error, msg.subject)),
      turnAway: () => this.#turnAway(msg),
    });
  }

  async #work(msg: Msg, operation: Operation, takenAt: number): Promise<void> {
    const { watch } = this.#options;
    const { format, payload } = readPacket(msg.data, msg.subject);
    const answer = async (): Promise<Result<object>> => {
      try {
        return payload.ok ? await this.#call(msg, operation, { fields: payload.value, takenAt }) : payload;
      } catch (error) {
        return { ok: false, error: this.#refuseFault(error, msg.subject) };
      }
    };
    const watched = { door: "nats", method: msg.subject, traceparent: () => readTraceparent(msg) } as const;
    const result = await (watch ? watch.around(watched, answer, codeOf) : answer());
    this.#settle(msg, result, () => printAnswer(format, result));
  }

  async #call(
    msg: Msg,
    operation: Operation,
    { fields, takenAt }: { readonly fields: Fields; readonly takenAt: number },
  ): Promise<Result<object>> {
    const identity = await this.#options.authenticate(readAuthorization(msg));
    if (!identity.ok) return identity;
    const requestId = readRequestId(msg, fields, this.#isAwaited(msg));
    if (!requestId.ok) return requestId;
    const asked = readTimeout(msg);
    if (!asked.ok) return asked;
    const timeoutMs = asked.value ?? this.#limits.timeoutMs;
    // Where nobody waits, nobody's time is over.
    const leftMs = this.#isAwaited(msg) ? Math.floor(takenAt + timeoutMs - performance.now()) : timeoutMs;
    if (leftMs <= 0) return { ok: false, error: refuseLate(timeoutMs) };
    const caller = new NatsCaller(identity.value, leftMs);
    return operation({ fields, requestId: requestId.value, caller });
  }

  /** Commands are told of in the log, since nobody else learns what became of them. */
  #settle(msg: Msg, answer: Result<object>, print: () => string): void {
    const { log } = this.#options;
    const { subject } = msg;
    if (this.#isAwaited(msg)) {
      try {
        msg.respond(print());
      } catch (error) {
        log.warn({ err: error, subject }, "NATS answer not sent");
      }
      return;
    }
    const stray = msg.reply ? { reply: msg.reply.slice(0, 128) } : {};
    if (answer.ok) {
      log.info({ subject, ...nameThings({ ...answer.value }), ...stray }, "command carried out");
      return;
    }
    const { reason, outcome, metadata } = answer.error;
    log.warn({ subject, reason, outcome, metadata, ...stray }, "command refused");
  }

  #turnAway(msg: Msg): void {
    const error = this.#stopping.signal.aborted ? refuseStopping() : refuseBusy();
    const answer: Result<object> = { ok: false, error };
    this.#settle(msg, answer, () => printAnswer(readPacket(msg.data, msg.subject).format, answer));
  }

  #isAwaited({ reply }: Msg): boolean {
    return reply !== undefined && reply !== "" && !this.#meansSomething(reply);
  }

  /** The subjects of the server, of our events, and those that are served here. */
  #meansSomething(reply: string): boolean {
    return /^\$|^payment\.|[*>]/.test(reply) || this.#options.operations.has(reply);
  }

  #tellFault(error: unknown, subject: string, level: "warn" | "error" = "error"): void {
    this.#options.log[level]({ err: error, subject }, "NATS message failed");
  }

  #refuseFault(error: unknown, subject: string): Refusal {
    const unavailable = refuseUnavailable(error);
    this.#tellFault(error, subject, unavailable ? "warn" : "error");
    return unavailable ?? refusal("INTERNAL", "The service failed; send the message again with the same request id.");
  }
}

/** Opens the door. Waits, within a bound, until it listens; NATS that is away keeps nobody from starting. */
export async function startNatsDoor(options: NatsDoorOptions): Promise<NatsDoor> {
  const door = new QueueDoor(options);
  await door.listening();
  return door;
}
