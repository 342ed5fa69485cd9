// What processes used, as Linux tells it under /proc.
import { readdirSync, readFileSync } from "node:fs";

// USER_HZ, which Linux fixes at 100 for everything it shows to programs.
const msPerTick = 10;
const kibPerMb = 1024;

interface Status {
  readonly parent: number;
  readonly ownTicks: number;
  /** Of children that have ended and were waited for. */
  readonly endedChildrenTicks: number;
}

/** CPU time, user and system, of one process. */
export function cpuMsOf(pid: number): number {
  return readStatus(pid).ownTicks * msPerTick;
}

/** CPU time of a process, of its running children, and of those that have ended: all of a PostgreSQL server. */
export function cpuMsOfFamily(pid: number): number {
  const { ownTicks, endedChildrenTicks } = readStatus(pid);
  const running = childrenOf(pid).reduce((sum, child) => sum + child.ownTicks, 0);
  return (ownTicks + endedChildrenTicks + running) * msPerTick;
}

export interface MachineCpu {
  /** By all programs together. */
  readonly busyMs: number;
  /** What all cores together could have given. */
  readonly totalMs: number;
}

/** CPU time of the whole machine since it started. */
export function cpuOfMachine(): MachineCpu {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user already (proc(5)).
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { busyMs: (total - idle) * msPerTick, totalMs: total * msPerTick };
}

export function residentMbOf(pid: number): number {
  return readKib(`/proc/${pid}/status`, "VmRSS") / kibPerMb;
}

/** The most that the process ever held. */
export function peakResidentMbOf(pid: number): number {
  return readKib(`/proc/${pid}/status`, "VmHWM") / kibPerMb;
}

/** Memory of a process and its running children; what they share is counted once. */
export function memoryMbOfFamily(pid: number): number {
  const pids = [pid, ...childrenOf(pid).map((child) => child.pid)];
  return pids.reduce((sum, member) => sum + readKib(`/proc/${member}/smaps_rollup`, "Pss"), 0) / kibPerMb;
}

function childrenOf(parent: number): (Status & { readonly pid: number })[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    try {
      const status = readStatus(Number(name));
      return status.parent === parent ? [{ ...status, pid: Number(name) }] : [];
    } catch {
      // It ended since the directory was read.
      return [];
    }
  });
}

function readStatus(pid: number): Status {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, a name in brackets, may itself hold spaces and brackets: count from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // Numbered as in proc(5), whose first field after the name is 3.
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ownTicks: field(14) + field(15), endedChildrenTicks: field(16) + field(17) };
}

function readKib(file: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(file, "utf8"));
  if (!found) throw new Error(`${file} has no ${name}`);
  return Number(found[1]);
}
