// Reconciles at an interval, over a time that reaches back a little further than the interval, so that a run that failed is made up for. Of several
// processes one does it: whoever holds the lease when the time comes. The lease outlives the run, so that the others, whose time comes a
// little later, do not do it again.
import { randomUUID } from "node:crypto";
import { reconcile } from "./reconcile.ts";
import type { ReconcileParts } from "./reconcile-payment.ts";

export interface ReconcileWorkerOptions {
  readonly intervalMs: number;
  /** How far before now the payments were created that are compared. */
  readonly lookBackMs: number;
  /** False: drift is only reported, in the log and by an event. */
  readonly apply: boolean;
  /** Who may see payments that are made again. */
  readonly principal: string;
  /** Takes the lease of that name for a time, and answers whether we have it. */
  takeLease(terms: { readonly name: string; readonly holder: string; readonly ttlMs: number }): Promise<boolean>;
}

export interface ReconcileWorker {
  start(): void;
  /** Ends the run under way early. */
  stop(): Promise<void>;
}

const LEASE_NAME = "reconcile";
/** What was created since then is just being made. */
const FRESH_MS = 60_000;
/** More drift than that in one run is not told one by one. */
const DRIFTS_MAX = 1_000;

export function createReconcileWorker(parts: ReconcileParts, options: ReconcileWorkerOptions): ReconcileWorker {
  const { intervalMs, lookBackMs, apply, principal } = options;
  const holder = randomUUID();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;

  async function runRound(): Promise<void> {
    const { signal } = stopping;
    try {
      // A little less than the interval, so that the holder of the last time is not in its own way.
      const ttlMs = Math.floor(intervalMs * 0.9);
      if (!(await options.takeLease({ name: LEASE_NAME, holder, ttlMs }))) return;
      const now = parts.now().getTime();
      const range = { from: new Date(now - lookBackMs), to: new Date(now - FRESH_MS) };
      const tell = apply ? "always" : "drift";
      const caller = { role: "admin", principal, customerId: null, clientToken: null, signal } as const;
      await reconcile(parts, caller, { range, provider: null, apply, driftsMax: DRIFTS_MAX, tell });
    } catch (error) {
      if (!signal.aborted) parts.log.warn({ err: error }, "reconciliation failed; the next one tries again");
    }
  }

  function schedule(): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      round = runRound().then(schedule);
    }, intervalMs);
  }

  return {
    start: schedule,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await round;
    },
  };
}
