// /v1/payment_methods, and the parameters of other routes that name or describe a card.
import { type CardDetails, createPaymentMethod, findPaymentMethod } from "../payment-methods.ts";
import { object, refuse } from "./outcome.ts";
import {
  count,
  fields,
  ignored,
  metadata,
  oneOf,
  type Reader,
  refine,
  required,
  text,
  unsupported,
  type ValuesOf,
} from "./parameters.ts";
import { found, invalidRequest, notFound, noSuch, type Read, refused } from "./refusal.ts";
import { renderPaymentMethod } from "./render-intent.ts";
import { type Face, type Route, route } from "./route.ts";

const CARD = {
  number: text(40),
  exp_month: count({ min: 0, max: 9999 }),
  exp_year: count({ min: 0, max: 9999 }),
  cvc: text(10),
  token: text(200),
  networks: ignored(),
};

const METHOD = {
  type: required(oneOf("card")),
  card: fields(CARD),
  billing_details: ignored(),
  allow_redisplay: ignored(),
  metadata: metadata(),
};
type MethodValues = ValuesOf<typeof METHOD>;

export const PAYMENT_METHOD_DATA = fields(METHOD);

/** The name of a payment method: never the number of a card. */
export function methodName(): Reader<string | null> {
  return refine(text(), (value, param) => {
    if (/^pm_\w{1,200}$/.test(value)) return found(value);
    return refused(noSuch("PaymentMethod", { id: value, param }));
  });
}

/** The method that a request pays with: the one that it names, one made of the card that it describes, or null. */
export function cardMethod(
  params: { readonly payment_method: string | null; readonly payment_method_data: MethodValues | null },
  face: Face,
): Read<string | null> {
  if (params.payment_method_data !== null) {
    const made = makeMethod(params.payment_method_data, { face, path: "payment_method_data[card]" });
    return made.ok ? found(made.value.id) : made;
  }
  return params.payment_method === null ? found(null) : methodName()(params.payment_method, "payment_method");
}

function makeMethod({ card }: MethodValues, { face, path }: { face: Face; path: string }) {
  const source = sourceOf(card, path);
  if (!source.ok) return source;
  const made = createPaymentMethod(source.value, face.gateway.clock.now());
  return made.ok ? found(made.paymentMethod) : refused(made.error);
}

function sourceOf(card: ValuesOf<typeof CARD> | null, path: string): Read<CardDetails | string> {
  if (card === null) return refused(missing(path));
  if (card.token !== null) return found(card.token);
  const { number, exp_month, exp_year, cvc } = card;
  if (number === null) return refused(missing(`${path}[number]`));
  if (exp_month === null) return refused(missing(`${path}[exp_month]`));
  if (exp_year === null) return refused(missing(`${path}[exp_year]`));
  return found({ number, exp_month, exp_year: exp_year < 100 ? 2000 + exp_year : exp_year, cvc });
}

function missing(param: string) {
  return invalidRequest(`Missing required param: ${param}.`, { code: "parameter_missing", param });
}

export const methodRoutes: readonly Route[] = [
  route("POST /v1/payment_methods", { ...METHOD, ...unsupported("customer payment_method") }, (params, { face }) => {
    const made = makeMethod(params, { face, path: "card" });
    return made.ok ? object(renderPaymentMethod(made.value)) : refuse(made.refusal);
  }),
  route("GET /v1/payment_methods/:id", {}, (_params, { id }) => {
    const method = findPaymentMethod(id);
    return method ? object(renderPaymentMethod(method)) : refuse(notFound("PaymentMethod", id, "payment_method"));
  }),
];
