// Eight refunds at once of each payment, through all doors: together they never give back more than was taken, each request has one answer, and who is refused is
// refused rightly.
import type { TestContext } from "node:test";
import { createClients } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { Caller } from "./load/caller.ts";
import { type Findings, torment, type Torture } from "./frame/programme.ts";
import { ClientRecord } from "./frame/record.ts";
import { openDoors } from "./refunds/refund-doors.ts";
import { type Racecourse, RefundRace } from "./refunds/refund-race.ts";
import { examine } from "./frame/verdict.ts";

const SETTINGS = {
  PROVIDER_TIMEOUT_MS: "500",
  RECOVERY_DELAY_MS: "50",
  RECOVERY_INTERVAL_MS: "100",
  REQUEST_WAIT_MS: "1000",
  RATE_LIMIT_PER_MINUTE: "0",
};
/** Races under way at once. */
const ABREAST = 16;

const PROGRAMME = {
  id: "T6",
  name: "eight refunds of a payment at once, through all doors",
  unit: "payments",
  cases: 2_000,
  share: 60,
  caseMs: 1_500,
};

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

async function runRaces(course: Racecourse, count: number): Promise<RefundRace[]> {
  const races = Array.from({ length: count }, (_, index) => new RefundRace(course, `order-${index}`));
  const left = races.values();
  const works = Array.from({ length: ABREAST }, async () => {
    for (const race of left) await race.run();
  });
  await Promise.all(works);
  return races;
}

async function compete(t: TestContext, { cases, random }: Torture): Promise<Findings> {
  const service = await ServiceProcess.start(SETTINGS);
  t.after(() => service.remove());
  const record = new ClientRecord();
  const caller = new Caller({ clients: createClients(t, service), random: random.fork(), record, onVerdict: () => {} });
  const doors = await openDoors(t, service);
  const races = await runRaces({ caller, doors, random, record }, cases);
  const figures = await examine(service, record);
  const { orders } = await service.journal();
  const violations = [...figures.violations, ...races.flatMap((race) => race.check(orders.get(race.terms.orderId)))];
  const told = races.map((race) => race.figures);
  const given = total(told.map((each) => each.given));
  const refused = total(told.map((each) => each.refused));
  const crossed = total(told.map((each) => each.crossed));
  return {
    ...figures,
    cases: races.length,
    violations,
    // Some won, some lost, some were answered through doors of both kinds, and some outcomes had to be found out.
    shown: given > cases && refused > cases && crossed > 0 && figures.operationsRecovered > 0,
    given,
    refused,
    crossed,
  };
}

torment(PROGRAMME, compete);
