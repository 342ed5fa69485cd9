// Which providers are offered, and what each needs.
import { ConfigError, type Reader } from "./reader.ts";

export interface StripeSettings {
  readonly secretKey: string;
  /** Whether the key moves real money. */
  readonly live: boolean;
  readonly webhookSecrets: readonly string[];
  /** Null: Stripe itself. */
  readonly apiUrl: string | null;
}

export interface MockGatewaySettings {
  /** A gateway that runs by itself and is shared; null: one in this process. */
  readonly url: string | null;
  readonly host: string;
  readonly port: number;
  /** Where customers' browsers reach its pages; null: localhost. */
  readonly publicUrl: string | null;
  /** Signs its webhooks; null: one is made for the gateway in this process. */
  readonly webhookSecret: string | null;
  /** Whether the gateway in this process sends its webhooks to this service. */
  readonly forwardWebhooks: boolean;
}

export function readProviders(read: Reader, known: readonly string[], fallback: string): string[] {
  const named = read.list("PAYMENT_PROVIDERS");
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ConfigError(
      `PAYMENT_PROVIDERS holds "${unknown}"; set names out of ${known.join(", ")}, separated by commas.`,
    );
  // Credits need nothing that is not there already.
  const more = named.length > 0 ? named : known.filter((name) => name === "credits");
  return [...new Set([fallback, ...more])];
}

/** Secrets are never repeated in a message. */
function readWebhookSecrets(read: Reader): string[] {
  const secrets = read.list("STRIPE_WEBHOOK_SECRETS");
  if (secrets.every((secret) => /^whsec_./.test(secret))) return secrets;
  throw new ConfigError(
    "STRIPE_WEBHOOK_SECRETS holds something that is no signing secret; set what Stripe shows for the webhook endpoint, or what `stripe listen` prints: whsec_ and more.",
  );
}

export function readStripe(read: Reader, production: boolean, offered: boolean): StripeSettings | null {
  const secretKey = read.text("STRIPE_SECRET_KEY");
  const [, mode] = /^[sr]k_(test|live)_./.exec(secretKey ?? "") ?? [];
  const webhookSecrets = readWebhookSecrets(read);
  const apiUrl = read.url("STRIPE_API_URL", ["http:", "https:"]);
  if (!offered) return null;
  if (secretKey === null)
    throw new ConfigError(
      "STRIPE_SECRET_KEY is missing; set a secret key of your Stripe account (sk_test_…), or leave stripe out of PAYMENT_PROVIDER and PAYMENT_PROVIDERS.",
    );
  if (mode === undefined)
    throw new ConfigError(
      "STRIPE_SECRET_KEY is not a secret key of Stripe; set one that starts with sk_test_ or sk_live_ (or rk_ for a restricted one).",
    );
  const live = mode === "live";
  if (live && !production)
    throw new ConfigError(
      "STRIPE_SECRET_KEY is a live key while NODE_ENV is not production: it would move real money; set a key that starts with sk_test_.",
    );
  if (live && apiUrl !== null)
    throw new ConfigError(
      "STRIPE_API_URL is set while STRIPE_SECRET_KEY is a live key, which must go to Stripe alone; leave STRIPE_API_URL out.",
    );
  if (live && webhookSecrets.length === 0)
    throw new ConfigError(
      "STRIPE_WEBHOOK_SECRETS is missing while STRIPE_SECRET_KEY is a live key; set the signing secret of the webhook endpoint.",
    );
  return { secretKey, live, webhookSecrets, apiUrl };
}

export function readMockGateway(read: Reader): MockGatewaySettings {
  const webhookSecret = read.text("GATEWAY_WEBHOOK_SECRET");
  if (webhookSecret !== null && !/^whsec_./.test(webhookSecret))
    throw new ConfigError(
      "GATEWAY_WEBHOOK_SECRET is no signing secret; set what `npm run gateway` prints: whsec_ and more.",
    );
  return {
    url: read.url("GATEWAY_URL", ["http:", "https:"]),
    host: read.text("GATEWAY_HOST") ?? "127.0.0.1",
    port: read.number("GATEWAY_PORT", { fallback: 12_111, min: 0, max: 65_535 }),
    publicUrl: read.url("GATEWAY_PUBLIC_URL", ["http:", "https:"]),
    webhookSecret,
    forwardWebhooks: read.flag("GATEWAY_WEBHOOKS", true),
  };
}
