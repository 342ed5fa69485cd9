// A copy of the tree that may be spoilt, and its tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import type { Edit } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** What the tests do not read, or what is linked instead. */
const LEFT_OUT = new Set(["node_modules", ".git", ".data", ".ci"]);
const FAILED = /^\s*not ok \d+ - (.+)$/gm;
const FILE_TIMEOUT_MS = 120_000;

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

  /** Runs a test file; gives the names of the tests that failed, or the end of what it said when it failed without one. */
  async run(file: string): Promise<string[]> {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(process.execPath, ["--test", "--test-reporter=tap", file], {
      cwd: this.#folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
      timeout: FILE_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    const closed = once(child, "close");
    const said = await text(child.stdout);
    const [code] = (await closed) as [number | null];
    if (code === 0) return [];
    const names = [...said.matchAll(FAILED)].map(([, name = ""]) => name).filter((name) => !name.endsWith(file));
    return names.length > 0 ? names : [code === null ? "it hangs" : said.slice(-500)];
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
