// Payment intents and payment methods with all the fields that Stripe documents. What this gateway knows nothing of is null.
import { lastPaymentError } from "../attempts.ts";
import type { Life, PaymentIntent, PaymentMethod } from "../objects.ts";
import { findPaymentMethod } from "../payment-methods.ts";
import type { Body } from "./outcome.ts";
import { errorFields } from "./refusal.ts";
import { unset } from "./unset.ts";

/** Where the pages are, for the addresses that objects carry. */
export interface Site {
  /** Without a slash at its end. */
  readonly publicUrl: string;
}

export function renderIntent(life: Life, site: Site): Body {
  const { intent } = life;
  const details = intent.details ?? {};
  return {
    id: intent.id,
    object: "payment_intent",
    amount: intent.amount,
    amount_capturable: intent.amount_capturable,
    allowed_payment_method_types: details["allowed_payment_method_types"]?.split(",") ?? null,
    amount_details: { tip: {} },
    amount_received: intent.amount_received,
    automatic_payment_methods: automaticMethods(intent),
    canceled_at: intent.canceled_at,
    cancellation_reason: intent.cancellation_reason,
    capture_method: captureMethod(intent),
    client_secret: intent.client_secret,
    confirmation_method: "automatic",
    created: intent.created,
    currency: intent.currency,
    description: intent.description,
    last_payment_error: lastError(life),
    latest_charge: intent.latest_charge,
    livemode: false,
    metadata: intent.metadata,
    next_action: nextAction(intent, site),
    payment_method: intent.payment_method,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: "automatic" },
    },
    payment_method_types: details["payment_method_types"]?.split(",") ?? ["card"],
    receipt_email: intent.receipt_email,
    setup_future_usage: details["setup_future_usage"] ?? null,
    statement_descriptor: details["statement_descriptor"] ?? null,
    statement_descriptor_suffix: details["statement_descriptor_suffix"] ?? null,
    status: intent.status,
    ...NOT_KEPT,
  };
}

const NOT_KEPT = unset(
  "application application_fee_amount customer customer_account excluded_payment_method_types",
  "managed_payments on_behalf_of payment_method_configuration_details payment_record processing review shipping source",
  "transfer_data transfer_group",
);

function captureMethod({ capture_method, details }: PaymentIntent): string {
  return capture_method === "manual" ? "manual" : (details?.["capture_method"] ?? "automatic_async");
}

/** Null where the payment's maker named the types instead. */
function automaticMethods({ details }: PaymentIntent): { enabled: boolean; allow_redirects: string } | null {
  const redirects = details?.["allow_redirects"];
  return redirects === undefined ? null : { enabled: true, allow_redirects: redirects };
}

function nextAction({ status, details, id, client_secret }: PaymentIntent, { publicUrl }: Site): Body | null {
  if (status !== "requires_action") return null;
  const url = `${publicUrl}/_gateway/challenge/${id}?client_secret=${client_secret}`;
  const return_url = details?.["return_url"];
  if (return_url !== undefined) return { type: "redirect_to_url", redirect_to_url: { return_url, url } };
  return { type: "use_stripe_sdk", use_stripe_sdk: { type: "three_d_secure_redirect", stripe_js: url } };
}

/** Why the last attempt failed, as long as there is no other. */
function lastError(life: Life): Body | null {
  const error = lastPaymentError(life);
  if (error === null) return null;
  const charge = life.charges.find((each) => each.id === error.charge);
  return { ...errorFields(error), payment_method: renderMethodOf(charge?.payment_method ?? null) };
}

export function renderPaymentMethod(method: PaymentMethod): Body {
  const { brand, country, exp_month, exp_year, funding, last4 } = method.card;
  return {
    id: method.id,
    object: "payment_method",
    allow_redisplay: "unspecified",
    billing_details: BILLING_DETAILS,
    card: {
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
      country,
      display_brand: brand,
      exp_month,
      exp_year,
      fingerprint: null,
      funding,
      generated_from: null,
      last4,
      networks: { available: [brand], preferred: null },
      regulated_status: "unregulated",
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: method.created,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: "card",
  };
}

/** The method that a payment was paid or tried with. */
export function renderMethodOf(id: string | null): Body | null {
  const method = id === null ? undefined : findPaymentMethod(id);
  return method === undefined ? null : renderPaymentMethod(method);
}

export const BILLING_DETAILS = {
  address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
  email: null,
  name: null,
  phone: null,
  tax_id: null,
};
