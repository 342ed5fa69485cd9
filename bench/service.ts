// The service under test: src/main.ts as a process of its own, as `npm start` runs it, settings and options of node included.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startArguments, startSettings } from "../test/support/start-command.ts";

const host = "127.0.0.1";
const root = join(import.meta.dirname, "..");
const readyDeadlineMs = 60_000;
const readyPollMs = 20;
const stopDeadlineMs = 30_000;
const outputTailChars = 4_000;

export interface ServiceOptions {
  readonly dataDir: string;
  /** Absent: the service starts a PostgreSQL of its own. */
  readonly databaseUrl?: string;
  /** Absent: the service starts a nats-server of its own. */
  readonly natsUrl?: string;
  readonly relay?: boolean;
  /** Options for node itself, before the program. */
  readonly nodeOptions?: readonly string[];
}

export interface Service extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly grpcPort: number;
  /** Resolves when /health/ready answers 200; throws with what the service wrote when it ends before. */
  ready(): Promise<void>;
  /** Throws with what the service wrote when it has ended. */
  assertRunning(): void;
}

/** Starts the service without waiting until it is ready. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const [port, grpcPort] = await Promise.all([findFreePort(), findFreePort()]);
  const child = spawn(process.execPath, [...(options.nodeOptions ?? []), ...startArguments], {
    cwd: root,
    env: environmentOf(options, { port, grpcPort }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collectOutput(child);
  const kill = (): void => void child.kill("SIGKILL");
  process.prependOnceListener("exit", kill);

  const assertRunning = (): void => {
    if (child.exitCode === null && child.signalCode === null) return;
    throw new Error(`the service ended with ${child.exitCode ?? child.signalCode}: ${output()}`);
  };
  return {
    pid: child.pid ?? 0,
    port,
    grpcPort,
    assertRunning,
    ready: async () => {
      const deadline = Date.now() + readyDeadlineMs;
      while (!(await isReady(port))) {
        assertRunning();
        if (Date.now() > deadline) throw new Error(`the service is not ready after ${readyDeadlineMs} ms: ${output()}`);
        await delay(readyPollMs);
      }
    },
    async [Symbol.asyncDispose]() {
      await stop(child);
      process.off("exit", kill);
    },
  };
}

function environmentOf(
  options: ServiceOptions,
  ports: { readonly port: number; readonly grpcPort: number },
): NodeJS.ProcessEnv {
  return {
    ...startSettings,
    PATH: process.env["PATH"],
    DATA_DIR: options.dataDir,
    HOST: host,
    PORT: String(ports.port),
    GRPC_PORT: String(ports.grpcPort),
    GATEWAY_PORT: "0",
    // The answers of the mock gateway say all; its webhooks would be a second load beside the one that is measured.
    GATEWAY_WEBHOOKS: "false",
    LOG_LEVEL: "warn",
    RELAY: String(options.relay ?? true),
    ...(options.databaseUrl && { DATABASE_URL: options.databaseUrl }),
    ...(options.natsUrl && { NATS_URL: options.natsUrl }),
  };
}

/** Keeps the end of what the service writes, for the case that it fails. */
function collectOutput(child: ChildProcess): () => string {
  let tail = "";
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-outputTailChars);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return () => tail.trim() || "it said nothing";
}

async function isReady(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${host}:${port}/health/ready`);
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
  await ended;
  clearTimeout(timer);
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}
