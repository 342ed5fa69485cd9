// The relay's leader is stopped in the middle of its work, another one leads, and the first one wakes and goes on where it was. Not its relay alone: calls
// and recovery under way in it sleep with it, and their answers are written late.
import type { TestContext } from "node:test";
import { createClients } from "../support/clients.ts";
import { House } from "./processes/house.ts";
import { ACTING_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { type Findings, torment, type Torture } from "./frame/programme.ts";
import { type Figures, judge } from "./frame/verdict.ts";
import { MANNERS, Relay, shareClients, Zombies } from "./processes/zombies.ts";

const PROGRAMME = {
  id: "T13",
  name: "the relay's leader stopped, another leads, and the first goes on",
  unit: "zombies",
  cases: 100,
  share: 2,
  caseMs: 20_000,
};
/** Zombies mostly wait for the lease to run out, so that houses stand side by side. */
const HOUSES_MAX = 5;
const CASES_PER_HOUSE_MIN = 4;
/** Of each house that shares the machine. */
const THINK_MAX_MS = 250;
const SERVICES = 2;
const SETTINGS = {
  PROVIDER_TIMEOUT_MS: "1000",
  RECOVERY_DELAY_MS: "50",
  RECOVERY_INTERVAL_MS: "100",
  REQUEST_WAIT_MS: "1000",
  DATABASE_TIMEOUT_MS: "2000",
};

interface HouseFigures extends Figures {
  readonly takeovers: number;
  readonly callsAsleep: number;
  readonly lateMessages: number;
  readonly forgottenMessages: number;
}

interface Haunting extends Torture {
  /** Which manner comes first. */
  readonly first: number;
  readonly thinkMaxMs: number;
}

async function haunt(t: TestContext, { cases, random, first, thinkMaxMs }: Haunting): Promise<HouseFigures> {
  const house = await House.open(t, { services: SERVICES, environment: SETTINGS });
  const relays = house.dwellers.map((dweller) => new Relay(dweller));
  const clients = house.dwellers.map(({ service }) => createClients(t, service));
  const load = new Load({
    clients: shareClients({ relays, clients, random: random.fork(), thinkMaxMs }),
    random: random.fork(),
    faults: ACTING_FAULTS,
  });
  load.start();
  await load.verdicts(1);
  const zombies = new Zombies(house, relays, random.fork());
  for (let index = 0; index < cases; index += 1)
    await zombies.happen(MANNERS[(first + index) % MANNERS.length] ?? MANNERS[0]);
  await load.finish();
  const figures = await judge(house, load);
  const { takeovers, callsAsleep, lateMessages, forgottenMessages } = zombies;
  const violations = [...zombies.violations, ...figures.violations];
  return { ...figures, violations, takeovers, callsAsleep, lateMessages, forgottenMessages };
}

torment(PROGRAMME, async (t, { cases, random }): Promise<Findings> => {
  const houses = Math.min(HOUSES_MAX, Math.ceil(cases / CASES_PER_HOUSE_MIN));
  const hauntings = Array.from({ length: houses }, (_, house) => {
    const first = Math.floor((cases * house) / houses);
    const next = Math.floor((cases * (house + 1)) / houses);
    return haunt(t, { cases: next - first, random: random.fork(), first, thinkMaxMs: THINK_MAX_MS * houses });
  });
  const all = await Promise.all(hauntings);
  const sum = (figure: Exclude<keyof HouseFigures, "violations">): number =>
    all.reduce((total, figures) => total + figures[figure], 0);
  const forgottenMessages = sum("forgottenMessages");
  const repeats = sum("repeats");
  return {
    cases: sum("takeovers"),
    requests: sum("requests"),
    events: sum("events"),
    operationsRecovered: sum("operationsRecovered"),
    callsAsleep: sum("callsAsleep"),
    lateMessages: sum("lateMessages"),
    forgottenMessages,
    repeats,
    violations: all.flatMap(({ violations }) => violations),
    // Calls slept with their process, messages came late, and those that the stream had forgotten are on it twice.
    shown: sum("callsAsleep") > 0 && sum("lateMessages") > 0 && repeats >= forgottenMessages,
  };
});
