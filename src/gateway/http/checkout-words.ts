// What the checkout page says when a payment did not go through: for people, and never more than the issuer would tell the cardholder.
import type { GatewayError } from "../objects.ts";

export interface Problem {
  /** The field of the form that is at fault, where one is. */
  readonly field: "number" | "expiry" | "cvc" | null;
  readonly title: string;
  readonly text: string;
}

const OTHER_CARD = "You have not been charged. Try another card.";
const ASK_BANK = "You have not been charged. Try another card, or ask your bank.";

const BY_CODE: Readonly<Record<string, Problem>> = {
  insufficient_funds: { field: null, title: "There is not enough money on this card.", text: OTHER_CARD },
  expired_card: { field: "expiry", title: "This card has expired.", text: OTHER_CARD },
  incorrect_cvc: {
    field: "cvc",
    title: "The security code is not correct.",
    text: "You have not been charged. Check the code and try again.",
  },
  incorrect_number: {
    field: "number",
    title: "The card number is not correct.",
    text: "You have not been charged. Check the number and try again.",
  },
  invalid_expiry_month: {
    field: "expiry",
    title: "The expiry date is not valid.",
    text: "Check the date and try again.",
  },
  invalid_expiry_year: {
    field: "expiry",
    title: "The expiry date is not valid.",
    text: "Check the date and try again.",
  },
  invalid_cvc: { field: "cvc", title: "The security code is not valid.", text: "Check the code and try again." },
  processing_error: {
    field: null,
    title: "The card could not be processed.",
    text: "You have not been charged. Try again in a moment.",
  },
  authentication_required: {
    field: null,
    title: "The payment was not approved.",
    text: "You have not been charged. Try again, or use another card.",
  },
  test_mode_live_card: {
    field: "number",
    title: "Only test cards work here.",
    text: "Never enter a real card on this page.",
  },
};

/** All that is not named above: lost and stolen cards among it, which a thief must not learn. */
const DECLINED: Problem = { field: null, title: "The card was declined.", text: ASK_BANK };

const NOT_TAKEN: Problem = {
  field: null,
  title: "The payment did not go through.",
  text: "You have not been charged. Try again in a moment.",
};

/** Takes the error of an attempt after which the session is still open. */
export function explainProblem({ type, code, decline_code }: GatewayError): Problem {
  if (type !== "card_error") return NOT_TAKEN;
  return BY_CODE[decline_code ?? ""] ?? BY_CODE[code ?? ""] ?? DECLINED;
}
