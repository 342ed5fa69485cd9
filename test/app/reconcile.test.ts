import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { reconcile, type ReconcileInput, type ReconcileRun } from "../../src/app/reconcile.ts";
import type { ReconcileParts, SettledDrift } from "../../src/app/reconcile-payment.ts";
import { createReconcileWorker } from "../../src/app/reconcile-worker.ts";
import { recover } from "../../src/app/recover.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { createBooks } from "../../src/db/books.ts";
import { takeLease } from "../../src/db/leases.ts";
import type { RunEvent } from "../../src/domain/event.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { startGatewayServer } from "../../src/gateway/http/server.ts";
import { Webhooks } from "../../src/gateway/webhooks/webhooks.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { createStripeProvider } from "../../src/provider/stripe/stripe-provider.ts";
import { Random } from "../torture/frame/random.ts";
import { findViolations } from "../torture/frame/invariants.ts";
import { EARLY_SEEDS, type Seed, SEEDS, type SeededDrift } from "./drift-seeds.ts";
import { answerOf, caller, createInput, operator, TestService } from "./open-service.ts";

const CONCURRENCY = 16;

let service: TestService;
let parts: ReconcileParts;
let random: Random;
/** The beginning of the test's time. */
let from: Date;

async function open(): Promise<void> {
  service = await TestService.open();
  parts = { ...service.parts, books: createBooks(service.database) };
  from = new Date(service.time - 1_000);
}

