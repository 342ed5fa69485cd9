// The configuration: the only reader of process.env. A value that cannot be used stops the start with a sentence that names the variable, what is
// wrong with its value, and the remedy. Every variable is described in .env.example.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export interface TlsFiles {
  readonly key: Buffer;
  readonly cert: Buffer;
}

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

export interface ReconciliationSettings {
  /** 0: never by itself. */
  readonly intervalMs: number;
  /** How far back it looks. */
  readonly lookBackMs: number;
  /** Whether it corrects what it finds. */
  readonly apply: boolean;
}

export interface Config {
  readonly production: boolean;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  /** Null: an embedded PostgreSQL is started. */
  readonly databaseUrl: string | null;
  /** Null: an embedded nats-server is started. */
  readonly natsUrl: string | null;
  readonly natsServerBin: string | null;
  readonly searchPath: string;
  readonly natsReplicas: number;
  readonly databasePoolMax: number;
  readonly databaseTimeoutMs: number;
  /** Of payments that name none. */
  readonly provider: string;
  /** All that can be named. */
  readonly providers: readonly string[];
  /** Null when the provider is not offered. */
  readonly stripe: StripeSettings | null;
  readonly mockGateway: MockGatewaySettings;
  readonly latePolicy: "refund" | "hold";
  readonly reconciliation: ReconciliationSettings;
  readonly providerTimeoutMs: number;
  readonly publicUrl: string | null;
  readonly returnOrigins: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly checkoutLifetimeMs: number;
  readonly requestWaitMs: number;
  readonly recoveryDelayMs: number;
  readonly recoveryIntervalMs: number;
  readonly relay: boolean;
  readonly reflection: boolean;
  readonly tls: TlsFiles | null;
  readonly stopTimeoutMs: number;
  readonly logLevel: string;
}

/** A value that cannot be used; its message is for the person who starts the service. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Environment = Readonly<Record<string, string | undefined>>;

class Reader {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  text(name: string): string | null {
    const value = this.#environment[name]?.trim();
    return value ? value : null;
  }

  number(name: string, range: { readonly fallback: number; readonly min: number; readonly max: number }): number {
    const text = this.text(name);
    if (text === null) return range.fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value;
    throw new ConfigError(
      `${name} is "${text}"; set a whole number from ${range.min} to ${range.max}, or leave it out for ${range.fallback}.`,
    );
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.text(name);
    if (text === null) return fallback;
    if (text === "true" || text === "false") return text === "true";
    throw new ConfigError(`${name} is "${text}"; set true or false, or leave it out for ${fallback}.`);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const text = this.text(name);
    if (text === null) return fallback;
    const found = allowed.find((value) => value === text);
    if (found) return found;
    throw new ConfigError(`${name} is "${text}"; set one of ${allowed.join(", ")}, or leave it out for ${fallback}.`);
  }

  url(name: string, protocols: readonly string[]): string | null {
    const text = this.text(name);
    if (text === null) return null;
    const url = URL.parse(text);
    if (url && protocols.includes(url.protocol)) return text;
    // The value may hold a password, so it is not repeated.
    throw new ConfigError(
      `${name} is not a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}.`,
    );
  }

  list(name: string): string[] {
    const texts = (this.text(name) ?? "").split(",").map((text) => text.trim());
    return texts.filter(Boolean);
  }

  origins(name: string): string[] {
    return this.list(name).map((text) => {
      const origin = URL.parse(text)?.origin;
      if (origin === text) return origin;
      throw new ConfigError(
        `${name} holds "${text}"; set origins such as https://shop.example, separated by commas, without a path.`,
      );
    });
  }

  file(name: string): Buffer | null {
    const path = this.text(name);
    if (path === null) return null;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new ConfigError(`${name} names ${path}, which cannot be read; set the path of a PEM file.`, {
        cause: error,
      });
    }
  }
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function readTls(read: Reader): TlsFiles | null {
  const key = read.file("TLS_KEY_FILE");
  const cert = read.file("TLS_CERT_FILE");
  if (key && cert) return { key, cert };
  if (key || cert) throw new ConfigError("TLS_KEY_FILE and TLS_CERT_FILE go together; set both, or neither.");
  return null;
}

function refuseOpenDoors(read: Reader, production: boolean): void {
  read.oneOf("AUTH_MODE", ["disabled"], "disabled");
  if (production) {
    throw new ConfigError(
      "AUTH_MODE is disabled while NODE_ENV is production: anybody who reaches the service could move money. Leave NODE_ENV out for development.",
    );
  }
}

function readProviders(read: Reader, known: readonly string[], fallback: string): string[] {
  const named = read.list("PAYMENT_PROVIDERS");
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ConfigError(
      `PAYMENT_PROVIDERS holds "${unknown}"; set names out of ${known.join(", ")}, separated by commas.`,
    );
  return [...new Set([fallback, ...named])];
}

/** Secrets are never repeated in a message. */
function readWebhookSecrets(read: Reader): string[] {
  const secrets = read.list("STRIPE_WEBHOOK_SECRETS");
  if (secrets.every((secret) => /^whsec_./.test(secret))) return secrets;
  throw new ConfigError(
    "STRIPE_WEBHOOK_SECRETS holds something that is no signing secret; set what Stripe shows for the webhook endpoint, or what `stripe listen` prints: whsec_ and more.",
  );
}

