// Answers that are lost, webhooks that overtake them, cancels that meet payments, and a service that is killed between its two transactions: over HTTP,
// with Stripe as the provider and a gateway whose journal is the truth. TORTURE_CASES and TORTURE_CASE_KILLS set how often (the full programme is 200 of
// each; run the file by itself then), TORTURE_SEED repeats the choices of an earlier run.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import type { JournalAudit } from "../support/gateway-journal.ts";
import { Random } from "./random.ts";
import { ACTS, CASES, type Prepared, prepare } from "./webhook-cases.ts";
import { WebhookWorld } from "./webhook-world.ts";

const COUNT = Number(process.env["TORTURE_CASES"] ?? 25);
const KILLS = Number(process.env["TORTURE_CASE_KILLS"] ?? 3);
const SEED = Number(process.env["TORTURE_SEED"] ?? randomInt(2 ** 32));
const TIMEOUT_MS = 60_000 + COUNT * 2_000;
const KILLS_TIMEOUT_MS = 60_000 + KILLS * 20_000;
/** Calls that one kill meets. */
const CALLS_PER_KILL = 8;

for (const [name, happen] of Object.entries(CASES)) {
  test(`${name}, ${COUNT} times: books and gateway agree`, { timeout: TIMEOUT_MS }, async (t) => {
    t.diagnostic(`TORTURE_SEED=${SEED}`);
    const world = await WebhookWorld.open(t, new Random(SEED));
    // Copies of everything, and in any order.
    await world.gateway.turn({ duplicates: 2, reorder_ms: 20 });
    await world.run(COUNT, happen);
    const figures = await world.judge();
    t.diagnostic(JSON.stringify(figures));
    assert.deepEqual(figures.violations, []);
    assert.deepEqual(figures.unexpected, []);
    // Otherwise the answers were always first, and nothing was shown.
    assert.ok(figures.movedByWebhook > COUNT / 10, JSON.stringify(figures));
  });
}

/** The gateway has done all of it, and answered none. */
function allActed(calls: readonly Prepared[]): (audit: JournalAudit) => boolean {
  return ({ lines }) =>
    calls.every(({ orderId, kind }) => {
      const effects: readonly string[] = ACTS[kind];
      return lines.some(({ effect, metadata }) => metadata["order_id"] === orderId && effects.includes(effect));
    });
}

/** Calls are under way when the service is killed; it starts again, and the callers repeat their requests. */
async function killBetween(world: WebhookWorld): Promise<void> {
  const calls = await Promise.all(
    Array.from({ length: CALLS_PER_KILL }, () => prepare(world, world.newOrder(), "delay=60000")),
  );
  // Now and then the webhooks come between the transactions as well.
  await world.gateway.turn({ hold: world.random.chance(0.7) });
  const acting = Promise.all(calls.map((call) => call.act()));
  await world.gateway.untilJournal(allActed(calls));
  await world.service.kill();
  await world.service.start();
  await world.gateway.release();
  await acting;
  for (const call of calls) world.expect(call);
}

test(`SIGKILL between the two transactions, ${KILLS} times: books and gateway agree`, {
  timeout: KILLS_TIMEOUT_MS,
}, async (t) => {
  t.diagnostic(`TORTURE_SEED=${SEED}`);
  const world = await WebhookWorld.open(t, new Random(SEED));
  for (let kill = 0; kill < KILLS; kill += 1) await killBetween(world);
  const figures = await world.judge();
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(figures.violations, []);
  assert.deepEqual(figures.unexpected, []);
  // Otherwise the kills hit nothing, and nothing was shown.
  assert.ok(figures.operationsRecovered >= KILLS, JSON.stringify(figures));
});
