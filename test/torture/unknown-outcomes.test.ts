// Calls to the provider whose outcome nobody knows. Half of them are found out by recovery alone, since the webhooks are held meanwhile; half while webhooks
// come as well.
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { findUnsettled, type Query } from "./frame/invariants.ts";
import { torment } from "./frame/programme.ts";
import { type Cell, cells, findBlindRepeats, goOnWell, type Met, meet, TABLE } from "./webhooks/unknown-outcomes.ts";
import { WebhookWorld } from "./webhooks/webhook-world.ts";

const PROGRAMME = {
  id: "T4",
  name: "unknown provider outcomes",
  unit: "calls",
  cases: 2_000,
  share: 40,
  caseMs: 2_000,
};

/** Calls under way at once: many in a long run, which is for a machine of its own. */
const ABREAST_MAX = 32;
const CASES_PER_WORK = 6;
/** They do not begin all at once, so that not all of their attempts time out at once. */
const BEGIN_WITHIN_MS = 3_000;
/** Calls of one half before the other half goes on. */
const ROUND_MAX = 250;
/** The bound of I10 for what recovery finds out without any webhook. */
const SETTLED_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

interface Course {
  readonly world: WebhookWorld;
  readonly violations: string[];
  readonly orders: Met[];
  readonly met: Set<string>;
}

/** Goes through the cells, some at a time. */
async function meetAll({ world, violations, orders, met }: Course, all: readonly Cell[]): Promise<void> {
  const left = all.values();
  const abreast = Math.min(ABREAST_MAX, Math.ceil(all.length / CASES_PER_WORK));
  const works = Array.from({ length: abreast }, async (_, index) => {
    await delay((index * BEGIN_WITHIN_MS) / abreast);
    for (const cell of left) {
      const orderId = world.newOrder();
      const { story, wrong } = await meet(world, orderId, cell);
      world.expect(story);
      orders.push({ orderId, act: cell.act });
      met.add(`${cell.act}: ${cell.manner}`);
      violations.push(...wrong);
    }
  });
  await Promise.all(works);
}

/** What is not as it must be once the time is up in which everything settles. */
async function findWrong(world: WebhookWorld): Promise<readonly string[]> {
  const query = world.service.query.bind(world.service);
  // What is on its way to the stream is no question of the provider's outcome.
  const undecided = async (): Promise<string[]> =>
    (await findUnsettled(query)).filter((what) => !what.startsWith("I10 event"));
  for (const startedAt = performance.now(); performance.now() - startedAt < SETTLED_TIMEOUT_MS; await delay(POLL_MS))
    if ((await undecided()).length === 0) break;
  return [...(await undecided()), ...(await world.unexpectedEnds())];
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const world = await WebhookWorld.open(t, random);
  world.meddler.spareCircuit();
  const [client] = createClients(t, world.service);
  const endGoodCalls = client && (await goOnWell(client));
  const course: Course = { world, violations: [], orders: [], met: new Set() };
  const all = [...cells(cases)];
  const round = Math.min(ROUND_MAX, Math.ceil(cases / 2));
  let alone = 0;
  for (let from = 0; from < all.length; from += 2 * round) {
    await world.gateway.turn({ hold: true });
    const [{ count: before } = { count: 0 }] = await countWebhooks(world);
    const silent = all.slice(from, from + round);
    await meetAll(course, silent);
    course.violations.push(...(await findWrong(world)));
    const [{ count: after } = { count: 0 }] = await countWebhooks(world);
    if (after === before) alone += silent.length;
    await world.gateway.turn({ hold: false, duplicates: 1, reorder_ms: 20 });
    await world.gateway.release();
    await meetAll(course, all.slice(from + round, from + 2 * round));
  }
  await endGoodCalls?.();
  const figures = await world.judge();
  const query: Query = (text, values) => world.service.query(text, values);
  const repeats: string[] = [];
  for (const each of course.orders) repeats.push(...(await findBlindRepeats(world, query, each)));
  const { operationsRecovered } = figures;
  const violations = [...new Set([...figures.violations, ...course.violations, ...repeats])];
  const cellsMet = TABLE.filter((name) => course.met.has(name)).length;
  const shown = cellsMet === TABLE.length && operationsRecovered > cases / 2 && alone > 0;
  return { cases: course.orders.length, ...figures, violations, cellsMet, alone, shown };
});

function countWebhooks(world: WebhookWorld): Promise<{ count: number }[]> {
  return world.service.query<{ count: number }>("select count(*)::int as count from webhook_event");
}
