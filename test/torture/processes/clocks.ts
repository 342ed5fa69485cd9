// Wrong clocks: services whose idea of the time is set by a test, now and while they run.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ServiceProcess } from "../../support/service-process.ts";
import type { Query, Violation } from "../frame/invariants.ts";
import type { Random } from "../frame/random.ts";

const HOUR_MS = 3_600_000;
/** How far a time that was written down may lie from the database's own: calls last, and a busy machine is slow. */
const APART_MAX_MS = 10_000;

/** For the environment of a service whose clock is to be wrong. */
export const SHIFTABLE = {
  NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, "shifted-clock.ts")).href}`,
};

/** An hour ahead, an hour behind, or anything in between. */
export function pickShift(random: Random): number {
  return random.pick([HOUR_MS, -HOUR_MS, random.below(2 * HOUR_MS) - HOUR_MS]);
}

function setClock({ dataDir }: ServiceProcess, aheadMs: number): void {
  writeFileSync(join(dirname(dataDir), "clock"), String(aheadMs));
}

function shiftsOf({ logged }: ServiceProcess): number {
  return logged.filter(({ msg }) => msg === "clock shifted").length;
}

/** The clock of a running service jumps. */
export async function jump(service: ServiceProcess, aheadMs: number): Promise<void> {
  const before = shiftsOf(service);
  setClock(service, aheadMs);
  service.signal("SIGUSR2");
  await service.awaitLog("clock shifted", before + 1);
}

/** How often a service began to lead, and to lead no longer. */
function leadings({ logged }: ServiceProcess): { readonly begun: number; readonly ended: number } {
  const count = (what: string): number => logged.filter(({ msg }) => msg === what).length;
  return { begun: count("relay leads"), ended: count("relay stopped publishing") };
}

export function isLeading(service: ServiceProcess): boolean {
  const { begun, ended } = leadings(service);
  return begun > ended;
}

/**
 * The service is killed, and starts again with another clock: where it led the relay, once the other one leads, which has also had the time to take up what was
 * begun. Gives whether the other one took over.
 */
export async function restart(service: ServiceProcess, other: ServiceProcess, aheadMs: number): Promise<boolean> {
  const led = isLeading(service);
  const { begun } = leadings(other);
  await service.kill();
  if (led) await other.awaitLog("relay leads", begun + 1);
  setClock(service, aheadMs);
  await service.start();
  return led;
}

/** Where wrong clocks show: times that are not the database's, and checkouts that ended before their time. */
export async function findWrongTimes(query: Query, startedAt: Date): Promise<Violation[]> {
  const rows = await query<{ what: string }>(
    `with times (what, at) as (
        select 'payment ' || id || ' was created', created_at from payment
        union all select 'event ' || id || ' occurred', created_at from payment_event
        union all select 'operation ' || id || ' was begun', created_at from provider_operation
        union all select 'webhook ' || event_id || ' was received', received_at from webhook_event)
      select what || ' at ' || at as what from times
        where at not between $1::timestamptz - $2 * interval '1 millisecond' and now() + $2 * interval '1 millisecond'
      union all select 'payment ' || id || ' expired at ' || updated_at from payment where status = 'EXPIRED'`,
    [startedAt, APART_MAX_MS],
  );
  return rows.map(({ what }) => `T12 ${what}`);
}
