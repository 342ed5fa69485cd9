// /v1/checkout/sessions, for one payment each: the total is the exact sum of the line items.
import type { Life, LineItem } from "../objects.ts";
import { amountProblem, currency } from "./amounts.ts";
import { lifeSource, perform, retrieve, SESSION } from "./calls.ts";
import { withoutEmpty } from "./intent-routes.ts";
import { fromArray, type Listed, listPage, PAGING, timeRange } from "./listing.ts";
import { METHOD_TYPES, methodTypesDetails, methodTypesProblem } from "./method-types.ts";
import { type Body, refuse } from "./outcome.ts";
import {
  count,
  fields,
  ignored,
  integer,
  list,
  metadata,
  oneOf,
  required,
  text,
  time,
  unsupported,
  type ValuesOf,
  withDefault,
} from "./parameters.ts";
import { found, invalidRequest, type Read, refused } from "./refusal.ts";
import type { Site } from "./render-intent.ts";
import { isHidden, renderLineItems, renderSession } from "./render-session.ts";
import { type Route, route } from "./route.ts";
import { url } from "./url-parameter.ts";

const PRICE_DATA = fields({
  currency: required(currency()),
  unit_amount: integer({ min: 0n }),
  product_data: fields({
    name: required(text(250)),
    description: text(1000),
    images: ignored(),
    metadata: metadata(),
    tax_code: ignored(),
    ...unsupported("tax_details unit_label"),
  }),
  ...unsupported("product recurring tax_behavior unit_amount_decimal"),
});

const CREATE = {
  mode: required(oneOf("payment", "setup", "subscription")),
  line_items: list(
    fields({
      price_data: PRICE_DATA,
      quantity: withDefault(count({ min: 1, max: 999_999 }), 1),
      metadata: metadata(),
      ...unsupported("adjustable_quantity dynamic_tax_rates price tax_rates"),
    }),
  ),
  success_url: required(url()),
  cancel_url: url(),
  expires_at: time(),
  customer_email: text(800),
  client_reference_id: text(200),
  metadata: withDefault(metadata(), {}),
  payment_intent_data: fields({
    capture_method: oneOf("automatic", "automatic_async", "manual"),
    description: text(1000),
    metadata: withDefault(metadata(), {}),
    receipt_email: text(500),
    setup_future_usage: oneOf("off_session", "on_session"),
    statement_descriptor: text(22),
    statement_descriptor_suffix: text(22),
    ...unsupported("application_fee_amount on_behalf_of shipping transfer_data transfer_group"),
  }),
  ...METHOD_TYPES,
  ui_mode: oneOf("hosted", "hosted_page"),
  locale: text(20),
  submit_type: oneOf("auto", "book", "donate", "pay", "subscribe"),
  currency: currency(),
  ...unsupported(
    "adaptive_pricing after_expiration allow_promotion_codes automatic_tax billing_address_collection branding_settings",
    "consent_collection custom_fields custom_text customer customer_account customer_creation customer_update discounts",
    "excluded_payment_method_types integration_identifier invoice_creation managed_payments name_collection optional_items",
    "origin_context redirect_on_completion setup_intent_data payment_method_collection payment_method_configuration payment_method_data",
    "payment_method_options permissions phone_number_collection return_url saved_payment_method_options",
    "shipping_address_collection shipping_options subscription_data tax_id_collection wallet_options",
  ),
};
type CreateValues = ValuesOf<typeof CREATE>;

interface Purchase {
  readonly currency: string;
  readonly amount: bigint;
  readonly lineItems: readonly LineItem[];
}

/** The exact sum of what is bought. */
function purchaseOf({ line_items: items, mode }: CreateValues): Read<Purchase> {
  if (mode !== "payment") {
    return refused(invalidRequest(`This gateway does not support the mode ${mode}.`, { param: "mode" }));
  }
  if (items === null || items.length === 0) {
    const message = "The parameter `line_items` is required in payment mode.";
    return refused(invalidRequest(message, { code: "parameter_missing", param: "line_items" }));
  }
  const lineItems: LineItem[] = [];
  const currencies = new Set<string>();
  for (const [index, { price_data: price, quantity }] of items.entries()) {
    const path = `line_items[${index}][price_data]`;
    if (price === null) return refused(missing(path));
    const { unit_amount: unit, product_data: product } = price;
    if (unit === null) return refused(missing(`${path}[unit_amount]`));
    if (product === null) return refused(missing(`${path}[product_data]`));
    const problem = amountProblem(unit, price.currency, `${path}[unit_amount]`);
    if (problem) return refused(problem);
    currencies.add(price.currency);
    const { name, description } = product;
    lineItems.push({ name, description, quantity, amount_unit: unit, amount_total: unit * BigInt(quantity) });
  }
  const [code = "", other] = currencies;
  if (other !== undefined) {
    const message = `All line items must have the same currency: these have ${code} and ${other}.`;
    return refused(invalidRequest(message, { param: "line_items" }));
  }
  const amount = lineItems.reduce((sum, item) => sum + item.amount_total, 0n);
  if (amount < 1n || amount >= 2n ** 63n) {
    const details = { code: amount < 1n ? "amount_too_small" : "amount_too_large", param: "line_items" };
    return refused(invalidRequest("The Checkout Session's total amount is out of range.", details));
  }
  return found({ currency: code, amount, lineItems });
}

