// Books that are compared with the provider's: all drift is found, and none is invented, also while payments move.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { reconcile } from "../../src/app/reconcile.ts";
import { SEEDS } from "./drift-seeds.ts";
import { driftsOf, listDrift, listSeeded, ReconcileBench } from "./open-reconcile.ts";
import { operator } from "./open-service.ts";
import { RandomPayments } from "./random-payments.ts";

for (const { name, count, open } of [
  { name: "eight kinds of drift among a thousand payments", count: 1_000, open: () => ReconcileBench.open() },
  {
    name: "eight kinds of drift among payments that the Stripe provider carries",
    count: 200,
    open: () => ReconcileBench.openWithStripe(),
  },
]) {
  describe(name, () => {
    let bench: ReconcileBench;
    before(async () => {
      bench = await open();
    });
    after(() => bench.close());

    it("are all found, and none is invented; applying puts them right, and then there is none", async (t) => {
      const seeded = await new RandomPayments(bench, t).makeWithDrift(count);
      const untouched = await bench.snapshot();
      const plan = await bench.run();
      assert.deepEqual(listDrift(driftsOf(plan)), listSeeded(seeded));
      assert.ok(driftsOf(plan).every(({ applied, remedy }) => !applied && remedy.by === "apply"));
      assert.deepEqual(await bench.snapshot(), untouched);

      const applied = await bench.run({ apply: true, tell: "always" });
      assert.deepEqual(listDrift(driftsOf(applied)), listSeeded(seeded));
      assert.deepEqual(
        driftsOf(applied).filter((drift) => !drift.applied),
        [],
      );
      assert.deepEqual(driftsOf(await bench.run()), []);
      await bench.settle();
      assert.deepEqual(driftsOf(await bench.run()), []);
      assert.deepEqual(await bench.findFaults(), []);
      t.diagnostic(`${seeded.length} drifts of ${new Set(seeded.map(({ kind }) => kind)).size} kinds`);
    });
  });
}

describe("a comparison", () => {
  let bench: ReconcileBench;
  before(async () => {
    bench = await ReconcileBench.open();
  });
  after(() => bench.close());

  it("of books that nobody touched finds nothing, however often it is made", async (t) => {
    await new RandomPayments(bench, t).make(150);
    await bench.settle();
    const found = await bench.run();
    assert.deepEqual(driftsOf(found), []);
    const [{ checkedHere, checkedThere, complete } = {}] = found.providers;
    // A payment that was declined for good is at the provider, too.
    assert.deepEqual([checkedHere, checkedThere, complete], [150, 150, true]);
    bench.service.time += 3 * 3_600_000;
    await bench.settle();
    assert.deepEqual(driftsOf(await bench.run({ apply: true })), []);
  });

  it("of payments that move meanwhile invents nothing", async (t) => {
    let moving = true;
    const moved = new RandomPayments(bench, t).make(300).finally(() => {
      moving = false;
    });
    let runs = 0;
    while (moving) {
      assert.deepEqual(driftsOf(await bench.run({ apply: runs % 2 === 1 })), []);
      runs += 1;
    }
    await moved;
    assert.ok(runs >= 2, `${runs} comparisons came in between`);
    await bench.settle();
    assert.deepEqual(await bench.findFaults(), []);
  });

  it("that ends early says so, and the next one goes on", async () => {
    for (const seed of SEEDS.slice(0, 4)) await seed(bench.service);
    const first = await bench.run({ apply: true, driftsMax: 2 });
    assert.deepEqual([driftsOf(first).length, first.providers[0]?.complete], [2, false]);
    const second = await bench.run({ apply: true });
    assert.deepEqual([driftsOf(second).length, second.providers[0]?.complete], [2, true]);
  });

  it("compares the payments that were created within its range, and no others", async () => {
    bench.service.time += 2 * 3_600_000;
    await bench.settle();
    const begin = new Date(bench.service.time);
    for (const seed of SEEDS.slice(0, 3)) await seed(bench.service);
    bench.service.time += 1_800_000;
    const end = new Date(bench.service.time);
    assert.equal(driftsOf(await bench.run({ range: { from: begin, to: end } })).length, 3);
    const later = { from: new Date(end.getTime() - 900_000), to: new Date(end.getTime() + 1_000) };
    assert.deepEqual(driftsOf(await bench.run({ range: later })), []);
    assert.deepEqual(driftsOf(await bench.run({ range: { from: bench.from, to: begin } })), []);
    await bench.run({ apply: true });
  });

  it("of a range that is none, or with a provider that is none, is refused", async () => {
    const { from } = bench;
    const bad = [{ range: { from, to: from } }, { provider: "paypal" }];
    const input = { range: { from, to: new Date(bench.service.time) }, provider: null, apply: false, driftsMax: 10 };
    for (const change of bad) {
      const result = await reconcile(bench.parts, operator, { ...input, tell: "never", ...change });
      assert.equal(!result.ok && result.error.reason, "INVALID_ARGUMENT");
    }
  });

  it("with a provider that cannot be asked is refused, and says nothing of what it did not see", async () => {
    const { from } = bench;
    const [mock] = bench.parts.providers.values();
    assert.ok(mock);
    const list = async function* () {
      yield* [];
      throw new Error("the line is dead");
    };
    const deaf = { ...bench.parts, providers: new Map([["mock", { ...mock, list }]]) };
    const input = { range: { from, to: new Date(bench.service.time) }, provider: null, apply: true, driftsMax: 10 };
    const before = await bench.snapshot();
    const result = await reconcile(deaf, operator, { ...input, tell: "always" });
    assert.equal(!result.ok && result.error.reason, "PROVIDER_ERROR");
    assert.match(result.ok ? "" : result.error.message, /the line is dead/);
    assert.deepEqual(await bench.snapshot(), before);
  });
});
