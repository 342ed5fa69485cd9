// The service is killed at random moments of a running load, and starts again.
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { ACTING_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";
import { judge, QUICK } from "./frame/verdict.ts";

/** How far a run gets before it is killed, at most. */
const VERDICTS_MAX = 150;
const OFFSET_MAX_MS = 20;
/** Now and then it is killed once more while it starts, or recovers. */
const SECOND_KILL_CHANCE = 0.2;
const START_MAX_MS = 1_500;

const PROGRAMME = {
  id: "T1c",
  name: "SIGKILL of the service at random moments of a load",
  unit: "kills",
  cases: 100,
  share: 4,
  caseMs: 10_000,
};

async function killAndStart(service: ServiceProcess, random: Random): Promise<number> {
  await service.kill();
  if (!random.chance(SECOND_KILL_CHANCE)) {
    await service.start();
    return 1;
  }
  service.launch();
  await delay(random.below(START_MAX_MS));
  await service.kill();
  await service.start();
  return 2;
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const service = await ServiceProcess.start(QUICK);
  t.after(() => service.remove());
  const load = new Load({ clients: createClients(t, service), random: random.fork(), faults: ACTING_FAULTS });
  load.start();
  let kills = 0;
  while (kills < cases) {
    await load.verdicts(1 + random.below(VERDICTS_MAX));
    await delay(random.below(OFFSET_MAX_MS));
    kills += await killAndStart(service, random);
  }
  const figures = await judge(service, load);
  return { cases: kills, ...figures, shown: figures.requestsRecovered > kills && figures.operationsRecovered > 0 };
});
