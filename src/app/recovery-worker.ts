// Runs recovery rounds: at once when it is woken, otherwise at an interval, never two at a time.
import type { Parts } from "./parts.ts";
import { recover } from "./recover.ts";

export interface RecoveryWorker {
  start(): void;
  wake(): void;
  /** Ends after the round under way. */
  stop(): Promise<void>;
}

export function createRecoveryWorker(parts: Parts, intervalMs: number): RecoveryWorker {
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let woken = false;
  let stopped = true;

  async function runRound(): Promise<void> {
    let more = false;
    try {
      more = await recover(parts);
    } catch (error) {
      parts.log.warn({ err: error }, "recovery round failed; the next one tries again");
    }
    round = undefined;
    if (stopped) return;
    timer = setTimeout(begin, more || woken ? 0 : intervalMs);
  }

  function begin(): void {
    clearTimeout(timer);
    if (stopped || round) return;
    woken = false;
    round = runRound();
  }

  return {
    start() {
      stopped = false;
      begin();
    },
    wake() {
      woken = true;
      begin();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
