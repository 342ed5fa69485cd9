// AUTH_MODE=jwt: callers present access tokens of an OpenID Connect issuer such as Keycloak, or of one that shares a secret. A browser may present
// the client_token of a payment instead, which the use cases hold against the payment that is asked for.
//
// A token is good if it is signed with a key of the issuer by an algorithm that is fixed here, whatever its own header says, and if its issuer,
// audience and times are right. Its claims then say who calls.
import { errors, jwtVerify, type JWTVerifyOptions } from "jose";
import type { Logger } from "pino";
import type { Identity } from "../app/access.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import type { Authenticate } from "./auth.ts";
import { readBearer, refuseUnknown } from "./auth/bearer.ts";
import { type ClaimNames, identityOf } from "./auth/claims.ts";
import { KeysUnavailable, type TokenKeys } from "./auth/keys.ts";
import { digestOf, VerifiedTokens } from "./auth/verified-tokens.ts";

export interface JwtOptions {
  /** `sharedSecret(…)` or `publishedKeys(…)`. */
  readonly keys: TokenKeys;
  /** What `iss` must be. */
  readonly issuer: string;
  /** What `aud` must be, or hold. */
  readonly audience: string;
  /** What the clocks of the issuer and of this service may differ by, at most 30 s. */
  readonly clockSkewSeconds?: number;
  readonly names?: Partial<ClaimNames>;
  readonly log: Logger;
  readonly now: () => Date;
}

const CLOCK_SKEW_SECONDS = 5;
const CLOCK_SKEW_SECONDS_MAX = 30;
const RETRY_AFTER_MS = 1_000;
/** The header's `typ`: of access tokens (RFC 9068), or of tokens of any kind. */
const TOKEN_TYPES = new Set(["jwt", "at+jwt", "application/at+jwt"]);

function checkOptions({ issuer, audience, clockSkewSeconds = 0 }: JwtOptions): void {
  if (issuer === "" || audience === "")
    throw new Error(
      "The issuer and the audience of tokens are not both named; a token for anybody is good for nobody.",
    );
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= CLOCK_SKEW_SECONDS_MAX))
    throw new Error(`The clock skew of tokens is not from 0 to ${CLOCK_SKEW_SECONDS_MAX} seconds.`);
}

function refuseClaim({ claim }: errors.JWTClaimValidationFailed): Result<never> {
  switch (claim) {
    case "iss":
      return refuseUnknown(
        "issuer",
        "the token's iss is not the issuer that this service trusts; get one of that issuer",
      );
    case "aud":
      return refuseUnknown("audience", "the token's aud does not name this service; get one that is meant for it");
    case "nbf":
      return refuseUnknown(
        "not_yet_valid",
        "the token is not valid yet; compare the clocks of this service and its issuer",
      );
    case "exp":
      return refuseUnknown("claims", "the token has no exp; get one that expires");
    default:
      return refuseUnknown("claims", `the token's ${claim} is not as it must be; get another one`);
  }
}

/** What was wrong with a token, or with finding out. The token itself is told to nobody. */
function explain(error: unknown, log: Logger): Result<never> {
  if (error instanceof KeysUnavailable) {
    const message =
      "the issuer of tokens cannot be asked for its keys, so that nobody can be known now; repeat the call";
    return refuse("SERVICE_UNAVAILABLE", message, { outcome: "NOT_ATTEMPTED", retryAfterMs: RETRY_AFTER_MS });
  }
  if (error instanceof errors.JWTExpired)
    return refuseUnknown("expired", "the token has expired; get a new one and repeat the call");
  if (error instanceof errors.JWTClaimValidationFailed) return refuseClaim(error);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refuseUnknown("algorithm", "the token is signed by an algorithm that is not accepted here; get another one");
  if (error instanceof errors.JOSEError)
    return refuseUnknown(
      "signature",
      "the token is not signed by the issuer that this service trusts; get another one",
    );
  log.error({ err: error }, "token not verified");
  return refuse("INTERNAL", "The service failed to find out who calls; repeat the call.", { outcome: "NOT_ATTEMPTED" });
}

function isAccessToken(type: string | undefined): boolean {
  return type === undefined || TOKEN_TYPES.has(type.toLowerCase());
}

/** Throws when the options would let in whom they should not. */
export function authenticateByJwt(options: JwtOptions): Authenticate {
  checkOptions(options);
  const { keys, issuer, audience, log, now } = options;
  const names: ClaimNames = {
    adminRoles: ["payment-admin", "admin"],
    serviceRoles: ["payment-service", "service"],
    customerClaim: "sub",
    clientId: audience,
    ...options.names,
  };
  const rules: JWTVerifyOptions = {
    algorithms: [...keys.algorithms],
    issuer,
    audience,
    requiredClaims: ["exp"],
    clockTolerance: options.clockSkewSeconds ?? CLOCK_SKEW_SECONDS,
  };
  const verified = new VerifiedTokens();

  async function verify(jwt: string, digest: string): Promise<Result<Identity>> {
    const at = now();
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, keys.find, { ...rules, currentDate: at });
      if (!isAccessToken(protectedHeader.typ)) return refuseUnknown("claims", "the token is no access token; send one");
      const identity = identityOf(payload, names);
      const expiresMs = (payload.exp ?? 0) * 1_000;
      if (identity.ok) verified.keep(digest, identity, { nowMs: at.getTime(), expiresMs });
      return identity;
    } catch (error) {
      return explain(error, log);
    }
  }

  return (authorization) => {
    // The header as a whole, before anything in it is read: a caller who was known a moment ago costs one digest.
    const digest = digestOf(authorization ?? "");
    const known = verified.find(digest, now().getTime());
    if (known) return known;
    const bearer = readBearer(authorization);
    if (!bearer.ok) return bearer;
    if ("clientToken" in bearer.value) {
      const { clientToken } = bearer.value;
      return accept({ role: "holder", principal: `holder:${digestOf(clientToken)}`, customerId: null, clientToken });
    }
    return verify(bearer.value.jwt, digest);
  };
}
