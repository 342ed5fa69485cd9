// The test cards, by number and by token, and what becomes of a payment with each. The numbers, tokens and outcomes are Stripe's
// (https://docs.stripe.com/testing); tokens for cards that have none at Stripe are in the same manner.

export interface CardDecline {
  readonly code: string;
  readonly decline_code: string | null;
  readonly message: string;
}

export interface TestCard {
  readonly token: string;
  readonly number: string;
  readonly brand: string;
  /** The cardholder must approve first (3-D Secure). */
  readonly challenge: boolean;
  readonly decline: CardDecline | null;
  /** What becomes of a refund: done at once, done later, or done at once and undone later. */
  readonly refund: "succeeds" | "succeeds_later" | "fails_later";
}

export const GENERIC_DECLINE: CardDecline = declined("generic_decline", "Your card was declined.");

function declined(declineCode: string, message: string): CardDecline {
  return { code: "card_declined", decline_code: declineCode, message };
}

function incorrect(code: string, message: string): CardDecline {
  return { code, decline_code: null, message };
}

function card(token: string, number: string, more: Partial<Omit<TestCard, "token" | "number">> = {}): TestCard {
  return { token, number, brand: "visa", challenge: false, decline: null, refund: "succeeds", ...more };
}

const CARDS: readonly TestCard[] = [
  card("pm_card_visa", "4242424242424242"),
  card("pm_card_visa_1111", "4111111111111111"),
  card("pm_card_mastercard", "5555555555554444", { brand: "mastercard" }),
  card("pm_card_amex", "378282246310005", { brand: "amex" }),
  card("pm_card_chargeDeclined", "4000000000000002", { decline: GENERIC_DECLINE }),
  card("pm_card_chargeDeclinedInsufficientFunds", "4000000000009995", {
    decline: declined("insufficient_funds", "Your card has insufficient funds."),
  }),
  card("pm_card_chargeDeclinedLostCard", "4000000000009987", {
    decline: declined("lost_card", "Your card was declined."),
  }),
  card("pm_card_chargeDeclinedStolenCard", "4000000000009979", {
    decline: declined("stolen_card", "Your card was declined."),
  }),
  card("pm_card_chargeDeclinedExpiredCard", "4000000000000069", {
    decline: incorrect("expired_card", "Your card has expired."),
  }),
  card("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", {
    decline: incorrect("incorrect_cvc", "Your card's security code is incorrect."),
  }),
  card("pm_card_chargeDeclinedProcessingError", "4000000000000119", {
    decline: incorrect("processing_error", "An error occurred while processing your card. Try again in a little bit."),
  }),
  card("pm_card_chargeDeclinedIncorrectNumber", "4242424242424241", {
    decline: incorrect("incorrect_number", "Your card number is incorrect."),
  }),
  card("pm_card_authenticationRequiredOnSetup", "4000002500003155", { challenge: true }),
  card("pm_card_authenticationRequired", "4000002760003184", { challenge: true }),
  card("pm_card_threeDSecure2Required", "4000000000003220", { challenge: true }),
  card("pm_card_threeDSecureRequiredChargeDeclined", "4000008400001629", { challenge: true, decline: GENERIC_DECLINE }),
  card("pm_card_createDispute", "4000000000000259"),
  card("pm_card_createDisputeProductNotReceived", "4000000000002685"),
  card("pm_card_createDisputeInquiry", "4000000000001976"),
  card("pm_card_pendingRefund", "4000000000007726", { refund: "succeeds_later" }),
  card("pm_card_refundFail", "4000000000005126", { refund: "fails_later" }),
];

const BY_TOKEN_OR_NUMBER: ReadonlyMap<string, TestCard> = new Map(
  CARDS.flatMap((each) => [
    [each.token, each],
    [each.number, each],
    // Stripe's longer spelling of the same tokens.
    [each.token.replace(/^pm_card_chargeDeclined/, "pm_card_visa_chargeDeclined"), each],
  ]),
);

/** Finds a test card by its token or its number; there are no others. */
export function findCard(tokenOrNumber: string): TestCard | undefined {
  return BY_TOKEN_OR_NUMBER.get(tokenOrNumber);
}
