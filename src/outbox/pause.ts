import { setTimeout as delay } from "node:timers/promises";

/** Waits so long, or until the signal. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal }).catch(() => {});
}
