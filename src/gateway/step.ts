// What a request does to a life, as a value: decided at once, without waiting, then written to the journal, then answered.
import type { CardDecline } from "./cards.ts";
import type { GatewayError, Life } from "./objects.ts";

/**
 * open: an intent or a session is made. update: an intent's words or terms are other ones; no money moves. action: the cardholder must
 * approve. decline: an attempt failed. authorize: money is held. charge: money is taken at once. capture: money that was held is taken, and
 * the rest let go. cancel: the intent is let go. expire: the session is closed, and its intent with it. refund: money is given back.
 * refund_settled: a refund came to its end. dispute: a bank asks for the money of a charge, or about it. dispute_updated: it was answered, or
 * became another. dispute_closed: it is decided. refusal: nothing happened, and the key remembers why.
 */
export type EffectName =
  | "open"
  | "update"
  | "action"
  | "decline"
  | "authorize"
  | "charge"
  | "capture"
  | "cancel"
  | "expire"
  | "refund"
  | "refund_settled"
  | "dispute"
  | "dispute_updated"
  | "dispute_closed"
  | "refusal";

export interface Effect {
  readonly name: EffectName;
  readonly amount?: bigint;
  readonly charge?: string;
  readonly refund?: string;
  readonly dispute?: string;
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

/** The status of an intent or of what belongs to it does not let this happen. */
export function unexpectedState(life: Life, message: string): Forbidden {
  return forbidden(life, "payment_intent_unexpected_state", message);
}

/** `status` is 400 where none is given. */
export function invalid(
  code: string,
  message: string,
  at: { readonly status?: number; readonly param?: string } = {},
): Invalid {
  return { kind: "invalid", error: { ...invalidRequest(code, message), ...at } };
}

export function invalidAmount(param: string): Invalid {
  return invalid("parameter_invalid_integer", "This value must be greater than or equal to 1.", { param });
}

/** What a card does not do. */
export function cardError(decline: CardDecline, charge: string | null = null): GatewayError {
  const { code, decline_code, message } = decline;
  return { status: 402, type: "card_error", code, decline_code, message, param: CARD_PARAM[code] ?? null, charge };
}

const CARD_PARAM: Readonly<Record<string, string>> = {
  incorrect_number: "number",
  invalid_number: "number",
  expired_card: "exp_month",
  invalid_expiry_month: "exp_month",
  invalid_expiry_year: "exp_year",
  incorrect_cvc: "cvc",
  invalid_cvc: "cvc",
};

function invalidRequest(code: string, message: string): GatewayError {
  return {
    status: 400,
    type: "invalid_request_error",
    code,
    decline_code: null,
    message,
    param: null,
    charge: null,
  };
}
