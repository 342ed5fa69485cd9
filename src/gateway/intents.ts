// Payment intents. requires_payment_method → requires_confirmation (a method is attached) → requires_action (3-D Secure) → requires_capture
// (manual capture) → succeeded; a decline leads back to requires_payment_method; all but succeeded lead to canceled. A partial capture
// releases the rest of what was held. What is held for a week is let go by the clock.
import { attempt, findMethod, isPayable, type StepContext } from "./attempts.ts";
import { FAULT_METADATA_KEY, parseFaults } from "./faults.ts";
import {
  type CancellationReason,
  type CaptureMethod,
  type Life,
  type Metadata,
  mintBase,
  unixSeconds,
} from "./objects.ts";
import { changed, forbidden, type Invalid, invalid, invalidAmount, type Step, unexpectedState } from "./step.ts";

export interface CreateIntentParams {
  readonly amount: bigint;
  readonly currency: string;
  readonly capture_method: CaptureMethod;
  readonly metadata: Metadata;
  readonly payment_method: string | null;
  /** Whether to pay at once; when absent, that is done with a payment method and not without. */
  readonly confirm?: boolean;
  readonly description?: string | null;
  readonly receipt_email?: string | null;
  /** What a face keeps for its own answers. */
  readonly details?: Readonly<Record<string, string>>;
}

export interface ConfirmIntentParams {
  /** Null for the one that is attached. */
  readonly payment_method: string | null;
  /** Where the customer comes back to after a redirect. */
  readonly return_url?: string;
}

/** What is absent stays as it is. */
export interface UpdateIntentParams {
  /** Only before the payment. */
  readonly amount?: bigint;
  readonly payment_method?: string;
  readonly description?: string | null;
  readonly receipt_email?: string | null;
  /** Pairs to add or replace, where an empty value removes; null removes all. */
  readonly metadata?: Metadata | null;
}

/** What every new payment has. */
export type Terms = Pick<
  CreateIntentParams,
  "amount" | "currency" | "capture_method" | "metadata" | "description" | "receipt_email" | "details"
>;

const NO_METHOD =
  "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method.";

/** Stripe's words where an intent may redirect the customer, and nobody said where they come back to. */
export const NO_RETURN_URL =
  "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.";

export function createIntent(params: CreateIntentParams, context: StepContext): Step {
  const problem = checkTerms(params);
  if (problem) return problem;
  const { payment_method: name, confirm = name !== null } = params;
  const life = openLife(params, context.now);
  if (name === null) {
    if (confirm) return invalid("payment_intent_unexpected_state", NO_METHOD);
    return changed(life, { name: "open" }, life.intent.id);
  }
  return confirm ? attempt(life, name, context) : attach(life, name, "open");
}

/** Checks what every new payment must have. */
export function checkTerms(terms: Terms): Invalid | null {
  if (terms.amount < 1n) return invalidAmount("amount");
  if (!/^[a-z]{3}$/.test(terms.currency)) {
    return invalid("parameter_invalid", `Invalid currency: ${terms.currency}.`, { param: "currency" });
  }
  return checkMetadata(terms.metadata);
}

function checkMetadata(metadata: Metadata): Invalid | null {
  const faults = metadata[FAULT_METADATA_KEY];
  if (faults === undefined || parseFaults(faults) !== undefined) return null;
  return invalid("parameter_invalid", `Invalid ${FAULT_METADATA_KEY}: ${faults}.`, { param: "metadata" });
}

/** A new life with an intent that awaits a payment method. */
export function openLife(terms: Terms, now: Date): Life {
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
      description: terms.description ?? null,
      receipt_email: terms.receipt_email ?? null,
      metadata: terms.metadata,
      ...(terms.details && { details: terms.details }),
    },
    session: null,
    charges: [],
    refunds: [],
    disputes: [],
    changes: 0,
  };
}

function attach(life: Life, name: string, effect: "open" | "update"): Step {
  const found = findMethod(name, life);
  if ("kind" in found) return found;
  const intent = { ...life.intent, status: "requires_confirmation" as const, payment_method: found.method };
  return changed({ ...life, intent }, { name: effect }, intent.id);
}

export function updateIntent(life: Life, params: UpdateIntentParams): Step {
  const { amount, payment_method, metadata } = params;
  const { status, id } = life.intent;
  if ((amount !== undefined || payment_method !== undefined) && (!isPayable(life) || life.session !== null)) {
    return unexpectedState(life, `This PaymentIntent's status is ${status}: its terms cannot be changed.`);
  }
  if (amount !== undefined && amount < 1n) return invalidAmount("amount");
  const merged = metadata === undefined ? life.intent.metadata : mergeMetadata(life.intent.metadata, metadata);
  const problem = checkMetadata(merged);
  if (problem) return problem;
  const { description = life.intent.description, receipt_email = life.intent.receipt_email } = params;
  const terms = { amount: amount ?? life.intent.amount, description, receipt_email, metadata: merged };
  const next = { ...life, intent: { ...life.intent, ...terms } };
  return payment_method === undefined ? changed(next, { name: "update" }, id) : attach(next, payment_method, "update");
}

/** Adds or replaces pairs, and removes those whose new value is empty; null removes all. */
export function mergeMetadata(metadata: Metadata, changes: Metadata | null): Metadata {
  if (changes === null) return {};
  return Object.fromEntries(Object.entries({ ...metadata, ...changes }).filter(([, value]) => value !== ""));
}

export function confirmIntent(life: Life, params: ConfirmIntentParams, context: StepContext): Step {
  if (life.session !== null) {
    return unexpectedState(life, "This PaymentIntent is paid through its Checkout Session.");
  }
  const { return_url, payment_method } = params;
  const back = return_url === undefined ? {} : { return_url };
  const details: Readonly<Record<string, string>> = { ...life.intent.details, ...back };
  if (details["needs_return_url"] !== undefined && details["return_url"] === undefined) {
    return invalid("parameter_missing", NO_RETURN_URL, { param: "return_url" });
  }
  const name = payment_method ?? life.intent.payment_method;
  if (name === null) return unexpectedState(life, NO_METHOD);
  return attempt({ ...life, intent: { ...life.intent, details } }, name, context);
}

/** Takes a part of what is held, or all of it, and lets the rest go. */
export function captureIntent(life: Life, part: bigint | null): Step {
  const { status, amount_capturable: held, id } = life.intent;
  if (status !== "requires_capture") {
    return unexpectedState(life, `This PaymentIntent's status is ${status}: it cannot be captured.`);
  }
  const amount = part ?? held;
  if (amount < 1n) return invalidAmount("amount_to_capture");
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
    return unexpectedState(life, `This PaymentIntent's status is ${status}: it cannot be canceled.`);
  }
  if (life.session !== null && status !== "requires_capture") {
    return unexpectedState(life, "Expire this PaymentIntent's Checkout Session instead.");
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
