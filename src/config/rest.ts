// The REST dialects, and what each of them is told.
import { ConfigError, type Reader } from "./reader.ts";

export interface RestSettings {
  /** Beside the canonical one. */
  readonly dialects: readonly string[];
  /** Null: nobody is limited. */
  readonly rateLimit: { readonly perMinute: number; readonly burstPer10s: number } | null;
  readonly trustedHops: number;
  readonly bookingCurrency: string;
  readonly publishableKey: string | null;
  readonly successUrl: string | null;
  readonly cancelUrl: string | null;
  /** Which providers customers may name; null: the default one, and credits. */
  readonly customerProviders: readonly string[] | null;
}

const DIALECTS = ["orders", "booking", "storefront", "ledger"];
const PUBLISHABLE_KEY_OF_MOCK = "pk_test_mock_gateway";

function readNames(read: Reader, name: string, known: readonly string[]): string[] | null {
  const named = read.list(name);
  const unknown = named.find((each) => !known.includes(each));
  if (unknown !== undefined)
    throw new ConfigError(`${name} holds "${unknown}"; set names out of ${known.join(", ")}, separated by commas.`);
  return named.length > 0 ? named : null;
}

function readDialects(read: Reader): readonly string[] {
  if (read.text("REST_DIALECTS") === "none") return [];
  return readNames(read, "REST_DIALECTS", DIALECTS) ?? DIALECTS;
}

function readPublishableKey(read: Reader, { provider, live }: { provider: string; live: boolean }): string | null {
  const key = read.text("STRIPE_PUBLISHABLE_KEY");
  if (key === null) return provider === "mock" ? PUBLISHABLE_KEY_OF_MOCK : null;
  if (key.startsWith(live ? "pk_live_" : "pk_test_")) return key;
  throw new ConfigError(
    `STRIPE_PUBLISHABLE_KEY does not start with ${live ? "pk_live_" : "pk_test_"}; set the publishable key of the secret key's mode.`,
  );
}

export function readRest(
  read: Reader,
  context: { readonly provider: string; readonly providers: readonly string[]; readonly live: boolean },
): RestSettings {
  const perMinute = read.number("RATE_LIMIT_PER_MINUTE", { fallback: 100, min: 0, max: 1_000_000 });
  const burstPer10s = read.number("RATE_LIMIT_BURST", { fallback: 20, min: 1, max: 1_000_000 });
  const bookingCurrency = (read.text("BOOKING_CURRENCY") ?? "USD").toUpperCase();
  if (!/^[A-Z]{3}$/.test(bookingCurrency))
    throw new ConfigError(
      `BOOKING_CURRENCY is "${bookingCurrency}"; set an ISO 4217 code such as USD, or leave it out for USD.`,
    );
  return {
    dialects: readDialects(read),
    rateLimit: perMinute === 0 ? null : { perMinute, burstPer10s },
    trustedHops: read.number("TRUSTED_HOPS", { fallback: 0, min: 0, max: 10 }),
    bookingCurrency,
    publishableKey: readPublishableKey(read, context),
    successUrl: read.url("PAYMENT_SUCCESS_URL", ["http:", "https:"]),
    cancelUrl: read.url("PAYMENT_CANCEL_URL", ["http:", "https:"]),
    customerProviders: readNames(read, "CUSTOMER_PROVIDERS", context.providers),
  };
}
