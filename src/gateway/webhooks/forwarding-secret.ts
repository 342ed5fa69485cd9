// The secret with which a gateway signs what it forwards to one address: made once for its folder, and the same after each start.
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function forwardingSecret(directory: string): string {
  const path = join(directory, "forwarding-secret");
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const minted = `whsec_${randomBytes(24).toString("hex")}`;
    writeFileSync(path, `${minted}\n`, { mode: 0o600 });
    return minted;
  }
}
