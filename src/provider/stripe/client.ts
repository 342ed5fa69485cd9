// The official SDK, set up: which account, which address, and nothing done behind our back. It makes no retries of its own (calls.ts decides) and
// sends no telemetry.
import Stripe from "stripe";
import { Transport } from "./transport.ts";

/** The version of the API that the SDK's types, and this code, are written for. */
const API_VERSION = "2026-10-28.endive";
const STRIPE_HOST = "api.stripe.com";

export interface ClientOptions {
  /** `sk_test_…`, `rk_test_…`, `sk_live_…` or `rk_live_…`. */
  readonly secretKey: string;
  /** Null is Stripe; else an origin such as http://127.0.0.1:12111. */
  readonly apiUrl: string | null;
  /** How long one attempt may take, answer included. */
  readonly timeoutMs: number;
}

export interface StripeClient {
  readonly stripe: Stripe;
  readonly transport: Transport;
  readonly live: boolean;
  /** It talks to Stripe itself, and not to something that stands in for it. */
  readonly isStripe: boolean;
}

/** Throws, with a sentence that does not repeat the key, when the key or the address cannot be right. */
export function openClient({ secretKey, apiUrl, timeoutMs }: ClientOptions): StripeClient {
  const live = isLive(secretKey);
  const origin = parseOrigin(apiUrl ?? `https://${STRIPE_HOST}`);
  const isStripe = origin.hostname === STRIPE_HOST;
  if (live && !isStripe)
    throw new Error("the Stripe secret key is a live one, and its API address is not Stripe's: use a test key there");
  const transport = new Transport();
  const stripe = new Stripe(secretKey, {
    apiVersion: API_VERSION,
    host: origin.hostname,
    port: origin.port || (origin.protocol === "https:" ? 443 : 80),
    protocol: origin.protocol === "https:" ? "https" : "http",
    httpClient: transport,
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
    appInfo: { name: "payment-service" },
  });
  return { stripe, transport, live, isStripe };
}

function isLive(secretKey: string): boolean {
  const [, mode] = /^[sr]k_(live|test)_[\w]+$/.exec(secretKey) ?? [];
  if (mode !== undefined) return mode === "live";
  throw new Error(
    `the Stripe secret key ${keyProblem(secretKey)}; copy a secret or restricted key from Stripe's dashboard`,
  );
}

function keyProblem(secretKey: string): string {
  if (secretKey === "") return "is empty";
  if (secretKey.startsWith("pk_")) return "is a publishable one, which may not move money";
  if (secretKey.startsWith("whsec_")) return "is the secret of a webhook";
  return "does not begin with sk_test_, rk_test_, sk_live_ or rk_live_, or holds other characters than letters, digits and _";
}

function parseOrigin(url: string): URL {
  const origin = URL.canParse(url) ? new URL(url) : undefined;
  const isOrigin = origin?.pathname === "/" && origin.search === "" && origin.username === "" && origin.password === "";
  if (isOrigin && (origin.protocol === "https:" || origin.protocol === "http:")) return origin;
  throw new Error(
    "the address of Stripe's API is not an origin; set one such as http://127.0.0.1:12111, or leave it out",
  );
}
