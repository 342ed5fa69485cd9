// How often a customer may call by RPC and by NATS. REST counts addresses, before it asks who calls (rest/rate-limit.ts); here whoever calls is known,
// and is counted by that: another address, another connection, another protocol or another token is no way around. The services of the house are not
// limited, and neither is who holds the token of one payment, who can do no more than read it.
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Identity } from "../app/access.ts";
import type { Refusal, Result } from "../domain/error.ts";
import type { Authenticate } from "./auth.ts";
import { BURST_MS, MINUTE_MS, type RateLimits, tooManyCalls } from "./rate-limits.ts";

type Count = (customerId: string) => Promise<Refusal | null>;

function countIn(windowMs: number, max: number): Count {
  const limiter = new RateLimiterMemory({ points: max, duration: windowMs / 1_000 });
  return async (customerId) => {
    try {
      await limiter.consume(customerId);
      return null;
    } catch (spent) {
      if (!(spent instanceof RateLimiterRes)) throw spent;
      return tooManyCalls({ max, windowMs, retryAfterMs: spent.msBeforeNext });
    }
  };
}

/** Refuses with RATE_LIMITED, beside what `authenticate` refuses. */
export function limitCustomers(authenticate: Authenticate, { perMinute, burstPer10s }: RateLimits): Authenticate {
  const windows = [countIn(MINUTE_MS, perMinute), countIn(BURST_MS, burstPer10s)];

  async function count(customerId: string, found: Result<Identity>): Promise<Result<Identity>> {
    const refusals = await Promise.all(windows.map((window) => window(customerId)));
    // The one that lasts longest: coming again before its end would be in vain.
    const [error] = refusals
      .filter((refused) => refused !== null)
      .toSorted((a, b) => (b.retryAfterMs ?? 0) - (a.retryAfterMs ?? 0));
    return error ? { ok: false, error } : found;
  }

  const limit = (found: Result<Identity>): ReturnType<Authenticate> =>
    found.ok && found.value.customerId !== null ? count(found.value.customerId, found) : found;

  return (authorization) => {
    const found = authenticate(authorization);
    return found instanceof Promise ? found.then(limit) : limit(found);
  };
}
