import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const pollEveryMs = 10;

/** What tells one process from a later one that was given the same pid. */
export interface RunningProcess {
  /** The whole command line, arguments separated by spaces. */
  readonly commandLine: string;
  /** Opaque; differs between two processes that had one pid, also across restarts of the machine. */
  readonly startedAt: string;
}

/** A signal, and how long the process may take to end after it. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** The running process with this pid; undefined when there is none, or only a zombie that nobody has reaped yet. */
export function describeProcess(pid: number): RunningProcess | undefined {
  try {
    return process.platform === "linux" ? readFromProc(pid) : readFromPs(pid);
  } catch {
    // Both ways fail, rather than answer, for a pid that nobody has.
    return undefined;
  }
}

function readFromProc(pid: number): RunningProcess | undefined {
  const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  if (commandLine === "") return undefined;
  const status = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, a name in brackets, may itself hold spaces and brackets: count from the last bracket.
  const startTicks = status.slice(status.lastIndexOf(")") + 2).split(" ")[19];
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return { commandLine, startedAt: `${bootId}/${startTicks}` };
}

function readFromPs(pid: number): RunningProcess | undefined {
  const lstartWidth = 24;
  const line = execFileSync("ps", ["-ww", "-o", "lstart=,command=", "-p", String(pid)], { encoding: "utf8" }).trim();
  if (line === "") return undefined;
  return { commandLine: line.slice(lstartWidth).trim(), startedAt: line.slice(0, lstartWidth) };
}

/** Sends a signal; a process that has ended already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Ends a process by the given signals, each with its own bound; throws when it outlives the last of them. */
export async function endProcess(pid: number, hasEnded: () => boolean, steps: readonly StopStep[]): Promise<void> {
  for (const { signal, waitMs } of steps) {
    if (hasEnded()) return;
    signalProcess(pid, signal);
    const deadline = Date.now() + waitMs;
    while (!hasEnded() && Date.now() < deadline) await delay(pollEveryMs);
  }
  if (!hasEnded()) throw new Error(`process ${pid} did not end after ${steps.map((step) => step.signal).join(", ")}`);
}
