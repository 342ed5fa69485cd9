// Payment intents. requires_payment_method → requires_action (3-D Secure) → requires_capture (manual capture) → succeeded; a decline leads
// back to requires_payment_method; all but succeeded lead to canceled. A partial capture releases the rest of what was held.
import { type CardDecline, findCard, GENERIC_DECLINE, type TestCard } from "./cards.ts";
import { FAULT_METADATA_KEY, parseFaults } from "./faults.ts";
import {
  baseOf,
  type CancellationReason,
  type CaptureMethod,
  type Charge,
  type Life,
  type Metadata,
  mintBase,
  unixSeconds,
} from "./objects.ts";
import { type Changed, changed, forbidden, type Invalid, invalid, type Step } from "./step.ts";

export interface CreateIntentParams {
  readonly amount: bigint;
  readonly currency: string;
  readonly capture_method: CaptureMethod;
  readonly metadata: Metadata;
  /** With it, the intent is confirmed at once. */
  readonly payment_method: string | null;
}

/** When a step happens, and whether a fault of the script declines it whatever the card. */
export interface StepContext {
  readonly now: Date;
  readonly declines: boolean;
}

const CHALLENGE_REFUSED: CardDecline = {
  code: "payment_intent_authentication_failure",
  decline_code: "authentication_required",
  message: "The cardholder refused the payment, or could not be authenticated.",
};

export function createIntent(params: CreateIntentParams, context: StepContext): Step {
  const problem = checkTerms(params);
  if (problem) return problem;
  const life = openLife(params, context.now);
  if (params.payment_method === null) return changed(life, { name: "open" }, life.intent.id);
  return attempt(life, params.payment_method, context);
}

/** Checks what every new payment must have. */
export function checkTerms(terms: { amount: bigint; currency: string; metadata: Metadata }): Invalid | null {
  if (terms.amount < 1n) return invalid("parameter_invalid_integer", "This value must be greater than or equal to 1.");
  if (!/^[a-z]{3}$/.test(terms.currency)) return invalid("parameter_invalid", `Invalid currency: ${terms.currency}.`);
  const faults = terms.metadata[FAULT_METADATA_KEY];
  if (faults !== undefined && parseFaults(faults) === undefined) {
    return invalid("parameter_invalid", `Invalid ${FAULT_METADATA_KEY}: ${faults}.`);
  }
  return null;
}

/** A new life with an intent that awaits a payment method. */
export function openLife(terms: Omit<CreateIntentParams, "payment_method">, now: Date): Life {
  const base = mintBase(now);
  const id = `pi_${base}`;
  return {
    intent: {
      id,
      object: "payment_intent",
      amount: terms.amount,
      amount_capturable: 0n,
      amount_received: 0n,
      currency: terms.currency,
      status: "requires_payment_method",
      capture_method: terms.capture_method,
      client_secret: `${id}_secret_${mintBase(now).slice(-15)}`,
      created: unixSeconds(now),
      payment_method: null,
      latest_charge: null,
      canceled_at: null,
      cancellation_reason: null,
      metadata: terms.metadata,
    },
    session: null,
    charges: [],
    refunds: [],
    changes: 0,
  };
}

export function confirmIntent(life: Life, paymentMethod: string, context: StepContext): Step {
  if (life.session !== null) {
    return forbidden(
      life,
      "payment_intent_unexpected_state",
      "This PaymentIntent is paid through its Checkout Session.",
    );
  }
  return attempt(life, paymentMethod, context);
}

/** Tries to pay a life that is open, with a card. */
export function attempt(life: Life, paymentMethod: string, context: StepContext): Step {
  const { status, id } = life.intent;
  const card = findCard(paymentMethod);
  if (card === undefined) {
    // What is not a token may be a card's number, which must not come back in a message.
    const name = /^pm_\w{1,100}$/.test(paymentMethod) ? paymentMethod : "(not a token)";
    return invalid("resource_missing", `No such PaymentMethod: '${name}'`);
  }
  if (status !== "requires_payment_method" && status !== "requires_action") {
    return forbidden(
      life,
      "payment_intent_unexpected_state",
      `This PaymentIntent's status is ${status}: it cannot be confirmed.`,
    );
  }
  if (context.declines) return decline(life, card, { reason: GENERIC_DECLINE, now: context.now });
  if (card.challenge) {
    const intent = { ...life.intent, status: "requires_action" as const, payment_method: card.token };
    return changed({ ...life, intent }, { name: "action" }, id);
  }
  return settleAttempt(life, card, context.now);
}

