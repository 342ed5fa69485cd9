// What a comparison puts right, and what it tells to a person and leaves alone.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { EARLY_SEEDS, type SeededDrift, SEEDS } from "./drift-seeds.ts";
import { driftsOf, listDrift, listSeeded, ReconcileBench } from "./open-reconcile.ts";
import { answerOf, caller, createInput } from "./open-service.ts";

/** Of a payment that is made at the provider without the service. */
const TERMS = {
  amount: 10_000n,
  currency: "eur",
  capture_method: "automatic",
  payment_method: "pm_card_visa",
} as const;

describe("what is put right", () => {
  let bench: ReconcileBench;
  before(async () => {
    bench = await ReconcileBench.open();
  });
  after(() => bench.close());

  it("is put right once, however many do it at the same time", async () => {
    const seeded: SeededDrift[] = [];
    for (const seed of SEEDS) seeded.push(await seed(bench.service));
    bench.service.time += 11 * 60_000;
    const runs = await Promise.all([1, 2, 3].map(() => bench.run({ apply: true })));
    const told = new Set(listDrift(runs.flatMap(driftsOf)));
    assert.ok(
      listSeeded(seeded).every((drift) => told.has(drift)),
      "each drift is told by one of them at least",
    );
    assert.deepEqual(driftsOf(await bench.run()), []);
    await bench.settle();
    assert.deepEqual(driftsOf(await bench.run()), []);
    assert.deepEqual(await bench.findFaults(), []);
  });

  it("includes a payment that is held by an operation that is gone, so that its order can go on", async () => {
    const { payment } = await EARLY_SEEDS[0]!(bench.service);
    await bench.service.rows("update payment set active_operation_id = gen_random_uuid() where id = $1", [payment.id]);
    bench.service.time += 2 * 3_600_000;
    await bench.settle();
    const drifts = driftsOf(await bench.run({ apply: true }));
    assert.deepEqual(
      listDrift(drifts),
      listDrift(["MISSING_AT_PROVIDER", "STUCK_IN_FLIGHT"].map((kind) => ({ kind, paymentId: payment.id }))),
    );
    assert.ok(drifts.every(({ applied }) => applied));
    const again = await createPayment(bench.service.parts, caller, createInput({ orderId: payment.orderId }));
    assert.equal(answerOf(again).payment.status, "SUCCEEDED");
    assert.deepEqual(driftsOf(await bench.run()), []);
  });

  it("of a payment that was lost here is its money, its refunds and its order", async () => {
    const { payment } = await SEEDS[0]!(bench.service);
    await bench.run({ apply: true });
    const { payment: found, refunds } = await bench.service.parts.store.loadKnown(payment.id);
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

describe("what only a person can put right", () => {
  let bench: ReconcileBench;
  before(async () => {
    bench = await ReconcileBench.open();
  });
  after(() => bench.close());

  /** An hour later, when nothing else is made. */
  function nextRange(): { readonly from: Date; readonly to: Date } {
    const { service } = bench;
    service.time += 3_600_000;
    return { from: new Date(service.time - 1_000), to: new Date(service.time + 1_000) };
  }

  async function create(): Promise<Payment> {
    return answerOf(await createPayment(bench.service.parts, caller, createInput())).payment;
  }

  const CASES: readonly { name: string; kind: string; make: () => Promise<Payment> }[] = [
    {
      name: "money that is recorded as captured by a payment that the provider does not know",
      kind: "MISSING_AT_PROVIDER",
      async make() {
        const payment = await create();
        await bench.service.rows("update payment set provider_reference = 'pi_unknown' where id = $1", [payment.id]);
        return payment;
      },
    },
    {
      name: "a lost payment whose order was paid again",
      kind: "MISSING_HERE",
      async make() {
        const payment = await create();
        for (const table of ["payment_event", "provider_operation"])
          await bench.service.rows(`delete from ${table} where payment_id = $1`, [payment.id]);
        await bench.service.rows("delete from payment where id = $1", [payment.id]);
        await createPayment(bench.service.parts, caller, createInput({ orderId: payment.orderId }));
        return payment;
      },
    },
    {
      name: "another amount that is owed",
      kind: "AMOUNT_DIFFERS",
      async make() {
        const payment = await create();
        await bench.service.rows("update payment set amount_minor = 20000 where id = $1", [payment.id]);
        return payment;
      },
    },
    {
      name: "a payment that has ended here and is open there",
      kind: "STATUS_DIFFERS",
      async make() {
        const input = createInput({ mode: "CHECKOUT", paymentMethod: null });
        const { payment } = answerOf(await createPayment(bench.service.parts, caller, input));
        await bench.service.rows("update payment set status = 'CANCELED', live = false where id = $1", [payment.id]);
        return payment;
      },
    },
    {
      name: "two payments at the provider for one",
      kind: "REFERENCE_DIFFERS",
      async make() {
        const payment = await create();
        const metadata = { payment_id: `payment_${payment.id}`, order_id: payment.orderId };
        await bench.service.elsewhere({ operation: "create_intent", params: { ...TERMS, metadata } });
        return payment;
      },
    },
  ];

  for (const { name, kind, make } of CASES) {
    it(`is told, with a sentence, and left alone: ${name}`, async () => {
      const range = nextRange();
      const payment = await make();
      const before = await bench.snapshot();
      const drifts = driftsOf(await bench.run({ range, apply: true }));
      assert.deepEqual(listDrift(drifts), listDrift([{ kind, paymentId: payment.id }]));
      const [drift] = drifts;
      assert.equal(drift?.applied, false);
      assert.match(drift?.remedy.by === "person" ? drift.remedy.why : "", /^[A-Z].+[.?]$/);
      assert.deepEqual(await bench.snapshot(), before);
    });
  }

  it("an operation that cannot be finished stays drift", async () => {
    const range = nextRange();
    await createPayment(
      bench.service.parts,
      caller,
      createInput({ metadata: { gateway_fault: "create:lost_before x99" } }),
    );
    bench.service.time += 11 * 60_000;
    const [drift, ...more] = driftsOf(await bench.run({ range, apply: true }));
    assert.deepEqual([drift?.kind, drift?.applied, more], ["STUCK_IN_FLIGHT", false, []]);
  });

  it("a payment of another system that shares the account is nobody's drift", async () => {
    const range = nextRange();
    await bench.service.elsewhere({ operation: "create_intent", params: { ...TERMS, metadata: {} } });
    assert.deepEqual(driftsOf(await bench.run({ range })), []);
  });
});
