// How often one client may call, through whichever door: so many times in a minute, and so many in ten seconds, both at once.
import { type Refusal, refusal } from "../domain/error.ts";

export const MINUTE_MS = 60_000;
export const BURST_MS = 10_000;

export interface RateLimits {
  readonly perMinute: number;
  readonly burstPer10s: number;
}

/** What one who called too often is told: how often they may, and when it can help to call again. */
export function tooManyCalls(limit: {
  readonly max: number;
  readonly windowMs: number;
  readonly retryAfterMs: number;
}): Refusal {
  const windowSeconds = String(limit.windowMs / 1_000);
  const retryAfterSeconds = String(Math.ceil(limit.retryAfterMs / 1_000));
  return refusal(
    "RATE_LIMITED",
    `Too many requests: ${limit.max} in ${windowSeconds} seconds are served; retry in ${retryAfterSeconds} seconds.`,
    {
      metadata: { limit: String(limit.max), windowSeconds, retryAfterSeconds },
      retryAfterMs: Math.max(1, limit.retryAfterMs),
    },
  );
}