function seedOf(t: TestContext): void {
  const seed = Number(process.env["TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`TEST_SEED=${seed}`);
  random = new Random(seed);
}

async function run(change: Partial<ReconcileInput> = {}): Promise<ReconcileRun> {
  const result = await reconcile(parts, operator, {
    range: { from, to: new Date(service.time + 1_000) },
    provider: null,
    apply: false,
    driftsMax: 10_000,
    tell: "never",
    ...change,
  });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function driftsOf({ providers }: ReconcileRun): SettledDrift[] {
  return providers.flatMap(({ drifts }) => drifts);
}

function listDrift(drifts: readonly { readonly kind: string; readonly paymentId: string | null }[]): string[] {
  return drifts.map(({ kind, paymentId }) => `${paymentId} ${kind}`).toSorted();
}

function listSeeded(seeded: readonly SeededDrift[]): string[] {
  return listDrift(seeded.map(({ kind, payment }) => ({ kind, paymentId: payment.id })));
}

async function refund(payment: Payment, minor: bigint | null, requestId: string): Promise<void> {
  const amount = minor === null ? null : { minor, currency: "EUR" };
  const find = { paymentId: payment.id };
  answerOf(await refundPayment(service.parts, caller, { find, amount, reason: null, requestId }));
}

/** A payment as callers make them, somewhere in its life. */
async function live(number: number): Promise<void> {
  const choice = random.below(9);
  const isHeld = choice >= 6;
  const input = createInput({
    ...(choice === 1 && { paymentMethod: "pm_card_chargeDeclined" }),
    ...(choice === 2 && { mode: "CHECKOUT" as const, paymentMethod: null }),
    ...(choice === 3 && { paymentMethod: null, attemptsMax: 3 }),
    ...(isHeld && { captureMethod: "MANUAL" as const }),
  });
  const { payment } = answerOf(await createPayment(service.parts, caller, input));
  const find = { paymentId: payment.id };
  const minor = BigInt(1 + random.below(10_000));
  if (choice === 4) await refund(payment, minor, `refund-${number}`);
  if (choice === 5)
    for (const part of [1, 2]) await refund(payment, part === 1 ? 1_000n : null, `part-${number}-${part}`);
  if (choice === 7) {
    const amount = { minor, currency: "EUR" };
    await completePayment(service.parts, caller, { find, paymentMethod: null, amount, requestId: `capture-${number}` });
  }
  if (choice === 8)
    await cancelPayment(service.parts, caller, { find, reason: "sold out", requestId: `cancel-${number}` });
}

async function inParallel(works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = [...works];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) await next();
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

/** Lets recovery do what is due, until nothing is. */
async function settle(): Promise<void> {
  for (let more = true; more; ) more = await recover(service.parts);
}

async function snapshot(): Promise<unknown> {
  return service.rows(`
    select 'payment' as what, id::text, revision::text as state from payment
    union all select 'refund', id::text, status from refund
    union all select 'event', id::text, type from payment_event
    union all select 'operation', id::text, state || attempts from provider_operation
    union all select 'dispute', id::text, status from dispute order by 1, 2`);
}

/** What is wrong with our money, the gateway's, and the histories. */
async function findFaults(): Promise<string[]> {
  const query = <T extends object>(text: string, values?: unknown[]): Promise<T[]> => service.rows<T>(text, values);
  const found = await findViolations({ query, journal: await service.journal(), stream: [], requests: [] });
  return found.filter((violation) => /^I[1-5] /.test(violation));
}

/** Has the service's payments carried by the Stripe provider, over HTTP, against the gateway that the mock provider talks to otherwise. */
async function openWithStripe(): Promise<() => Promise<void>> {
  await open();
  const { gateway } = service;
  const folder = mkdtempSync(join(tmpdir(), "payment-webhooks-"));
  const webhooks = new Webhooks({ gateway, directory: folder });
  const server = await startGatewayServer({ gateway, webhooks });
  const stripe = createStripeProvider({
    name: "mock",
    secretKey: "sk_test_reconcile",
    webhookSecrets: [],
    apiUrl: server.url,
    timeoutMs: 5_000,
    defaultPaymentMethod: null,
    returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
    limits: { attemptsMax: 1, failuresMax: 1_000 },
    now: () => new Date(service.time),
  });
  (service.parts.providers as Map<string, Provider>).set("mock", stripe);
  // A call over HTTP takes longer than one in the process, and on a busy machine much longer.
  Object.assign(service.parts.limits, { providerTimeoutMs: 10_000 });
  return async () => {
    await server.stop();
    await webhooks.close();
    rmSync(folder, { recursive: true });
  };
}

async function openWithMock(): Promise<() => Promise<void>> {
  await open();
  return async () => {};
}

function seedSome(seeds: readonly Seed[], seeded: SeededDrift[]): (() => Promise<void>)[] {
  return seeds.flatMap((seed) =>
    Array.from({ length: 1 + random.below(5) }, () => async () => void seeded.push(await seed(service))),
  );
}

function shuffle<T>(items: readonly T[]): T[] {
  const placed = items.map((item) => ({ item, at: random.next() }));
  return placed.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
}

/** So many payments, with drift of every kind among them. */
async function makeHistory(count: number): Promise<SeededDrift[]> {
  const seeded: SeededDrift[] = [];
  const early = seedSome(EARLY_SEEDS, seeded);
  const late = seedSome(SEEDS, seeded);
  const living = Array.from({ length: count - early.length - late.length }, (_, number) => () => live(number));
  const half = living.length / 2;
  await inParallel(shuffle([...living.slice(0, half), ...early]));
  service.time += 2 * 3_600_000;
  await settle();
  await inParallel(shuffle([...living.slice(half), ...late]));
  // What the others owe is settled; what was seeded to be stuck is not due yet.
  service.time += 100;
  await settle();
  service.time += 11 * 60_000;
  return seeded;
}

for (const { name, count, openWith } of [
  { name: "eight kinds of drift among a thousand payments", count: 1_000, openWith: openWithMock },
  {
    name: "eight kinds of drift among payments that the Stripe provider carries",
    count: 200,
    openWith: openWithStripe,
  },
]) {
  describe(name, () => {
    let close: () => Promise<void>;
    before(async () => {
      close = await openWith();
    });
    after(async () => {
      await close();
      await service.close();
    });

    it("are all found, and none is invented; applying puts them right, and then there is none", async (t) => {
      seedOf(t);
      const seeded = await makeHistory(count);
      const untouched = await snapshot();
      const plan = await run();
      assert.deepEqual(listDrift(driftsOf(plan)), listSeeded(seeded));
      assert.ok(driftsOf(plan).every(({ applied, remedy }) => !applied && remedy.by === "apply"));
      assert.deepEqual(await snapshot(), untouched);

      const applied = await run({ apply: true, tell: "always" });
      assert.deepEqual(listDrift(driftsOf(applied)), listSeeded(seeded));
      assert.deepEqual(
        driftsOf(applied).filter((drift) => !drift.applied),
        [],
      );
      assert.deepEqual(driftsOf(await run()), []);
      await settle();
      assert.deepEqual(driftsOf(await run()), []);
      assert.deepEqual(await findFaults(), []);
      t.diagnostic(`${seeded.length} drifts of ${new Set(seeded.map(({ kind }) => kind)).size} kinds`);
    });
  });
}

describe("a comparison", () => {
  before(open);
  after(() => service.close());

  it("of books that nobody touched finds nothing, however often it is made", async (t) => {
    seedOf(t);
    await inParallel(Array.from({ length: 150 }, (_, number) => () => live(number)));
    await settle();
    const found = await run();
    assert.deepEqual(driftsOf(found), []);
    const [{ checkedHere, checkedThere, complete } = {}] = found.providers;
    // A payment that was declined for good is at the provider, too.
    assert.deepEqual([checkedHere, checkedThere, complete], [150, 150, true]);
    service.time += 3 * 3_600_000;
    await settle();
    assert.deepEqual(driftsOf(await run({ apply: true })), []);
  });

  it("of payments that move meanwhile invents nothing", async (t) => {
    seedOf(t);
    let moving = true;
    const moved = inParallel(Array.from({ length: 300 }, (_, number) => () => live(10_000 + number))).finally(() => {
      moving = false;
    });
    let runs = 0;
    while (moving) {
      assert.deepEqual(driftsOf(await run({ apply: runs % 2 === 1 })), []);
      runs += 1;
    }
    await moved;
    assert.ok(runs >= 2, `${runs} comparisons came in between`);
    await settle();
    assert.deepEqual(await findFaults(), []);
  });

  it("that ends early says so, and the next one goes on", async () => {
    for (const seed of SEEDS.slice(0, 4)) await seed(service);
    const first = await run({ apply: true, driftsMax: 2 });
    assert.deepEqual([driftsOf(first).length, first.providers[0]?.complete], [2, false]);
    const second = await run({ apply: true });
    assert.deepEqual([driftsOf(second).length, second.providers[0]?.complete], [2, true]);
  });

  it("compares the payments that were created within its range, and no others", async () => {
    service.time += 2 * 3_600_000;
    await settle();
    const begin = new Date(service.time);
    for (const seed of SEEDS.slice(0, 3)) await seed(service);
    service.time += 1_800_000;
    const end = new Date(service.time);
    assert.equal(driftsOf(await run({ range: { from: begin, to: end } })).length, 3);
    const later = { from: new Date(end.getTime() - 900_000), to: new Date(end.getTime() + 1_000) };
    assert.deepEqual(driftsOf(await run({ range: later })), []);
    assert.deepEqual(driftsOf(await run({ range: { from, to: begin } })), []);
    await run({ apply: true });
  });

  it("of a range that is none, or with a provider that is none, is refused", async () => {
    const bad = [{ range: { from, to: from } }, { provider: "paypal" }];
    const input = { range: { from, to: new Date(service.time) }, provider: null, apply: false, driftsMax: 10 };
    for (const change of bad) {
      const result = await reconcile(parts, operator, { ...input, tell: "never", ...change });
      assert.equal(!result.ok && result.error.reason, "INVALID_ARGUMENT");
    }
  });

  it("with a provider that cannot be asked is refused, and says nothing of what it did not see", async () => {
    const [mock] = parts.providers.values();
    assert.ok(mock);
    const list = async function* () {
      yield* [];
      throw new Error("the line is dead");
    };
    const deaf = { ...parts, providers: new Map([["mock", { ...mock, list }]]) };
    const input = { range: { from, to: new Date(service.time) }, provider: null, apply: true, driftsMax: 10 };
    const before = await snapshot();
    const result = await reconcile(deaf, operator, { ...input, tell: "always" });
    assert.equal(!result.ok && result.error.reason, "PROVIDER_ERROR");
    assert.match(result.ok ? "" : result.error.message, /the line is dead/);
    assert.deepEqual(await snapshot(), before);
  });
});

describe("what only a person can put right", () => {
  before(open);
  after(() => service.close());

  async function create(): Promise<Payment> {
    return answerOf(await createPayment(service.parts, caller, createInput())).payment;
  }

  const CASES: readonly { name: string; kind: string; make: () => Promise<Payment> }[] = [
    {
      name: "money that is recorded as captured by a payment that the provider does not know",
      kind: "MISSING_AT_PROVIDER",
      async make() {
        const payment = await create();
        await service.rows("update payment set provider_reference = 'pi_unknown' where id = $1", [payment.id]);
        return payment;
      },
    },
    {
      name: "a lost payment whose order was paid again",
      kind: "MISSING_HERE",
      async make() {
        const payment = await create();
        for (const table of ["payment_event", "provider_operation"])
          await service.rows(`delete from ${table} where payment_id = $1`, [payment.id]);
        await service.rows("delete from payment where id = $1", [payment.id]);
        await createPayment(service.parts, caller, createInput({ orderId: payment.orderId }));
        return payment;
      },
    },
    {
      name: "another amount that is owed",
      kind: "AMOUNT_DIFFERS",
      async make() {
        const payment = await create();
        await service.rows("update payment set amount_minor = 20000 where id = $1", [payment.id]);
        return payment;
      },
    },
    {
      name: "a payment that has ended here and is open there",
      kind: "STATUS_DIFFERS",
      async make() {
        const input = createInput({ mode: "CHECKOUT", paymentMethod: null });
        const { payment } = answerOf(await createPayment(service.parts, caller, input));
        await service.rows("update payment set status = 'CANCELED', live = false where id = $1", [payment.id]);
        return payment;
      },
    },
    {
      name: "two payments at the provider for one",
      kind: "REFERENCE_DIFFERS",
      async make() {
        const payment = await create();
        const metadata = { payment_id: `payment_${payment.id}`, order_id: payment.orderId };
        const terms = {
          amount: 10_000n,
          currency: "eur",
          capture_method: "automatic",
          payment_method: "pm_card_visa",
        } as const;
        await service.elsewhere({ operation: "create_intent", params: { ...terms, metadata } });
        return payment;
      },
    },
  ];

  for (const { name, kind, make } of CASES) {
    it(`is told, with a sentence, and left alone: ${name}`, async () => {
      service.time += 3_600_000;
      const range = { from: new Date(service.time - 1_000), to: new Date(service.time + 1_000) };
      const payment = await make();
      const before = await snapshot();
      const drifts = driftsOf(await run({ range, apply: true }));
      assert.deepEqual(listDrift(drifts), listDrift([{ kind, paymentId: payment.id }]));
      const [drift] = drifts;
      assert.equal(drift?.applied, false);
      assert.match(drift?.remedy.by === "person" ? drift.remedy.why : "", /^[A-Z].+[.?]$/);
      assert.deepEqual(await snapshot(), before);
    });
  }

  it("an operation that cannot be finished stays drift", async () => {
    service.time += 3_600_000;
    const range = { from: new Date(service.time - 1_000), to: new Date(service.time + 1_000) };
    await createPayment(service.parts, caller, createInput({ metadata: { gateway_fault: "create:lost_before x99" } }));
    service.time += 11 * 60_000;
    const [drift, ...more] = driftsOf(await run({ range, apply: true }));
    assert.deepEqual([drift?.kind, drift?.applied, more], ["STUCK_IN_FLIGHT", false, []]);
  });

  it("a payment of another system that shares the account is nobody's drift", async () => {
    service.time += 3_600_000;
    const range = { from: new Date(service.time - 1_000), to: new Date(service.time + 1_000) };
    const terms = {
      amount: 10_000n,
      currency: "eur",
      capture_method: "automatic",
      payment_method: "pm_card_visa",
    } as const;
    await service.elsewhere({ operation: "create_intent", params: { ...terms, metadata: {} } });
    assert.deepEqual(driftsOf(await run({ range })), []);
  });
});

describe("what is put right", () => {
  before(open);
  after(() => service.close());

  it("is put right once, however many do it at the same time", async () => {
    const seeded: SeededDrift[] = [];
    for (const seed of SEEDS) seeded.push(await seed(service));
    service.time += 11 * 60_000;
    const runs = await Promise.all([1, 2, 3].map(() => run({ apply: true })));
    const told = new Set(listDrift(runs.flatMap(driftsOf)));
    assert.ok(
      listSeeded(seeded).every((drift) => told.has(drift)),
      "each drift is told by one of them at least",
    );
    assert.deepEqual(driftsOf(await run()), []);
    await settle();
    assert.deepEqual(driftsOf(await run()), []);
    assert.deepEqual(await findFaults(), []);
  });

  it("includes a payment that is held by an operation that is gone, so that its order can go on", async () => {
    const { payment } = await EARLY_SEEDS[0]!(service);
    await service.rows("update payment set active_operation_id = gen_random_uuid() where id = $1", [payment.id]);
    service.time += 2 * 3_600_000;
    await settle();
    const drifts = driftsOf(await run({ apply: true }));
    assert.deepEqual(
      listDrift(drifts),
      listDrift(["MISSING_AT_PROVIDER", "STUCK_IN_FLIGHT"].map((kind) => ({ kind, paymentId: payment.id }))),
    );
    assert.ok(drifts.every(({ applied }) => applied));
    const again = await createPayment(service.parts, caller, createInput({ orderId: payment.orderId }));
    assert.equal(answerOf(again).payment.status, "SUCCEEDED");
    assert.deepEqual(driftsOf(await run()), []);
  });

  it("of a payment that was lost here is its money, its refunds and its order", async () => {
    const { payment } = await SEEDS[0]!(service);
    await run({ apply: true });
    const { payment: found, refunds } = await service.parts.store.loadKnown(payment.id);
    assert.deepEqual(
      [found.orderId, found.status, found.amount, found.capturedMinor, found.refundedMinor, found.chargeReference],
      [payment.orderId, "PARTIALLY_REFUNDED", payment.amount, 10_000n, 2_500n, payment.chargeReference],
    );
    assert.deepEqual(
      refunds.map(({ status, amount }) => [status, amount.minor]),
      [["SUCCEEDED", 2_500n]],
    );
  });
});

describe("the scheduled job", () => {
  before(open);
  after(() => service.close());

  /** Runs jobs of several processes for so many rounds of one of them, and counts the events that tell of drift. */
  async function runJobs(apply: boolean): Promise<number> {
    const { pool } = service.database;
    const told = Promise.withResolvers<void>();
    const recordRun = async (event: RunEvent): Promise<void> => {
      await parts.books.recordRun(event);
      told.resolve();
    };
    const jobs = [1, 2].map(() =>
      createReconcileWorker(
        { ...parts, books: { ...parts.books, recordRun } },
        {
          intervalMs: 50,
          lookBackMs: 3_600_000,
          apply,
          principal: caller.principal,
          takeLease: (terms) => takeLease(pool, { ...terms, ttlMs: 600_000 }),
        },
      ),
    );
    for (const job of jobs) job.start();
    await told.promise;
    await Promise.all(jobs.map((job) => job.stop()));
    const holders = await service.rows("select holder from lease where name = 'reconcile'");
    assert.equal(holders.length, 1);
    await service.rows("delete from lease");
    const events = await service.rows<{ applied: boolean }>(
      "select data -> 'applied' as applied from payment_event where type = 'payment.reconciled' order by position desc limit 1",
    );
    return events.filter((event) => event.applied === apply).length;
  }

  it("tells of drift, and leaves it; told to apply, it puts it right; one process does it", async () => {
    await SEEDS[0]?.(service);
    service.time += 5 * 60_000;
    assert.equal(await runJobs(false), 1);
    assert.equal(driftsOf(await run()).length, 1);
    assert.equal(await runJobs(true), 1);
    assert.deepEqual(driftsOf(await run()), []);
  });
});

describe("a run", () => {
  before(open);
  after(() => service.close());

  it("is told by one event of no payment, when it was to be told", async () => {
    await SEEDS[0]?.(service);
    const told = () =>
      service.rows<{ data: object }>("select data from payment_event where type = 'payment.reconciled'");
    await run();
    assert.deepEqual(await told(), []);
    const { runId, range } = await run({ tell: "drift" });
    const [event] = await told();
    assert.deepEqual(event?.data, {
      ...event?.data,
      runId,
      provider: "mock",
      from: range.from.toISOString(),
      to: range.to.toISOString(),
      applied: false,
      checkedHere: "0",
      checkedThere: "1",
      drifts: { MISSING_HERE: "1" },
      driftsApplied: "0",
      driftsForPerson: "0",
      complete: true,
    });
    await run({ apply: true });
    await run({ tell: "drift" });
    assert.equal((await told()).length, 1);
  });
});