function missing(param: string) {
  return invalidRequest(`Missing required param: ${param}.`, { code: "parameter_missing", param });
}

function detailsOf(params: CreateValues) {
  const { locale, submit_type, payment_intent_data: data } = params;
  const details = {
    capture_method: data?.capture_method ?? "automatic_async",
    ...methodTypesDetails(params),
    locale,
    submit_type,
    setup_future_usage: data?.setup_future_usage ?? null,
    statement_descriptor: data?.statement_descriptor ?? null,
    statement_descriptor_suffix: data?.statement_descriptor_suffix ?? null,
  };
  return Object.fromEntries(Object.entries(details).filter((detail): detail is [string, string] => detail[1] !== null));
}

const create = route("POST /v1/checkout/sessions", CREATE, async (params, call) => {
  const problem = methodTypesProblem(params, call.version);
  if (problem) return refuse(problem);
  const purchase = purchaseOf(params);
  if (!purchase.ok) return refuse(purchase.refusal);
  const { amount, currency: code, lineItems } = purchase.value;
  const data = params.payment_intent_data;
  return perform(
    call,
    {
      operation: "create_session",
      params: {
        amount,
        currency: code,
        capture_method: data?.capture_method === "manual" ? "manual" : "automatic",
        metadata: withoutEmpty(params.metadata),
        intent_metadata: withoutEmpty(data?.metadata ?? {}),
        intent_description: data?.description ?? null,
        receipt_email: data?.receipt_email ?? null,
        expires_at: params.expires_at,
        success_url: params.success_url,
        cancel_url: params.cancel_url,
        line_items: lineItems,
        customer_email: params.customer_email,
        client_reference_id: params.client_reference_id,
        details: detailsOf(params),
      },
    },
    SESSION,
  );
});

const listSessions = route(
  "GET /v1/checkout/sessions",
  {
    ...PAGING,
    created: timeRange(),
    payment_intent: text(),
    status: oneOf("open", "complete", "expired"),
    customer: ignored(),
    ...unsupported("customer_account customer_details payment_link subscription"),
  },
  async ({ created, payment_intent, status, customer: _customer, ...paging }, { face }) => {
    const named = payment_intent === null ? undefined : await face.gateway.findLife(payment_intent);
    const source =
      payment_intent === null
        ? lifeSource(face, { created, checkouts: true }, (life) => listedSession(life, face))
        : { ...fromArray([named && listedSession(named, face)].filter((each) => each !== undefined)), created };
    const filter = ({ life }: ListedSession): boolean =>
      (status === null || life.session?.status === status) &&
      (payment_intent === null || (!isHidden(life) && life.intent.id === payment_intent));
    return listPage({ ...source, url: "/v1/checkout/sessions", kind: SESSION.name, filter }, paging);
  },
);

interface ListedSession extends Listed {
  readonly life: Life;
}

function listedSession(life: Life, site: Site): ListedSession | undefined {
  const { session } = life;
  return session
    ? { id: session.id, created: session.created, life, print: () => renderSession(life, site) }
    : undefined;
}

const lineItems = route("GET /v1/checkout/sessions/:id/line_items", PAGING, async (paging, call) => {
  const outcome = await retrieve(call, SESSION);
  const [life] = outcome.kind === "object" ? outcome.lives : [];
  if (!life?.session) return outcome;
  const listed = renderLineItems(life.session).map((body: Body) => ({
    id: String(body["id"]),
    created: 0,
    life: null,
    print: () => body,
  }));
  const address = `/v1/checkout/sessions/${call.id}/line_items`;
  return listPage({ ...fromArray(listed.reverse()), url: address, kind: "item", created: null }, paging);
});

export const sessionRoutes: readonly Route[] = [
  create,
  route("GET /v1/checkout/sessions/:id", {}, async (_params, call) => retrieve(call, SESSION)),
  route("POST /v1/checkout/sessions/:id/expire", {}, async (_params, call) =>
    perform(call, { operation: "expire_session", id: call.id }, SESSION),
  ),
  listSessions,
  lineItems,
];
