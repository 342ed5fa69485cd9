// From the claims of a token that was verified to who calls. Roles are where Keycloak puts them (`realm_access`, `resource_access`), in `scope`, and
// in a plain list `roles`. Whoever has none of the role names is a customer.
import type { JWTPayload } from "jose";
import type { Identity } from "../../app/access.ts";
import { accept, type Result } from "../../domain/error.ts";
import { refuseUnknown } from "./bearer.ts";

export interface ClaimNames {
  /** Any of these makes an admin. */
  readonly adminRoles: readonly string[];
  /** Any of these makes a service. */
  readonly serviceRoles: readonly string[];
  /** The claim that is the customer's id. */
  readonly customerClaim: string;
  /** The client of `resource_access` whose roles count. */
  readonly clientId: string;
}

/** What Keycloak calls tokens that are not for calling services with, in the claim `typ`. */
const OTHER_TOKENS: ReadonlySet<unknown> = new Set(["ID", "Refresh", "Offline", "Logout"]);
/** As long as the contract lets a customer's id be. */
const NAME_LENGTH_MAX = 128;

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function rolesOf(claims: JWTPayload, clientId: string): ReadonlySet<string> {
  const scope = claims["scope"];
  return new Set([
    ...texts(member(claims["realm_access"], "roles")),
    ...texts(member(member(claims["resource_access"], clientId), "roles")),
    ...(typeof scope === "string" ? scope.split(" ") : []),
    ...texts(claims["roles"]),
  ]);
}

/** A name that can be kept and compared: two that differ stay different in the database. Undefined for all else. */
function readName(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > NAME_LENGTH_MAX || !value.isWellFormed()) return undefined;
  return /^\P{Cc}+$/u.test(value) ? value : undefined;
}

/** Refuses with UNAUTHENTICATED a token that names nobody, or that is not for calling services with. */
export function identityOf(claims: JWTPayload, names: ClaimNames): Result<Identity> {
  if (OTHER_TOKENS.has(claims["typ"]))
    return refuseUnknown("claims", "the token is no access token; send the access token that was issued with it");
  const roles = rolesOf(claims, names.clientId);
  const subject = readName(claims.sub);
  const nobody = { customerId: null, clientToken: null };
  if (names.adminRoles.some((role) => roles.has(role))) {
    if (subject !== undefined) return accept({ role: "admin", principal: `admin:${subject}`, ...nobody });
    return refuseUnknown("claims", "the token has no sub that names the admin; get one with it");
  }
  if (names.serviceRoles.some((role) => roles.has(role))) {
    const client = readName(claims["azp"]) ?? readName(claims["client_id"]) ?? subject;
    if (client !== undefined) return accept({ role: "service", principal: `service:${client}`, ...nobody });
    return refuseUnknown("claims", "the token has no azp, client_id or sub that names the service; get one with it");
  }
  const customerId = readName(claims[names.customerClaim]);
  if (subject !== undefined && customerId !== undefined)
    return accept({ role: "customer", principal: `customer:${subject}`, customerId, clientToken: null });
  return refuseUnknown(
    "claims",
    `the token names no customer: it needs sub and ${names.customerClaim}, of at most ${NAME_LENGTH_MAX} characters each`,
  );
}
