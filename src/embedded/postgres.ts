import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Logger } from "pino";
import { loopbackHost } from "./loopback-port.ts";
import { claimOwnership } from "./ownership.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresFiles } from "./postgres-cluster.ts";
import { createClusterOnce, postgresDatabase, postgresRole } from "./postgres-cluster.ts";
import { choosePostgresUser, runAs } from "./postgres-user.ts";
import type { StopStep } from "./running-process.ts";
import type { EmbeddedServer } from "./server-process.ts";
import { startServer } from "./server-process.ts";

// For a small machine that also runs the service. Durability is left as PostgreSQL ships it: fsync and
// synchronous_commit are on.
const settings: Readonly<Record<string, string>> = {
  listen_addresses: loopbackHost,
  unix_socket_directories: "",
  max_connections: "60",
  shared_buffers: "64MB",
  timezone: "UTC",
  log_timezone: "UTC",
  // The client is told of its errors; in the log they would only repeat, with data that must not be there.
  log_min_messages: "log",
  log_checkpoints: "off",
  log_error_verbosity: "terse",
};

// Fast shutdown: open transactions are rolled back and clients disconnected; then immediate; then the hard way.
const stopSteps: readonly StopStep[] = [
  { signal: "SIGINT", waitMs: 10_000 },
  { signal: "SIGQUIT", waitMs: 6_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
];

const readyStatusLine = 7;

export interface EmbeddedPostgresOptions {
  /** Made if absent; the cluster, its password and its log are kept in `postgres` in it. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Default: the port of the last start when it is free, else any free one. */
  readonly port?: number;
}

/** Starts a real PostgreSQL on loopback. Throws one sentence, with the remedy, when it cannot run here. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedServer> {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const release = claimOwnership({ directory: dataDir, name: "postgres", remedy: "set DATA_DIR or DATABASE_URL" });
  try {
    const binaries = await findPostgresBinaries();
    const user = await choosePostgresUser({ dataDir, postgres: binaries.postgres });
    const files = await createClusterOnce({ dataDir, binaries, user });
    const password = readFileSync(files.password, "utf8");
    const pidFile = join(files.data, "postmaster.pid");
    return await startServer({
      name: "postgres",
      log: options.log,
      port: options.port,
      portFile: join(files.directory, "port"),
      pidFile,
      logFile: join(files.directory, "server.log"),
      mark: `-D ${files.data}`,
      stopSteps,
      killSignal: "SIGQUIT",
      command: (port) => runAs(user, { file: binaries.postgres, args: serverArguments(files, port) }),
      isReady: async ({ pid }) => isReady(pidFile, pid),
      url: (port) => `postgres://${postgresRole}:${password}@${loopbackHost}:${port}/${postgresDatabase}`,
      afterStop: release,
    });
  } catch (error) {
    release();
    throw error;
  }
}

function serverArguments(files: PostgresFiles, port: number): string[] {
  const given = Object.entries({ ...settings, port: String(port) });
  return ["-D", files.data, ...given.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** As pg_ctl does it: the server writes its state into its pid file. */
function isReady(pidFile: string, pid: number): boolean {
  try {
    const lines = readFileSync(pidFile, "utf8").split("\n");
    return Number(lines[0]) === pid && lines[readyStatusLine]?.trim() === "ready";
  } catch {
    return false;
  }
}
