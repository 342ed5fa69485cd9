// Stripe's signature of a webhook: `t=<Unix seconds>,v1=<hex>[,v1=…]`, each v1 an HMAC-SHA256 of "<t>.<raw body>" under one of the secrets, of
// which there are several while they are changed. https://docs.stripe.com/webhooks#verify-manually
import { createHmac } from "node:crypto";
import { unixSeconds } from "../objects.ts";

export interface ToSign {
  readonly body: string;
  readonly secrets: readonly string[];
  /** Of the outside world: whoever receives it compares it with their clock. */
  readonly at: Date;
}

/** The value of the header `Stripe-Signature`. */
export function signBody({ body, secrets, at }: ToSign): string {
  const seconds = unixSeconds(at);
  const digests = secrets.map((secret) => createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex"));
  return [`t=${seconds}`, ...digests.map((digest) => `v1=${digest}`)].join(",");
}
