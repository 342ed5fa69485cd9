// Checkout sessions with all the fields that Stripe documents.
//
// A session names its payment intent only once the customer has tried to pay, as Stripe's does; until then nobody else sees the intent
// either. In the core it is there from the beginning: `isHidden` tells.
import type { CheckoutSession, Life, LineItem } from "../objects.ts";
import type { Body } from "./outcome.ts";
import type { Site } from "./render-intent.ts";
import { unset } from "./unset.ts";

/** True while a payment's intent is known to its session alone. */
export function isHidden({ session, charges, intent }: Life): boolean {
  return session !== null && charges.length === 0 && intent.payment_method === null;
}

export function renderSession(life: Life, site: Site): Body | null {
  const { session, intent } = life;
  if (session === null) return null;
  const details = intent.details ?? {};
  return {
    id: session.id,
    object: "checkout.session",
    allowed_payment_method_types: details["allowed_payment_method_types"]?.split(",") ?? null,
    amount_subtotal: session.amount_total,
    amount_total: session.amount_total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    cancel_url: session.cancel_url,
    client_reference_id: session.client_reference_id,
    created: session.created,
    currency: session.currency,
    custom_fields: [],
    custom_text: unset("after_submit shipping_address submit terms_of_service_acceptance"),
    customer_creation: "if_required",
    customer_details: customerDetails(session),
    customer_email: session.customer_email,
    expires_at: session.expires_at,
    invoice_creation: INVOICE_CREATION,
    livemode: false,
    locale: details["locale"] ?? null,
    metadata: session.metadata,
    mode: "payment",
    payment_intent: isHidden(life) ? null : intent.id,
    payment_method_collection: "if_required",
    payment_method_options: { card: { request_three_d_secure: "automatic" } },
    payment_method_types: details["payment_method_types"]?.split(",") ?? ["card"],
    payment_status: session.payment_status,
    phone_number_collection: { enabled: false },
    shipping_options: [],
    status: session.status,
    submit_type: details["submit_type"] ?? null,
    success_url: session.success_url,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: "hosted_page",
    url: session.status === "open" ? `${site.publicUrl}/c/pay/${session.id}` : null,
    ...NOT_KEPT,
  };
}

const NOT_KEPT = unset(
  "adaptive_pricing after_expiration allow_promotion_codes billing_address_collection client_secret",
  "collected_information consent consent_collection currency_conversion customer customer_account discounts",
  "integration_identifier invoice managed_payments origin_context payment_link payment_method_configuration_details permissions",
  "recovered_from saved_payment_method_options setup_intent shipping_address_collection shipping_cost subscription wallet_options",
);

const INVOICE_CREATION = {
  enabled: false,
  invoice_data: { ...unset("account_tax_ids custom_fields description footer issuer rendering_options"), metadata: {} },
};

/** Null until the customer has filled in the page, unless an address was given beforehand. */
function customerDetails({ customer_email, status }: CheckoutSession): Body | null {
  if (customer_email === null && status !== "complete") return null;
  return {
    ...unset("address business_name individual_name name phone"),
    email: customer_email,
    tax_exempt: "none",
    tax_ids: null,
  };
}

export function renderLineItems(session: CheckoutSession): Body[] {
  const key = session.id.slice(session.id.lastIndexOf("_") + 1);
  return session.line_items.map((item, index) => renderLineItem(item, session, `${key}${index.toString(36)}`));
}

function renderLineItem(item: LineItem, { currency, created }: CheckoutSession, key: string): Body {
  return {
    id: `li_${key}`,
    object: "item",
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: item.amount_total,
    amount_tax: 0,
    amount_total: item.amount_total,
    currency,
    description: item.name,
    metadata: {},
    price: {
      id: `price_${key}`,
      object: "price",
      active: false,
      billing_scheme: "per_unit",
      created,
      currency,
      livemode: false,
      metadata: {},
      product: `prod_${key}`,
      tax_behavior: "unspecified",
      type: "one_time",
      unit_amount: item.amount_unit,
      unit_amount_decimal: item.amount_unit.toString(),
      ...unset("custom_unit_amount lookup_key nickname recurring tiers_mode transform_quantity"),
    },
    quantity: item.quantity,
  };
}
