// Signs a body as Stripe does, made from its documentation alone.
import { createHmac } from "node:crypto";

export function stripeSignature(body: string | Uint8Array, secret: string, at: Date): string {
  const time = Math.floor(at.getTime() / 1000);
  const hex = createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex");
  return `t=${time},v1=${hex}`;
}
