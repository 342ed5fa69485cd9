// The provider that talks to the mock gateway, over its direct face. The idempotency key of every call is the operation's id.
import type { Fact } from "../../domain/fact.ts";
import { printPaymentId, printRefundId } from "../../domain/ids.ts";
import { letsGoOfHeld } from "../../domain/operation.ts";
import type { Payment } from "../../domain/payment.ts";
import {
  type Answer,
  type CancellationReason,
  type DirectGateway,
  FAULT_METADATA_KEY,
  type GatewayRequest,
  type Life,
  NoAnswer,
  type RefundReason,
} from "../../gateway/direct.ts";
import type { Provider, ProviderAnswer, ProviderCall, ProviderPayment, TimeRange } from "../provider.ts";
import { currentFacts, historyOf, openedFact, type StripeLife } from "../stripe/translate.ts";
import type { ReturnUrls } from "../stripe/requests.ts";
import { ISO_UNITS } from "../stripe/units.ts";
import { checkWebhookSecrets, parseWebhook, readWebhook } from "../stripe/webhook.ts";
import { readLife, refundFacts, tellPayment } from "./translate.ts";

export interface MockProviderOptions {
  /** Where the gateway serves its pages, without a slash at the end. */
  readonly checkoutBaseUrl: string;
  /** Secrets that sign the gateway's webhooks: several while they are changed. */
  readonly webhookSecrets: readonly string[];
  /** Where customers come back to when a payment names no place, without a query; nowhere when absent. */
  readonly returnUrls?: ReturnUrls;
  /** The gateway's clock; the system's when absent. */
  readonly now?: () => Date;
}

const DEFAULT_PAYMENT_METHOD = "pm_card_visa";
const REFUND_REASONS: readonly RefundReason[] = ["duplicate", "fraudulent", "requested_by_customer"];
const CANCELLATION_REASONS: readonly CancellationReason[] = [...REFUND_REASONS, "abandoned"];
/** A search that finds nothing asks only whether the gateway is there. */
const FAR_FUTURE = new Date("9999-01-01T00:00:00Z");
/** How much earlier than our record of a payment the gateway's may have been made, by clocks that differ. */
const CLOCK_SKEW_MS = 5 * 1000;

/** Throws when a webhook secret is empty, since anybody could then sign. */
export function createMockProvider(gateway: DirectGateway, options: MockProviderOptions): Provider {
  const { checkoutBaseUrl, webhookSecrets, now: clock = () => new Date() } = options;
  checkWebhookSecrets("mock", webhookSecrets);

  async function look(payment: Payment, signal: AbortSignal): Promise<ProviderAnswer> {
    const id = payment.providerReference ?? payment.sessionId;
    try {
      if (id === null) return { outcome: "done", facts: (await search(payment, signal)).flatMap(everything) };
      const answer = await gateway.retrieve(id, signal);
      return answer.ok ? { outcome: "done", facts: everything(answer.life) } : withoutFacts(answer);
    } catch (error) {
      return unanswered(error);
    }
  }

  /** Finds a payment whose id at the gateway never reached us. */
  function search(payment: Payment, signal: AbortSignal): Promise<Life[]> {
    const createdFrom = new Date(payment.createdAt.getTime() - CLOCK_SKEW_MS);
    return gateway.search({ metadata: { payment_id: printPaymentId(payment.id) }, createdFrom }, signal);
  }

  async function perform(call: ProviderCall, request: GatewayRequest, facts: (life: StripeLife, id: string) => Fact[]) {
    try {
      const answer = await gateway.perform(request, { idempotencyKey: call.operation.id, signal: call.signal });
      if (answer.ok) return { outcome: "done" as const, facts: facts(read(answer.life), answer.id) };
      // A decline is something that happened, and the facts tell it.
      if (answer.error.type === "card_error" && answer.life) {
        return { outcome: "done" as const, facts: facts(read(answer.life), answer.life.intent.id) };
      }
      if (answer.error.type === "idempotency_error" && answer.error.status === 400)
        return await refuseWithTruth(call, answer);
      const refused = withoutFacts(answer);
      return refused.outcome === "refused" && answer.life ? { ...refused, facts: everything(answer.life) } : refused;
    } catch (error) {
      return unanswered(error);
    }
  }

  /** Another call was made under this operation's id: what became of it is found by asking. */
  async function refuseWithTruth(call: ProviderCall, answer: Failed): Promise<ProviderAnswer> {
    const seen = await look(call.payment, call.signal);
    if (seen.outcome !== "done") return { outcome: "unknown", message: answer.error.message };
    return { ...refuse(answer.error.code ?? answer.error.type, answer.error.message), facts: seen.facts };
  }

  const read = (life: Life): StripeLife => readLife(life, checkoutBaseUrl);
  const everything = (life: Life): Fact[] => historyOf(read(life), clock());
  const standing = (life: StripeLife): Fact[] => currentFacts(life, clock());

  async function* list(range: TimeRange, signal: AbortSignal): AsyncGenerator<ProviderPayment> {
    for await (const life of gateway.list({ createdFrom: range.from, createdTo: range.to }, signal)) {
      const told = tellPayment(read(life), clock());
      if (told !== null) yield told;
    }
  }

  return {
    name: "mock",
    live: false,
    defaultPaymentMethod: DEFAULT_PAYMENT_METHOD,
    confirmsCheckouts: true,

    create: (call) =>
      perform(call, createRequest(call, options.returnUrls), (life) => [openedFact(life), ...standing(life)]),

    async confirm(call) {
      const { sessionId, providerReference } = call.payment;
      const payment_method = call.operation.paymentMethod ?? DEFAULT_PAYMENT_METHOD;
      if (sessionId !== null)
        return perform(call, { operation: "pay_session", id: sessionId, payment_method }, standing);
      if (providerReference === null) return NOT_OPENED;
      return perform(call, { operation: "confirm_intent", id: providerReference, payment_method }, standing);
    },

    async capture(call) {
      const { providerReference: id, amount } = call.payment;
      if (id === null) return NOT_OPENED;
      const amount_to_capture = call.operation.amountMinor ?? amount.minor;
      return perform(call, { operation: "capture_intent", id, amount_to_capture }, standing);
    },

    async cancel(call) {
      const request = cancelRequest(call);
      if (request === null) return NOT_OPENED;
      const { reason } = call.operation;
      const inOurWords = (fact: Fact): Fact => (fact.kind === "canceled" && reason ? { ...fact, reason } : fact);
      return perform(call, request, (life) => standing(life).map(inOurWords));
    },

    async refund(call) {
      const { operation, payment } = call;
      if (payment.providerReference === null) return NOT_OPENED;
      const params = {
        amount: operation.amountMinor ?? payment.capturedMinor,
        reason: REFUND_REASONS.find((each) => each === operation.reason) ?? null,
        metadata: {
          ...identify(payment),
          ...(operation.refundId !== null && { refund_id: printRefundId(operation.refundId) }),
        },
      };
      return perform(call, { operation: "create_refund", id: payment.providerReference, params }, refundFacts);
    },

    retrieve: look,

    list,

    async check(signal) {
      await gateway.search({ metadata: {}, createdFrom: FAR_FUTURE }, signal);
    },

    parseWebhook(rawBody, headers, now) {
      const signed = { rawBody, header: headers["stripe-signature"] ?? "", now };
      return parseWebhook(signed, { secrets: webhookSecrets, units: ISO_UNITS });
    },

    readWebhook: (body) => readWebhook(body, ISO_UNITS),
  };
}

