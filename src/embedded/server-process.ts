import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { choosePort } from "./loopback-port.ts";
import type { Command } from "./run-command.ts";
import { programEnvironment } from "./run-command.ts";
import type { StopStep } from "./running-process.ts";
import { describeProcess, endProcess, signalProcess } from "./running-process.ts";

// A server that we start is STARTING until it is ready, then RUNNING. When it ends by itself it is DOWN for a bounded
// backoff and then STARTING again, on the same port, for as long as it takes. stop() and killNow() lead from every
// state to STOPPING, and nothing leads out of it.

const readyPollMs = 10;
// Generous because PostgreSQL replays its log after a crash; a server that gives up earlier is noticed at once.
const readyDeadlineMs = 60_000;
const startAttemptsMax = 5;
const restartDelayMinMs = 50;
const restartDelayMaxMs = 1_000;
// A server that has run this long is not in a crash loop: its next restart is quick again.
const steadyAfterMs = 5_000;
const hardStop: StopStep = { signal: "SIGKILL", waitMs: 5_000 };
const logTailChars = 2_000;

/** A server of our own; it is restarted on the same port whenever it ends by itself. */
export interface EmbeddedServer {
  readonly url: string;
  /** Of the server that runs now, or that ran last. */
  readonly pid: number;
  /** Ends the server in order; later calls wait for the first. */
  stop(): Promise<void>;
  /** Ends it without waiting, for a process that exits now. Nothing that was committed is lost. */
  killNow(): void;
}

/** What differs from one server program to the next. */
export interface ServerProgram {
  readonly name: string;
  readonly log: Logger;
  /** The only acceptable port; undefined takes the last one, or any that is free. */
  readonly port: number | undefined;
  readonly portFile: string;
  readonly pidFile: string;
  readonly logFile: string;
  /** Part of the command line that no other program has: tells our server from a process that reuses its pid. */
  readonly mark: string;
  readonly stopSteps: readonly StopStep[];
  readonly killSignal: NodeJS.Signals;
  command(port: number): Command;
  isReady(running: { readonly pid: number; readonly port: number }): Promise<boolean>;
  url(port: number): string;
  /** Called once, when the server has ended for good. */
  afterStop(): void;
}

/** Starts the program, first ending the one that a killed service may have left behind. */
export async function startServer(program: ServerProgram): Promise<EmbeddedServer> {
  for (let attempt = 1; ; attempt += 1) {
    await endOrphan(program);
    const server = new SupervisedServer(
      program,
      await choosePort({ port: program.port, rememberedIn: program.portFile }),
    );
    try {
      await server.launch();
      writeFileSync(program.portFile, String(server.port));
      return server;
    } catch (error) {
      // Passing reasons: the port was taken meanwhile, children of a killed server still hold its memory, or an orphan
      // that had only just begun to start was not seen.
      if (attempt === startAttemptsMax) throw error;
      program.log.warn({ err: error, server: program.name, attempt }, "embedded server did not start, trying again");
      await delay(restartDelay(attempt));
    }
  }
}

/**
 * The server of a service that was killed is replaced, not adopted: ending it rolls back what the dead service had
 * open, and whatever it hung on or was configured with is gone.
 */
async function endOrphan({ name, log, pidFile, mark, stopSteps }: ServerProgram): Promise<void> {
  const pid = readPid(pidFile);
  const found = pid === undefined ? undefined : describeProcess(pid);
  if (pid === undefined || found === undefined) return;
  const isOurs = (): boolean => describeProcess(pid)?.commandLine.includes(mark) ?? false;
  if (isOurs()) {
    log.warn({ server: name, pid }, "ending the embedded server that a killed service left behind");
    await endProcess(pid, () => !isOurs(), stopSteps);
  } else {
    // Servers clear the pid of a dead process by themselves, but would take this stranger for a rival.
    rmSync(pidFile, { force: true });
  }
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function restartDelay(failures: number): number {
  return Math.min(restartDelayMinMs * 2 ** Math.min(failures, 10), restartDelayMaxMs);
}

class SupervisedServer implements EmbeddedServer {
  readonly port: number;
  readonly #program: ServerProgram;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #hasEnded = true;
  #failures = 0;
  #restarting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(program: ServerProgram, port: number) {
    this.#program = program;
    this.port = port;
  }

  get url(): string {
    return this.#program.url(this.port);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  killNow(): void {
    this.#stopping.abort();
    if (!this.#hasEnded) signalProcess(this.pid, this.#program.killSignal);
  }

  /** One start: returns when the server is ready, throws when it ends before or is not ready in time. */
  async launch(): Promise<void> {
    const child = await this.#spawn();
    const deadline = Date.now() + readyDeadlineMs;
    while (!this.#hasEnded && Date.now() < deadline) {
      if (this.#stopping.signal.aborted) throw new Error(`${this.#program.name} was stopped while it started`);
      if (await this.#program.isReady({ pid: this.pid, port: this.port })) return this.#watch(child);
      await delay(readyPollMs);
    }
    await endProcess(this.pid, () => this.#hasEnded, [hardStop]);
    throw new Error(`${this.#program.name} did not become ready: ${this.#logTail()}`);
  }

  async #spawn(): Promise<ChildProcess> {
    const { file, args, ...user } = this.#program.command(this.port);
    // The output goes to a file, not through us: a pipe would break, and end the server, when we are killed.
    const output = openSync(this.#program.logFile, "w", 0o600);
    // A session of its own: an interrupt typed at the terminal reaches the service alone, which then stops the server.
    const child = spawn(file, args, {
      ...user,
      cwd: "/",
      env: programEnvironment,
      detached: true,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    if (child.pid === undefined) {
      const [cause] = (await once(child, "error")) as [Error];
      throw new Error(`${file} could not be run: ${cause.message}`, { cause });
    }
    this.#child = child;
    this.#hasEnded = false;
    child.once("exit", () => {
      this.#hasEnded = true;
    });
    child.unref();
    return child;
  }

  #watch(child: ChildProcess): void {
    const runningSince = Date.now();
    const { name, log } = this.#program;
    const onEnd = (): void => {
      if (this.#stopping.signal.aborted) return;
      if (Date.now() - runningSince > steadyAfterMs) this.#failures = 0;
      log.error(
        { server: name, pid: child.pid, code: child.exitCode, signal: child.signalCode },
        "embedded server ended",
      );
      this.#restarting = this.#restart();
    };
    // It may have ended between its last sign of readiness and this line.
    if (this.#hasEnded) onEnd();
    else child.once("exit", onEnd);
  }

  async #restart(): Promise<void> {
    const { name, log } = this.#program;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(restartDelay(this.#failures), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#failures += 1;
      try {
        await this.launch();
        log.info({ server: name, pid: this.pid, port: this.port }, "embedded server restarted");
        return;
      } catch (error) {
        log.error({ err: error, server: name, failures: this.#failures }, "embedded server could not be restarted");
      }
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restarting;
    await endProcess(this.pid, () => this.#hasEnded, this.#program.stopSteps);
    this.#program.afterStop();
  }

  #logTail(): string {
    return readFileSync(this.#program.logFile, "utf8").trim().slice(-logTailChars) || "it said nothing";
  }
}
