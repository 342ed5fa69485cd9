// The test cards, by number and by token, and what becomes of a payment with each. The numbers, tokens and outcomes are Stripe's
// (https://docs.stripe.com/testing); tokens for cards that have none at Stripe are in the same manner. Every token has two spellings:
// `pm_card_…` and `tok_…`.

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
  /** What the cardholder's bank does as soon as the money is taken. */
  readonly dispute: { readonly reason: string; readonly inquiry: boolean } | null;
  readonly funding: "credit" | "debit" | "prepaid";
}

export const GENERIC_DECLINE: CardDecline = declined("generic_decline", "Your card was declined.");

function declined(declineCode: string, message: string): CardDecline {
  return { code: "card_declined", decline_code: declineCode, message };
}

function incorrect(code: string, message: string): CardDecline {
  return { code, decline_code: null, message };
}

function card(token: string, number: string, more: Partial<Omit<TestCard, "token" | "number">> = {}): TestCard {
  const ordinary = { brand: "visa", challenge: false, decline: null, refund: "succeeds", dispute: null } as const;
  return { token, number, ...ordinary, funding: "credit", ...more };
}

/** All test cards. The place of a card is part of the ids of payment methods: new cards go to the end. */
export const TEST_CARDS: readonly TestCard[] = [
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
  card("pm_card_createDispute", "4000000000000259", { dispute: { reason: "fraudulent", inquiry: false } }),
  card("pm_card_createDisputeProductNotReceived", "4000000000002685", {
    dispute: { reason: "product_not_received", inquiry: false },
  }),
  card("pm_card_createDisputeInquiry", "4000000000001976", { dispute: { reason: "fraudulent", inquiry: true } }),
  card("pm_card_pendingRefund", "4000000000007726", { refund: "succeeds_later" }),
  card("pm_card_refundFail", "4000000000005126", { refund: "fails_later" }),
  card("pm_card_visa_debit", "4000056655665556", { funding: "debit" }),
  card("pm_card_mastercard_debit", "5200828282828210", { brand: "mastercard", funding: "debit" }),
  card("pm_card_mastercard_prepaid", "5105105105105100", { brand: "mastercard", funding: "prepaid" }),
  card("pm_card_discover", "6011111111111117", { brand: "discover" }),
  card("pm_card_diners", "3056930009020004", { brand: "diners" }),
  card("pm_card_jcb", "3566002020360505", { brand: "jcb" }),
  card("pm_card_unionpay", "6200000000000005", { brand: "unionpay" }),
  card("pm_card_chargeDeclinedFraudulent", "4100000000000019", {
    decline: declined("fraudulent", "Your card was declined."),
  }),
];

const BY_TOKEN_OR_NUMBER: ReadonlyMap<string, TestCard> = new Map(
  TEST_CARDS.flatMap((each) => [
    [each.number, each] as const,
    ...tokensOf(each).map((token) => [token, each] as const),
  ]),
);

function tokensOf({ token }: TestCard): string[] {
  // Stripe has a longer spelling of some of them.
  const names = [token, token.replace(/^pm_card_chargeDeclined/, "pm_card_visa_chargeDeclined")];
  return names.flatMap((name) => [name, name.replace("pm_card_", "tok_")]);
}

/** Finds a test card by one of its tokens or its number; there are no others. */
export function findCard(tokenOrNumber: string): TestCard | undefined {
  return BY_TOKEN_OR_NUMBER.get(tokenOrNumber);
}
