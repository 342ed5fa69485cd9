// Card numbers, which the booking document's clients send as they are. They are taken in test mode only, and only those of test cards, which are no
// secret: each stands for a token and an outcome. The number becomes its token before anything else happens, and goes nowhere else: not into the
// database, not to the provider, not into a log, not into an answer.
//
// A test number is not compared with a calendar: the document's own example expires in 2025, and whoever wants an expired card sends
// 4000000000000069, as with Stripe. The expiry and the security code must be such, no more.
import { accept, refuse, type Result } from "../../domain/error.ts";

export interface CardDetails {
  readonly number: string;
  readonly expiryMonth: string;
  readonly expiryYear: string;
  readonly cvv: string;
}

/** Stripe's tokens, which the mock gateway knows as well (https://docs.stripe.com/testing). */
const TOKENS: ReadonlyMap<string, string> = new Map([
  ["4242424242424242", "pm_card_visa"],
  ["4111111111111111", "pm_card_visa"],
  ["5555555555554444", "pm_card_mastercard"],
  ["378282246310005", "pm_card_amex"],
  ["4000000000000002", "pm_card_visa_chargeDeclined"],
  ["4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds"],
  ["4000000000009987", "pm_card_visa_chargeDeclinedLostCard"],
  ["4000000000009979", "pm_card_visa_chargeDeclinedStolenCard"],
  ["4000000000000069", "pm_card_chargeDeclinedExpiredCard"],
  ["4000000000000127", "pm_card_chargeDeclinedIncorrectCvc"],
  ["4000000000000119", "pm_card_chargeDeclinedProcessingError"],
  ["4000002500003155", "pm_card_authenticationRequiredOnSetup"],
  ["4000002760003184", "pm_card_authenticationRequired"],
  ["4000000000003220", "pm_card_threeDSecure2Required"],
  ["4000008400001629", "pm_card_threeDSecureRequiredChargeDeclined"],
  ["4000000000000259", "pm_card_createDispute"],
  ["4000000000002685", "pm_card_createDisputeProductNotReceived"],
  ["4000000000001976", "pm_card_createDisputeInquiry"],
  ["4000000000007726", "pm_card_pendingRefund"],
  ["4000000000005126", "pm_card_refundFail"],
]);

/** Where a card number has no business being, and how to do without it. */
const HOW_TO_TOKENISE =
  "make a payment method of the card in the customer's browser with Stripe.js and the publishable key, and send its id (pm_…) as payment_method_token";

/** Refuses a card that was not tried: no money moved. The number is never told back. */
function refuseCard(field: string, description: string): Result<never> {
  return refuse("INVALID_CARD", description, {
    outcome: "NOT_ATTEMPTED",
    metadata: { field: `card_details.${field}` },
  });
}

/** The token of a test card. Refuses with INVALID_CARD all other cards, and in live mode every card. */
export function tokenize(card: CardDetails, live: boolean): Result<string> {
  if (live) return refuseCard("card_number", `Card numbers are not taken here: ${HOW_TO_TOKENISE}.`);
  const token = TOKENS.get(card.number.replaceAll(/[ -]/g, ""));
  if (token === undefined) {
    return refuseCard(
      "card_number",
      `The card number is not one of the test cards. For any other card, ${HOW_TO_TOKENISE}.`,
    );
  }
  if (!/^(0?[1-9]|1[0-2])$/.test(card.expiryMonth)) {
    return refuseCard("expiry_month", "The card's expiry month is invalid; send 01 to 12.");
  }
  if (!/^(20)?\d{2}$/.test(card.expiryYear)) {
    return refuseCard("expiry_year", "The card's expiry year is invalid; send four digits.");
  }
  if (!/^\d{3,4}$/.test(card.cvv)) return refuseCard("cvv", "The card's security code is invalid; send 3 or 4 digits.");
  return accept(token);
}

/** A token as it was sent. A number in its place is no token, and would be kept as one. */
export function checkToken(token: string): Result<string> {
  if (!/^[\d\s_-]+$/.test(token)) return accept(token);
  return refuse("INVALID_CARD", `A number is not a token: ${HOW_TO_TOKENISE}.`, {
    outcome: "NOT_ATTEMPTED",
    metadata: { field: "payment_method_token" },
  });
}

/** The card was not sent, and neither was a token. */
export function refuseWithoutCard(live: boolean): Result<never> {
  return live
    ? refuseCard("card_number", `There is nothing to pay with: ${HOW_TO_TOKENISE}.`)
    : refuseCard(
        "card_number",
        "There is nothing to pay with: send card_details of a test card, or a payment_method_token.",
      );
}
