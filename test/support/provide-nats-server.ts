// A nats-server for all test files of a run: found, or fetched once to where `npm start` keeps a fetched one, and put on PATH.
import { dirname, join } from "node:path";
import pino from "pino";
import { provideNatsServer } from "../../src/embedded/nats.ts";

const DATA = join(import.meta.dirname, "../../.data");

export async function putNatsServerOnPath(): Promise<void> {
  const path = process.env["PATH"];
  const program = await provideNatsServer({ dataDir: DATA, path, log: pino({ level: "silent" }) });
  process.env["PATH"] = `${dirname(program)}:${path}`;
}
