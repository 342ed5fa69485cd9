// PostgreSQL and nats-server are killed, stopped and frozen at random moments of a running load, each at its own pace, so that now and then both are away.
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { grantCredits } from "./load/credit-holders.ts";
import { ACTING_FAULTS, IDLE_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { NaiveCustomer } from "./load/naive-customer.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";
import { MANNERS, type Server, trouble } from "./processes/server-trouble.ts";
import { hearing, judge, QUICK } from "./frame/verdict.ts";

const DATABASE_TIMEOUT_MS = 500;
/** A statement is given up after twice its time-out. */
const FROZEN_MIN_MS = 2 * DATABASE_TIMEOUT_MS + 50;
const FROZEN_SPREAD_MS = 600;
/** The relay waits 5 seconds for an acknowledgement. NATS is frozen for longer than that now and then. */
const LONG_FREEZE_MS = 5_300;
const LONG_FREEZE_EVERY = 4;
/** How far the load gets in between, at most. */
const VERDICTS_MAX = 40;
const OFFSET_MAX_MS = 20;
const HOLDERS = 5;

const PROGRAMME = {
  id: "T9",
  name: "PostgreSQL and NATS killed, stopped and frozen under load",
  unit: "disturbances",
  cases: 400,
  share: 6,
  caseMs: 15_000,
};

interface Siege {
  readonly service: ServiceProcess;
  readonly load: Load;
  readonly random: Random;
}

/** Disturbs one server so many times, in every manner in turn. */
async function disturb({ service, load, random }: Siege, server: Server, count: number): Promise<number> {
  for (let done = 0; done < count; done += 1) {
    await load.verdicts(1 + random.below(VERDICTS_MAX));
    await delay(random.below(OFFSET_MAX_MS));
    const manner = MANNERS[done % MANNERS.length] ?? "killed";
    const freezes = Math.floor(done / MANNERS.length);
    const isLong = server === "nats" && freezes % LONG_FREEZE_EVERY === LONG_FREEZE_EVERY - 1;
    const frozenMs = isLong ? LONG_FREEZE_MS : FROZEN_MIN_MS + random.below(FROZEN_SPREAD_MS);
    await trouble(service, { server, manner, frozenMs });
  }
  return count;
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const service = await ServiceProcess.start({ ...QUICK, DATABASE_TIMEOUT_MS: String(DATABASE_TIMEOUT_MS) });
  t.after(() => service.remove());
  const load = new Load({
    clients: createClients(t, service),
    random: random.fork(),
    faults: [...ACTING_FAULTS, ...IDLE_FAULTS],
    holders: await grantCredits(service.http, HOLDERS),
  });
  const customer = new NaiveCustomer(service.http.port, random.fork());
  load.start();
  customer.start();
  const each = Math.ceil(cases / 2);
  const [postgres, nats] = await Promise.all([
    disturb({ service, load, random: random.fork() }, "postgres", each),
    disturb({ service, load, random: random.fork() }, "nats", each),
  ]);
  await customer.finish();
  const scene = hearing(service, () => customer.overheard());
  const figures = await judge(scene, load);
  const shown = figures.requestsRecovered >= postgres && figures.operationsRecovered > 0;
  return { cases: postgres + nats, postgres, nats, bookings: customer.answers, ...figures, shown };
});
