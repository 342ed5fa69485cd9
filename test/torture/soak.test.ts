// Hours at half of what the service can do: what it holds must not grow. Between rounds of load everything comes to rest, the garbage is collected, and
// what is left is measured. A record of all requests would itself fill the memory: each answer is checked at once, and at the end the sums are.
//
// What the service does once an hour it does here in every span of load: held against the gateway are the payments of the span before. Once an hour, the code
// that is compiled for the first time looks like growth, what a comparison under way holds like a leak, and one that grows by each time is not seen.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { medianOf, percentilesOf } from "../../bench/statistics.ts";
import { OperationsService } from "../../gen/payment/v1/operations_service_pb.ts";
import { createClients, type Ports } from "../support/clients.ts";
import { type Gauges, INSPECTED, Meter, slopePerHour } from "./processes/gauges.ts";
import { House } from "./processes/house.ts";
import { findUnsettled, type Query } from "./frame/invariants.ts";
import { type Findings, torment } from "./frame/programme.ts";
import { SoakLoad } from "./load/soak-load.ts";
import { becomesQuiet } from "./frame/verdict.ts";

const ROUND_MS = 10_000;
const PROGRAMME = {
  id: "T14",
  name: "hours at half load",
  unit: `rounds of ${ROUND_MS / 1_000} s`,
  /** Two hours. */
  cases: 720,
  share: 1,
  caseMs: 30_000,
};
/** To come to rest takes seconds, in which there is no load. */
const ROUNDS_BETWEEN_RESTS = 6;
const CALLERS = 64;
/** What can be done is measured once the code is compiled; a run of a round or two has no time for all of that. */
const WARM_UP = { perRoundMs: 2_000, maxMs: 20_000 };
const CAPACITY = { perRoundMs: 4_000, maxMs: 12_000 };
/** It would take minutes, once an hour. */
const NOT_BY_ITSELF = { RECONCILE_INTERVAL_MINUTES: "0" };
const COMPARISON_MAX_MS = 120_000;
const REST_MAX_MS = 90_000;
const POLL_MS = 50;
/** The first quarter is not looked at: caches fill, and code is compiled. */
const SETTLING_SHARE = 0.25;
const HEAP_SLOPE_MAX_MB = 1;
/** A shorter run tells nothing of so small a slope; there the handles alone are judged. */
const SLOPE_FROM_MS = 20 * 60_000;
/** Connections that are kept for a while after their last use come and go. */
const FILES_SLACK = 8;
const TIMERS_SLACK = 16;
const CONNECTIONS_SLACK = 2;
const STREAM = "PAYMENTS";

/** Waits until nothing is under way: all is settled and published, and no webhook is left to be delivered or acted on. Gives whether that came. */
async function comesToRest(house: House): Promise<boolean> {
  const isAtRest = async (): Promise<boolean> => {
    const { queued, sending, delayed } = await house.gateway.deliveries();
    if (queued + sending + delayed > 0) return false;
    const rows = await house.query(`select from provider_operation where state in ('IN_FLIGHT', 'UNKNOWN')
      union all select from webhook_event where next_attempt_at is not null
      union all select from payment_event where published_at is null limit 1`);
    return rows.length === 0;
  };
  for (const startedAt = performance.now(); performance.now() - startedAt < REST_MAX_MS; await delay(POLL_MS))
    if (await isAtRest()) return true;
  return false;
}

function grows(gauges: readonly Gauges[], figure: "files" | "timers" | "databaseConnections", slack: number): string[] {
  const quarter = Math.ceil(gauges.length / 4);
  const values = gauges.map((each) => each[figure]);
  const [first, last] = [medianOf(values.slice(0, quarter)), medianOf(values.slice(-quarter))];
  return last > first + slack ? [`T14 ${figure} went from ${first} to ${last}`] : [];
}

function judgeGauges(gauges: readonly Gauges[], heapSlopeMb: number): string[] {
  const lastedMs = (gauges.at(-1)?.atMs ?? 0) - (gauges[0]?.atMs ?? 0);
  const isSteep = lastedMs >= SLOPE_FROM_MS && heapSlopeMb >= HEAP_SLOPE_MAX_MB;
  return [
    ...(isSteep ? [`T14 the heap grows by ${heapSlopeMb.toFixed(2)} MB an hour`] : []),
    ...grows(gauges, "files", FILES_SLACK),
    ...grows(gauges, "timers", TIMERS_SLACK),
    ...grows(gauges, "databaseConnections", CONNECTIONS_SLACK),
  ];
}

/** What the gateway took and gave, read line by line: after hours the journal is no text that fits into memory. */
async function sumJournal(path: string): Promise<string> {
  const sums = new Map<string, bigint>();
  for await (const line of createInterface(createReadStream(path))) {
    const [head = ""] = line.split(',"life":{', 1);
    const [, effect = ""] = /"effect":"(\w+)"/.exec(head) ?? [];
    const [, amount = "0"] = /"amount":"(\d+)"/.exec(head) ?? [];
    sums.set(effect, (sums.get(effect) ?? 0n) + BigInt(amount));
  }
  return `captured ${(sums.get("capture") ?? 0n) + (sums.get("charge") ?? 0n)}, refunded ${sums.get("refund") ?? 0n}`;
}

/** The lives of a second that the service can carry for ever: with their webhooks acted on, which come later than the answers. */
async function measureCapacity(house: House, load: SoakLoad, forMs: number): Promise<number> {
  const startedAt = performance.now();
  const before = load.lives;
  await load.rush(CALLERS, forMs);
  await comesToRest(house);
  return ((load.lives - before) * 1_000) / (performance.now() - startedAt);
}

