// `npm run torture`: the whole programme, or the tests that are named (`npm run torture -- T1 T9`), or a part of each (`--share 0.1`), with the choices of an
// earlier run (`--seed 7`). Ends with a table, and with 1 when something was found.
import { globSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { putNatsServerOnPath } from "../support/provide-nats-server.ts";
import { ROW_MARK, type Row } from "./frame/programme.ts";

const root = join(import.meta.dirname, "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    share: { type: "string", default: "1" },
    seed: { type: "string" },
    abreast: { type: "string", default: "1" },
  },
});

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

const share = Number(values.share);
if (!(share > 0 && share <= 1)) fail(`--share is ${values.share}; give a part of the full programme, such as 0.1`);
const abreast = Number(values.abreast);
if (!Number.isInteger(abreast) || abreast < 1) fail(`--abreast is ${values.abreast}; give how many files run at once`);
if (values.seed !== undefined && !/^\d+$/.test(values.seed)) fail(`--seed is ${values.seed}; give a number`);
for (const name of positionals) if (!/^T\d+[a-z]?$/.test(name)) fail(`${name} is no test; give names such as T1`);

await putNatsServerOnPath();
process.env["TORTURE_SHARE"] = String(share);
if (values.seed !== undefined) process.env["TORTURE_SEED"] = values.seed;

const stream = run({
  cwd: root,
  files: globSync("test/torture/*.test.ts", { cwd: root }).toSorted(),
  concurrency: abreast,
  ...(positionals.length > 0 && { testNamePatterns: positionals.map((name) => new RegExp(`^${name}[a-z]? `)) }),
});

const rows: Row[] = [];
const failed: string[] = [];
stream.on("test:diagnostic", ({ message }) => {
  if (message.startsWith(ROW_MARK)) rows.push(JSON.parse(message.slice(ROW_MARK.length)) as Row);
});
stream.on("test:fail", ({ name }) => void failed.push(name));

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function print({ id, name, unit, target, seed, ms, findings }: Row): string {
  const cells = [id, name, `${findings.cases} of ${target} ${unit}`, findings.violations.length, duration(ms), seed];
  return `| ${cells.join(" | ")} |`;
}

stream.on("end", () => {
  const number = (id: string): number => Number.parseInt(id.slice(1), 10);
  const sorted = rows.toSorted((a, b) => number(a.id) - number(b.id) || a.id.localeCompare(b.id));
  const head = ["| test | what happens | cases | violations | time | seed |", "| --- | --- | --- | --- | --- | --- |"];
  process.stdout.write(`\n${[...head, ...sorted.map(print)].join("\n")}\n`);
  if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join("; ")}\n`);
  if (rows.length === 0) process.stdout.write("\nno test has such a name\n");
  if (failed.length > 0 || rows.length === 0) process.exitCode = 1;
});
stream.compose(new spec()).pipe(process.stdout);
