// One measurement of the service: a fresh database, a fresh nats-server, the service, and a load generator.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Protocol } from "./calls.ts";
import type { LoadMessage, LoadPlan, LoadResult } from "./load.ts";
import {
  cpuMsOf,
  cpuMsOfFamily,
  cpuOfMachine,
  memoryMbOfFamily,
  peakResidentMbOf,
  residentMbOf,
} from "./process-figures.ts";
import { type BenchPostgres, type BenchServer, makeDirectory, startNats } from "./servers.ts";
import { type Service, startService } from "./service.ts";

const callers = 64;

export interface Window {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface ServiceFigures extends LoadResult {
  readonly nodeCpuUsPerLife: number;
  readonly postgresCpuUsPerLife: number;
  /** Of all cores. */
  readonly idleShare: number;
  /** Of all cores, what programs took that are no part of the benchmark. */
  readonly othersShare: number;
  /** The most that node held. */
  readonly nodeMb: number;
  /** Node, PostgreSQL with its shared memory counted once, and nats-server. */
  readonly allMb: number;
}

export interface Running {
  readonly service: Service;
  readonly postgres: BenchPostgres;
  readonly nats: BenchServer;
}

/** Runs the service on a database, with a nats-server of its own, for as long as `use` takes. */
export async function withService<T>(
  options: {
    readonly postgres: BenchPostgres;
    readonly databaseUrl: string;
    readonly relay: boolean;
    readonly nodeOptions?: readonly string[];
  },
  use: (running: Running) => Promise<T>,
): Promise<T> {
  const { postgres, ...rest } = options;
  using directory = makeDirectory();
  await using nats = await startNats();
  await using service = await startService({ ...rest, natsUrl: nats.url, dataDir: directory.path });
  await service.ready();
  const result = await use({ service, postgres, nats });
  service.assertRunning();
  return result;
}

export function targetOf(service: Service, protocol: Protocol): string {
  return `127.0.0.1:${protocol === "grpc" ? service.grpcPort : service.port}`;
}

/** Lets 64 callers live lives, as fast as they are answered, and takes all figures. */
export async function measureLives(
  { service, postgres, nats }: Running,
  options: { readonly protocol: Protocol; readonly window: Window },
): Promise<ServiceFigures> {
  const readCpu = () => ({
    node: cpuMsOf(service.pid),
    postgres: cpuMsOfFamily(postgres.pid),
    nats: cpuMsOf(nats.pid),
    machine: cpuOfMachine(),
  });
  let before = readCpu();
  let after = before;
  let memory = { nodeMb: 0, allMb: 0 };
  const plan = { protocol: options.protocol, target: targetOf(service, options.protocol), callers, ...options.window };
  const load = await runLoad(plan, {
    opened: () => {
      before = readCpu();
    },
    closed: () => {
      after = readCpu();
      const nodeMb = peakResidentMbOf(service.pid);
      memory = { nodeMb, allMb: nodeMb + memoryMbOfFamily(postgres.pid) + residentMbOf(nats.pid) };
    },
  });
  const lives = (load.livesPerSecond * options.window.measureMs) / 1_000;
  const nodeMs = after.node - before.node;
  const postgresMs = after.postgres - before.postgres;
  const ourMs = nodeMs + postgresMs + (after.nats - before.nats) + (load.cpuUsPerLife * lives) / 1_000;
  const busyMs = after.machine.busyMs - before.machine.busyMs;
  const totalMs = after.machine.totalMs - before.machine.totalMs;
  return {
    ...load,
    ...memory,
    nodeCpuUsPerLife: (nodeMs * 1_000) / lives,
    postgresCpuUsPerLife: (postgresMs * 1_000) / lives,
    idleShare: 1 - busyMs / totalMs,
    othersShare: Math.max((busyMs - ourMs) / totalMs, 0),
  };
}

/** Runs the load generator; throws with its words when a call fails or is answered wrongly. */
export function runLoad(
  plan: LoadPlan,
  on: { opened(): void; closed(): void } = { opened: () => {}, closed: () => {} },
): Promise<LoadResult> {
  const child = fork(fileURLToPath(import.meta.resolve("./load.ts")), [JSON.stringify(plan)]);
  const kill = (): void => void child.kill("SIGKILL");
  process.prependOnceListener("exit", kill);
  return new Promise((resolve, reject) => {
    child.on("message", (message: LoadMessage) => {
      switch (message.kind) {
        case "opened":
          return on.opened();
        case "closed":
          return on.closed();
        case "measured":
          return resolve(message.result);
        case "failed":
          return reject(new Error(`a call failed over ${plan.protocol}: ${message.problem}`));
      }
    });
    child.once("exit", (code, signal) => {
      process.off("exit", kill);
      reject(new Error(`the load generator ended with ${code ?? signal} before it told its figures`));
    });
  });
}
