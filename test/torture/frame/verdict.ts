// The end of a torture: the load finishes, the system becomes quiet within its bound, every request is asked once more, and the invariants are checked.
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { JournalAudit } from "../../support/gateway-journal.ts";
import { StreamRecorder } from "../../support/stream-recorder.ts";
import { findUnsettled, findViolations, type Query } from "./invariants.ts";
import type { Telling } from "./leaks.ts";
import type { Load } from "../load/load.ts";
import type { ClientRecord } from "./record.ts";
import { tellStories } from "./story.ts";

/** The bound of I10: after faults stop, everything settles within it. A minute is the longest pause of what was tried in vain for long. */
const QUIET_TIMEOUT_MS = 90_000;
const POLL_MS = 50;
/** Recovery begins in milliseconds rather than seconds. */
export const QUICK = {
  PROVIDER_TIMEOUT_MS: "200",
  RECOVERY_DELAY_MS: "50",
  RECOVERY_INTERVAL_MS: "100",
  REQUEST_WAIT_MS: "1000",
  DATABASE_TIMEOUT_MS: "1000",
};

/** Waits for it no longer than the bound; gives whether it came. */
export async function becomesQuiet(query: Query): Promise<boolean> {
  const deadline = performance.now() + QUIET_TIMEOUT_MS;
  while ((await findUnsettled(query)).length > 0) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

export interface Figures {
  readonly requests: number;
  readonly calls: number;
  /** Requests that met a broken connection, or were told that the outcome is unknown, and got their answer later. */
  readonly requestsRecovered: number;
  /** Operations that the recovery worker took up. */
  readonly operationsRecovered: number;
  readonly payments: number;
  readonly events: number;
  /** Messages of the stream that say again what was said. */
  readonly repeats: number;
  readonly quietMs: number;
  readonly violations: readonly string[];
}

/** Where the evidence is. A service with a gateway of its own is such a place. */
export interface Scene {
  /** Runs one statement, past the service. */
  query: Query;
  /** A connection beside the service's; whoever asks for it closes it. */
  connectNats(): Promise<NatsConnection>;
  /** Of the gateway. */
  journal(): Promise<JournalAudit>;
  /** That may be nowhere, those of the settings among them. */
  secrets?(): readonly string[];
  /** What was told to others than callers, or to callers who keep no record; lines without a canary or a secret may be left out. */
  overheard?(): readonly Telling[];
}

/** The same scene, in which more was told. */
export function hearing(scene: Scene, more: () => readonly Telling[]): Scene {
  return {
    query: (text, values) => scene.query(text, values),
    connectNats: () => scene.connectNats(),
    journal: () => scene.journal(),
    secrets: () => scene.secrets?.() ?? [],
    overheard: () => [...(scene.overheard?.() ?? []), ...more()],
  };
}

/** Ends the load and gives its figures. */
export async function judge(scene: Scene, load: Load): Promise<Figures & { readonly lives: number }> {
  await load.finish();
  return { lives: load.lives, ...(await examine(scene, load.record)) };
}

/** Waits until the system is quiet, and holds what is found then against the client's record and the gateway's journal. */
export async function examine(scene: Scene, record: ClientRecord): Promise<Figures> {
  const query: Query = (text, values) => scene.query(text, values);
  const startedAt = performance.now();
  const isQuiet = await becomesQuiet(query);
  const quietMs = Math.round(performance.now() - startedAt);
  // What is not settled by now is found below, as a violation of I10.
  if (isQuiet) await record.askAgain();
  const recorder = await StreamRecorder.open(await scene.connectNats());
  const stream = await recorder.all();
  await recorder.close();
  const { requests } = record;
  const secrets = scene.secrets?.() ?? [];
  const overheard = scene.overheard?.() ?? [];
  const journal = await scene.journal();
  const found = await findViolations({ query, journal, stream, requests, secrets, overheard });
  const violations = found.length === 0 ? [] : [...found, ...(await tellStories(found, { query, requests }))];
  const [counts] = await query<{ payments: number; events: number; recovered: number }>(`
    select (select count(*)::int from payment) as payments, (select count(*)::int from payment_event) as events,
      (select count(*)::int from provider_operation where attempts > 0) as recovered`);
  return {
    requests: requests.length,
    calls: requests.reduce((total, { calls }) => total + calls, 0),
    requestsRecovered: requests.filter(({ wasUnknown }) => wasUnknown).length,
    operationsRecovered: counts?.recovered ?? 0,
    payments: counts?.payments ?? 0,
    events: counts?.events ?? 0,
    repeats: stream.length - (counts?.events ?? 0),
    quietMs,
    violations,
  };
}
