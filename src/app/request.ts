// The one idempotency ledger. A request is its principal, its id and the fingerprint of its parameters. Its first call is answered by work; every
// other one by what that work answered, or, while it is under way, by waiting for it.
import { hash } from "node:crypto";
import type { KnownRequest } from "../db/store.ts";
import { refuse, type Result } from "../domain/error.ts";
import type { RequestKey } from "../domain/operation.ts";
import { type Answer, fromStored, toStored } from "./answer.ts";
import type { Caller, Parts } from "./parts.ts";

export interface Request {
  readonly key: RequestKey;
  readonly fingerprint: string;
  /** Whether the caller knows the id, and can ask again. */
  readonly repeatable: boolean;
  readonly onReplay: (() => void) | null;
}

const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 200;
const RETRY_AFTER_MS = 1_000;

/** Amounts are bigints, which JSON has no word for. */
function sayBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

/** `parameters` must be in one order of keys whatever the caller's was. Without an id, a call is a request of its own. */
export function identifyRequest(
  parts: Parts,
  caller: Caller,
  requestId: string,
  parameters: readonly unknown[],
): Request {
  return {
    key: { principal: caller.principal, requestId: requestId || `minted-${parts.randomUuid()}` },
    repeatable: requestId !== "",
    onReplay: caller.onReplay ?? null,
    fingerprint: hash("sha256", JSON.stringify(parameters, sayBigint), "base64"),
  };
}

/** Pauses between looks, for as long as a call may wait. */
export class Patience {
  // Asked for its signal only when there is something to wait for, since making one costs.
  readonly #caller: Caller;
  readonly #deadline: number;
  #pauseMs = PAUSE_FIRST_MS;

  constructor(parts: Parts, caller: Caller) {
    this.#caller = caller;
    this.#deadline = performance.now() + parts.limits.waitTimeoutMs;
  }

  isOver(): boolean {
    return this.#caller.signal.aborted || performance.now() > this.#deadline;
  }

  /** Gives false, at once, when there is no time left. */
  async pause(): Promise<boolean> {
    const { signal } = this.#caller;
    if (signal.aborted || performance.now() + this.#pauseMs > this.#deadline) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#pauseMs);
    const stop = (): void => resolve();
    signal.addEventListener("abort", stop, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    this.#pauseMs = Math.min(PAUSE_MAX_MS, this.#pauseMs * 2);
    return true;
  }
}

/** Whether a request that was seen before asked for something else. Null for a copy of it. */
export function refuseReused(request: Request, known: KnownRequest): Result<never> | null {
  if (known.fingerprint === request.fingerprint) return null;
  const { requestId } = request.key;
  return refuse("REQUEST_ID_REUSED", `request_id ${requestId} was used with other parameters; send a new one`, {
    metadata: { requestId },
  });
}

/** The answer for a request that was seen before; `wait` while its first call is under way. */
export function replay(request: Request, known: KnownRequest): Result<Answer> | "wait" {
  const reused = refuseReused(request, known);
  if (reused) return reused;
  if (known.response === null) return "wait";
  request.onReplay?.();
  return fromStored(known.response);
}

export function refuseInFlight(request: Request): Result<never> {
  return refuse("REQUEST_IN_FLIGHT", "the first call with this request_id is still under way; retry with the same id", {
    metadata: { requestId: request.key.requestId },
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** Another request's operation on the same payment is under way; nothing was begun for this one. */
export function refuseBusy(paymentId: string): Result<never> {
  return refuse("REQUEST_IN_FLIGHT", "another call on this payment is under way; retry with the same request_id", {
    metadata: { paymentId },
    outcome: "NOT_ATTEMPTED",
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** Whether an answer is one for all copies of its request. Bad input is refused anew each time, and so is what a retry can change. */
function isKept(request: Request, answer: Result<Answer>): boolean {
  if (!request.repeatable) return false;
  return answer.ok || (answer.error.retryAfterMs === null && answer.error.violations.length === 0);
}

/** Keeps an answer for which nothing had to be asked of the provider. Gives null when another call used the id meanwhile. */
export async function keepAnswer(
  parts: Parts,
  request: Request,
  answer: Result<Answer>,
): Promise<Result<Answer> | null> {
  if (!isKept(request, answer)) return answer;
  const recorded = await parts.store.recordAnswer({
    request: request.key,
    fingerprint: request.fingerprint,
    response: toStored(answer),
    now: parts.now(),
  });
  return recorded === "recorded" ? answer : null;
}
