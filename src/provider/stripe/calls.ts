// Makes requests to Stripe so that they end well, or end soon: every attempt has a timeout; what may be repeated under the same key is repeated, a
// few times, with growing pauses of random length; and when Stripe does not answer at all, nothing is sent to it for a while.
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
import { AttemptFailed, CALLER_GONE, CIRCUIT_OPEN, type StripeRefusal, type Trouble, troubleOf } from "./errors.ts";
import { asFields, type Fields } from "./read.ts";
import type { Attempt, Transport } from "./transport.ts";

export interface CallLimits {
  /** Attempts of one call, the first included. */
  readonly attemptsMax: number;
  /** The first pause between two attempts, and the longest. */
  readonly pauseFirstMs: number;
  readonly pauseMaxMs: number;
  /** Attempts in a row that find Stripe away, after which the circuit opens. */
  readonly failuresMax: number;
  /** How long it stays open before one call may try again. */
  readonly openMs: number;
}

export const CALL_LIMITS: CallLimits = {
  attemptsMax: 3,
  pauseFirstMs: 150,
  pauseMaxMs: 1_500,
  failuresMax: 8,
  openMs: 10_000,
};

/** What the provider has to say to operators. Never a key, never a body. */
export interface StripeLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface CallListeners {
  readonly log?: StripeLog;
  /** Told when a Stripe that was away has answered. */
  readonly onBack?: () => void;
}

export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  /** A definite no. */
  | { readonly ok: false; readonly outcome: "refused"; readonly refusal: StripeRefusal; readonly message: string }
  /** It certainly did nothing, or nobody can say. */
  | { readonly ok: false; readonly outcome: "unavailable" | "unknown"; readonly message: string };

/** How a call has gone so far. */
interface Course {
  /** Any of its attempts may have. */
  mayHaveActed: boolean;
  last: Trouble | null;
  /** Between two attempts. */
  pausing: boolean;
}

export class Calls {
  readonly #transport: Transport;
  readonly #log: StripeLog | undefined;
  readonly #retry: RetryPolicy;
  readonly #circuit: CircuitBreakerPolicy;
  #keyRefused = false;

  constructor(transport: Transport, limits: CallLimits, { log, onBack }: CallListeners) {
    this.#transport = transport;
    this.#log = log;
    this.#retry = retry(
      handleWhen((error) => error instanceof AttemptFailed && error.trouble.again),
      {
        maxAttempts: limits.attemptsMax - 1,
        backoff: new ExponentialBackoff({ initialDelay: limits.pauseFirstMs, maxDelay: limits.pauseMaxMs }),
      },
    );
    this.#circuit = circuitBreaker(
      handleWhen((error) => this.#isAway(error)),
      {
        halfOpenAfter: limits.openMs,
        breaker: new ConsecutiveBreaker(limits.failuresMax),
      },
    );
    this.#circuit.onBreak(() => log?.warn({ openMs: limits.openMs }, "stripe is away: calls to it are held back"));
    this.#circuit.onReset(() => {
      log?.info({}, "stripe is back");
      onBack?.();
    });
  }

  /** Makes a call of the SDK and reads its answer; what cannot be read was no answer. */
  async ask<T>(signal: AbortSignal, call: () => Promise<unknown>, read: (body: Fields) => T): Promise<Asked<T>> {
    const course: Course = { mayHaveActed: false, last: null, pausing: false };
    const attempt = async (): Promise<T> => {
      course.pausing = false;
      try {
        return await this.#attempt(signal, call, read);
      } catch (error) {
        if (!(error instanceof AttemptFailed)) throw error;
        course.last = error.trouble;
        course.mayHaveActed ||= error.trouble.mayHaveActed;
        course.pausing = true;
        throw error;
      }
    };
    try {
      const value = await untilLeft(this.#retry.execute(attempt, signal), signal, course);
      this.#keyRefused = false;
      return { ok: true, value };
    } catch (error) {
      if (course.last === null) throw error;
      return conclude(course.last, course.mayHaveActed);
    }
  }

  async #attempt<T>(signal: AbortSignal, call: () => Promise<unknown>, read: (body: Fields) => T): Promise<T> {
    if (signal.aborted) throw new AttemptFailed(CALLER_GONE);
    // While one call tries whether Stripe is back, the others do not wait for what it finds.
    if (this.#circuit.state === CircuitState.HalfOpen) throw new AttemptFailed(CIRCUIT_OPEN);
    try {
      return await this.#circuit.execute(() => this.#send(signal, call, read));
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw new AttemptFailed(CIRCUIT_OPEN);
      throw error;
    }
  }

  async #send<T>(signal: AbortSignal, call: () => Promise<unknown>, read: (body: Fields) => T): Promise<T> {
    const attempt: Attempt = { signal, sent: false, status: null };
    try {
      return read(asFields(await this.#transport.carry(attempt, call), "answer"));
    } catch (error) {
      const trouble = troubleOf(error, attempt);
      if (trouble.keyRefused) this.#reportKey(trouble);
      throw new AttemptFailed(trouble);
    }
  }

  /** Once, until the key is taken again: every call would say the same. */
  #reportKey({ message }: Trouble): void {
    if (!this.#keyRefused) this.#log?.error({ problem: message }, "stripe refuses the key");
    this.#keyRefused = true;
  }

  /** A trial that its caller left proves nothing, and the circuit stays open. */
  #isAway(error: unknown): boolean {
    if (!(error instanceof AttemptFailed)) return false;
    const { away, refusal, keyRefused, again } = error.trouble;
    const proves = refusal !== null || keyRefused || again;
    return away || (this.#circuit.state === CircuitState.HalfOpen && !proves);
  }
}

/** What a call came to, given its last trouble and whether any of its attempts may have acted. */
function conclude<T>(trouble: Trouble, mayHaveActed: boolean): Asked<T> {
  const { refusal, message } = trouble;
  if (refusal !== null) return { ok: false, outcome: "refused", refusal, message };
  return { ok: false, outcome: mayHaveActed ? "unknown" : "unavailable", message };
}

/** Does not outlast the caller's patience by a pause; an attempt under way ends by itself when the caller leaves. */
async function untilLeft<T>(work: Promise<T>, signal: AbortSignal, course: Course): Promise<T> {
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    if (course.pausing) left.reject(signal.reason);
  };
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
    // It goes on to notice that its caller left.
    work.catch(() => undefined);
  }
}
