// Finds the service that the demo talks to: the one that runs already, or one of its own that ends with it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface DemoService {
  readonly grpcAddress: string;
  readonly natsUrl: string;
  stop(): Promise<void>;
}

const GRPC_PORT_DEFAULT = 50_051;

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The address of the nats-server that the service keeps in its data folder. */
function natsUrlIn(dataDir: string): string {
  const read = (name: string): string => readFileSync(join(dataDir, "nats", name), "utf8").trim();
  return `nats://payment:${read("password")}@127.0.0.1:${read("port")}`;
}

async function waitUntilReady(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Error("the service has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; grpcPort?: number };
    if (entry.msg === "service ready" && entry.grpcPort) return entry.grpcPort;
  }
  throw new Error("the service ended before it was ready; see what it said above");
}

async function startOwn(): Promise<DemoService> {
  const dataDir = mkdtempSync(join(tmpdir(), "payment-demo-"));
  const child = spawn(process.execPath, ["--import", "./src/require-node.js", "src/main.ts"], {
    cwd: join(import.meta.dirname, "../.."),
    env: { ...process.env, DATA_DIR: dataDir, PORT: "0", GRPC_PORT: "0", GATEWAY_PORT: "0" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const grpcPort = await waitUntilReady(child);
  child.stdout?.resume();
  return {
    grpcAddress: `127.0.0.1:${grpcPort}`,
    natsUrl: natsUrlIn(dataDir),
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The service that answers on GRPC_PORT (default 50051), whose events are at NATS_URL or in DATA_DIR; else a new one. */
export async function findService(): Promise<DemoService> {
  const port = Number(process.env["GRPC_PORT"] ?? GRPC_PORT_DEFAULT);
  if (!(await answers(port))) return startOwn();
  return {
    grpcAddress: `127.0.0.1:${port}`,
    natsUrl: process.env["NATS_URL"] ?? natsUrlIn(process.env["DATA_DIR"] ?? ".data"),
    stop: () => Promise.resolve(),
  };
}
