// The configuration: the only reader of process.env. A value that cannot be used stops the start with a sentence that names the variable, what is
// wrong with its value, and the remedy. Every variable is described in .env.example; config/ has the parts.
import { resolve } from "node:path";
import { type JwtSettings, readAuth } from "./config/auth.ts";
import {
  type MockGatewaySettings,
  readMockGateway,
  readProviders,
  readStripe,
  type StripeSettings,
} from "./config/providers.ts";
import { type OrderSettings, readOrders } from "./config/orders.ts";
import { ConfigError, type Environment, HOUR, MINUTE, Reader, SECOND } from "./config/reader.ts";
import { type RestSettings, readRest } from "./config/rest.ts";
import { readTelemetry, type TelemetrySettings } from "./config/telemetry.ts";
import { readTls, type TlsFiles } from "./config/tls.ts";

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
  /** Null: every caller is the same one. */
  readonly auth: JwtSettings | null;
  /** Of payments that name none. */
  readonly provider: string;
  /** All that can be named. */
  readonly providers: readonly string[];
  /** Null when the provider is not offered. */
  readonly stripe: StripeSettings | null;
  readonly mockGateway: MockGatewaySettings;
  /** Null: orders are not looked up. */
  readonly orders: OrderSettings | null;
  readonly rest: RestSettings;
  readonly telemetry: TelemetrySettings;
  /** Whether requests on NATS subjects are served. */
  readonly natsRequests: boolean;
  /** The order service's stream, whose new orders are taken; null: none. */
  readonly orderEventsStream: string | null;
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

/** The origins of our own pages are allowed as well. */
function originsOf(urls: readonly (string | null)[]): string[] {
  return urls.flatMap((url) => (url === null ? [] : [new URL(url).origin]));
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
  const auth = readAuth(read, production);
  const rest = readRest(read, { provider, providers, live: stripe?.live ?? false });
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
    auth,
    provider,
    providers,
    stripe,
    mockGateway: readMockGateway(read),
    orders: readOrders(read),
    rest,
    telemetry: readTelemetry(read),
    natsRequests: read.flag("NATS_REQUESTS", true),
    orderEventsStream: read.text("ORDER_EVENTS_STREAM"),
    latePolicy: read.oneOf("LATE_PAYMENTS", ["refund", "hold"], "refund"),
    reconciliation: {
      intervalMs: read.number("RECONCILE_INTERVAL_MINUTES", { fallback: 60, min: 0, max: 10_080 }) * MINUTE,
      lookBackMs: read.number("RECONCILE_LOOK_BACK_HOURS", { fallback: 48, min: 1, max: 720 }) * HOUR,
      apply: read.flag("RECONCILE_APPLY", false),
    },
    providerTimeoutMs: read.number("PROVIDER_TIMEOUT_MS", { fallback: 10 * SECOND, min: 100, max: 2 * MINUTE }),
    publicUrl: read.url("PUBLIC_URL", ["http:", "https:"]),
    returnOrigins: [...read.origins("RETURN_ORIGINS"), ...originsOf([rest.successUrl, rest.cancelUrl])],
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

export { ConfigError };
