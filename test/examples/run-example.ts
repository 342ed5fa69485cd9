// An example as its reader runs it: a process of its own, whose lines are read.
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "../..");
const WAIT_MAX_MS = 30_000;

export class Example {
  readonly lines: string[] = [];
  complaint = "";
  readonly child: ChildProcess;
  readonly #events = new EventEmitter();
  readonly #closed: Promise<unknown>;

  constructor(program: string, parameters: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(program, parameters, {
      cwd: ROOT,
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error("the example has no output");
    createInterface(stdout).on("line", (line) => {
      this.lines.push(line);
      this.#events.emit("line");
    });
    stderr.on("data", (text: Buffer) => (this.complaint += text.toString()));
    this.#closed = once(this.child, "close").then(() => this.#events.emit("line"));
  }

  /** Waits until its lines are as wished. */
  async until(holds: (lines: readonly string[]) => boolean): Promise<void> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS);
    while (!holds(this.lines)) {
      if (this.child.exitCode !== null) throw new Error(`the example ended: ${this.complaint}`);
      await once(this.#events, "line", { signal });
    }
  }

  /** Its exit code, once it has ended by itself. */
  async end(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.#closed;
  }
}

/** What a story printed: a JSON object a line. */
export function readStory(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
