// The results as markdown: the targets, what lies behind them, and the limits that they are measured against. Every figure is the median of the rounds.
import type { ServiceFigures } from "./measure-service.ts";
import { type Form, forms, type Round } from "./rounds.ts";
import type { Step } from "./load.ts";
import { ratioToS4, type Target, targets } from "./targets.ts";
import { medianOf } from "./statistics.ts";
import type { OtherLimits } from "./yardstick.ts";

export interface Results {
  readonly machine: Readonly<Record<string, string>>;
  readonly rounds: readonly Round[];
  readonly otherLimits: OtherLimits;
}

const steps: readonly Step[] = ["create", "complete", "refund", "life"];

export function printTables(results: Results): string {
  const machine = Object.entries(results.machine).map(([name, value]) => `${name} ${value}`);
  return [
    `${machine.join(", ")}; 64 callers, medians of ${results.rounds.length} round(s).`,
    targetTable(results.rounds),
    formTable(results.rounds),
    limitTable(results),
  ].join("\n\n");
}

function targetTable(rounds: readonly Round[]): string {
  const rows = targets.map((target) => {
    const value = medianOf(rounds.map(target.of));
    const met = target.bound === "at least" ? value >= target.first : value <= target.first;
    const sign = target.bound === "at least" ? "≥" : "≤";
    const print = (bound: number | undefined): string =>
      bound === undefined ? "" : `${sign} ${bound.toLocaleString("en")}`;
    return [
      target.name,
      printValue(target, rounds),
      print(target.first),
      met ? "met" : "**missed**",
      print(target.later),
      printRounds(target, rounds),
    ];
  });
  return printTable(["", "measured", "target at first", "", "target then", "rounds"], rows);
}

function printValue({ of, unit, digits, behind }: Target, rounds: readonly Round[]): string {
  const value = `${print(medianOf(rounds.map(of)), digits)} ${unit}`;
  return behind === undefined ? value : `${value} (${print(medianOf(rounds.map(behind.of)))}${behind.unit})`;
}

function printRounds({ of, digits }: Target, rounds: readonly Round[]): string {
  return rounds.map((round) => print(of(round), digits)).join(" · ");
}

function formTable(rounds: readonly Round[]): string {
  const rows = (Object.keys(forms) as Form[]).map((form) => {
    const median = (of: (round: Round) => number): number => medianOf(rounds.map(of));
    const ratioMedian = median((round) => ratioToS4(round, form));
    const latencies = steps.map((step) => {
      const of = (share: "p50" | "p99") => median((round) => round.service[form].latencyMs[step][share]);
      return `${print(of("p50"))} / ${print(of("p99"))}`;
    });
    const figure = (name: Exclude<keyof ServiceFigures, "latencyMs">) => median((round) => round.service[form][name]);
    return [
      forms[form].name,
      print(figure("livesPerSecond")),
      print(ratioMedian, 2),
      ...latencies,
      `${print(figure("nodeCpuUsPerLife"))} / ${print(figure("postgresCpuUsPerLife"))} / ${print(figure("cpuUsPerLife"))}`,
      `${print(100 * figure("idleShare"))} / ${print(100 * figure("othersShare"))}`,
      `${print(figure("nodeMb"))} / ${print(figure("allMb"))}`,
    ];
  });
  const latencyHeads = steps.map((step) => `${step}, p50 / p99 ms`);
  const cpuHeads = ["CPU µs a life: node / PostgreSQL / load generator", "CPU %: idle / other programs"];
  return printTable(["", "lives/s", "× S4", ...latencyHeads, ...cpuHeads, "MB: node / all"], rows);
}

function limitTable({ rounds, otherLimits }: Results): string {
  const s4 = medianOf(rounds.map(({ yardstick }) => yardstick.s4));
  const clients = [...new Set(rounds.map(({ yardstick }) => yardstick.s4Clients))].join(" or ");
  const limit = (name: string, lives: number): string[] => [name, print(lives), print(lives / s4, 2)];
  return printTable(
    ["PostgreSQL's own limit, by pgbench", "lives/s", "× S4"],
    [
      limit(`S4: statement by statement (${clients} clients)`, s4),
      limit("S4 CTE: one statement per transaction", otherLimits.s4OneStatement),
      limit("S5: fifty payments per transaction", otherLimits.s5),
    ],
  );
}

function print(value: number, digits = 0): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
