import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { findNatsServer, searchDirectories } from "./find-nats-server.ts";
import { debianPackage, officialRelease } from "./install-nats-server.ts";
import { loopbackHost } from "./loopback-port.ts";
import { claimOwnership } from "./ownership.ts";
import type { StopStep } from "./running-process.ts";
import type { EmbeddedServer } from "./server-process.ts";
import { startServer } from "./server-process.ts";

const natsUser = "payment";
const passwordBytes = 24;
const passwordForm = /^[\w-]{32}$/;
const probeTimeoutMs = 1_000;

const stopSteps: readonly StopStep[] = [
  { signal: "SIGTERM", waitMs: 5_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
];

export interface EmbeddedNatsOptions {
  /** Made if absent; the store, the configuration and the log are kept in `nats` in it, a fetched program in `bin`. */
  readonly dataDir: string;
  readonly log: Logger;
  /** The file named by NATS_SERVER_BIN. */
  readonly binary?: string | undefined;
  /** The PATH to look on, before the usual system directories. */
  readonly path?: string | undefined;
  /** Default: the port of the last start when it is free, else any free one. */
  readonly port?: number;
}

/** The nats-server that would be started: found, or fetched into the data directory. Throws one sentence, with the remedy. */
export function provideNatsServer(options: EmbeddedNatsOptions): Promise<string> {
  return findNatsServer({
    binary: options.binary,
    directories: searchDirectories(options.path),
    keptIn: join(resolve(options.dataDir), "bin"),
    sources: [officialRelease(), debianPackage()],
    log: options.log,
  });
}

/** Starts a real nats-server with JetStream on loopback. Throws one sentence, with the remedy, when it cannot. */
export async function startEmbeddedNats(options: EmbeddedNatsOptions): Promise<EmbeddedServer> {
  const { log } = options;
  const dataDir = resolve(options.dataDir);
  const directory = join(dataDir, "nats");
  mkdirSync(dataDir, { recursive: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const release = claimOwnership({ directory: dataDir, name: "nats", remedy: "set DATA_DIR or NATS_URL" });
  try {
    const binary = await provideNatsServer(options);
    const password = readOrMakePassword(join(directory, "password"));
    const pidFile = join(directory, "server.pid");
    const configFile = join(directory, "server.conf");
    writeFileSync(configFile, configuration({ directory, pidFile, password }), { mode: 0o600 });
    return await startServer({
      name: "nats-server",
      log,
      port: options.port,
      portFile: join(directory, "port"),
      pidFile,
      logFile: join(directory, "server.log"),
      mark: `-c ${configFile}`,
      stopSteps,
      killSignal: "SIGKILL",
      command: (port) => ({ file: binary, args: ["-c", configFile, "-a", loopbackHost, "-p", String(port)] }),
      isReady: ({ port }) => answersWithJetStream(port, password),
      url: (port) => `nats://${natsUser}:${password}@${loopbackHost}:${port}`,
      afterStop: release,
    });
  } catch (error) {
    release();
    throw error;
  }
}

function configuration(given: {
  readonly directory: string;
  readonly pidFile: string;
  readonly password: string;
}): string {
  return [
    "server_name: payment-embedded",
    `pid_file: ${JSON.stringify(given.pidFile)}`,
    `jetstream { store_dir: ${JSON.stringify(given.directory)} }`,
    `authorization { user: ${natsUser}, password: ${JSON.stringify(given.password)} }`,
    "",
  ].join("\n");
}

/** One password for the life of the data directory, so that a client with the address of an earlier start still gets in. */
function readOrMakePassword(file: string): string {
  const kept = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (passwordForm.test(kept)) return kept;
  const password = randomBytes(passwordBytes).toString("base64url");
  writeFileSync(file, password, { mode: 0o600 });
  return password;
}

/** Whether the server on this port takes our password and has its streams ready. */
async function answersWithJetStream(port: number, password: string): Promise<boolean> {
  try {
    const connection = await connect({
      servers: `${loopbackHost}:${port}`,
      user: natsUser,
      pass: password,
      reconnect: false,
      timeout: probeTimeoutMs,
    });
    try {
      await jetstreamManager(connection, { timeout: probeTimeoutMs });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
