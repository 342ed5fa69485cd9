// Debian's chromium, which the tests of the pages drive: found, or installed where that is ours to do.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

export const CHROMIUM = process.env["CHROMIUM_BIN"] ?? "/usr/bin/chromium";

/** Once for a run of all tests. Throws a sentence that says how to get one. */
export function provideBrowser(): void {
  if (existsSync(CHROMIUM)) return;
  if (process.env["CHROMIUM_BIN"] === undefined && process.geteuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    execFileSync("apt-get", ["update", "-qq"], { env, stdio: "inherit" });
    execFileSync("apt-get", ["install", "-qq", "--yes", "--no-install-recommends", "chromium"], {
      env,
      stdio: "ignore",
    });
    return;
  }
  throw new Error(
    `There is no chromium at ${CHROMIUM}, which the tests of the pages drive: install it (on Debian, apt-get install chromium), or name another one in CHROMIUM_BIN.`,
  );
}
