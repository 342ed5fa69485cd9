// The denominator: what this PostgreSQL can do by itself for the same writes, driven by pgbench (bench/yardstick/README.md).
import { execFile } from "node:child_process";
import { accessSync, constants, globSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type BenchPostgres, makeDirectory } from "./servers.ts";
import { percentilesOf } from "./statistics.ts";

const run = promisify(execFile);
const folder = join(import.meta.dirname, "yardstick");
const lifecycle = join(folder, "lifecycle.sql");
const oneStatement = join(folder, "lifecycle-one-statement.sql");
const batchOf50 = join(folder, "lifecycle-batch-50.sql");
const createAlone = join(import.meta.dirname, "yardstick-create.sql");

export interface Yardstick {
  /** S4: lives per second, statement by statement, the better of 16 and 64 clients. */
  readonly s4: number;
  readonly s4Clients: number;
  /** The 99th percentile of one create, its two transactions, at 64 clients. */
  readonly createP99Ms: number;
}

/** The other limits, for information. */
export interface OtherLimits {
  readonly s4OneStatement: number;
  readonly s5: number;
}

export interface Pgbench {
  readonly program: string;
  readonly postgres: BenchPostgres;
  readonly seconds: number;
}

/** The pgbench to run; throws one sentence that says how to get one. */
export function findPgbench(): string {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "pgbench"));
  const ofDebian = globSync("/usr/lib/postgresql/*/bin/pgbench").sort().reverse();
  const found = [...onPath, ...ofDebian].find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    "There is no pgbench on this machine: install PostgreSQL's own package (on Debian, apt-get install postgresql-contrib), or put pgbench on the PATH.",
  );
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function measureYardstick(pgbench: Pgbench): Promise<Yardstick> {
  const with16 = await runScript(pgbench, { file: lifecycle, clients: 16 });
  const with64 = await runScript(pgbench, { file: lifecycle, clients: 64 });
  const create = await runScript(pgbench, { file: createAlone, clients: 64 });
  return {
    s4: Math.max(with16.perSecond, with64.perSecond),
    s4Clients: with16.perSecond > with64.perSecond ? 16 : 64,
    createP99Ms: percentilesOf(create.latenciesMs).p99,
  };
}

export async function measureOtherLimits(pgbench: Pgbench): Promise<OtherLimits> {
  const one = await runScript(pgbench, { file: oneStatement, clients: 16 });
  const batches = await runScript(pgbench, { file: batchOf50, clients: 4 });
  return { s4OneStatement: one.perSecond, s5: batches.perSecond * 50 };
}

interface ScriptFigures {
  /** How often the script ran to its end. */
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

async function runScript(
  { program, postgres, seconds }: Pgbench,
  { file, clients }: { readonly file: string; readonly clients: number },
): Promise<ScriptFigures> {
  const database = "yardstick";
  const url = await postgres.freshDatabase(database);
  await postgres.run(url, [readFileSync(join(folder, "schema.sql"), "utf8"), "vacuum analyze", "checkpoint"]);
  using logs = makeDirectory();
  const base = `${Math.floor(Date.now() / 1_000)}000000000`;
  const session = ["-n", "-M", "prepared", "-j", "1", "-D", "c=0", "-D", `base=${base}`];
  const work = ["-c", String(clients), "-T", String(seconds), "-f", file, "-l", "--log-prefix", join(logs.path, "log")];
  const server = ["-h", postgres.host, "-p", String(postgres.port), "-U", postgres.user, database];
  const { stdout } = await run(program, [...session, ...work, ...server], {
    env: { PATH: process.env["PATH"], PGPASSWORD: postgres.password },
  });
  const log = readdirSync(logs.path).map((name) => readFileSync(join(logs.path, name), "utf8"));
  return { perSecond: parseThroughput(stdout), latenciesMs: parseLatencies(log.join("")) };
}

/** Runs of the script per second, from the report that pgbench prints. */
export function parseThroughput(report: string): number {
  const found = /^tps = ([\d.]+)/m.exec(report);
  if (!found || !/^number of failed transactions: 0 /m.test(report)) {
    throw new Error(`pgbench did not measure, or had failures: ${report}`);
  }
  return Number(found[1]);
}

/** Milliseconds of each run, from pgbench's log: a line a run, its third field the time in microseconds. */
export function parseLatencies(log: string): number[] {
  const lines = log.split("\n").filter(Boolean);
  return lines.map((line) => Number(line.split(" ")[2]) / 1_000);
}
