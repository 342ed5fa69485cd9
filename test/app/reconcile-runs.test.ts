// How comparisons are run by the clock, and how a run is told.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createReconcileWorker } from "../../src/app/reconcile-worker.ts";
import { takeLease } from "../../src/db/leases.ts";
import type { RunEvent } from "../../src/domain/event.ts";
import { SEEDS } from "./drift-seeds.ts";
import { driftsOf, ReconcileBench } from "./open-reconcile.ts";
import { caller } from "./open-service.ts";

describe("the scheduled job", () => {
  let bench: ReconcileBench;
  before(async () => {
    bench = await ReconcileBench.open();
  });
  after(() => bench.close());

  /** Runs jobs of several processes for so many rounds of one of them, and counts the events that tell of drift. */
  async function runJobs(apply: boolean): Promise<number> {
    const { pool } = bench.service.database;
    const told = Promise.withResolvers<void>();
    const recordRun = async (event: RunEvent): Promise<void> => {
      await bench.parts.books.recordRun(event);
      told.resolve();
    };
    const jobs = [1, 2].map(() =>
      createReconcileWorker(
        { ...bench.parts, books: { ...bench.parts.books, recordRun } },
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
    const holders = await bench.service.rows("select holder from lease where name = 'reconcile'");
    assert.equal(holders.length, 1);
    await bench.service.rows("delete from lease");
    const events = await bench.service.rows<{ applied: boolean }>(
      "select data -> 'applied' as applied from payment_event where type = 'payment.reconciled' order by position desc limit 1",
    );
    return events.filter((event) => event.applied === apply).length;
  }

  it("tells of drift, and leaves it; told to apply, it puts it right; one process does it", async () => {
    await SEEDS[0]?.(bench.service);
    bench.service.time += 5 * 60_000;
    assert.equal(await runJobs(false), 1);
    assert.equal(driftsOf(await bench.run()).length, 1);
    assert.equal(await runJobs(true), 1);
    assert.deepEqual(driftsOf(await bench.run()), []);
  });
});

describe("a run", () => {
  let bench: ReconcileBench;
  before(async () => {
    bench = await ReconcileBench.open();
  });
  after(() => bench.close());

  it("is told by one event of no payment, when it was to be told", async () => {
    await SEEDS[0]?.(bench.service);
    const told = () =>
      bench.service.rows<{ data: object }>("select data from payment_event where type = 'payment.reconciled'");
    await bench.run();
    assert.deepEqual(await told(), []);
    const { runId, range } = await bench.run({ tell: "drift" });
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
    await bench.run({ apply: true });
    await bench.run({ tell: "drift" });
    assert.equal((await told()).length, 1);
  });
});
