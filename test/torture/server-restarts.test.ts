// PostgreSQL and nats-server are killed at random moments of a running load, and come back. TORTURE_SERVER_KILLS sets how often each (the full
// programme is 10), TORTURE_SEED repeats the choices of an earlier run.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { ACTING_FAULTS, IDLE_FAULTS } from "./lives.ts";
import { Load } from "./load.ts";
import { Random } from "./random.ts";
import { judge, QUICK } from "./verdict.ts";

const KILLS = Number(process.env["TORTURE_SERVER_KILLS"] ?? 2);
const SEED = Number(process.env["TORTURE_SEED"] ?? randomInt(2 ** 32));
const TIMEOUT_MS = 120_000 + KILLS * 20_000;
const VERDICTS_MAX = 300;
const OFFSET_MAX_MS = 20;

test(`money is exact after PostgreSQL and NATS were killed ${KILLS} times each under load`, {
  timeout: TIMEOUT_MS,
}, async (t) => {
  t.diagnostic(`TORTURE_SEED=${SEED}`);
  const random = new Random(SEED);
  const service = await ServiceProcess.start(QUICK);
  t.after(() => service.remove());
  const load = new Load({
    clients: createClients(t, service),
    random: random.fork(),
    faults: [...ACTING_FAULTS, ...IDLE_FAULTS],
  });
  load.start();
  const servers = Array.from({ length: KILLS }, () => ["postgres", "nats"] as const).flat();
  for (const [done, server] of servers.entries()) {
    await load.verdicts(1 + random.below(VERDICTS_MAX));
    await delay(random.below(OFFSET_MAX_MS));
    process.kill(service.serverPid(server), "SIGKILL");
    // The service starts it again by itself.
    await service.awaitLog("embedded server restarted", done + 1);
  }
  const figures = await judge(service, load);
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(figures.violations, []);
});
