// A token as an issuer signs it that shares a secret with the service (AUTH_HS256_SECRET). Broken ones, and those of published keys, are in test/security/issuer.ts.
import { SignJWT } from "jose";

export interface SharedSecret {
  readonly secret: string;
  readonly issuer: string;
  readonly audience: string;
}

export function signToken(
  { secret, issuer, audience }: SharedSecret,
  subject: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(secret));
}
