// The service is killed at random moments of a running load, and starts again. TORTURE_KILLS sets how often (the full programme is 100; run the file
// by itself then, as the test runner bounds the time of a file), TORTURE_SEED repeats the choices of an earlier run.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { ACTING_FAULTS } from "./lives.ts";
import { Load } from "./load.ts";
import { Random } from "./random.ts";
import { judge, QUICK } from "./verdict.ts";

const KILLS = Number(process.env["TORTURE_KILLS"] ?? 10);
const SEED = Number(process.env["TORTURE_SEED"] ?? randomInt(2 ** 32));
const TIMEOUT_MS = 120_000 + KILLS * 10_000;
/** How far a run gets before it is killed, at most. */
const VERDICTS_MAX = 150;
const OFFSET_MAX_MS = 20;
/** Now and then it is killed once more while it starts, or recovers. */
const SECOND_KILL_CHANCE = 0.2;
const START_MAX_MS = 1_500;

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

test(`money is exact after the service was killed ${KILLS} times under load`, { timeout: TIMEOUT_MS }, async (t) => {
  t.diagnostic(`TORTURE_SEED=${SEED}`);
  const random = new Random(SEED);
  const service = await ServiceProcess.start(QUICK);
  t.after(() => service.remove());
  const load = new Load({ clients: createClients(t, service), random: random.fork(), faults: ACTING_FAULTS });
  load.start();
  for (let kills = 0; kills < KILLS; ) {
    await load.verdicts(1 + random.below(VERDICTS_MAX));
    await delay(random.below(OFFSET_MAX_MS));
    kills += await killAndStart(service, random);
  }
  const figures = await judge(service, load);
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(figures.violations, []);
  // Otherwise the kills hit nothing, and nothing was shown.
  assert.ok(figures.requestsRecovered > KILLS && figures.operationsRecovered > 0, JSON.stringify(figures));
});
