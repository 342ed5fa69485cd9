// The provider that talks to Stripe, by the official SDK. The idempotency key of every call is the operation's id, and no operation makes more than
// one call that changes something.
import type { Provider, ProviderAnswer } from "../provider.ts";
import { CALL_LIMITS, type CallLimits, type CallListeners, Calls } from "./calls.ts";
import { openClient } from "./client.ts";
import { answered, listPayments, NotAnswered } from "./lookup.ts";
import { Operations, refuse } from "./operations.ts";
import { BodyProblem, readFlag } from "./read.ts";
import type { RequestRules, ReturnUrls } from "./requests.ts";
import type { StripeApi } from "./stripe-api.ts";
import { STRIPE_UNITS } from "./units.ts";
import { checkWebhookSecrets, parseWebhook, readWebhook } from "./webhook.ts";

export interface StripeProviderOptions extends CallListeners {
  /** The name that callers choose it by; `stripe` when absent. */
  readonly name?: string;
  /** A secret or restricted key; its prefix says whether real money moves. */
  readonly secretKey: string;
  /** Secrets that sign Stripe's webhooks: several while they are changed. */
  readonly webhookSecrets: readonly string[];
  /** Null is Stripe; else where something that speaks like Stripe listens, such as http://127.0.0.1:12111. */
  readonly apiUrl: string | null;
  /** How long one attempt of a call may take. */
  readonly timeoutMs: number;
  /** The token that pays when CompletePayment names none. */
  readonly defaultPaymentMethod: string | null;
  /** Where customers come back to when a payment names no place; without a query. */
  readonly returnUrls: ReturnUrls;
  /** Which methods customers may pay with; absent, what the account's dashboard says. */
  readonly paymentMethodTypes?: readonly string[];
  readonly limits?: Partial<CallLimits>;
  readonly now?: () => Date;
}

/** A payment's metadata that scripts faults of a gateway that stands in for Stripe. Stripe itself never sees it. */
const FAULT_METADATA_KEY = "gateway_fault";

/** Throws, with a sentence that holds no secret, when the key, the address or a webhook secret cannot be right. */
export function createStripeProvider(options: StripeProviderOptions): Provider {
  const { name = "stripe", webhookSecrets, now = () => new Date() } = options;
  checkWebhookSecrets(name, webhookSecrets);
  const { stripe, transport, live, isStripe } = openClient(options);
  const calls = new Calls(transport, { ...CALL_LIMITS, ...options.limits }, options);
  const api: StripeApi = { stripe, calls, now };
  const rules: RequestRules = {
    returnUrls: options.returnUrls,
    paymentMethodTypes: options.paymentMethodTypes ?? null,
    metadataKeys: isStripe ? [] : [FAULT_METADATA_KEY],
  };
  const operations = new Operations(api, rules);
  return {
    name,
    live,
    confirmsCheckouts: false,
    defaultPaymentMethod: options.defaultPaymentMethod,
    create: (call) => answer(() => operations.create(call)),
    confirm: (call) => answer(() => operations.confirm(call)),
    capture: (call) => answer(() => operations.capture(call)),
    cancel: (call) => answer(() => operations.cancel(call)),
    refund: (call) => answer(() => operations.refund(call)),
    retrieve: (payment, signal) =>
      answer(async () => ({ outcome: "done", facts: await operations.look(payment, signal) })),
    list: (range, signal) => listPayments({ api, signal }, range),
    async check(signal) {
      // What the service needs anyway: a restricted key may be allowed nothing else.
      const list = () => stripe.paymentIntents.list({ limit: 1 });
      answered(await calls.ask(signal, list, (body) => readFlag(body, "has_more")));
    },
    parseWebhook(rawBody, headers, at) {
      const signed = { rawBody, header: headers["stripe-signature"] ?? "", now: at };
      return parseWebhook(signed, { secrets: webhookSecrets, units: STRIPE_UNITS });
    },
    readWebhook: (body) => readWebhook(body, STRIPE_UNITS),
  };
}

/** What an operation that never came to its own request means: only questions were asked, so that nothing was done. */
async function answer(work: () => Promise<ProviderAnswer>): Promise<ProviderAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotAnswered) {
      const { asked } = error;
      return asked.outcome === "refused"
        ? refuse(asked.refusal.code, asked.message)
        : { outcome: "unavailable", message: asked.message };
    }
    // What an answer says together makes no sense, though each of its parts does.
    if (error instanceof BodyProblem)
      return { outcome: "unknown", message: `Stripe's answer makes no sense: ${error.message}` };
    throw error;
  }
}
