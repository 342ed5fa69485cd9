// Runs the tests: `npm test` runs all of them, `npm test -- test/app/*.test.ts` some. One PostgreSQL is started for the
// whole run and handed to the test processes by TEST_DATABASE_URL; a test file that is run alone starts its own.
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { startDatabaseServer } from "./support/database-server.ts";
import { provideBrowser } from "./support/provide-browser.ts";
import { putNatsServerOnPath } from "./support/provide-nats-server.ts";

/** Fewer passed tests than this in a whole run mean that tests were lost, not that there are fewer. Raise it with them. */
const PASSED_MIN = 2_380;
const TEST_TIMEOUT_MS = 120_000;
const RUN_TIMEOUT_MS = 1_080_000;

const root = join(import.meta.dirname, "..");
const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : globSync("test/**/*.test.ts", { cwd: root }).toSorted();
const passedMin = chosen.length > 0 ? 1 : PASSED_MIN;

if (files.some((file) => file.includes("test/web/"))) provideBrowser();

const server = await startDatabaseServer();
process.env["TEST_DATABASE_URL"] = server.url;

await putNatsServerOnPath();

// Interrupting the run must not leave its server behind: the run is aborted and ends as it always does.
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interruption.abort());

const stream = run({
  cwd: root,
  files,
  concurrency: Math.max(2, availableParallelism()),
  execArgv: [`--test-timeout=${TEST_TIMEOUT_MS}`, "--import", join(import.meta.dirname, "support/deadline.ts")],
  signal: AbortSignal.any([interruption.signal, AbortSignal.timeout(RUN_TIMEOUT_MS)]),
});

// node:test is content when no file matches, a file is empty, or tests are skipped; a run of ours is not.
const problems: string[] = [];
let wholeRunSummarised = false;
// A file that ran no test is reported as if the file were a test that passed.
stream.on("test:pass", ({ name, file }) => {
  if (file !== undefined && resolve(root, name) === file) problems.push(`${name} holds no test`);
});
stream.on("test:summary", ({ counts, success, file }) => {
  if (file !== undefined) return;
  wholeRunSummarised = true;
  if (!success) problems.push("a test failed");
  if (counts.skipped > 0) problems.push(`${counts.skipped} tests were skipped`);
  if (counts.todo > 0) problems.push(`${counts.todo} tests are marked todo`);
  if (counts.passed < passedMin) problems.push(`${counts.passed} tests passed, ${passedMin} are expected at least`);
});

for await (const text of stream.compose(new spec())) process.stdout.write(text);
await server.stop();

if (!wholeRunSummarised) problems.push("the run ended without a summary");
if (problems.length > 0) {
  process.stderr.write(`npm test fails: ${problems.join("; ")}.\n`);
  process.exitCode = 1;
}
