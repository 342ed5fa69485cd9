// A storm of webhooks: every event of the gateway ten times, in any order, 64 at once, while callers still create, complete, cancel and give back.
import type { TestContext } from "node:test";
import { createClients } from "../support/clients.ts";
import type { GatewayProcess } from "../support/gateway-process.ts";
import { openStripeService } from "../support/stripe-service.ts";
import { Caller } from "./load/caller.ts";
import { type Findings, torment, type Torture } from "./frame/programme.ts";
import { ClientRecord } from "./frame/record.ts";
import { COPIES, Storm } from "./webhooks/storm.ts";
import { liveInStorm, type StormLife } from "./webhooks/storm-lives.ts";
import { checkEnds, checkInbox, inboxSettles } from "./webhooks/storm-verdict.ts";
import { examine } from "./frame/verdict.ts";

/** One attempt of a call has 40% of the time of a call: longer than an answer is late. */
const SETTINGS = {
  PROVIDER_TIMEOUT_MS: "10000",
  RECOVERY_DELAY_MS: "50",
  RECOVERY_INTERVAL_MS: "100",
  REQUEST_WAIT_MS: "1000",
};
/** Payments of a batch; their events are shuffled with one another. */
const BATCH = 200;
/** Payments under way at once. */
const ABREAST = 32;
/** Events that a payment has on average, a few less, so that the last batch is not much too large. */
const EVENTS_PER_PAYMENT = 5;

/** Told of each event once it is known what became of it. */
const JUDGED = "webhook judged";

const PROGRAMME = {
  id: "T5",
  name: "a storm of webhooks, ten copies of each, in any order",
  unit: "deliveries",
  cases: 100_000,
  share: 4_000,
  caseMs: 25,
};

/** Payments that are born in these turns, some at a time. */
async function liveBatch(life: StormLife, { from, count }: { from: number; count: number }): Promise<void> {
  const turns = Array.from({ length: count }, (_, index) => from + index).values();
  const works = Array.from({ length: ABREAST }, async () => {
    for (const turn of turns) await liveInStorm(life, turn);
  });
  await Promise.all(works);
}

/** The ids of all events that the gateway made, as its API lists them. */
async function eventsOf({ stripe }: GatewayProcess): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { id } of stripe.events.list({ limit: 100 })) ids.add(id);
  return ids;
}

async function rage(t: TestContext, { cases, random }: Torture): Promise<Findings> {
  const { gateway, service, webhookSecret, remove } = await openStripeService({ environment: SETTINGS });
  t.after(remove);
  const storm = await Storm.open(t, { gateway, service, secret: webhookSecret, random: random.fork() });
  const record = new ClientRecord();
  const caller = new Caller({ clients: createClients(t, service), random: random.fork(), record, onVerdict: () => {} });
  const world = { caller, gateway, keepBack: (orderId: string) => storm.keepBack(orderId) };
  let payments = 0;
  while (storm.deliveries < cases) {
    const missing = Math.ceil((cases - storm.deliveries) / (COPIES * EVENTS_PER_PAYMENT));
    const count = Math.min(BATCH, missing);
    await liveBatch({ ...world, random: random.fork() }, { from: payments, count });
    payments += count;
    await storm.calm();
  }
  const query = <T extends object>(text: string, values?: unknown[]): Promise<T[]> => service.query<T>(text, values);
  await inboxSettles(query);
  const figures = await examine(
    {
      query,
      connectNats: () => service.connectNats(),
      journal: () => gateway.journal(),
      secrets: () => service.secrets(),
      overheard: () => service.overheard(),
    },
    record,
  );
  await storm.calm();
  const journal = await gateway.journal();
  const violations = [
    ...figures.violations,
    ...storm.violations,
    ...(await checkInbox(query, { made: await eventsOf(gateway), sent: storm.events })),
    ...(await checkEnds(query, journal)),
  ];
  const [seen] = await query<{ moved: number }>(
    "select count(*)::int as moved from webhook_event where state = 'APPLIED'",
  );
  const moved = seen?.moved ?? 0;
  const parked = service.logged.filter((line) => line.msg === JUDGED && line["state"] === "PARKED").length;
  return {
    ...figures,
    cases: storm.deliveries,
    violations,
    // Otherwise the answers were always first, or no event came before what it speaks of.
    shown: moved > payments / 10 && parked > 0,
    webhooks: storm.events.size,
    movedByWebhook: moved,
    parkedAtFirst: parked,
    sentAgain: storm.sentAgain,
    deliveriesPerSecond: Math.round((storm.deliveries / storm.busyMs) * 1_000),
  };
}

torment(PROGRAMME, rage);
