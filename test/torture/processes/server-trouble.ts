// What can happen to a server of a running service: it is killed, it is stopped in order, or it stands still for a while. The service starts its own
// servers again by itself; this waits until the server serves again, asked past the service.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceProcess } from "../../support/service-process.ts";

export type Server = "postgres" | "nats";
export const MANNERS = ["killed", "stopped", "frozen"] as const;
export type Manner = (typeof MANNERS)[number];

export interface Trouble {
  readonly server: Server;
  readonly manner: Manner;
  /** How long it stands still, where it is frozen. */
  readonly frozenMs: number;
}

const BACK_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Ends the server in order: PostgreSQL rolls back what is open and writes everything down, nats-server says goodbye. */
const ORDERLY: Readonly<Record<Server, NodeJS.Signals>> = { postgres: "SIGINT", nats: "SIGTERM" };

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is a name in brackets, which may hold anything: the fields after it are counted.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}

/** The server's process and its children: each connection of PostgreSQL is one. */
function processesOf(pid: number): number[] {
  const pids = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  return [pid, ...pids.filter((each) => parentOf(each) === pid)];
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

async function answers(service: ServiceProcess, server: Server): Promise<boolean> {
  try {
    if (server === "postgres") await service.query("select 1");
    else await (await service.connectNats()).close();
    return true;
  } catch {
    return false;
  }
}

/** Of the server that runs; undefined where none does. */
function pidOf(service: ServiceProcess, server: Server): number | undefined {
  try {
    return service.serverPid(server);
  } catch {
    return undefined;
  }
}

async function isBack(service: ServiceProcess, server: Server, before: number): Promise<boolean> {
  const pid = pidOf(service, server);
  return pid !== undefined && pid !== before && (await answers(service, server));
}

async function untilBack(service: ServiceProcess, server: Server, before: number): Promise<void> {
  const deadline = performance.now() + BACK_TIMEOUT_MS;
  while (!(await isBack(service, server, before))) {
    if (performance.now() > deadline) throw new Error(`${server} was not started again`);
    await delay(POLL_MS);
  }
}

async function freeze(pid: number, frozenMs: number): Promise<void> {
  // The first alone makes new ones, so that none is missed that is listed after it stands still.
  signalAll([pid], "SIGSTOP");
  const pids = processesOf(pid);
  signalAll(pids, "SIGSTOP");
  try {
    await delay(frozenMs);
  } finally {
    signalAll(pids, "SIGCONT");
  }
}

/** Brings the trouble about, and waits until it is over. */
export async function trouble(service: ServiceProcess, { server, manner, frozenMs }: Trouble): Promise<void> {
  const pid = service.serverPid(server);
  switch (manner) {
    case "killed":
      signalAll([pid], "SIGKILL");
      return untilBack(service, server, pid);
    case "stopped":
      signalAll([pid], ORDERLY[server]);
      return untilBack(service, server, pid);
    case "frozen":
      return freeze(pid, frozenMs);
  }
}
