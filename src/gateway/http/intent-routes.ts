// /v1/payment_intents
import { NO_RETURN_URL } from "../intents.ts";
import type { Life } from "../objects.ts";
import { amountProblem, currency } from "./amounts.ts";
import { INTENT, lifeSource, partProblem, perform, retrieve } from "./calls.ts";
import { METHOD_TYPES, methodTypesDetails, methodTypesProblem, stayOnThePage } from "./method-types.ts";
import { cardMethod, methodName, PAYMENT_METHOD_DATA } from "./method-routes.ts";
import { type Listed, listPage, PAGING, timeRange } from "./listing.ts";
import { refuse } from "./outcome.ts";
import {
  clearable,
  fields,
  flag,
  ignored,
  integer,
  metadata,
  oneOf,
  required,
  text,
  unsupported,
  type ValuesOf,
  withDefault,
} from "./parameters.ts";
import { invalidRequest, type Refusal } from "./refusal.ts";
import { renderIntent, type Site } from "./render-intent.ts";
import { isHidden } from "./render-session.ts";
import { type Route, route } from "./route.ts";
import { url } from "./url-parameter.ts";

const CAPTURE_METHOD = oneOf("automatic", "automatic_async", "manual");

const WORDS = {
  description: clearable(1000),
  receipt_email: clearable(500),
  statement_descriptor: text(22),
  statement_descriptor_suffix: text(22),
  setup_future_usage: oneOf("off_session", "on_session"),
};

const CONFIRM = {
  payment_method: text(),
  payment_method_data: PAYMENT_METHOD_DATA,
  return_url: url(),
  use_stripe_sdk: ignored(),
};

const CREATE = {
  amount: required(integer({ min: 1n })),
  currency: required(currency()),
  capture_method: withDefault(CAPTURE_METHOD, "automatic_async"),
  confirm: withDefault(flag(), false),
  metadata: withDefault(metadata(), {}),
  automatic_payment_methods: fields({ enabled: required(flag()), allow_redirects: oneOf("always", "never") }),
  ...METHOD_TYPES,
  ...WORDS,
  ...CONFIRM,
  ...unsupported(
    "amount_details application_fee_amount confirmation_method confirmation_token customer customer_account",
    "error_on_requires_action excluded_payment_method_types hooks mandate mandate_data off_session on_behalf_of",
    "payment_details payment_method_configuration payment_method_options radar_options shipping transfer_data transfer_group",
  ),
};
type CreateValues = ValuesOf<typeof CREATE>;

function createProblem(params: CreateValues, version: string): Refusal | undefined {
  if (params.automatic_payment_methods?.enabled && params.payment_method_types !== null) {
    const message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.";
    return invalidRequest(message, { code: "parameters_exclusive", param: "automatic_payment_methods" });
  }
  if (params.return_url !== null && !params.confirm) {
    const message = "The parameter `return_url` can only be used when `confirm` is set to `true`.";
    return invalidRequest(message, { code: "payment_intent_invalid_parameter", param: "return_url" });
  }
  if (params.confirm && params.return_url === null && detailsOf(params)["needs_return_url"] !== undefined) {
    return invalidRequest(NO_RETURN_URL, { code: "parameter_missing", param: "return_url" });
  }
  return methodTypesProblem(params, version) ?? amountProblem(params.amount, params.currency, "amount");
}

/** What the core keeps for the answers of this face. Without types, Stripe chooses among all that the account takes. */
function detailsOf(params: CreateValues): Readonly<Record<string, string>> {
  const { automatic_payment_methods: automatic } = params;
  const isAutomatic = automatic?.enabled ?? params.payment_method_types === null;
  const redirects = isAutomatic ? (automatic?.allow_redirects ?? "always") : null;
  const details = {
    allow_redirects: redirects,
    needs_return_url: redirects === "always" && !stayOnThePage(params) ? "true" : null,
    capture_method: params.capture_method,
    ...methodTypesDetails(params),
    return_url: params.return_url,
    setup_future_usage: params.setup_future_usage,
    statement_descriptor: params.statement_descriptor,
    statement_descriptor_suffix: params.statement_descriptor_suffix,
  };
  return Object.fromEntries(Object.entries(details).filter((detail): detail is [string, string] => detail[1] !== null));
}

