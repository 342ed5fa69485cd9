// The keys with which tokens are verified: one secret that the issuer shares, or the issuer's public keys, which it publishes and changes.
//
// Published keys are kept and asked for anew: in the background when they are no longer fresh, at once when a token names one that is not there.
// While the issuer is away the kept ones go on being good, for a day. Whatever tokens come, the issuer is asked at most once at a time, and not
// again shortly after an answer or a failure: strangers cannot make this service call it in a loop.
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from "jose";
import type { Logger } from "pino";

/** The key is not known, because the issuer cannot be asked for it. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

export interface TokenKeys {
  /** The only ones that a token may be signed with. */
  readonly algorithms: readonly string[];
  readonly find: JWTVerifyGetKey;
}

const SECRET_BYTES_MIN = 32;

/** A secret that the issuer and this service share. Throws when it can be guessed. */
export function sharedSecret(secret: string): TokenKeys {
  const key = new TextEncoder().encode(secret);
  if (key.length < SECRET_BYTES_MIN)
    throw new Error(
      `The secret that signs tokens has ${key.length} bytes, which can be guessed; use at least ${SECRET_BYTES_MIN} random ones, as \`openssl rand -hex 32\` prints.`,
    );
  return { algorithms: ["HS256"], find: async () => key };
}

export interface PublishedKeysOptions {
  readonly url: string;
  readonly log: Logger;
  readonly timeoutMs?: number;
  /** How long the issuer is left alone after it answered, whichever keys are asked for. */
  readonly cooldownMs?: number;
  /** How long it is left alone after it failed. */
  readonly failurePauseMs?: number;
  /** After this the keys are asked for anew, while the old ones are used on. */
  readonly freshMs?: number;
}

const TIMEOUT_MS = 3_000;
const COOLDOWN_MS = 30_000;
const FAILURE_PAUSE_MS = 1_000;
const FRESH_MS = 10 * 60_000;
const KEPT_MAX_MS = 24 * 60 * 60_000;
/** Sets of keys take a few thousand. */
const BYTES_MAX = 262_144;

async function readKeys(response: Response): Promise<unknown> {
  if (response.status !== 200) throw new Error(`the issuer answers ${response.status}`);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > BYTES_MAX) throw new Error("the issuer's answer is too long for a set of keys");
  }
  const keys: unknown = JSON.parse(text);
  // Throws when it is no set of keys.
  createLocalJWKSet(keys as Parameters<typeof createLocalJWKSet>[0]);
  return keys;
}

/** Asks the issuer, unless it failed a moment ago. */
class Issuer {
  readonly #log: Logger;
  readonly #failurePauseMs: number;
  #pausedUntil = 0;
  answeredAt = 0;

  constructor(log: Logger, failurePauseMs: number) {
    this.#log = log;
    this.#failurePauseMs = failurePauseMs;
  }

  readonly ask: FetchImplementation = async (url, options) => {
    if (performance.now() < this.#pausedUntil) throw new KeysUnavailable("the issuer failed a moment ago");
    try {
      const keys = await readKeys(await fetch(url, options));
      this.answeredAt = performance.now();
      return Response.json(keys);
    } catch (error) {
      this.#pausedUntil = performance.now() + this.#failurePauseMs;
      this.#log.warn({ err: error }, "the issuer of tokens does not give its keys");
      throw new KeysUnavailable("the issuer does not give its keys", { cause: error });
    }
  };
}

/** The issuer's public keys. Throws when the URL is none. */
export function publishedKeys(options: PublishedKeysOptions): TokenKeys {
  const url = URL.parse(options.url);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new Error("The URL of the issuer's keys is not one that starts with https:// or http://.");
  const issuer = new Issuer(options.log, options.failurePauseMs ?? FAILURE_PAUSE_MS);
  const freshMs = options.freshMs ?? FRESH_MS;
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: options.timeoutMs ?? TIMEOUT_MS,
    cooldownDuration: options.cooldownMs ?? COOLDOWN_MS,
    cacheMaxAge: KEPT_MAX_MS,
    [customFetch]: issuer.ask,
  });
  return {
    algorithms: ["RS256", "PS256", "ES256"],
    find(header, token) {
      const isStale = keys.fresh && performance.now() - issuer.answeredAt > freshMs;
      // The kept keys serve until the new ones are there; the issuer's failure is logged where it is met.
      if (isStale && !keys.reloading) keys.reload().catch(() => undefined);
      return keys(header, token);
    },
  };
}
