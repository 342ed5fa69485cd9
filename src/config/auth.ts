// How callers are told apart.
import { ConfigError, type Reader } from "./reader.ts";

export interface JwtSettings {
  /** One of the two is set. */
  readonly jwksUrl: string | null;
  readonly secret: string | null;
  readonly issuer: string;
  readonly audience: string;
  readonly clockSkewSeconds: number;
  readonly clientId: string;
  readonly adminRoles: readonly string[];
  readonly serviceRoles: readonly string[];
  readonly customerClaim: string;
}

const CLOCK_SKEW_SECONDS = 5;

function refuseOpenDoors(production: boolean): void {
  if (!production) return;
  throw new ConfigError(
    "AUTH_MODE is disabled while NODE_ENV is production: anybody who reaches the service could move money. Set AUTH_MODE=jwt, or leave NODE_ENV out for development.",
  );
}

function refuseUnusedSettings(read: Reader): void {
  const names = ["AUTH_JWKS_URL", "AUTH_HS256_SECRET", "AUTH_ISSUER", "AUTH_AUDIENCE"];
  const set = names.find((name) => read.text(name) !== null);
  if (set === undefined) return;
  throw new ConfigError(
    `${set} is set while AUTH_MODE is disabled, so that nobody would be asked for a token; set AUTH_MODE=jwt, or leave it out.`,
  );
}

function must(read: Reader, name: string, what: string): string {
  const value = read.text(name);
  if (value !== null) return value;
  throw new ConfigError(`${name} is missing while AUTH_MODE is jwt; set ${what}.`);
}

function listOr(read: Reader, name: string, fallback: string): string[] {
  const values = read.list(name);
  return values.length > 0 ? values : fallback.split(",");
}

/** Null when every caller is the same one. */
export function readAuth(read: Reader, production: boolean): JwtSettings | null {
  const mode = read.oneOf("AUTH_MODE", ["disabled", "jwt"], "disabled");
  const jwksUrl = read.url("AUTH_JWKS_URL", ["http:", "https:"]);
  const secret = read.text("AUTH_HS256_SECRET");
  const clockSkewSeconds = read.number("AUTH_CLOCK_SKEW_SECONDS", { fallback: CLOCK_SKEW_SECONDS, min: 0, max: 30 });
  const adminRoles = listOr(read, "AUTH_ADMIN_ROLES", "payment-admin,admin");
  const serviceRoles = listOr(read, "AUTH_SERVICE_ROLES", "payment-service,service");
  const customerClaim = read.text("AUTH_CUSTOMER_CLAIM") ?? "sub";
  const clientId = read.text("AUTH_CLIENT_ID");
  if (mode === "disabled") {
    refuseUnusedSettings(read);
    refuseOpenDoors(production);
    return null;
  }
  if ((jwksUrl === null) === (secret === null))
    throw new ConfigError(
      "AUTH_JWKS_URL and AUTH_HS256_SECRET exclude each other; set the one that signs your tokens.",
    );
  const both = adminRoles.find((role) => serviceRoles.includes(role));
  if (both !== undefined)
    throw new ConfigError(
      `AUTH_ADMIN_ROLES holds "${both}", and so does AUTH_SERVICE_ROLES; set each role in one of them.`,
    );
  const issuer = must(read, "AUTH_ISSUER", "the `iss` of your tokens");
  const audience = must(read, "AUTH_AUDIENCE", "the `aud` that your tokens have for this service");
  return {
    jwksUrl,
    secret,
    issuer,
    audience,
    clockSkewSeconds,
    clientId: clientId ?? audience,
    adminRoles,
    serviceRoles,
    customerClaim,
  };
}
