// Opens the question who calls, as the configuration has it answered.
import type { Logger } from "pino";
import { type Authenticate, openToAll } from "./api/auth.ts";
import type { Config } from "./config.ts";

export async function openAuth({ auth }: Config, log: Logger): Promise<Authenticate> {
  if (auth === null) return openToAll();
  const [{ authenticateByJwt }, { publishedKeys, sharedSecret }] = await Promise.all([
    import("./api/jwt.ts"),
    import("./api/auth/keys.ts"),
  ]);
  const { jwksUrl, secret, issuer, audience, clockSkewSeconds, ...names } = auth;
  const keys = jwksUrl === null ? sharedSecret(secret ?? "") : publishedKeys({ url: jwksUrl, log });
  return authenticateByJwt({ keys, issuer, audience, clockSkewSeconds, names, log, now: () => new Date() });
}

/** The same question where REST does not count who asks: by RPC and by NATS. */
export async function openLimitedAuth({ auth, rest }: Config, authenticate: Authenticate): Promise<Authenticate> {
  if (auth === null || rest.rateLimit === null) return authenticate;
  const { limitCustomers } = await import("./api/limit-customers.ts");
  return limitCustomers(authenticate, rest.rateLimit);
}
