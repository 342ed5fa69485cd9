// Two services with wrong clocks on one database: each an hour ahead, an hour behind or in between, changing under load, by jumps and over restarts. What one
// of them began and was killed in, the other goes on with.
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { findWrongTimes, isLeading, jump, pickShift, restart, SHIFTABLE } from "./processes/clocks.ts";
import { House } from "./processes/house.ts";
import { ACTING_FAULTS, IDLE_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { torment } from "./frame/programme.ts";
import { judge } from "./frame/verdict.ts";

const PROGRAMME = {
  id: "T12",
  name: "clocks that are wrong by up to an hour, under load",
  unit: "clock changes",
  cases: 200,
  share: 4,
  caseMs: 20_000,
};

/** Of the changes, those over a SIGKILL and a start. */
const RESTART_CHANCE = 0.3;
const VERDICTS_MAX = 40;
const OFFSET_MAX_MS = 20;
const ENVIRONMENT = {
  ...SHIFTABLE,
  PROVIDER_TIMEOUT_MS: "2000",
  RECOVERY_DELAY_MS: "50",
  RECOVERY_INTERVAL_MS: "100",
  REQUEST_WAIT_MS: "1000",
  DATABASE_TIMEOUT_MS: "5000",
  // Less than the clocks differ.
  CHECKOUT_LIFETIME_MINUTES: "45",
};

torment(PROGRAMME, async (t, { cases, random }) => {
  const house = await House.open(t, { services: 2, environment: ENVIRONMENT });
  const services = house.dwellers.map(({ service }) => service);
  const [first, second] = services;
  if (!first || !second) throw new Error("there are not two services");
  const [{ startedAt } = { startedAt: new Date() }] = await house.query<{ startedAt: Date }>(
    'select now() as "startedAt"',
  );
  const load = new Load({
    clients: services.flatMap((service) => createClients(t, service)),
    random: random.fork(),
    faults: [...ACTING_FAULTS, ...IDLE_FAULTS],
  });
  load.start();
  let restarts = 0;
  let takeovers = 0;
  for (let changes = 0; changes < cases; changes += 1) {
    await load.verdicts(1 + random.below(VERDICTS_MAX));
    await delay(random.below(OFFSET_MAX_MS));
    const shift = pickShift(random);
    // The second change is sure to be a takeover: the leader is killed.
    const isRestart = changes === 1 || (changes > 1 && random.chance(RESTART_CHANCE));
    const service = changes === 1 ? (isLeading(first) ? first : second) : random.pick(services);
    if (isRestart) {
      restarts += 1;
      if (await restart(service, service === first ? second : first, shift)) takeovers += 1;
    } else {
      await jump(service, shift);
    }
  }
  const figures = await judge(house, load);
  const violations = [
    ...figures.violations,
    ...(await findWrongTimes((text, values) => house.query(text, values), startedAt)),
  ];
  const [{ webhooks } = { webhooks: 0 }] = await house.query<{ webhooks: number }>(
    "select count(*)::int as webhooks from webhook_event",
  );
  const shown = takeovers > 0 && figures.operationsRecovered > 0 && webhooks > 0;
  return { cases, ...figures, violations, restarts, takeovers, webhooks, shown };
});