const create = route("POST /v1/payment_intents", CREATE, async (params, call) => {
  const problem = createProblem(params, call.version);
  if (problem) return refuse(problem);
  const method = cardMethod(params, call.face);
  if (!method.ok) return refuse(method.refusal);
  return perform(call, {
    operation: "create_intent",
    params: {
      amount: params.amount,
      currency: params.currency,
      capture_method: params.capture_method === "manual" ? "manual" : "automatic",
      metadata: withoutEmpty(params.metadata),
      payment_method: method.value,
      confirm: params.confirm,
      description: params.description || null,
      receipt_email: params.receipt_email || null,
      details: detailsOf(params),
    },
  });
});

/** An empty value unsets a pair; where there is none yet, it makes none. */
export function withoutEmpty(pairs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== ""));
}

const update = route(
  "POST /v1/payment_intents/:id",
  {
    amount: integer({ min: 1n }),
    metadata: metadata(),
    payment_method: methodName(),
    description: clearable(1000),
    receipt_email: clearable(500),
    ...unsupported(
      "allowed_payment_method_types amount_details application_fee_amount capture_method currency customer customer_account",
      "excluded_payment_method_types hooks payment_details payment_method_configuration payment_method_data",
      "payment_method_options setup_future_usage shipping statement_descriptor statement_descriptor_suffix transfer_data",
      "transfer_group",
    ),
  },
  async ({ amount, metadata: pairs, payment_method, description, receipt_email }, call) =>
    perform(call, {
      operation: "update_intent",
      id: call.id,
      params: {
        ...(amount !== null && { amount }),
        ...(payment_method !== null && { payment_method }),
        ...(description !== null && { description: description || null }),
        ...(receipt_email !== null && { receipt_email: receipt_email || null }),
        // `metadata=` unsets all pairs.
        ...(pairs !== null && { metadata: Object.keys(pairs).length === 0 ? null : pairs }),
      },
    }),
);

const confirm = route(
  "POST /v1/payment_intents/:id/confirm",
  {
    ...CONFIRM,
    ...unsupported(
      "allowed_payment_method_types amount_details amount_to_confirm capture_method confirmation_token",
      "error_on_requires_action excluded_payment_method_types hooks mandate mandate_data off_session payment_details",
      "payment_method_options radar_options receipt_email setup_future_usage shipping",
    ),
  },
  async (params, call) => {
    const method = cardMethod(params, call.face);
    if (!method.ok) return refuse(method.refusal);
    const back = params.return_url !== null && { return_url: params.return_url };
    return perform(call, { operation: "confirm_intent", id: call.id, payment_method: method.value, ...back });
  },
);

const capture = route(
  "POST /v1/payment_intents/:id/capture",
  {
    amount_to_capture: integer({ min: 1n }),
    ...unsupported(
      "amount_details application_fee_amount final_capture hooks metadata payment_details statement_descriptor",
      "statement_descriptor_suffix transfer_data",
    ),
  },
  async ({ amount_to_capture }, call) => {
    const problem = await partProblem(call.face, call.id, { amount: amount_to_capture, param: "amount_to_capture" });
    return problem ? refuse(problem) : perform(call, { operation: "capture_intent", id: call.id, amount_to_capture });
  },
);

const cancel = route(
  "POST /v1/payment_intents/:id/cancel",
  {
    cancellation_reason: withDefault(
      oneOf("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
      "requested_by_customer",
    ),
  },
  async ({ cancellation_reason }, call) =>
    perform(call, { operation: "cancel_intent", id: call.id, cancellation_reason }),
);

const listIntents = route(
  "GET /v1/payment_intents",
  { ...PAGING, created: timeRange(), customer: ignored(), customer_account: ignored() },
  async ({ created, customer: _customer, customer_account: _account, ...paging }, { face }) => {
    const source = lifeSource(face, { created }, (life) => (isHidden(life) ? undefined : listedIntent(life, face)));
    return listPage({ ...source, url: "/v1/payment_intents", kind: INTENT.name }, paging);
  },
);

export function listedIntent(life: Life, site: Site): Listed {
  const { id, created } = life.intent;
  return { id, created, life, print: () => renderIntent(life, site) };
}

export const intentRoutes: readonly Route[] = [
  create,
  route("GET /v1/payment_intents/:id", { client_secret: text() }, async (_params, call) => retrieve(call, INTENT)),
  update,
  confirm,
  capture,
  cancel,
  listIntents,
];
