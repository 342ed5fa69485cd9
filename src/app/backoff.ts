/**
 * The longest pause, in milliseconds, before what could not be finished is tried again. It begins where the first wait was, and is doubled each time. So long, at
 * most, does what is in flight take to be tried once a provider that was away is there again.
 */
export const BACKOFF_MAX_MS = 60_000;
