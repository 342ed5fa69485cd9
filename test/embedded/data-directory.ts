// What the tests of the embedded servers share: a data directory of their own, a log that can be waited on, and an
// independent look at which server processes of a data directory run.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { pino } from "pino";
import { withClient } from "../support/with-client.ts";

const waitMaxMs = 20_000;
const pollMs = 20;

const folders: string[] = [];
// At the end of the file: hooks of one test run in the order of their registration, so a test's own would come too early.
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

/** The path of a new data directory; `closed` is one below a folder that no other user can enter. */
export function makeDataDir(access: "open" | "closed" = "open"): string {
  const folder = mkdtempSync(join(tmpdir(), "embedded-"));
  chmodSync(folder, access === "open" ? 0o755 : 0o700);
  folders.push(folder);
  return join(folder, "data");
}

export interface AnnouncingLog {
  readonly log: Logger;
  /** Resolves when the message has been logged, be it before or after the call. */
  readonly logged: (message: string) => Promise<void>;
}

export function announcingLog(): AnnouncingLog {
  const messages: string[] = [];
  const write = (line: string): void => {
    messages.push((JSON.parse(line) as { msg: string }).msg);
  };
  return {
    log: pino({}, { write }),
    logged: (message) => waitFor(() => messages.includes(message), `the log line "${message}"`),
  };
}

export const silentLog: Logger = pino({ level: "silent" });

export async function waitFor(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + waitMaxMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${waitMaxMs} ms in vain for ${what}`);
    await delay(pollMs);
  }
}

/** Runs one statement on a connection of its own and answers with the first column of its rows. */
export function query(url: string, sql: string): Promise<unknown[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    return rows.map((row) => row[0]);
  });
}

export interface RunningServers {
  readonly postmasters: number[];
  readonly natsServers: number[];
  /** Whatever else was started on the data directory, initdb among it. */
  readonly others: number[];
}

/** The processes that have the data directory on their command line, save Node's. */
export function runningServers(dataDir: string): RunningServers {
  const servers: RunningServers = { postmasters: [], natsServers: [], others: [] };
  const postgres = new Map<number, number>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const [file = "", ...args] = commandLine(pid);
    if (!args.some((arg) => arg.includes(dataDir)) || file.endsWith("node")) continue;
    if (file.endsWith("/postgres") && !args.includes("--single")) postgres.set(Number(pid), parentOf(pid));
    else if (file.endsWith("/nats-server")) servers.natsServers.push(Number(pid));
    else servers.others.push(Number(pid));
  }
  // A process that a postmaster has just made bears the postmaster's own name for a moment.
  for (const [pid, parent] of postgres) if (!postgres.has(parent)) servers.postmasters.push(pid);
  return servers;
}

export const noServers: RunningServers = { postmasters: [], natsServers: [], others: [] };

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}