/** The payments that are at rest against the gateway's, each once. */
class Comparison {
  readonly found: string[] = [];
  readonly #operations;
  #payments = 0;
  #from = new Date();

  constructor({ grpc }: Ports) {
    this.#operations = createClient(
      OperationsService,
      createGrpcTransport({ baseUrl: `http://localhost:${grpc.port}` }),
    );
  }

  /** Of those since the last time, with which there are `lives` in all. */
  async run(lives: number): Promise<void> {
    const now = new Date();
    const [from, to] = [timestampFromDate(this.#from), timestampFromDate(now)];
    this.#from = now;
    try {
      const { reconciliation } = await this.#operations.planReconciliation(
        { from, to },
        { timeoutMs: COMPARISON_MAX_MS },
      );
      for (const { checkedHere, drifts } of reconciliation?.providers ?? []) {
        this.#payments += Number(checkedHere);
        this.found.push(
          ...drifts.map(({ paymentId, ours, theirs }) => `I2 ${paymentId}: ${ours} here, ${theirs} at the gateway`),
        );
      }
      if (this.#payments !== lives) this.found.push(`I2 ${this.#payments} payments were compared of ${lives}`);
    } catch (error) {
      this.found.push(`I2 the payments of ${lives} lives were not compared: ${ConnectError.from(error).message}`);
    }
  }
}

/** The sums of the whole run: I2 to I7 as far as they can be counted. */
async function judgeBooks(house: House, load: SoakLoad): Promise<string[]> {
  const query: Query = (text, values) => house.query(text, values);
  await becomesQuiet(query);
  const found = [...(await findUnsettled(query))];
  const [sums] = await house.query<{ money: string; versions: string; events: string }>(`
    select 'captured ' || sum(captured_minor) || ', refunded ' || sum(refunded_minor) as money, sum(version)::text as versions,
      (select count(*)::text from payment_event) as events from payment`);
  const theirs = await sumJournal(house.gateway.journalPath);
  if (sums?.money !== theirs) found.push(`I2 ${sums?.money} here, ${theirs} at the gateway`);
  if (sums?.versions !== sums?.events) found.push(`I4 ${sums?.events} events of ${sums?.versions} changes`);
  const connection = await house.connectNats();
  const { state } = await (await jetstreamManager(connection)).streams.info(STREAM);
  await connection.close();
  if (String(state.messages) !== sums?.events) found.push(`I6 ${state.messages} messages of ${sums?.events} events`);
  const statuses = await house.query<{ status: string; count: number }>(
    "select status, count(*)::int as count from payment group by status",
  );
  const counted = new Map(statuses.map(({ status, count }) => [status, count]));
  for (const [end, count] of load.ended)
    if (counted.get(end) !== count) found.push(`I11 ${counted.get(end)} payments are ${end}, told of ${count}`);
  return found;
}

async function soak(t: TestContext, rounds: number): Promise<Findings> {
  const house = await House.open(t, { services: 1, environment: { ...INSPECTED, ...NOT_BY_ITSELF } });
  const [dweller] = house.dwellers;
  if (!dweller) throw new Error("nobody lives in the house");
  const { service } = dweller;
  const meter = new Meter(service, (text) => house.query(text));
  const gauges: Gauges[] = [];
  const measure = async (): Promise<boolean> => {
    if (!(await comesToRest(house))) return false;
    // The log of hours would fill the test's own memory.
    service.logged = [];
    gauges.push(await meter.read());
    return true;
  };
  const comparison = new Comparison(service);
  const load = new SoakLoad(createClients(t, service));
  await load.rush(CALLERS, Math.min(rounds * WARM_UP.perRoundMs, WARM_UP.maxMs));
  await comesToRest(house);
  const capacity = await measureCapacity(house, load, Math.min(rounds * CAPACITY.perRoundMs, CAPACITY.maxMs));
  load.takeLatenciesMs();
  const p99s: number[] = [];
  let rests = await measure();
  let done = 0;
  while (rests && done < rounds) {
    const some = Math.min(ROUNDS_BETWEEN_RESTS, rounds - done);
    await Promise.all([comparison.run(load.lives), load.pace(capacity / 2, some * ROUND_MS)]);
    done += some;
    p99s.push(percentilesOf(load.takeLatenciesMs()).p99);
    rests = await measure();
  }
  const judged = gauges.slice(Math.floor(gauges.length * SETTLING_SHARE));
  const heapSlopeMb = slopePerHour(judged, "heapMb");
  return {
    cases: done,
    lives: load.lives,
    retried: load.retried,
    livesPerSecondMax: Math.round(capacity),
    p99MsFirstAndLast: [p99s[0], p99s.at(-1)].map((ms = 0) => Math.round(ms)),
    heapSlopeMbPerHour: Number(heapSlopeMb.toFixed(2)),
    residentSlopeMbPerHour: Number(slopePerHour(judged, "residentMb").toFixed(2)),
    heapMb: gauges.map(({ heapMb }) => Number(heapMb.toFixed(1))),
    firstAndLast: [gauges[0], gauges.at(-1)],
    violations: [
      ...(rests ? [] : [`I10 the service does not come to rest within ${REST_MAX_MS} ms`]),
      ...judgeGauges(gauges, heapSlopeMb),
      ...load.failures,
      ...comparison.found,
      ...(await judgeBooks(house, load)),
    ],
    shown: gauges.length > 1,
  };
}

torment(PROGRAMME, (t, { cases }) => soak(t, cases));
