// The real servers that the benchmark runs on, each with a data directory of its own that goes when it stops.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { startEmbeddedNats } from "../src/embedded/nats.ts";
import { findPostgresBinaries } from "../src/embedded/postgres-binaries.ts";
import { createClusterOnce, postgresRole } from "../src/embedded/postgres-cluster.ts";
import { choosePostgresUser, runAs } from "../src/embedded/postgres-user.ts";
import { describeProcess } from "../src/embedded/running-process.ts";
import { type EmbeddedServer, startServer } from "../src/embedded/server-process.ts";
import { withClient } from "../test/support/with-client.ts";

const endDeadlineMs = 5_000;
const endPollMs = 10;
// TMPFS_MAGIC of Linux's magic.h.
const tmpfsType = 0x01021994;
const log = pino({ level: "silent" });

// As the service's own embedded PostgreSQL, durability included, but with room for pgbench's 64 clients.
const settings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "120",
  shared_buffers: "64MB",
  timezone: "UTC",
};

export interface Directory extends Disposable {
  readonly path: string;
}

/** A directory that goes when it is disposed of, or at the latest with this process. */
export function makeDirectory(): Directory {
  const path = mkdtempSync(join(tmpdir(), "payment-bench-"));
  // PostgreSQL refuses to run as root, so that as root it runs as another user, who must be able to enter.
  chmodSync(path, 0o755);
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  process.once("exit", remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove);
      remove();
    },
  };
}

export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

export interface BenchPostgres extends BenchServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Makes the database anew, empty, and gives its URL. */
  freshDatabase(name: string): Promise<string>;
  urlOf(database: string): string;
  /** Runs statements that take no parameters. */
  run(url: string, statements: readonly string[]): Promise<void>;
  version(): Promise<string>;
}

export async function startPostgres(): Promise<BenchPostgres> {
  refuseMemoryDisk();
  const directory = makeDirectory();
  const dataDir = join(directory.path, "data");
  mkdirSync(dataDir);
  const binaries = await findPostgresBinaries();
  const user = await choosePostgresUser({ dataDir, postgres: binaries.postgres });
  const files = await createClusterOnce({ dataDir, binaries, user });
  const password = readFileSync(files.password, "utf8");
  const pidFile = join(files.data, "postmaster.pid");
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = await startServer({
    name: "postgres",
    log,
    port: undefined,
    portFile: join(files.directory, "port"),
    pidFile,
    logFile: join(files.directory, "server.log"),
    mark: `-D ${files.data}`,
    stopSteps: [
      { signal: "SIGINT", waitMs: 10_000 },
      { signal: "SIGKILL", waitMs: 5_000 },
    ],
    killSignal: "SIGQUIT",
    command: (port) =>
      runAs(user, { file: binaries.postgres, args: ["-D", files.data, "-p", String(port), ...options] }),
    // The server writes its state into its pid file, once it has made one.
    isReady: async () => existsSync(pidFile) && readFileSync(pidFile, "utf8").includes("ready"),
    url: (port) => `postgres://${postgresRole}:${password}@127.0.0.1:${port}/postgres`,
    afterStop: () => {},
  });
  const { hostname, port } = new URL(server.url);
  const urlOf = (database: string): string => server.url.replace(/postgres$/, database);
  return {
    ...asBenchServer(server, directory),
    host: hostname,
    port: Number(port),
    user: postgresRole,
    password,
    urlOf,
    async freshDatabase(name) {
      // The checkpoint takes the writes of the measurement before off the account of the next.
      await runStatements(server.url, [
        `drop database if exists ${name} with (force)`,
        `create database ${name}`,
        "checkpoint",
      ]);
      return urlOf(name);
    },
    run: runStatements,
    version: () => readVersion(server.url),
  };
}

export async function startNats(): Promise<BenchServer> {
  const directory = makeDirectory();
  const dataDir = directory.path;
  return asBenchServer(await startEmbeddedNats({ dataDir, log, path: process.env["PATH"] }), directory);
}

function asBenchServer(server: EmbeddedServer, directory: Directory): BenchServer {
  const kill = (): void => {
    server.killNow();
    awaitEnd(server.pid);
  };
  // Before its directory goes.
  process.prependOnceListener("exit", kill);
  return {
    url: server.url,
    pid: server.pid,
    async [Symbol.asyncDispose]() {
      await server.stop();
      process.off("exit", kill);
      directory[Symbol.dispose]();
    },
  };
}

/** Blocks, since a process that exits can await nothing more: a server that still writes would leave files in its directory. */
function awaitEnd(pid: number): void {
  const deadline = Date.now() + endDeadlineMs;
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (describeProcess(pid) !== undefined && Date.now() < deadline) Atomics.wait(never, 0, 0, endPollMs);
}

function refuseMemoryDisk(): void {
  if (statfsSync(tmpdir()).type !== tmpfsType) return;
  throw new Error(
    "The directory for temporary files is in memory, where durability costs nothing: set TMPDIR to one on a disk.",
  );
}

function runStatements(url: string, statements: readonly string[]): Promise<void> {
  return withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

function readVersion(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    return rows[0]?.server_version ?? "unknown";
  });
}
