// Tokens that were verified a moment ago, so that a caller who calls often has its signature looked at once a minute instead of with each call.
// They are known by the digest of what the caller sent: nobody who sees this memory can call with them. Refusals are not kept, or strangers would push callers out.
import { hash } from "node:crypto";
import type { Identity } from "../../app/access.ts";
import type { Result } from "../../domain/error.ts";

interface Verified {
  readonly answer: Result<Identity>;
  readonly untilMs: number;
}

const KEPT_MS = 60_000;
const TOKENS_MAX = 10_000;

export function digestOf(text: string): string {
  return hash("sha256", text, "base64url");
}

export class VerifiedTokens {
  /** The one that was used last stands last. */
  readonly #byDigest = new Map<string, Verified>();
  readonly #sizeMax: number;

  constructor(sizeMax = TOKENS_MAX) {
    this.#sizeMax = sizeMax;
  }

  find(digest: string, nowMs: number): Result<Identity> | undefined {
    const found = this.#byDigest.get(digest);
    if (found === undefined) return undefined;
    this.#byDigest.delete(digest);
    if (found.untilMs <= nowMs) return undefined;
    this.#byDigest.set(digest, found);
    return found.answer;
  }

  /** `expiresMs`: when the token ends by its own word, from which on its end is looked at with each call. */
  keep(digest: string, answer: Result<Identity>, times: { readonly nowMs: number; readonly expiresMs: number }): void {
    const untilMs = Math.min(times.nowMs + KEPT_MS, times.expiresMs);
    if (untilMs <= times.nowMs) return;
    this.#byDigest.delete(digest);
    this.#byDigest.set(digest, { answer, untilMs });
    const [oldest] = this.#byDigest.keys();
    if (this.#byDigest.size > this.#sizeMax && oldest !== undefined) this.#byDigest.delete(oldest);
  }
}
