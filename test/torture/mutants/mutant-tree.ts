// A copy of the tree that may be spoilt, and its tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import type { Edit } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** What the tests do not read, or what is linked instead. */
const LEFT_OUT = new Set(["node_modules", ".git", ".data", ".ci"]);
const FAILED = /^\s*not ok \d+ - (.+)$/;
/** A mistake may make a test wait for what never comes. */
const TEST_TIMEOUT_MS = 20_000;
const FILE_TIMEOUT_MS = 90_000;
const SAID_MAX = 500;

export class MutantTree {
  readonly #folder = mkdtempSync(join(tmpdir(), "mutant-tree-"));

  constructor() {
    cpSync(ROOT, this.#folder, { recursive: true, filter: (source) => !LEFT_OUT.has(relative(ROOT, source)) });
    symlinkSync(join(ROOT, "node_modules"), join(this.#folder, "node_modules"));
  }

  /** Makes the edits; gives what takes them back. Throws when a text does not stand once in its file. */
  edit(edits: readonly Edit[]): () => void {
    const originals = new Map<string, string>();
    for (const { file, find, replace } of edits) {
      const path = join(this.#folder, file);
      const current = readFileSync(path, "utf8");
      if (!originals.has(path)) originals.set(path, current);
      const [before = "", ...rest] = current.split(find);
      if (rest.length !== 1) throw new Error(`${file} holds ${rest.length} times: ${find}`);
      writeFileSync(path, before + replace + rest[0]);
    }
    return () => originals.forEach((content, path) => writeFileSync(path, content));
  }

  /** Runs a test file until a test fails; gives that test's name, what it said last when it failed without one, or null when all passed. */
  async run(file: string): Promise<string | null> {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(
      process.execPath,
      ["--test", `--test-timeout=${TEST_TIMEOUT_MS}`, "--test-reporter=tap", file],
      {
        cwd: this.#folder,
        env,
        stdio: ["ignore", "pipe", "inherit"],
        timeout: FILE_TIMEOUT_MS,
      },
    );
    const closed = once(child, "close");
    let said = "";
    for await (const line of createInterface(child.stdout)) {
      said = `${said}${line}\n`.slice(-SAID_MAX);
      const [, name] = FAILED.exec(line) ?? [];
      if (name === undefined || name.endsWith(file)) continue;
      // Interrupted, it stops what it has started.
      child.kill("SIGINT");
      await closed;
      return name;
    }
    const [code] = (await closed) as [number | null];
    return code === 0 ? null : said;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
