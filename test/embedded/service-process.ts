// A stand-in for the service: starts both servers on the data directory that it is given, writes their addresses, and
// lives until it is killed. Told to terminate it ends at once, as the service does on a second signal.
import { pino } from "pino";
import { startEmbeddedNats } from "../../src/embedded/nats.ts";
import { startEmbeddedPostgres } from "../../src/embedded/postgres.ts";
import { searchPath } from "../support/search-path.ts";

const dataDir = process.argv[2] ?? "";
const log = pino({ level: "silent" });
const [postgres, nats] = await Promise.all([
  startEmbeddedPostgres({ dataDir, log }),
  startEmbeddedNats({ dataDir, log, path: searchPath }),
]);

process.on("exit", () => {
  postgres.killNow();
  nats.killNow();
});
process.on("SIGTERM", () => process.exit(1));
process.stdout.write(`${JSON.stringify({ postgres: postgres.url, nats: nats.url })}\n`);
setInterval(() => {}, 60_000);
