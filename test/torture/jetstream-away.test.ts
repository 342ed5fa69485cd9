// JetStream is away while payments go on: the calls do not feel it, the events wait in the database and not in memory, and are on the stream in their order soon
// after it is back. The programme's absences last ten minutes, in CI (without TORTURE_SHARE) seconds.
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { residentMbOf } from "../../bench/process-figures.ts";
import { type Percentiles, percentilesOf } from "../../bench/statistics.ts";
import { createClients } from "../support/clients.ts";
import { ABSENCES, type Manner } from "./processes/absences.ts";
import { type Gauges, INSPECTED, Meter } from "./processes/gauges.ts";
import { type Dweller, House } from "./processes/house.ts";
import { type Findings, torment } from "./frame/programme.ts";
import { ClientRecord } from "./frame/record.ts";
import { SoakLoad } from "./load/soak-load.ts";
import { examine } from "./frame/verdict.ts";

const IS_SHORT = process.env["TORTURE_SHARE"] === undefined;
const AWAY_MS = IS_SHORT ? 6_000 : 600_000;
/** What the absence is compared with: as long, so that what comes every few minutes, such as a checkpoint of PostgreSQL, is in both. */
const BEFORE_MS = AWAY_MS;
/**
 * Five databases on one machine vacuum in the same second of each minute, which more than a hundredth of the calls feel, and the longer the larger the tables have
 * become: without any absence the p99 doubles from one span to the next. Here it is done before each span.
 */
const NO_AUTOVACUUM = ["alter system set autovacuum = off", "select pg_reload_conf()"];
const AFTER_MS = IS_SHORT ? 1_000 : 10_000;
const WARM_UP_MS = IS_SHORT ? 2_000 : 10_000;
const PROGRAMME = {
  id: "T10",
  name: `JetStream away for ${AWAY_MS / 1_000} s`,
  unit: "absences",
  cases: 5,
  share: 1,
  caseMs: BEFORE_MS + AWAY_MS + 180_000,
};
/** Light, since five services with their servers stand side by side: a life costs some 50 ms of CPU, all processes together. */
const LIVES_PER_SECOND = IS_SHORT ? 8 : 3;
/** Of the few calls of a short run the p99 is the slowest alone: there the median is judged, and the busy machine is allowed for. */
const JUDGED = IS_SHORT ? "p50" : "p99";
const LATENCY_RATIO_MAX = 2;
const LATENCY_NOISE_MS = IS_SHORT ? 1_000 : 5;
/** From the moment that JetStream is back: dialling again, the lease, the audit of the stream, and what gathered meanwhile. */
const DRAINED_MAX_MS = 60_000;
/** After garbage collection. The events that gather in ten minutes are twice as much. */
const HEAP_GROWTH_MAX_MB = 6;
const RESIDENT_GROWTH_MAX_MB = 96;
const LOOK_EVERY_MS = 2_000;
const POLL_MS = 50;

interface Health {
  readonly status: string;
  readonly checks: Readonly<Record<string, { readonly status: string }>>;
}

/** What was seen from outside. */
interface Watched {
  readonly looks: number;
  readonly residentMaxMb: number;
  readonly violations: readonly string[];
}

async function countWaiting(house: House): Promise<number> {
  const [row] = await house.query<{ count: number }>(
    "select count(*)::int as count from payment_event where published_at is null",
  );
  return row?.count ?? 0;
}

/** Ready throughout, and honest about NATS; the memory is noted. */
async function watch({ service }: Dweller, expected: "ok" | "failing", over: AbortSignal): Promise<Watched> {
  const found = new Set<string>();
  let looks = 0;
  let residentMaxMb = 0;
  while (!over.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal: over }).catch(() => {});
    if (over.aborted) break;
    looks += 1;
    residentMaxMb = Math.max(residentMaxMb, residentMbOf(service.pid));
    const answer = await fetch(`http://127.0.0.1:${service.http.port}/health/ready`);
    const health = (await answer.json()) as Health;
    if (answer.status !== 200) found.add(`T10 not ready: ${JSON.stringify(health)}`);
    const told = health.checks["nats"]?.status;
    if (told !== expected) found.add(`T10 NATS is said to be ${told}`);
  }
  return { looks, residentMaxMb, violations: [...found] };
}

/** Waits until those that are there now are on the stream. Gives how long that took, or the bound. */
async function drain(house: House): Promise<number> {
  const startedAt = performance.now();
  const [newest] = await house.query<{ position: string }>(
    "select coalesce(max(position), 0)::text as position from payment_event",
  );
  const left = () =>
    house.query("select from payment_event where published_at is null and position <= $1 limit 1", [newest?.position]);
  while ((await left()).length > 0 && performance.now() - startedAt < DRAINED_MAX_MS) await delay(POLL_MS);
  return Math.round(performance.now() - startedAt);
}

function judgeLatency({ before, during }: { readonly before: Percentiles; readonly during: Percentiles }): string[] {
  const [was, is] = [before[JUDGED], during[JUDGED]];
  if (is <= LATENCY_RATIO_MAX * Math.max(was, LATENCY_NOISE_MS)) return [];
  return [`T10 ${JUDGED} went from ${was.toFixed(1)} ms to ${is.toFixed(1)} ms`];
}

