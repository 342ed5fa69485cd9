// `npm run reconcile`: asks a running service whether its books agree with its providers', and prints what differs. Without --apply nothing is
// changed. It ends with 0 when there is no drift, or all of it was put right; with 2 when drift is left; with 1 when it could not be found out.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import {
  type Drift,
  DriftKind,
  OperationsService,
  type ProviderReconciliation,
} from "../gen/payment/v1/operations_service_pb.ts";

const USAGE = `Usage: npm run reconcile -- [options]

  --last 24h        payments of the last minutes (90m), hours (24h) or days (7d) until a minute ago; the default is 24h
  --from, --to      payments created from one time to another, such as 2026-11-20T00:00:00Z; --to is by default a minute ago
  --provider NAME   one provider; by default all
  --apply           put right what the providers' word puts right
  --address URL     the running service; by default http://localhost:8080
  --token-file PATH a file with an admin's bearer token, where the service asks for one
`;

const MINUTE_MS = 60_000;
const UNITS_MS: Readonly<Record<string, number>> = { m: MINUTE_MS, h: 60 * MINUTE_MS, d: 24 * 60 * MINUTE_MS };
/** What one call compares, so that a long time is told piece by piece. */
const SLICE_MS = 24 * 60 * MINUTE_MS;
const DRIFTS_MAX = 10_000;

interface Wanted {
  readonly from: Date;
  readonly to: Date;
  readonly provider: string;
  readonly apply: boolean;
  readonly address: string;
  readonly token: string | null;
}

/** What cannot be done as it was asked for; the message is for the person who asked. */
class UsageError extends Error {}

function readTime(name: string, text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new UsageError(`--${name} is "${text}"; send a time such as 2026-11-20T00:00:00Z.`);
}

function readSpanMs(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (unitMs && Number(count) > 0) return Number(count) * unitMs;
  throw new UsageError(`--last is "${text}"; send minutes, hours or days, such as 90m, 24h or 7d.`);
}

function readToken(path: string | undefined): string | null {
  if (path === undefined) return null;
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new UsageError(`--token-file is "${path}", which cannot be read; send the path of a file.`, { cause: error });
  }
}

function readArguments(now: Date): Wanted | null {
  const { values } = parseArgs({
    options: {
      last: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      provider: { type: "string", default: "" },
      apply: { type: "boolean", default: false },
      address: { type: "string", default: "http://localhost:8080" },
      "token-file": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  if (values.last && (values.from || values.to)) throw new UsageError("Send either --last, or --from and --to.");
  if (values.to && !values.from) throw new UsageError("--to needs --from.");
  if (!URL.canParse(values.address))
    throw new UsageError(`--address is "${values.address}"; send a URL such as http://localhost:8080.`);
  const to = values.to ? readTime("to", values.to) : new Date(now.getTime() - MINUTE_MS);
  const from = values.from ? readTime("from", values.from) : new Date(to.getTime() - readSpanMs(values.last ?? "24h"));
  if (from >= to) throw new UsageError("--from is not before --to.");
  const token = readToken(values["token-file"]);
  return { from, to, provider: values.provider, apply: values.apply, address: values.address, token };
}

const KIND_NAMES = new Map(
  Object.entries(DriftKind).map(([name, kind]) => [Number(kind), name.toLowerCase().replaceAll("_", " ")]),
);

function kindOf(drift: Drift): string {
  return KIND_NAMES.get(drift.kind) ?? `kind ${drift.kind}`;
}

function stateOf(drift: Drift): string {
  if (drift.applied) return "put right";
  return drift.needsPerson === "" ? "can be applied" : "for a person";
}

function printDrift(drift: Drift): string {
  const { ours, theirs, needsPerson, paymentId, providerReference } = drift;
  const name = [paymentId, providerReference].filter(Boolean).join(" ");
  const lines = [`${name}: ${kindOf(drift)}, ${stateOf(drift)}`, `    here:     ${ours}`, `    provider: ${theirs}`];
  return [...lines, ...(needsPerson ? [`    ${needsPerson}`] : [])].map((line) => `  ${line}\n`).join("");
}

/** The drift of all slices, by provider and kind. */
class Summary {
  readonly #rows = new Map<string, { found: number; applied: number; person: number }>();
  checkedHere = 0n;
  checkedThere = 0n;
  left = 0;
  complete = true;

  add({ provider, drifts, checkedHere, checkedThere, complete }: ProviderReconciliation): void {
    this.checkedHere += checkedHere;
    this.checkedThere += checkedThere;
    this.complete &&= complete;
    for (const drift of drifts) {
      const name = `${provider}  ${kindOf(drift)}`;
      const row = this.#rows.get(name) ?? { found: 0, applied: 0, person: 0 };
      this.#rows.set(name, row);
      row.found += 1;
      if (drift.applied) row.applied += 1;
      else this.left += 1;
      if (drift.needsPerson) row.person += 1;
    }
  }

  print(): string {
    const rows = [
      ["kind", "found", "put right", "for a person"],
      ...[...this.#rows].map(([name, row]) => [name, ...[row.found, row.applied, row.person].map(String)]),
    ];
    const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const line = (row: readonly string[]): string =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ");
    const table = this.#rows.size === 0 ? "No drift.\n" : `${rows.map(line).join("\n")}\n`;
    const early = this.complete ? "" : `Ended early after ${DRIFTS_MAX} drifts: put them right, and run it again.\n`;
    return `\n${table}${this.checkedHere} payments here and ${this.checkedThere} at the providers were compared.\n${early}`;
  }
}

async function compare(client: Client<typeof OperationsService>, wanted: Wanted, summary: Summary): Promise<void> {
  for (let at = wanted.from.getTime(); at < wanted.to.getTime() && summary.complete; at += SLICE_MS) {
    const request = {
      from: timestampFromDate(new Date(at)),
      to: timestampFromDate(new Date(Math.min(at + SLICE_MS, wanted.to.getTime()))),
      provider: wanted.provider,
      driftsMax: DRIFTS_MAX,
    };
    const { reconciliation } = wanted.apply
      ? await client.applyReconciliation(request)
      : await client.planReconciliation(request);
    for (const run of reconciliation?.providers ?? []) {
      summary.add(run);
      for (const drift of run.drifts) process.stdout.write(printDrift(drift));
    }
  }
}

async function main(): Promise<number> {
  const wanted = readArguments(new Date());
  if (!wanted) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { from, to, apply, address, token } = wanted;
  process.stdout.write(
    `${apply ? "Reconciling" : "Comparing"} payments from ${from.toISOString()} to ${to.toISOString()}\n`,
  );
  const authorize: Interceptor = (next) => (request) => {
    if (token !== null) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const transport = createConnectTransport({ baseUrl: address, httpVersion: "1.1", interceptors: [authorize] });
  const client = createClient(OperationsService, transport);
  const summary = new Summary();
  try {
    await compare(client, wanted, summary);
  } catch (error) {
    throw new Error(
      `The comparison did not come to its end: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  process.stdout.write(summary.print());
  return summary.left > 0 || !summary.complete ? 2 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
