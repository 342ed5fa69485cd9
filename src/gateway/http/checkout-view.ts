// What the checkout page is told of its session. Amounts are decimals in major units, as text, so that they are exact.
import { findCard } from "../cards.ts";
import type { CheckoutSession, Life, LineItem, PaymentIntent } from "../objects.ts";

/**
 * open: can be paid. declined: could be paid, but not on this page. requires_action: the bank asks the cardholder. paid, authorized (held, not taken) and processing: the customer is done.
 * expired: its time is over. closed: it was ended before.
 */
export type CheckoutStatus =
  | "open"
  | "declined"
  | "requires_action"
  | "paid"
  | "authorized"
  | "processing"
  | "expired"
  | "closed";

interface CardChoice {
  readonly label: string;
  readonly token: string;
  readonly number: string;
}

export interface CheckoutView {
  readonly status: CheckoutStatus;
  readonly amount: string;
  readonly currency: string;
  readonly merchant: string;
  readonly title: string | null;
  readonly items: readonly { readonly name: string; readonly quantity: number; readonly amount: string }[];
  readonly email: string | null;
  readonly expires_at: string;
  readonly expires_in_ms: number;
  /** With the session's id filled in; null where the page must not lead. */
  readonly success_url: string | null;
  readonly cancel_url: string | null;
  /** The card that the bank asks about. */
  readonly card: { readonly last4: string } | null;
  readonly test_cards: readonly { readonly title: string; readonly cards: readonly CardChoice[] }[];
}

export interface Viewpoint {
  readonly merchant: string;
  readonly now: Date;
  /** The card that the payment is about to be paid with; null for none. */
  readonly last4: string | null;
}

export function viewCheckout(life: Life, session: CheckoutSession, { merchant, now, last4 }: Viewpoint): CheckoutView {
  const expiresAt = new Date(session.expires_at * 1000);
  return {
    status: statusOf(life, session, now),
    amount: printAmount(session.amount_total, session.currency),
    currency: session.currency.toUpperCase(),
    merchant,
    title: titleOf(session),
    items: session.line_items.length > 1 || session.description !== null ? session.line_items.map(viewItem) : [],
    email: session.customer_email,
    expires_at: expiresAt.toISOString(),
    expires_in_ms: Math.max(0, expiresAt.getTime() - now.getTime()),
    success_url: returnUrl(session.success_url, session.id),
    cancel_url: returnUrl(session.cancel_url, session.id),
    card: last4 === null ? null : { last4 },
    test_cards: TEST_CARDS,
  };

  function viewItem(item: LineItem): CheckoutView["items"][number] {
    return { name: item.name, quantity: item.quantity, amount: printAmount(item.amount_total, session.currency) };
  }
}

/** What the bank's page is told of a payment that has no session. */
export interface AuthenticationView
  extends Pick<CheckoutView, "amount" | "currency" | "merchant" | "success_url" | "cancel_url" | "card"> {
  readonly status: CheckoutStatus;
}

export function viewAuthentication({ intent }: Life, { merchant, last4 }: Viewpoint): AuthenticationView {
  const url = authenticatedUrl(intent);
  return {
    status: intentStatus(intent),
    amount: printAmount(intent.amount, intent.currency),
    currency: intent.currency.toUpperCase(),
    merchant,
    success_url: url,
    cancel_url: url,
    card: last4 === null ? null : { last4 },
  };
}

function intentStatus({ status }: PaymentIntent): CheckoutStatus {
  switch (status) {
    case "requires_action":
      return "requires_action";
    case "succeeded":
      return "paid";
    case "requires_capture":
      return "authorized";
    case "canceled":
      return "closed";
    case "requires_payment_method":
    case "requires_confirmation":
      return "declined";
  }
}

/** Where the payment's maker wants the customer back, told the outcome as Stripe tells it. */
function authenticatedUrl({ id, client_secret, status, details }: PaymentIntent): string | null {
  const url = URL.parse(details?.["return_url"] ?? "");
  if (url?.protocol !== "http:" && url?.protocol !== "https:") return null;
  const failed = status === "requires_payment_method" || status === "requires_confirmation" || status === "canceled";
  url.searchParams.set("payment_intent", id);
  url.searchParams.set("payment_intent_client_secret", client_secret);
  url.searchParams.set("redirect_status", failed ? "failed" : "succeeded");
  return url.href;
}

function titleOf({ description, line_items: [first, ...others] }: CheckoutSession): string | null {
  if (description !== null) return description;
  if (first === undefined || others.length > 0) return null;
  return first.quantity === 1 ? first.name : `${first.name} × ${first.quantity}`;
}

