// Stripe's webhook signature: `t=<Unix seconds>,v1=<hex>[,v1=…]`, each v1 an HMAC-SHA256 of "<t>.<raw body>" under one of the secrets, of which
// there are several while they are changed.
import { createHmac, timingSafeEqual } from "node:crypto";

/** How far a signature's time may lie from ours, to either side, so that an old message cannot be sent again. */
const TOLERANCE_SECONDS = 300;
/** More than anybody sends; the header is a stranger's. */
const CANDIDATES_MAX = 16;

export interface SignedBody {
  readonly rawBody: Uint8Array;
  readonly header: string;
  readonly now: Date;
}

/** Says what is wrong with a signature, or gives undefined when one of the secrets made it. */
export function findSignatureProblem(
  { rawBody, header, now }: SignedBody,
  secrets: readonly string[],
): string | undefined {
  const parts = header.split(",").map((part) => part.trim());
  const time = parts.find((part) => part.startsWith("t="))?.slice(2) ?? "";
  const candidates = parts
    .filter((part) => /^v1=[0-9a-f]{64}$/.test(part))
    .map((part) => Buffer.from(part.slice(3), "hex"));
  if (!/^\d{1,12}$/.test(time) || candidates.length === 0) return "the signature has no time or no v1 part";
  if (candidates.length > CANDIDATES_MAX) return "the signature has too many parts";
  const expected = secrets.map((secret) => createHmac("sha256", secret).update(`${time}.`).update(rawBody).digest());
  if (!expected.some((digest) => candidates.some((candidate) => timingSafeEqual(digest, candidate)))) {
    return "no secret made this signature";
  }
  const age = Math.floor(now.getTime() / 1000) - Number(time);
  if (Math.abs(age) > TOLERANCE_SECONDS) return `the signature is ${Math.abs(age)} s ${age > 0 ? "old" : "ahead"}`;
  return undefined;
}
