// A provider that was away is there again: what waits for it does not wait for its pause.
import type { Parts } from "./parts.ts";

/** Has all that was tried in vain at a provider tried now. What fails here is tried after its pause all the same. */
export async function onProviderBack(parts: Parts, provider: string): Promise<void> {
  const now = parts.now();
  try {
    await Promise.all([parts.store.bringForward(provider, now), parts.inbox.bringForward(provider, now)]);
  } catch (error) {
    parts.log.warn({ err: error, provider }, "what waits for the provider is not brought forward");
    return;
  }
  parts.wakeRecovery();
}