/** The cardholder's answer to the 3-D Secure challenge. */
export function authenticate(life: Life, approve: boolean, now: Date): Step {
  const { status, payment_method: token } = life.intent;
  const card = findCard(token ?? "");
  if (status !== "requires_action" || card === undefined) {
    return forbidden(
      life,
      "payment_intent_unexpected_state",
      `This PaymentIntent's status is ${status}: nothing to authenticate.`,
    );
  }
  return approve ? settleAttempt(life, card, now) : decline(life, card, { reason: CHALLENGE_REFUSED, now });
}

function settleAttempt(life: Life, card: TestCard, now: Date): Changed {
  return card.decline ? decline(life, card, { reason: card.decline, now }) : take(life, card, now);
}

function take(life: Life, card: TestCard, now: Date): Changed {
  const { amount, capture_method, id } = life.intent;
  const captured = capture_method === "automatic";
  const taken = captured ? amount : 0n;
  const charge = { ...newCharge(life, card, now), captured, amount_captured: taken };
  const intent = {
    ...life.intent,
    status: captured ? ("succeeded" as const) : ("requires_capture" as const),
    amount_received: taken,
    amount_capturable: amount - taken,
    payment_method: card.token,
    latest_charge: charge.id,
  };
  const effect = { name: captured ? ("charge" as const) : ("authorize" as const), amount, charge: charge.id };
  return changed({ ...life, intent, charges: [...life.charges, charge] }, effect, id);
}

function decline(life: Life, card: TestCard, why: { reason: CardDecline; now: Date }): Changed {
  const { code, decline_code, message } = why.reason;
  const charge: Charge = {
    ...newCharge(life, card, why.now),
    status: "failed",
    failure_code: decline_code ?? code,
    failure_message: message,
  };
  const intent = {
    ...life.intent,
    status: "requires_payment_method" as const,
    payment_method: null,
    latest_charge: charge.id,
  };
  return {
    ...changed(
      { ...life, intent, charges: [...life.charges, charge] },
      { name: "decline", charge: charge.id },
      intent.id,
    ),
    error: { status: 402, type: "card_error", code, decline_code, message },
  };
}

function newCharge(life: Life, card: TestCard, now: Date): Charge {
  return {
    id: `ch_${baseOf(life.intent.id)}${life.charges.length.toString(36)}`,
    object: "charge",
    status: "succeeded",
    captured: false,
    amount: life.intent.amount,
    amount_captured: 0n,
    amount_refunded: 0n,
    currency: life.intent.currency,
    payment_intent: life.intent.id,
    payment_method: card.token,
    payment_method_details: { card: { brand: card.brand, last4: card.number.slice(-4) } },
    failure_code: null,
    failure_message: null,
    created: unixSeconds(now),
  };
}

export function captureIntent(life: Life, amount: bigint): Step {
  const { status, amount_capturable: held, id } = life.intent;
  if (status !== "requires_capture") {
    return forbidden(
      life,
      "payment_intent_unexpected_state",
      `This PaymentIntent's status is ${status}: it cannot be captured.`,
    );
  }
  if (amount < 1n) return invalid("parameter_invalid_integer", "This value must be greater than or equal to 1.");
  if (amount > held)
    return forbidden(life, "amount_too_large", `The amount to capture is greater than ${held}, which is held.`);
  const intent = { ...life.intent, status: "succeeded" as const, amount_received: amount, amount_capturable: 0n };
  const charges = life.charges.map((charge) =>
    charge.id === intent.latest_charge ? { ...charge, captured: true, amount_captured: amount } : charge,
  );
  const session = life.session && { ...life.session, payment_status: "paid" as const };
  const effect = { name: "capture" as const, amount, charge: intent.latest_charge ?? "" };
  return changed({ ...life, intent, charges, session }, effect, id);
}

export function cancelIntent(life: Life, reason: CancellationReason, now: Date): Step {
  const { status, id } = life.intent;
  if (status === "succeeded" || status === "canceled") {
    return forbidden(
      life,
      "payment_intent_unexpected_state",
      `This PaymentIntent's status is ${status}: it cannot be canceled.`,
    );
  }
  if (life.session !== null && status !== "requires_capture") {
    return forbidden(life, "payment_intent_unexpected_state", "Expire this PaymentIntent's Checkout Session instead.");
  }
  return changed(withIntentCanceled(life, reason, now), { name: "cancel" }, id);
}

export function withIntentCanceled(life: Life, reason: CancellationReason, now: Date): Life {
  const intent = {
    ...life.intent,
    status: "canceled" as const,
    amount_capturable: 0n,
    canceled_at: unixSeconds(now),
    cancellation_reason: reason,
  };
  return { ...life, intent };
}