function readStripe(read: Reader, production: boolean, offered: boolean): StripeSettings | null {
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

function readMockGateway(read: Reader): MockGatewaySettings {
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

export function readDatabaseUrl(environment: Environment = process.env): string | null {
  return new Reader(environment).url("DATABASE_URL", ["postgres:", "postgresql:"]);
}

/** `knownProviders`: the names of the providers that there are. */
export function readConfig(knownProviders: readonly string[], environment: Environment = process.env): Config {
  const read = new Reader(environment);
  const production = read.text("NODE_ENV") === "production";
  const provider = read.oneOf("PAYMENT_PROVIDER", knownProviders, "mock");
  const providers = readProviders(read, knownProviders, provider);
  const stripe = readStripe(read, production, providers.includes("stripe"));
  refuseOpenDoors(read, production);
  return {
    production,
    dataDir: resolve(read.text("DATA_DIR") ?? ".data"),
    host: read.text("HOST") ?? "127.0.0.1",
    port: read.number("PORT", { fallback: 8080, min: 0, max: 65_535 }),
    grpcPort: read.number("GRPC_PORT", { fallback: 50_051, min: 0, max: 65_535 }),
    databaseUrl: readDatabaseUrl(environment),
    natsUrl: read.url("NATS_URL", ["nats:", "tls:"]),
    natsServerBin: read.text("NATS_SERVER_BIN"),
    searchPath: read.text("PATH") ?? "",
    natsReplicas: read.number("NATS_REPLICAS", { fallback: 1, min: 1, max: 5 }),
    databasePoolMax: read.number("DATABASE_POOL_MAX", { fallback: 12, min: 4, max: 200 }),
    databaseTimeoutMs: read.number("DATABASE_TIMEOUT_MS", { fallback: 5 * SECOND, min: 100, max: 5 * MINUTE }),
    provider,
    providers,
    stripe,
    mockGateway: readMockGateway(read),
    latePolicy: read.oneOf("LATE_PAYMENTS", ["refund", "hold"], "refund"),
    reconciliation: {
      intervalMs: read.number("RECONCILE_INTERVAL_MINUTES", { fallback: 60, min: 0, max: 10_080 }) * MINUTE,
      lookBackMs: read.number("RECONCILE_LOOK_BACK_HOURS", { fallback: 48, min: 1, max: 720 }) * HOUR,
      apply: read.flag("RECONCILE_APPLY", false),
    },
    providerTimeoutMs: read.number("PROVIDER_TIMEOUT_MS", { fallback: 10 * SECOND, min: 100, max: 2 * MINUTE }),
    publicUrl: read.url("PUBLIC_URL", ["http:", "https:"]),
    returnOrigins: read.origins("RETURN_ORIGINS"),
    corsOrigins: read.origins("CORS_ORIGINS"),
    checkoutLifetimeMs: read.number("CHECKOUT_LIFETIME_MINUTES", { fallback: 24 * 60, min: 30, max: 24 * 60 }) * MINUTE,
    requestWaitMs: read.number("REQUEST_WAIT_MS", { fallback: 5 * SECOND, min: 0, max: MINUTE }),
    recoveryDelayMs: read.number("RECOVERY_DELAY_MS", { fallback: 5 * SECOND, min: 0, max: HOUR }),
    recoveryIntervalMs: read.number("RECOVERY_INTERVAL_MS", { fallback: SECOND, min: 50, max: HOUR }),
    relay: read.flag("RELAY", true),
    reflection: read.flag("GRPC_REFLECTION", !production),
    tls: readTls(read),
    stopTimeoutMs: read.number("STOP_TIMEOUT_MS", { fallback: 20 * SECOND, min: SECOND, max: 10 * MINUTE }),
    logLevel: read.oneOf("LOG_LEVEL", ["trace", "debug", "info", "warn", "error", "fatal", "silent"], "info"),
  };
}
