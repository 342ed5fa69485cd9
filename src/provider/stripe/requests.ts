// What Stripe is asked for. Everything follows from the payment and the operation as they were written down, and nothing from the clock, since a
// call that is repeated under its key has to be the same call.
import type Stripe from "stripe";
import { printPaymentId, printRefundId } from "../../domain/ids.ts";
import type { LineItem, Payment } from "../../domain/payment.ts";
import type { ProviderCall } from "../provider.ts";
import { STRIPE_UNITS } from "./units.ts";

/**
 * Where a customer comes back to when the caller of the service named no place: addresses without a query. Stripe tells these pages which checkout
 * it was, by `session_id`.
 */
export interface ReturnUrls {
  readonly success: string;
  readonly cancel: string;
}

export interface RequestRules {
  readonly returnUrls: ReturnUrls;
  /** Null lets Stripe's dashboard decide. */
  readonly paymentMethodTypes: readonly string[] | null;
  /** Metadata of the payment that is passed on besides our ids. */
  readonly metadataKeys: readonly string[];
}

type SessionParams = Stripe.Checkout.SessionCreateParams;
type IntentParams = Stripe.PaymentIntentCreateParams;

/** Stripe takes sessions that last from 30 minutes to 24 hours; a minute is left for clocks that differ. */
const SESSION_MS_MIN = 31 * 60_000;
const SESSION_MS_MAX = 24 * 3_600_000 - 60_000;
const LINE_ITEMS_MAX = 100;
/** Characters of the names of what is bought, and of what it was for. */
const NAME_MAX = 250;
const DESCRIPTION_MAX = 1000;

const REFUND_REASONS = ["duplicate", "fraudulent", "requested_by_customer"] as const;
const CANCELLATION_REASONS = [...REFUND_REASONS, "abandoned"] as const;

/** Undefined where Stripe cannot hold the amount. */
export function wireAmount(minor: bigint, currency: string): number | undefined {
  const wire = STRIPE_UNITS.toWire({ minor, currency });
  return wire === undefined ? undefined : Number(wire);
}

export function sessionParams(
  { payment, operation }: ProviderCall,
  amount: number,
  rules: RequestRules,
): SessionParams {
  const { returnUrls, paymentMethodTypes } = rules;
  const metadata = metadataOf(payment, rules.metadataKeys);
  const begin = operation.createdAt.getTime();
  const end = payment.expiresAt?.getTime();
  return {
    mode: "payment",
    line_items: lineItems(payment, amount),
    success_url: payment.successUrl ?? withSession(returnUrls.success),
    cancel_url: payment.cancelUrl ?? withSession(returnUrls.cancel),
    client_reference_id: printPaymentId(payment.id),
    metadata,
    payment_intent_data: {
      capture_method: captureMethod(payment),
      metadata,
      ...descriptionOf(payment),
    },
    ...(end !== undefined && {
      expires_at: Math.floor(Math.min(Math.max(end, begin + SESSION_MS_MIN), begin + SESSION_MS_MAX) / 1000),
    }),
    ...(payment.customerEmail !== null && { customer_email: payment.customerEmail }),
    ...(paymentMethodTypes !== null && { allowed_payment_method_types: [...paymentMethodTypes] }),
  };
}

/** Stripe puts the session's id in the place of the braces. */
function withSession(url: string): string {
  return `${url}?session_id={CHECKOUT_SESSION_ID}`;
}

/** One line for each item; one for all where Stripe cannot show them each. */
function lineItems(payment: Payment, amount: number): NonNullable<SessionParams["line_items"]> {
  const lines = payment.items.map((item) => lineItem(item));
  if (lines.length > 0 && lines.length <= LINE_ITEMS_MAX && !lines.includes(undefined))
    return lines.filter((line) => line !== undefined);
  const name = payment.description ?? `Order ${payment.orderId}`;
  return [line({ name, currency: payment.amount.currency, amount, quantity: 1 })];
}

function lineItem({ name, unitPrice, quantity }: LineItem) {
  const amount = wireAmount(unitPrice.minor, unitPrice.currency);
  return amount === undefined ? undefined : line({ name, currency: unitPrice.currency, amount, quantity });
}

function line({
  name,
  currency,
  amount,
  quantity,
}: {
  name: string;
  currency: string;
  amount: number;
  quantity: number;
}) {
  return {
    price_data: {
      currency: currency.toLowerCase(),
      product_data: { name: name.slice(0, NAME_MAX) },
      unit_amount: amount,
    },
    quantity,
  };
}

export function intentParams({ payment, operation }: ProviderCall, amount: number, rules: RequestRules): IntentParams {
  return {
    amount,
    currency: payment.amount.currency.toLowerCase(),
    capture_method: captureMethod(payment),
    metadata: metadataOf(payment, rules.metadataKeys),
    ...descriptionOf(payment),
    ...methodTypes(rules),
    ...(operation.paymentMethod !== null && {
      confirm: true,
      payment_method: operation.paymentMethod,
      ...returnUrl(payment, rules),
    }),
    expand: ["latest_charge"],
  };
}

/** Methods that need a page of their own are left out: a call between services has no browser to send there. */
function methodTypes({ paymentMethodTypes }: RequestRules): Partial<IntentParams> {
  return {
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    ...(paymentMethodTypes !== null && { allowed_payment_method_types: [...paymentMethodTypes] }),
  };
}

export function confirmParams({ payment }: ProviderCall, paymentMethod: string, rules: RequestRules) {
  return { payment_method: paymentMethod, ...returnUrl(payment, rules), expand: ["latest_charge"] };
}

/** Where the cardholder's bank sends them back to after 3-D Secure. */
function returnUrl(payment: Payment, { returnUrls }: RequestRules): { return_url: string } {
  return { return_url: payment.successUrl ?? returnUrls.success };
}

export function cancelParams({ operation }: ProviderCall): Stripe.PaymentIntentCancelParams {
  const known = CANCELLATION_REASONS.find((each) => each === operation.reason);
  return { cancellation_reason: known ?? "requested_by_customer", expand: ["latest_charge"] };
}

export function refundParams(
  { payment, operation }: ProviderCall,
  intentId: string,
  amount: number,
): Stripe.RefundCreateParams {
  const reason = REFUND_REASONS.find((each) => each === operation.reason);
  return {
    payment_intent: intentId,
    amount,
    ...(reason !== undefined && { reason }),
    metadata: {
      ...metadataOf(payment, []),
      ...(operation.refundId !== null && { refund_id: printRefundId(operation.refundId) }),
    },
  };
}

/** What marks Stripe's objects as ours. */
function metadataOf(payment: Payment, keys: readonly string[]): Record<string, string> {
  const passed = keys.flatMap((key) => (payment.metadata[key] === undefined ? [] : [[key, payment.metadata[key]]]));
  return { payment_id: printPaymentId(payment.id), order_id: payment.orderId, ...Object.fromEntries(passed) };
}

function descriptionOf({ description }: Payment): { description?: string } {
  return description === null ? {} : { description: description.slice(0, DESCRIPTION_MAX) };
}

function captureMethod({ captureMethod: method }: Payment): "manual" | "automatic" {
  return method === "MANUAL" ? "manual" : "automatic";
}
