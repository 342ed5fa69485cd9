// Calls to another service of the house, made so that they end well or end soon: every attempt has a timeout; what finds the service away is
// tried again, a few times, with growing pauses of random length; and while the service is away nothing is sent to it for a while. Every call
// made here may be repeated: reads, and writes that say what shall be, or that carry an idempotency key.
//
// It is node:http rather than fetch, which refuses to call ports that browsers must not, such as 6000.
import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  type RetryPolicy,
  retry,
} from "cockatiel";
import type { Logger } from "pino";

export interface CallLimits {
  /** For one attempt, from dialling to the end of the answer. */
  readonly timeoutMs: number;
  /** Attempts of one call, the first included. */
  readonly attemptsMax: number;
  /** The first pause between two attempts, and the longest. */
  readonly pauseFirstMs: number;
  readonly pauseMaxMs: number;
  /** Attempts in a row that find the service away, after which nothing is sent for a while. */
  readonly failuresMax: number;
  /** How long that is. */
  readonly openMs: number;
}

const CALL_LIMITS: CallLimits = {
  timeoutMs: 3_000,
  attemptsMax: 3,
  pauseFirstMs: 100,
  pauseMaxMs: 1_000,
  failuresMax: 8,
  openMs: 5_000,
};

export interface ServiceOptions {
  /** What the log calls it. */
  readonly name: string;
  /** Such as http://order-service:7000; it may have a path, and a user name in it is left out. */
  readonly baseUrl: string;
  /** Sent as a bearer token; null: none is. */
  readonly token: string | null;
  readonly log: Logger;
  readonly limits?: Partial<CallLimits>;
}

export interface Call {
  readonly method: "GET" | "PUT" | "POST" | "PATCH";
  /** Such as `/orders/:id`, in which `:id` stands for `id`. */
  readonly path: string;
  readonly id?: string;
  readonly body?: object;
  readonly idempotencyKey?: string;
  readonly signal: AbortSignal;
}

/** What a call came to: an answer, whatever it says; or why there is none, without secrets and without what was sent. */
export type Reply = { readonly status: number; readonly text: string } | { readonly away: string };

/** Tells the other service who calls (document 001). */
const CALLER = "payment-service";
const ANSWER_BYTES_MAX = 1024 * 1024;
const SOCKETS_MAX = 64;
/** Answers that say "not now", beside all of 500 and above. */
const NOT_NOW = new Set([408, 425, 429]);

/** The attempt had no answer that counts. */
class Away extends Error {
  readonly again: boolean;

  constructor(message: string, again: boolean) {
    super(message);
    this.again = again;
  }
}

export class ServiceClient {
  readonly #options: ServiceOptions;
  readonly #limits: CallLimits;
  readonly #base: URL;
  readonly #agent: http.Agent | https.Agent;
  readonly #retry: RetryPolicy;
  readonly #circuit: CircuitBreakerPolicy;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#limits = { ...CALL_LIMITS, ...options.limits };
    this.#base = new URL(options.baseUrl);
    this.#base.username = "";
    this.#base.password = "";
    const Agent = this.#base.protocol === "https:" ? https.Agent : http.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
    const isAway = handleWhen((error) => error instanceof Away && error.again);
    const { attemptsMax, pauseFirstMs, pauseMaxMs, failuresMax, openMs } = this.#limits;
    this.#retry = retry(isAway, {
      maxAttempts: attemptsMax - 1,
      backoff: new ExponentialBackoff({ initialDelay: pauseFirstMs, maxDelay: pauseMaxMs }),
    });
    this.#circuit = circuitBreaker(isAway, {
      halfOpenAfter: openMs,
      breaker: new ConsecutiveBreaker(failuresMax),
    });
    const { name: service, log } = options;
    this.#circuit.onBreak(() => log.warn({ service, openMs }, "service is away: calls to it are held back"));
    this.#circuit.onReset(() => log.info({ service }, "service is back"));
  }

  /** Never throws. It ends with the caller's signal, or after `attemptsMax` attempts and the pauses between. */
  async send(call: Call): Promise<Reply> {
    const left = Promise.withResolvers<Reply>();
    const leave = (): void => left.resolve({ away: "the caller left" });
    if (call.signal.aborted) leave();
    call.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([this.#try(call), left.promise]);
    } finally {
      call.signal.removeEventListener("abort", leave);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #try(call: Call): Promise<Reply> {
    try {
      return await this.#retry.execute(() => this.#guarded(call), call.signal);
    } catch (error) {
      if (error instanceof Away) return { away: error.message };
      return { away: `the call broke off: ${codeOf(error)}` };
    }
  }

  async #guarded(call: Call): Promise<Reply> {
    // While one call tries whether the service is back, the others do not wait for what it finds.
    if (this.#circuit.state === CircuitState.HalfOpen) throw heldBack();
    try {
      return await this.#circuit.execute(() => this.#attempt(call));
    } catch (error) {
      throw error instanceof BrokenCircuitError ? heldBack() : error;
    }
  }

  async #attempt(call: Call): Promise<Reply> {
    const { timeoutMs } = this.#limits;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await this.#ask(call, AbortSignal.any([call.signal, timeout]));
      const text = await readAll(response);
      const status = response.statusCode ?? 0;
      if (status >= 500 || NOT_NOW.has(status)) throw new Away(`it answered ${status}`, true);
      return { status, text };
    } catch (error) {
      if (error instanceof Away) throw error;
      if (timeout.aborted) throw new Away(`no answer in ${timeoutMs} ms`, true);
      throw new Away(codeOf(error), !call.signal.aborted);
    }
  }

  async #ask({ method, path, id, body, idempotencyKey, signal }: Call, until: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const { token } = this.#options;
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      accept: "application/json",
      "x-internal-service": CALLER,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(content && { "content-type": "application/json", "content-length": content.length }),
      ...(idempotencyKey && { "idempotency-key": idempotencyKey }),
    };
    const url = new URL(this.#base);
    url.pathname = this.#base.pathname.replace(/\/$/, "") + path.replace(":id", () => encodeURIComponent(id ?? ""));
    const send = url.protocol === "https:" ? https.request : http.request;
    const request = send(url, { method, headers, agent: this.#agent, signal: until });
    request.on("error", () => {});
    request.end(content);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return response;
  }
}

function heldBack(): Away {
  return new Away("calls are held back, since it did not answer the ones before", false);
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Away(`its answer is above ${ANSWER_BYTES_MAX} bytes`, false);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The code of a failure and nothing else, since messages may repeat what was sent. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return `the connection failed: ${code}`;
}
