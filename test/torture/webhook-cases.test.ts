// Answers that are lost, webhooks that overtake them, cancels that meet payments, and a service that is killed between its two transactions: over HTTP,
// with Stripe as the provider and a gateway whose journal is the truth.
import type { JournalAudit } from "../support/gateway-journal.ts";
import { torment } from "./frame/programme.ts";
import { ACTS, CASES, type Prepared, prepare } from "./webhooks/webhook-cases.ts";
import { WebhookWorld } from "./webhooks/webhook-world.ts";

/** Calls that one kill meets. */
const CALLS_PER_KILL = 8;

for (const [name, happen] of Object.entries(CASES)) {
  torment({ id: "T5b", name, unit: "payments", cases: 200, share: 25, caseMs: 2_000 }, async (t, { cases, random }) => {
    const world = await WebhookWorld.open(t, random);
    // Copies of everything, and in any order.
    await world.gateway.turn({ duplicates: 2, reorder_ms: 20 });
    await world.run(cases, happen);
    const figures = await world.judge();
    // Otherwise the answers were always first.
    return { cases, ...figures, shown: figures.movedByWebhook > cases / 10 };
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

const KILLS = {
  id: "T1d",
  name: "SIGKILL between the two transactions of eight calls",
  unit: "kills",
  cases: 200,
  share: 3,
  caseMs: 20_000,
};

torment(KILLS, async (t, { cases, random }) => {
  const world = await WebhookWorld.open(t, random);
  for (let kill = 0; kill < cases; kill += 1) await killBetween(world);
  const figures = await world.judge();
  return { cases, ...figures, shown: figures.operationsRecovered >= cases };
});