interface Comparison {
  readonly latencyMs: { readonly before: Percentiles; readonly during: Percentiles };
  readonly heapGrowthMb: number;
  readonly residentGrowthMb: number;
  readonly drainedMs: number;
}

function judgeComparison({ latencyMs, heapGrowthMb, residentGrowthMb, drainedMs }: Comparison): string[] {
  const found = judgeLatency(latencyMs);
  if (heapGrowthMb > HEAP_GROWTH_MAX_MB) found.push(`T10 the heap grew by ${heapGrowthMb} MB`);
  if (residentGrowthMb > RESIDENT_GROWTH_MAX_MB) found.push(`T10 the process grew by ${residentGrowthMb} MB`);
  if (drainedMs >= DRAINED_MAX_MS) found.push(`T10 not drained after ${drainedMs} ms`);
  return found;
}

interface Scenery {
  readonly house: House;
  readonly dweller: Dweller;
  readonly load: SoakLoad;
  readonly meter: Meter;
}

/** The load, watched: to be looked at costs something as well, so that what is compared must be looked at alike. */
async function live({ dweller, load }: Scenery, nats: "ok" | "failing", forMs: number) {
  const over = new AbortController();
  const watching = watch(dweller, nats, over.signal);
  await load.pace(LIVES_PER_SECOND, forMs).finally(() => over.abort());
  return { watched: await watching, latenciesMs: load.takeLatenciesMs() };
}

async function liveWithout(scenery: Scenery, manner: Manner) {
  const { house, dweller, meter } = scenery;
  const comeBack = await ABSENCES[manner](house, dweller);
  try {
    // A server without JetStream is a server that answers.
    const during = await live(scenery, manner === "the server has no JetStream" ? "ok" : "failing", AWAY_MS);
    return { during, atLast: await meter.read(), waited: await countWaiting(house) };
  } finally {
    await comeBack();
  }
}

/** What is compared begins alike: a tidy database, a heap without garbage, and code that was compiled again after that. */
async function tidyUp({ house, load, meter }: Scenery): Promise<Gauges> {
  await house.query("vacuum analyze");
  const gauges = await meter.read();
  await load.pace(LIVES_PER_SECOND, WARM_UP_MS);
  load.takeLatenciesMs();
  return gauges;
}

/** The time before, the absence, and the return; gives what is to be compared, and what was seen. */
async function goThrough(scenery: Scenery, manner: Manner) {
  const { house, load } = scenery;
  await load.pace(LIVES_PER_SECOND, WARM_UP_MS);
  await tidyUp(scenery);
  const before = await live(scenery, "ok", BEFORE_MS);
  const atFirst = await tidyUp(scenery);
  const { during, atLast, waited } = await liveWithout(scenery, manner);
  const [drainedMs] = await Promise.all([drain(house), load.pace(LIVES_PER_SECOND, AFTER_MS)]);
  const comparison: Comparison = {
    latencyMs: { before: percentilesOf(before.latenciesMs), during: percentilesOf(during.latenciesMs) },
    heapGrowthMb: Number((atLast.heapMb - atFirst.heapMb).toFixed(1)),
    residentGrowthMb: Number((during.watched.residentMaxMb - atFirst.residentMb).toFixed(1)),
    drainedMs,
  };
  const calls = { before: before.latenciesMs.length, during: during.latenciesMs.length };
  const seen = [...before.watched.violations, ...during.watched.violations];
  return { comparison, seen, looks: during.watched.looks, waited, calls };
}

async function beAway(t: TestContext, manner: Manner) {
  const house = await House.open(t, { services: 1, environment: INSPECTED });
  const [dweller] = house.dwellers;
  if (!dweller) throw new Error("nobody lives in the house");
  await dweller.service.awaitLog("relay leads");
  for (const statement of NO_AUTOVACUUM) await house.query(statement);
  const load = new SoakLoad(createClients(t, dweller.service));
  const meter = new Meter(dweller.service, (text) => house.query(text));
  const { comparison, seen, looks, waited, calls } = await goThrough({ house, dweller, load, meter }, manner);
  const { events, repeats, violations } = await examine(house, new ClientRecord());
  const found = [...seen, ...judgeComparison(comparison), ...load.failures, ...violations];
  return {
    violations: found.map((problem) => `while ${manner}: ${problem}`),
    figures: { manner, calls, retried: load.retried, ...comparison, waited, looks, events, repeats },
  };
}

torment(PROGRAMME, async (t, { cases, random }): Promise<Findings> => {
  const manners = Object.keys(ABSENCES) as Manner[];
  const first = random.below(manners.length);
  const chosen = Array.from({ length: cases }, (_, index) => manners[(first + index) % manners.length] as Manner);
  const absences = await Promise.all(chosen.map((manner) => beAway(t, manner)));
  return {
    cases: absences.length,
    absences: absences.map(({ figures }) => figures),
    violations: absences.flatMap(({ violations }) => violations),
    // Each life makes three events or more: they did wait.
    shown: absences.every(
      ({ figures: { waited, looks } }) => waited >= (LIVES_PER_SECOND * AWAY_MS) / 1_000 && looks > 0,
    ),
  };
});