function statusOf({ intent }: Life, session: CheckoutSession, now: Date): CheckoutStatus {
  switch (session.status) {
    case "open":
      return intent.status === "requires_action" ? "requires_action" : "open";
    case "expired":
      return session.expires_at * 1000 <= now.getTime() ? "expired" : "closed";
    case "complete":
      if (intent.status === "succeeded") return "paid";
      if (intent.status === "requires_capture") return "authorized";
      return intent.status === "canceled" ? "closed" : "processing";
  }
}

/** An address to go to, with the session's id where it asks for it. Only http and https are gone to. */
function returnUrl(template: string | null, sessionId: string): string | null {
  if (template === null) return null;
  const filled = template.replaceAll(/\{CHECKOUT_SESSION_ID\}|%7BCHECKOUT_SESSION_ID%7D/gi, sessionId);
  const url = URL.parse(filled);
  return url?.protocol === "http:" || url?.protocol === "https:" ? url.href : null;
}

// Stripe's units (https://docs.stripe.com/currencies): two decimals, save for these. ISK and UGX are counted in hundredths that are always 00.
const NO_DECIMALS = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "));
const THREE_DECIMALS = new Set("bhd jod kwd omr tnd".split(" "));
const HUNDREDTHS_OF_WHOLE = new Set(["isk", "ugx"]);

function digitsOf(currency: string): number {
  if (NO_DECIMALS.has(currency)) return 0;
  return THREE_DECIMALS.has(currency) ? 3 : 2;
}

/** Prints an amount in Stripe's units as a decimal in major units, with all digits of its currency. */
function printAmount(amount: bigint, currency: string): string {
  const digits = digitsOf(currency);
  if (digits === 0) return amount.toString();
  const text = amount.toString().padStart(digits + 1, "0");
  const [whole, fraction] = [text.slice(0, -digits), text.slice(-digits)];
  return HUNDREDTHS_OF_WHOLE.has(currency) && fraction === "00" ? whole : `${whole}.${fraction}`;
}

/** The test cards that the page offers, in the words of what they do. The card whose number is wrong is not among them: no form would send it. */
const TEST_CARDS: CheckoutView["test_cards"] = [
  group("Succeeds", {
    pm_card_visa: "Visa",
    pm_card_visa_1111: "Visa",
    pm_card_mastercard: "Mastercard",
    pm_card_amex: "Amex",
  }),
  group("3-D Secure", {
    pm_card_authenticationRequired: "Always asks",
    pm_card_threeDSecure2Required: "Required",
    pm_card_authenticationRequiredOnSetup: "Asks unless set up",
    pm_card_threeDSecureRequiredChargeDeclined: "Asks, then declines",
  }),
  group("Declines", {
    pm_card_chargeDeclined: "Declined",
    pm_card_chargeDeclinedInsufficientFunds: "Insufficient funds",
    pm_card_chargeDeclinedExpiredCard: "Expired card",
    pm_card_chargeDeclinedIncorrectCvc: "Wrong CVC",
    pm_card_chargeDeclinedProcessingError: "Processing error",
    pm_card_chargeDeclinedLostCard: "Lost card",
    pm_card_chargeDeclinedStolenCard: "Stolen card",
    pm_card_chargeDeclinedFraudulent: "Fraudulent",
  }),
  group("Disputes", {
    pm_card_createDispute: "Fraudulent",
    pm_card_createDisputeProductNotReceived: "Not received",
    pm_card_createDisputeInquiry: "Inquiry",
  }),
  group("Refunds", { pm_card_pendingRefund: "Done later", pm_card_refundFail: "Fails later" }),
  group("Other cards that succeed", {
    pm_card_visa_debit: "Visa debit",
    pm_card_mastercard_debit: "Mastercard debit",
    pm_card_mastercard_prepaid: "Mastercard prepaid",
    pm_card_discover: "Discover",
    pm_card_diners: "Diners",
    pm_card_jcb: "JCB",
    pm_card_unionpay: "UnionPay",
  }),
];

function group(title: string, labels: Readonly<Record<string, string>>): CheckoutView["test_cards"][number] {
  const cards = Object.entries(labels).map(([token, label]) => ({ label, token, number: numberOf(token) }));
  return { title, cards };
}

function numberOf(token: string): string {
  const card = findCard(token);
  if (card === undefined) throw new Error(`there is no test card ${token}`);
  return card.number;
}
