// The storefront dialect (document 003): a shop of books whose browser pays by its own form, by the hosted page, or with the customer's credits.
// Everything is below /api/v1/payment.
import type { FastifyInstance } from "fastify";
import type { Answer } from "../../app/answer.ts";
import { createPayment, type CreatePaymentInput } from "../../app/create-payment.ts";
import type { CreditParts } from "../../app/credits.ts";
import { findByReference } from "../../app/find-by-reference.ts";
import { getPaymentStatus } from "../../app/get-payment.ts";
import { refundPayment } from "../../app/refund-payment.ts";
import { CREDITS_PROVIDER } from "../../domain/credit-terms.ts";
import { accept, refuse, refuseField, type Result } from "../../domain/error.ts";
import { printPaymentId, readPaymentId } from "../../domain/ids.ts";
import type { Payment, PaymentMode } from "../../domain/payment.ts";
import type { Health } from "../health.ts";
import { readCardToken } from "./card-token.ts";
import { confirmPayment } from "./confirm.ts";
import { checkComplete, checkRefund } from "../json/contract.ts";
import { declineOf } from "../json/decline.ts";
import type { Dialect, RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { readAll, readBody, readText, readTextOrNull } from "../json/fields.ts";
import { textParameter } from "./parameters.ts";
import { type CartTerms, readCheckout, readIntent } from "./storefront-cart.ts";
import { registerCredits } from "./storefront-credits.ts";
import { registerCustomerViews } from "./storefront-customers.ts";
import { registerHealth } from "./storefront-health.ts";
import { readRefundAmount } from "./storefront-refund.ts";
import * as schemas from "./storefront-schemas.ts";
import {
  describeCheckout,
  describeIntent,
  describePayment,
  describeRefund,
  describeRefusal,
  describeSession,
  describeShort,
} from "./storefront-words.ts";

const STOREFRONT_PREFIX = "/api/v1/payment";

export interface StorefrontOptions {
  /** The provider's key for browsers; null: none is configured. */
  readonly publishableKey: string | null;
  /** Whether payments move real money. */
  readonly live: boolean;
  /** Where customers come back to from the hosted page when a request names no place; null: the service's own pages. */
  readonly successUrl: string | null;
  readonly cancelUrl: string | null;
  /** Of this software, for its health. */
  readonly version: string;
  readonly health: Health;
  readonly accounts: Pick<CreditParts, "credits">;
}

function ok(body: unknown): Result<RestAnswer> {
  return accept({ status: 200, body });
}

/** A payment by our id of it, or by the provider's id of it or of its checkout session. */
function findPayment({ parts }: RestContext, { caller }: RestCall, text: string): Promise<Result<Payment>> {
  const paymentId = readPaymentId(text);
  return paymentId ? getPaymentStatus(parts, caller, { paymentId }) : findByReference(parts, caller, text);
}

/** Refuses where the order's open payment is paid in another way than the caller asked for, and where the provider would not open it. */
function refuseUnpayable({ payment }: Answer, mode: PaymentMode): Result<null> {
  if (payment.mode !== mode || payment.provider === CREDITS_PROVIDER) {
    return refuse(
      "ORDER_HAS_OPEN_PAYMENT",
      "the order has an open payment that is paid in another way; cancel it first",
      {
        metadata: { paymentId: printPaymentId(payment.id), orderId: payment.orderId, status: payment.status },
      },
    );
  }
  const declined = payment.status === "FAILED" ? declineOf(payment) : null;
  return declined ? { ok: false, error: declined } : accept(null);
}

async function create(
  context: RestContext,
  call: RestCall,
  { input, describe }: { readonly input: Result<CreatePaymentInput>; readonly describe: (answer: Answer) => unknown },
): Promise<Result<RestAnswer>> {
  if (!input.ok) return input;
  const created = await createPayment(context.parts, call.caller, input.value);
  if (!created.ok) return created;
  const unpayable = refuseUnpayable(created.value, input.value.mode);
  return unpayable.ok ? ok(describe(created.value)) : unpayable;
}

async function confirm(context: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const fields = body.value;
  const all = readAll({
    id: readTextOrNull(fields, "payment_id"),
    // The document's clients name the intent.
    intent: readTextOrNull(fields, "payment_intent_id"),
    method: readCardToken(fields, "payment_method_id"),
    methodAlias: readCardToken(fields, "payment_method"),
  });
  if (!all.ok) return all;
  const { id, intent, method, methodAlias } = all.value;
  const name = id ?? intent;
  if (name === null) return refuseField("INVALID_ARGUMENT", "payment_intent_id", "is missing; send it");
  const found = await findPayment(context, call, name);
  if (!found.ok) return found;
  const input = checkComplete({
    payment: { case: "paymentId", value: printPaymentId(found.value.id) },
    paymentMethod: method ?? methodAlias ?? "",
    requestId: call.requestId,
  });
  if (!input.ok) return input;
  const confirmed = await confirmPayment(context.parts, call, input.value);
  if (!confirmed.ok) return confirmed;
  const payment = confirmed.value;
  // What the customer has to do next is an answer: the browser's form goes on with it.
  const declined = payment.status === "REQUIRES_ACTION" ? null : declineOf(payment);
  if (declined) return { ok: false, error: declined };
  return ok({ ...describeShort(payment), payment_intent_id: payment.providerReference });
}

async function refund(context: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const { parts } = context;
  const body = readBody(call.request);
  if (!body.ok) return body;
  const fields = body.value;
  const all = readAll({
    name: readText(fields, "payment_id"),
    minor: readRefundAmount(fields),
    reason: readTextOrNull(fields, "reason"),
  });
  if (!all.ok) return all;
  const { name, minor, reason } = all.value;
  const found = await findPayment(context, call, name);
  if (!found.ok) return found;
  const { id, amount } = found.value;
  const input = checkRefund({
    payment: { case: "paymentId", value: printPaymentId(id) },
    ...(minor !== null && { amount: { minor, currency: amount.currency } }),
    reason: reason ?? "",
    requestId: call.requestId,
  });
  if (!input.ok) return input;
  const refunded = await refundPayment(parts, call.caller, input.value);
  if (!refunded.ok) return refunded;
  const { payment, refund: given } = refunded.value;
  if (given === null) throw new Error("a refund was answered without one");
  return ok(describeRefund(payment, given));
}

async function readPublishableKey({ publishableKey, live }: StorefrontOptions): Promise<Result<RestAnswer>> {
  if (publishableKey !== null) return ok({ publishable_key: publishableKey, mode: live ? "live" : "test" });
  return refuse("SERVICE_UNAVAILABLE", "No publishable key is configured; set STRIPE_PUBLISHABLE_KEY.", {
    outcome: "NOT_ATTEMPTED",
  });
}

function registerPayments(app: FastifyInstance, context: RestContext, terms: CartTerms): void {
  app.post(
    "/create-payment-intent",
    { schema: schemas.CREATE_INTENT },
    context.serve((call) =>
      create(context, call, {
        input: readIntent(call, terms),
        describe: ({ payment, clientSecret }) => describeIntent(payment, clientSecret),
      }),
    ),
  );
  app.post(
    "/confirm-payment",
    { schema: schemas.CONFIRM },
    context.serve((call) => confirm(context, call)),
  );
  app.post(
    "/create-checkout-session",
    { schema: schemas.CREATE_CHECKOUT },
    context.serve((call) =>
      create(context, call, {
        input: readCheckout(call, terms),
        describe: ({ payment, checkout }) => describeCheckout(payment, checkout),
      }),
    ),
  );
  app.get(
    "/checkout-session/:session_id",
    { schema: schemas.GET_SESSION },
    context.serve(async (call) => {
      const found = await findByReference(context.parts, call.caller, textParameter(call.request, "session_id"));
      return found.ok ? ok(describeSession(found.value)) : found;
    }),
  );
  app.get(
    "/payment/:payment_id",
    { schema: schemas.GET_PAYMENT },
    context.serve(async (call) => {
      const found = await findPayment(context, call, textParameter(call.request, "payment_id"));
      return found.ok ? ok(describePayment(found.value)) : found;
    }),
  );
  app.post(
    "/refund",
    { schema: schemas.REFUND },
    context.serve((call) => refund(context, call)),
  );
}

export function createStorefront(options: StorefrontOptions): Dialect {
  const { successUrl, cancelUrl } = options;
  return {
    name: "storefront",
    description: "A shop whose browser pays by its own form, by the hosted page, or with credits (document 003).",
    describeRefusal,
    async register(app, context) {
      const terms = { provider: context.provider, successUrl, cancelUrl, randomUuid: () => context.parts.randomUuid() };
      await app.register(
        (scope, _options, done) => {
          scope.get(
            "/config/publishable-key",
            { schema: schemas.PUBLISHABLE_KEY, config: { unlimited: true } },
            context.servePublic(() => readPublishableKey(options)),
          );
          registerPayments(scope, context, terms);
          registerCredits(scope, context, { terms, accounts: options.accounts });
          registerCustomerViews(scope, context);
          registerHealth(scope, context, options);
          context.receiveWebhooks(scope, "/webhook/stripe", schemas.WEBHOOK);
          done();
        },
        { prefix: STOREFRONT_PREFIX },
      );
    },
  };
}
