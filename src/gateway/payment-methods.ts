// Payment methods: `pm_` and a base, as other ids have, then two digits for the card's place among the test cards, one for the month in which
// it expires and two for the year, all in base 36. So they need no memory, and no number of a card is ever kept.
import { findCard, TEST_CARDS, type TestCard } from "./cards.ts";
import { type GatewayError, mintBase, type PaymentMethod, timeOfBase, unixSeconds } from "./objects.ts";
import { cardError } from "./step.ts";

export interface CardDetails {
  readonly number: string;
  readonly exp_month: number;
  /** Four digits. */
  readonly exp_year: number;
  /** Null where none was asked for. */
  readonly cvc: string | null;
}

export type PaymentMethodResult =
  | { readonly ok: true; readonly paymentMethod: PaymentMethod }
  | { readonly ok: false; readonly error: GatewayError };

const ID = /^pm_([0-9a-z]{24})([0-9a-z]{2})([1-9a-c])([0-9a-z]{2})$/;
const CENTURY = 2000;
const YEARS_AHEAD_MAX = 50;
/** When a card expires of which only the token is known. */
const EXPIRY = { month: 12, year: 2034 };

/** Makes a payment method from the details of a test card, or from a token such as `tok_visa`. Other cards are refused as Stripe does. */
export function createPaymentMethod(source: CardDetails | string, now: Date): PaymentMethodResult {
  if (typeof source === "string") {
    const card = findCard(source);
    if (card === undefined) return { ok: false, error: noSuchToken(source) };
    return { ok: true, paymentMethod: describe(mintId(card, EXPIRY, now), card) };
  }
  const problem = findProblem(source, now);
  const card = findCard(source.number.replace(/[ -]/g, ""));
  if (problem !== undefined || card === undefined) return { ok: false, error: problem ?? LIVE_CARD };
  const id = mintId(card, { month: source.exp_month, year: source.exp_year }, now);
  return { ok: true, paymentMethod: describe(id, card) };
}

/** What an id or a token stands for. */
export function findPaymentMethod(id: string): PaymentMethod | undefined {
  const card = id.startsWith("pm_") ? findMethodCard(id) : undefined;
  return card && describe(id, card);
}

/** The card that a payment method's id, a token or a number stands for. */
export function findMethodCard(idTokenOrNumber: string): TestCard | undefined {
  const card = findCard(idTokenOrNumber);
  if (card !== undefined) return card;
  const place = ID.exec(idTokenOrNumber)?.[2];
  return place === undefined ? undefined : TEST_CARDS[Number.parseInt(place, 36)];
}

/** The name under which a payment keeps what it was paid with: never a number. */
export function nameMethod(idTokenOrNumber: string, card: TestCard): string {
  return findCard(idTokenOrNumber) === undefined ? idTokenOrNumber : card.token;
}

/** Why a number that is no test card's cannot pay: it is no card's, or a real one's. The number is not told back. */
export function refuseNumber(number: string): GatewayError {
  return isLuhn(number.replace(/[ -]/g, "")) ? LIVE_CARD : INCORRECT_NUMBER;
}

const LIVE_CARD = cardError({
  code: "card_declined",
  decline_code: "test_mode_live_card",
  message:
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
});
const INCORRECT_NUMBER = incorrect("incorrect_number", "Your card number is incorrect.");

function incorrect(code: string, message: string): GatewayError {
  return cardError({ code, decline_code: null, message });
}

function findProblem({ number, exp_month, exp_year, cvc }: CardDetails, now: Date): GatewayError | undefined {
  const digits = number.replace(/[ -]/g, "");
  if (!isLuhn(digits)) return INCORRECT_NUMBER;
  if (!Number.isInteger(exp_month) || exp_month < 1 || exp_month > 12) {
    return incorrect("invalid_expiry_month", "Your card's expiration month is invalid.");
  }
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth() + 1];
  if (!Number.isInteger(exp_year) || exp_year < year || exp_year > year + YEARS_AHEAD_MAX) {
    return incorrect("invalid_expiry_year", "Your card's expiration year is invalid.");
  }
  if (exp_year === year && exp_month < month) {
    return incorrect("invalid_expiry_month", "Your card's expiration month is invalid.");
  }
  if (cvc !== null && !/^\d{3,4}$/.test(cvc)) {
    return incorrect("invalid_cvc", "Your card's security code is invalid.");
  }
  return undefined;
}

function isLuhn(digits: string): boolean {
  if (!/^\d{12,19}$/.test(digits)) return false;
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}

function mintId(card: TestCard, expiry: { month: number; year: number }, now: Date): string {
  const place = TEST_CARDS.indexOf(card).toString(36).padStart(2, "0");
  const year = (expiry.year - CENTURY).toString(36).padStart(2, "0");
  return `pm_${mintBase(now)}${place}${expiry.month.toString(36)}${year}`;
}

function describe(id: string, card: TestCard): PaymentMethod {
  const [, base, , month, year] = ID.exec(id) ?? [];
  return {
    id,
    object: "payment_method",
    type: "card",
    card: {
      brand: card.brand,
      last4: card.number.slice(-4),
      exp_month: month === undefined ? EXPIRY.month : Number.parseInt(month, 36),
      exp_year: year === undefined ? EXPIRY.year : CENTURY + Number.parseInt(year, 36),
      funding: card.funding,
      country: "US",
    },
    livemode: false,
    created: base === undefined ? 0 : unixSeconds(new Date(timeOfBase(base))),
  };
}

function noSuchToken(token: string): GatewayError {
  const name = /^(tok|pm)_\w{1,100}$/.test(token) ? token : "(not a token)";
  const message = `No such token: '${name}'`;
  return {
    status: 400,
    type: "invalid_request_error",
    code: "resource_missing",
    decline_code: null,
    message,
    param: "card[token]",
    charge: null,
  };
}
