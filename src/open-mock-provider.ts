// Opens the mock provider. Its gateway lives in this process, with its Stripe API, its checkout pages and its webhooks on a port of their own; or it is
// one that several services share, which is then spoken to as Stripe is.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { claimOwnership } from "./embedded/ownership.ts";
import { openDirect } from "./gateway/direct.ts";
import { createCheckoutRoutes } from "./gateway/http/checkout-routes.ts";
import { type LocalStripe, startLocalStripe } from "./gateway/http/local-stripe.ts";
import { forwardingSecret } from "./gateway/webhooks/forwarding-secret.ts";
import type { OpenedProvider, OpenProvider, ProviderContext } from "./open-provider.ts";
import { ATTEMPT_SHARE } from "./open-stripe-provider.ts";
import { createMockProvider } from "./provider/mock/mock-provider.ts";
import { loadCheckoutAssets } from "./web/pages.ts";

const WEBHOOK_PATH = "/v1/payments/webhook";
const DEFAULT_PAYMENT_METHOD = "pm_card_visa";
/** A gateway takes every key of test mode. */
const GATEWAY_KEY = "sk_test_gateway";
/** What the service acts on, as an endpoint at Stripe would be set up for it. */
const EVENTS = [
  "checkout.session.completed",
  "checkout.session.async_payment_succeeded",
  "checkout.session.async_payment_failed",
  "checkout.session.expired",
  "payment_intent.processing",
  "payment_intent.requires_action",
  "payment_intent.amount_capturable_updated",
  "payment_intent.succeeded",
  "payment_intent.payment_failed",
  "payment_intent.canceled",
  "charge.refunded",
  "refund.created",
  "refund.updated",
  "refund.failed",
  "charge.dispute.created",
  "charge.dispute.updated",
  "charge.dispute.closed",
] as const;

async function openShared(
  { config, log, now, onBack, returnUrls }: ProviderContext,
  url: string,
): Promise<OpenedProvider> {
  const { webhookSecret } = config.mockGateway;
  const { createStripeProvider } = await import("./provider/stripe/stripe-provider.ts");
  const provider = createStripeProvider({
    name: "mock",
    secretKey: GATEWAY_KEY,
    webhookSecrets: webhookSecret === null ? [] : [webhookSecret],
    apiUrl: url,
    timeoutMs: Math.round(config.providerTimeoutMs * ATTEMPT_SHARE),
    defaultPaymentMethod: DEFAULT_PAYMENT_METHOD,
    returnUrls,
    log,
    now,
    onBack: () => onBack("mock"),
  });
  return { provider, description: `mock gateway at ${url}` };
}

/** Has the gateway send its events here and no longer to where an earlier start of the service listened. */
function forwardWebhooks({ webhooks }: LocalStripe, url: string, secret: string): void {
  for (const endpoint of webhooks.listEndpoints()) {
    if (endpoint.url !== url && endpoint.secrets.some(({ value }) => value === secret))
      webhooks.removeEndpoint(endpoint.id);
  }
  webhooks.ensureEndpoint({ url, enabled_events: EVENTS, secret });
}

async function openOwn({ config, now, returnUrls, onStop, onOpen }: ProviderContext): Promise<OpenedProvider> {
  const { host, port, publicUrl, webhookSecret } = config.mockGateway;
  const directory = join(config.dataDir, "gateway");
  mkdirSync(directory, { recursive: true });
  onStop(
    claimOwnership({ directory, name: "gateway", remedy: "stop that service, or set DATA_DIR to another folder" }),
  );
  const secret = webhookSecret ?? forwardingSecret(directory);
  const assets = loadCheckoutAssets();
  const stripe = await startLocalStripe({
    directory,
    host,
    port,
    ...(publicUrl !== null && { publicUrl }),
    now,
    pages: (gateway) => createCheckoutRoutes({ gateway, assets, merchantName: "Your shop" }),
  }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(`GATEWAY_PORT ${port} is taken; set another one, or 0 for a free one`, { cause: error });
  });
  onStop(() => stripe.stop());
  if (config.mockGateway.forwardWebhooks) onOpen((url) => forwardWebhooks(stripe, `${url}${WEBHOOK_PATH}`, secret));
  const provider = createMockProvider(openDirect(stripe.gateway), {
    checkoutBaseUrl: publicUrl ?? `http://localhost:${stripe.port}`,
    webhookSecrets: [secret],
    returnUrls,
    now: () => stripe.gateway.clock.now(),
  });
  return {
    provider,
    description: `mock gateway, a local Stripe at http://localhost:${stripe.port}, journal in ${directory}`,
  };
}

export const openMockProvider: OpenProvider = async (context) => {
  const { url } = context.config.mockGateway;
  return url === null ? openOwn(context) : openShared(context, url);
};
