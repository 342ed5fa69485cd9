// Attempts to pay an intent with a card: each leaves a charge, unless the cardholder must approve first.
import { type CardDecline, GENERIC_DECLINE, type TestCard } from "./cards.ts";
import { baseOf, type Charge, type GatewayError, type Life, unixSeconds } from "./objects.ts";
import { findMethodCard, nameMethod, refuseNumber } from "./payment-methods.ts";
import { type Changed, cardError, changed, type Invalid, invalid, type Step, unexpectedState } from "./step.ts";

/** When a step happens, and whether a fault of the script declines it whatever the card. */
export interface StepContext {
  readonly now: Date;
  readonly declines: boolean;
}

interface Attempt {
  readonly card: TestCard;
  /** What the payment says that it is paid with. */
  readonly method: string;
  readonly threeDSecure: "authenticated" | "failed" | null;
  readonly now: Date;
}

const CHALLENGE_REFUSED: CardDecline = {
  code: "payment_intent_authentication_failure",
  decline_code: "authentication_required",
  message: "The cardholder refused the payment, or could not be authenticated.",
};

/** The statuses in which an intent takes a payment method, or another one. */
const PAYABLE: readonly Life["intent"]["status"][] = [
  "requires_payment_method",
  "requires_confirmation",
  "requires_action",
];

export function isPayable({ intent }: Life): boolean {
  return PAYABLE.includes(intent.status);
}

/** Finds the card to pay with, by what names it. */
export function findMethod(name: string, life: Life): { readonly card: TestCard; readonly method: string } | Invalid {
  const card = findMethodCard(name);
  if (card !== undefined) return { card, method: nameMethod(name, card) };
  // The page of a session takes numbers. Nowhere is what may be one told back.
  if (life.session !== null && /^[\d -]+$/.test(name)) return { kind: "invalid", error: refuseNumber(name) };
  const told = /^pm_\w{1,100}$/.test(name) ? name : "(not a token)";
  return invalid("resource_missing", `No such PaymentMethod: '${told}'`, { param: "payment_method" });
}

/** Tries to pay a life that is open, with what an id, a token or a number names. */
export function attempt(life: Life, paymentMethod: string, { now, declines }: StepContext): Step {
  const found = findMethod(paymentMethod, life);
  if ("kind" in found) return found;
  const { status, id } = life.intent;
  if (!isPayable(life))
    return unexpectedState(life, `This PaymentIntent's status is ${status}: it cannot be confirmed.`);
  const { card, method } = found;
  const made: Attempt = { card, method, threeDSecure: null, now };
  if (declines) return decline(life, made, GENERIC_DECLINE);
  if (card.challenge) {
    const intent = { ...life.intent, status: "requires_action" as const, payment_method: method };
    return changed({ ...life, intent }, { name: "action" }, id);
  }
  return settleAttempt(life, made);
}

/** The cardholder's answer to the 3-D Secure challenge. */
export function authenticate(life: Life, approve: boolean, now: Date): Step {
  const { status, payment_method: method } = life.intent;
  const card = findMethodCard(method ?? "");
  if (status !== "requires_action" || method === null || card === undefined) {
    return unexpectedState(life, `This PaymentIntent's status is ${status}: nothing to authenticate.`);
  }
  return approve
    ? settleAttempt(life, { card, method, threeDSecure: "authenticated", now })
    : decline(life, { card, method, threeDSecure: "failed", now }, CHALLENGE_REFUSED);
}

/** The error of the latest attempt, when it was declined and nothing came after it. */
export function lastPaymentError(life: Life): GatewayError | null {
  const charge = life.charges.find((each) => each.id === life.intent.latest_charge);
  if (charge?.status !== "failed" || life.intent.status !== "requires_payment_method") return null;
  return declineError(charge);
}

/** The error with which a failed charge was answered. */
function declineError({ id, failure_error: code, failure_code, failure_message: message }: Charge): GatewayError {
  const decline_code = failure_code === code ? null : failure_code;
  return cardError({ code: code ?? "card_declined", decline_code, message: message ?? "" }, id);
}

function settleAttempt(life: Life, made: Attempt): Changed {
  return made.card.decline ? decline(life, made, made.card.decline) : take(life, made);
}

function take(life: Life, made: Attempt): Changed {
  const { amount, capture_method, id } = life.intent;
  const captured = capture_method === "automatic";
  const taken = captured ? amount : 0n;
  const charge = { ...newCharge(life, made), captured, amount_captured: taken };
  const intent = {
    ...life.intent,
    status: captured ? ("succeeded" as const) : ("requires_capture" as const),
    amount_received: taken,
    amount_capturable: amount - taken,
    payment_method: made.method,
    latest_charge: charge.id,
  };
  const effect = { name: captured ? ("charge" as const) : ("authorize" as const), amount, charge: charge.id };
  return changed({ ...life, intent, charges: [...life.charges, charge] }, effect, id);
}

function decline(life: Life, made: Attempt, reason: CardDecline): Changed {
  const charge: Charge = {
    ...newCharge(life, made),
    status: "failed",
    failure_code: reason.decline_code ?? reason.code,
    failure_error: reason.code,
    failure_message: reason.message,
  };
  const intent = {
    ...life.intent,
    status: "requires_payment_method" as const,
    payment_method: null,
    latest_charge: charge.id,
  };
  const next = { ...life, intent, charges: [...life.charges, charge] };
  return { ...changed(next, { name: "decline", charge: charge.id }, intent.id), error: declineError(charge) };
}

function newCharge(life: Life, { card, method, threeDSecure, now }: Attempt): Charge {
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
    payment_method: method,
    payment_method_details: {
      card: {
        brand: card.brand,
        last4: card.number.slice(-4),
        three_d_secure: threeDSecure && { result: threeDSecure },
      },
    },
    disputed: false,
    failure_code: null,
    failure_error: null,
    failure_message: null,
    created: unixSeconds(now),
  };
}
