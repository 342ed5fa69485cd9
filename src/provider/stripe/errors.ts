// What it means that a request did not end well: whether it acted, whether it may be repeated, and whether Stripe seems to be away.
import Stripe from "stripe";
import { BodyProblem, type Fields, readTextOrNull } from "./read.ts";
import type { Attempt } from "./transport.ts";

/** An error that Stripe answered with: it did not act, save that a card error tells of an attempt that failed. */
export interface StripeRefusal {
  readonly type: string;
  readonly code: string;
  readonly message: string;
  /** The error as it came. */
  readonly error: Fields;
}

export interface Trouble {
  readonly message: string;
  /** Null where Stripe gave no definite answer. */
  readonly refusal: StripeRefusal | null;
  /** It may have acted, or may still. */
  readonly mayHaveActed: boolean;
  /** Worth another attempt under the same key. */
  readonly again: boolean;
  /** Stripe seems to be away, or out of order. */
  readonly away: boolean;
  /** Stripe does not take our key. */
  readonly keyRefused: boolean;
}

/** An attempt that ended in trouble, on its way through the policies. */
export class AttemptFailed extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.message);
    this.name = "AttemptFailed";
    this.trouble = trouble;
  }
}

const NONE = { refusal: null, mayHaveActed: false, again: false, away: false, keyRefused: false };

export const CIRCUIT_OPEN: Trouble = {
  ...NONE,
  message: "Stripe has not answered for a while, so nothing is sent to it for now.",
};

/** Nothing was sent for a caller who was gone already, which says nothing of Stripe. */
export const CALLER_GONE: Trouble = { ...NONE, message: "the caller left before Stripe was asked" };

/** Reads what an attempt threw. */
export function troubleOf(error: unknown, attempt: Attempt): Trouble {
  if (attempt.signal.aborted) return left(attempt);
  if (error instanceof BodyProblem) return lost(`Stripe's answer makes no sense: ${error.message}`, false);
  const { sent, status } = attempt;
  if (error instanceof Stripe.errors.StripeError && error.statusCode !== undefined)
    return answered(error, error.statusCode);
  const cause =
    error instanceof Stripe.errors.StripeConnectionError ? causeOf(error) : "the answer is not Stripe's JSON";
  if (!sent) return { ...NONE, message: `Stripe was not reached: ${cause}`, again: true, away: true };
  if (status === null) return lost(`Stripe's answer was lost: ${cause}`, true);
  return lost(`Stripe answered with status ${status}, and ${cause}`, status >= 500);
}

/** The caller no longer waits. One whose time ran out found Stripe too slow. */
function left({ signal, sent }: Attempt): Trouble {
  const tooSlow = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  const message = sent ? "the caller left before Stripe answered" : "the caller left before Stripe was reached";
  return { ...NONE, message, mayHaveActed: sent, away: tooSlow };
}

function lost(message: string, again: boolean): Trouble {
  return { ...NONE, message, mayHaveActed: true, again, away: true };
}

function answered(error: InstanceType<typeof Stripe.errors.StripeError>, status: number): Trouble {
  const headers: Fields = error.headers ?? {};
  // Stripe says so where it knows whether a repetition is of use; an error that was replayed will be replayed again.
  const worth = headers["stripe-should-retry"] !== "false" && headers["idempotent-replayed"] !== "true";
  const refusal = readRefusal(error);
  if (status === 401 || status === 403) {
    const problem =
      status === 401 ? "does not know our key, or no longer takes it" : "does not allow our key to do this";
    return { ...NONE, message: `Stripe ${problem} (${status} ${refusal.code})`, keyRefused: true };
  }
  if (status === 429 || refusal.code === "rate_limit")
    return { ...NONE, message: "Stripe is asked too much at the moment (429)", again: worth };
  if (status === 409)
    return { ...NONE, message: "Stripe is still busy with the same operation (409)", mayHaveActed: true, again: worth };
  if (status < 400 || status >= 500) return { ...lost(`Stripe failed with status ${status}`, worth) };
  return { ...NONE, message: refusal.message, refusal };
}

function readRefusal(error: InstanceType<typeof Stripe.errors.StripeError>): StripeRefusal {
  const raw = error.raw as unknown as Fields;
  const type = typeof raw["type"] === "string" ? raw["type"] : "api_error";
  const code = readTextSafely(raw, "code") ?? type;
  return { type, code, message: withoutSecrets(readTextSafely(raw, "message") ?? code), error: raw };
}

function readTextSafely(source: Fields, key: string): string | null {
  return typeof source[key] === "string" ? readTextOrNull(source, key) : null;
}

/** Stripe's messages may repeat what they were sent; keys and client secrets are nobody's to read. */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b(?:[sr]k_(?:live|test)|whsec)_[\w*]+/g, "(a key)")
    .replace(/\b(\w+_secret)_\w+/g, "$1_(hidden)");
}

function causeOf(error: InstanceType<typeof Stripe.errors.StripeConnectionError>): string {
  const detail: unknown = error.detail;
  return detail instanceof Error ? detail.message : "the connection failed";
}
