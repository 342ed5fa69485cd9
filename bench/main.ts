// npm run bench: the service against PostgreSQL's own limit, in turn, on one server that it starts; the results as tables.
//
//   --rounds 3     how often each figure is taken; the tables show medians
//   --seconds 8    how long each is measured
//   --quick        one round of 3 seconds
//   --json         print every figure as JSON instead of the tables
//   --profile      instead of all that: which functions of the service use the CPU
import { availableParallelism, type } from "node:os";
import { parseArgs } from "node:util";
import { profileService } from "./profile.ts";
import { measureRound, type Round } from "./rounds.ts";
import { startPostgres } from "./servers.ts";
import { printTables, type Results } from "./table.ts";
import { findPgbench, measureOtherLimits } from "./yardstick.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});

function readCount(name: "rounds" | "seconds"): number {
  const count = Number(options[name]);
  if (Number.isInteger(count) && count >= 1 && count <= 600) return count;
  throw new Error(`--${name} is "${options[name]}"; give a whole number from 1 to 600.`);
}

function progress(step: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${step}\n`);
}

async function measure(): Promise<string> {
  if (type() !== "Linux") throw new Error("The benchmark reads CPU and memory from /proc, so it runs on Linux only.");
  const rounds = options.quick ? 1 : readCount("rounds");
  const seconds = options.quick ? 3 : readCount("seconds");
  const window = { warmUpMs: Math.min(seconds, 3) * 1_000, measureMs: seconds * 1_000 };
  await using postgres = await startPostgres();
  if (options.profile) return await profileService({ postgres, window, relay: true });

  const pgbench = findPgbench();
  const machine = {
    cores: String(availableParallelism()),
    node: process.version.slice(1),
    PostgreSQL: await postgres.version(),
  };
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    measured.push(
      await measureRound({ postgres, pgbench, window, progress: (step) => progress(`round ${round}: ${step}`) }),
    );
  }
  progress("other limits");
  const otherLimits = await measureOtherLimits({ program: pgbench, postgres, seconds });
  const results: Results = { machine, rounds: measured, otherLimits };
  return options.json ? JSON.stringify(results, null, 2) : printTables(results);
}

// What runs is ended by the listeners of "exit".
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.stdout.write(`${await measure()}\n`);
