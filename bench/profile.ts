// Where the service spends its time: one run over gRPC under node's sampling profiler.
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { measureLives, type Window, withService } from "./measure-service.ts";
import { type BenchPostgres, makeDirectory } from "./servers.ts";

const rowsMax = 40;

/** What is read of a .cpuprofile file. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
}

/** The functions with the most time of their own, a line each. */
export async function profileService(options: {
  readonly postgres: BenchPostgres;
  readonly window: Window;
  readonly relay: boolean;
}): Promise<string> {
  const { postgres, window, relay } = options;
  using directory = makeDirectory();
  const databaseUrl = await postgres.freshDatabase("profile");
  const nodeOptions = ["--cpu-prof", `--cpu-prof-dir=${directory.path}`];
  const figures = await withService({ postgres, databaseUrl, relay, nodeOptions }, (running) =>
    measureLives(running, { protocol: "grpc", window }),
  );
  // Written when the service has ended.
  const profiles = globSync(join(directory.path, "*.cpuprofile")).map(
    (file) => JSON.parse(readFileSync(file, "utf8")) as CpuProfile,
  );
  return [`${Math.round(figures.livesPerSecond)} lives per second, profiled`, ...profiles.map(printProfile)].join(
    "\n\n",
  );
}

function printProfile({ nodes, samples }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, printFrame(callFrame)]));
  const counts = new Map<string, number>();
  for (const id of samples) {
    const name = names.get(id) ?? "?";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  counts.delete("(idle)");
  const busy = counts.values().reduce((sum, count) => sum + count, 0);
  const busyShare = Math.round((100 * busy) / samples.length);
  const rows = [...counts].sort(([, a], [, b]) => b - a).slice(0, rowsMax);
  const lines = rows.map(([name, count]) => `${((100 * count) / busy).toFixed(1).padStart(5)} %  ${name}`);
  return [`busy ${busyShare} % of the time, from start to end; of this, by functions themselves:`, ...lines].join("\n");
}

function printFrame({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = functionName || "(anonymous)";
  if (url === "") return name;
  const file = url.startsWith("file:") ? relative(join(import.meta.dirname, ".."), fileURLToPath(url)) : url;
  return `${name}  ${file}:${lineNumber + 1}`;
}
