// What a request does to a life, as a value: decided at once, without waiting, then written to the journal, then answered.
import type { GatewayError, Life } from "./objects.ts";

/**
 * open: an intent or a session is made. action: the cardholder must approve. decline: an attempt failed. authorize: money is held.
 * charge: money is taken at once. capture: money that was held is taken, and the rest let go. cancel: the intent is let go.
 * expire: the session is closed, and its intent with it. refund: money is given back. refund_settled: a refund came to its end.
 * refusal: nothing happened, and the key remembers why.
 */
export type EffectName =
  | "open"
  | "action"
  | "decline"
  | "authorize"
  | "charge"
  | "capture"
  | "cancel"
  | "expire"
  | "refund"
  | "refund_settled"
  | "refusal";

export interface Effect {
  readonly name: EffectName;
  readonly amount?: bigint;
  readonly charge?: string;
  readonly refund?: string;
}

export interface Changed {
  readonly kind: "changed";
  readonly life: Life;
  readonly effect: Effect;
  /** The object that is answered. */
  readonly id: string;
  /** Set where the answer is an error although something happened: a decline. */
  readonly error: GatewayError | null;
}

/** What the state forbids. The answer is kept under the key. */
export interface Forbidden {
  readonly kind: "forbidden";
  readonly life: Life;
  readonly error: GatewayError;
}

/** What makes no sense whatever the state. Nothing is kept. */
export interface Invalid {
  readonly kind: "invalid";
  readonly error: GatewayError;
}

export type Step = Changed | Forbidden | Invalid;

export function changed(life: Life, effect: Effect, id: string): Changed {
  return { kind: "changed", life, effect, id, error: null };
}

export function forbidden(life: Life, code: string, message: string): Forbidden {
  return { kind: "forbidden", life, error: invalidRequest(code, message) };
}

export function invalid(code: string, message: string, status = 400): Invalid {
  return { kind: "invalid", error: { ...invalidRequest(code, message), status } };
}

function invalidRequest(code: string, message: string): GatewayError {
  return { status: 400, type: "invalid_request_error", code, decline_code: null, message };
}
