// Opens the provider that talks to Stripe, or to what stands in for it. Stripe's SDK is loaded when it is wanted, since that takes its time.
import type { OpenProvider } from "./open-provider.ts";

/** Of the time that a call may take, what one attempt of it may: a second one finds room. */
export const ATTEMPT_SHARE = 0.4;

export const openStripeProvider: OpenProvider = async ({ config, log, now, onBack, returnUrls }) => {
  const { stripe } = config;
  if (stripe === null) throw new Error("stripe is not among the providers of the configuration");
  const { createStripeProvider } = await import("./provider/stripe/stripe-provider.ts");
  const provider = createStripeProvider({
    ...stripe,
    timeoutMs: Math.round(config.providerTimeoutMs * ATTEMPT_SHARE),
    defaultPaymentMethod: null,
    returnUrls,
    log,
    now,
    onBack: () => onBack("stripe"),
  });
  const mode = stripe.live ? "live mode: real money" : "test mode";
  return { provider, description: `Stripe, ${mode}${stripe.apiUrl === null ? "" : `, at ${stripe.apiUrl}`}` };
};
