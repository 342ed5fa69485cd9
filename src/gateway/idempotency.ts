// Idempotency keys with Stripe's rules: the first answer is kept for a day, and given again to the same request; the same key with another
// request is refused, and so is a second request while the first is under way. Only the place of the answer in the journal is held here.
import { hash } from "node:crypto";
import type { GatewayError } from "./objects.ts";
import { printWire } from "./wire-json.ts";

const KEPT_MS = 24 * 60 * 60 * 1000;
/** Keys are forgotten by the hourful, so each is kept between a day and an hour more. */
const BUCKET_MS = 60 * 60 * 1000;

export class IdempotencyKeys {
  /** Oldest first. */
  readonly #buckets: { readonly from: number; newest: number; readonly offsets: Map<string, number> }[] = [];
  readonly #underWay = new Set<string>();

  /** Takes the key for a request that begins; false when another holds it. */
  begin(key: string): boolean {
    if (this.#underWay.has(key)) return false;
    this.#underWay.add(key);
    return true;
  }

  end(key: string): void {
    this.#underWay.delete(key);
  }

  /** The place of the answer that the key got within the last day. */
  find(key: string, now: number): number | undefined {
    while (this.#buckets[0] !== undefined && this.#buckets[0].newest <= now - KEPT_MS) this.#buckets.shift();
    return this.#buckets.findLast((bucket) => bucket.offsets.has(key))?.offsets.get(key);
  }

  remember(key: string, offset: number, now: number): void {
    let bucket = this.#buckets.at(-1);
    if (bucket === undefined || now >= bucket.from + BUCKET_MS) {
      bucket = { from: now, newest: now, offsets: new Map() };
      this.#buckets.push(bucket);
    }
    bucket.newest = Math.max(bucket.newest, now);
    bucket.offsets.set(key, offset);
  }
}

/** A digest of what a request asks, whatever the order of its parameters. */
export function fingerprint(request: unknown): string {
  return hash("sha256", printWire(sorted(request)), "base64url");
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.keys(value)
    .sort()
    .map((key) => [key, sorted((value as Record<string, unknown>)[key])]);
}

export const KEY_UNDER_WAY: GatewayError = {
  status: 409,
  type: "idempotency_error",
  code: "idempotency_key_in_use",
  decline_code: null,
  message: "There is currently another in-progress request using this idempotency key.",
  param: null,
  charge: null,
};

export const KEY_REUSED: GatewayError = {
  status: 400,
  type: "idempotency_error",
  code: null,
  decline_code: null,
  message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
  param: null,
  charge: null,
};