type Failed = Extract<Answer, { ok: false }>;
type Refused = Extract<ProviderAnswer, { outcome: "refused" }>;

const NOT_OPENED = refuse("not_opened", "The gateway holds nothing for this payment yet.");

function refuse(code: string, message: string): Refused {
  return { outcome: "refused", code, message, facts: [] };
}

/** What an error of the gateway means, the facts aside. */
function withoutFacts({ error }: Failed): ProviderAnswer {
  if (error.status === 429) return { outcome: "unavailable", message: error.message };
  if (error.status === 409 || error.status >= 500) return { outcome: "unknown", message: error.message };
  return refuse(error.code ?? error.type, error.message);
}

function unanswered(error: unknown): ProviderAnswer {
  const message = error instanceof Error ? error.message : String(error);
  return { outcome: error instanceof NoAnswer && !error.sent ? "unavailable" : "unknown", message };
}

function createRequest({ payment, operation }: ProviderCall, returnUrls?: ReturnUrls): GatewayRequest {
  const fault = payment.metadata[FAULT_METADATA_KEY];
  const terms = {
    amount: payment.amount.minor,
    currency: payment.amount.currency.toLowerCase(),
    capture_method: payment.captureMethod === "MANUAL" ? ("manual" as const) : ("automatic" as const),
    metadata: { ...identify(payment), ...(fault !== undefined && { [FAULT_METADATA_KEY]: fault }) },
  };
  if (payment.mode === "INTENT") {
    return { operation: "create_intent", params: { ...terms, payment_method: operation.paymentMethod } };
  }
  const expires_at = payment.expiresAt && Math.floor(payment.expiresAt.getTime() / 1000);
  const back = (url: string | undefined): string | null => (url ? `${url}?session_id={CHECKOUT_SESSION_ID}` : null);
  const urls = {
    success_url: payment.successUrl ?? back(returnUrls?.success),
    cancel_url: payment.cancelUrl ?? back(returnUrls?.cancel),
  };
  const shown = {
    line_items: payment.items.map(({ name, unitPrice, quantity }) => ({
      name,
      description: null,
      quantity,
      amount_unit: unitPrice.minor,
      amount_total: unitPrice.minor * BigInt(quantity),
    })),
    description: payment.description ?? `Order ${payment.orderId}`,
    customer_email: payment.customerEmail,
    client_reference_id: printPaymentId(payment.id),
  };
  return { operation: "create_session", params: { ...terms, ...urls, ...shown, expires_at } };
}

/** An open session is expired rather than its intent canceled; money that is held is let go by its intent. */
function cancelRequest({ payment, operation }: ProviderCall): GatewayRequest | null {
  const { sessionId, providerReference: id } = payment;
  if (sessionId !== null && !letsGoOfHeld(operation, payment)) return { operation: "expire_session", id: sessionId };
  const cancellation_reason = CANCELLATION_REASONS.find((each) => each === operation.reason) ?? "requested_by_customer";
  return id === null ? null : { operation: "cancel_intent", id, cancellation_reason };
}

/** What marks the gateway's objects as ours. */
function identify(payment: Payment): Record<string, string> {
  return { payment_id: printPaymentId(payment.id), order_id: payment.orderId };
}
