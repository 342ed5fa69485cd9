// Tells whoever listens of each statement that was run, and tells it where each call stands whose set it was. Nobody listens unless traces are wanted, and
// then this costs nothing.
import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";

export const STATEMENT_CHANNEL = "payment-service.statement";

/** Times are in milliseconds since the process began, as performance.now() has them. */
export interface RunStatement {
  readonly name: string;
  /** How many calls' work it did. */
  readonly size: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
}

/** Where a call stands: it runs something as if the call did. */
export type Place = (run: () => void) => void;

const statements = channel(STATEMENT_CHANNEL);
const askers = new AsyncLocalStorage<readonly Place[]>();

export function isHeard(): boolean {
  return statements.hasSubscribers;
}

/** Null while nobody listens. */
export function rememberPlace(): Place | null {
  return statements.hasSubscribers ? AsyncLocalStorage.snapshot() : null;
}

/** Runs a set for the calls that stand at these places. */
export function runFor<T>(places: readonly (Place | null)[], run: () => Promise<T>): Promise<T> {
  const known = places.filter((place) => place !== null);
  return known.length === 0 ? run() : askers.run(known, run);
}

export function tellStatement(statement: RunStatement): void {
  const places = askers.getStore();
  if (!places) statements.publish(statement);
  else for (const place of places) place(() => statements.publish(statement));
}
