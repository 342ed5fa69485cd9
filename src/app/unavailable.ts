// A database that is away, as the refusal that every door gives.
import { DatabaseUnavailable } from "../db/named-query.ts";
import { type Refusal, refusal } from "../domain/error.ts";

const RETRY_AFTER_MS = 1_000;

/** The refusal for an error that says that the database is away; null for every other error. */
export function refuseUnavailable(error: unknown): Refusal | null {
  if (!(error instanceof DatabaseUnavailable)) return null;
  return refusal("SERVICE_UNAVAILABLE", "The database is not available; repeat the call with the same request_id.", {
    outcome: error.mayBeWritten ? "UNKNOWN" : "NOT_ATTEMPTED",
    retryAfterMs: RETRY_AFTER_MS,
  });
}
