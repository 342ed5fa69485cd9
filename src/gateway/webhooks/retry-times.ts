// When a webhook that was not acknowledged is sent again, in Stripe's manner: soon at first, then with pauses that grow to half a day, for three
// days. https://docs.stripe.com/webhooks#retries
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const PAUSES_MS = [
  SECOND_MS,
  5 * SECOND_MS,
  30 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  8 * HOUR_MS,
];
const PAUSE_MS_MAX = 12 * HOUR_MS;
const RETRIED_MS = 3 * 24 * HOUR_MS;

export interface Attempted {
  /** How often it was sent. */
  readonly attempts: number;
  /** When it came up, in Unix milliseconds. */
  readonly since: number;
}

/** When it is sent again, in Unix milliseconds; null when it is given up. */
export function findNextAttempt({ attempts, since }: Attempted, now: Date): number | null {
  const next = now.getTime() + (PAUSES_MS[attempts - 1] ?? PAUSE_MS_MAX);
  return next > since + RETRIED_MS ? null : next;
}
