// Loaded before each test file by run.ts. A file that hangs, or that leaves a socket, timer or child process open, would
// hold the whole run up without a word; here it fails, and says what is still open.
import { writeSync } from "node:fs";
import { after } from "node:test";

const FILE_TIMEOUT_MS = 240_000;
/** For what the file's own hooks still have to stop when its last test is over. */
const LEAK_TIMEOUT_MS = 15_000;

function failAfter(timeoutMs: number, complaint: string): void {
  // Unreferenced: it must not be what keeps the process alive.
  setTimeout(() => {
    writeSync(process.stderr.fd, `${complaint} Open: ${process.getActiveResourcesInfo().join(", ")}.\n`);
    process.exit(1);
  }, timeoutMs).unref();
}

failAfter(FILE_TIMEOUT_MS, `The file has run for ${FILE_TIMEOUT_MS} ms.`);
after(() => failAfter(LEAK_TIMEOUT_MS, `The tests of the file ended ${LEAK_TIMEOUT_MS} ms ago, but it did not.`));
