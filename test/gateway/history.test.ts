import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { GatewayEvent } from "../../src/gateway/events.ts";
import { GatewayBench, HOUR_MS, intent, refund, session } from "./open-gateway.ts";

async function taken<T, R>(
  source: AsyncIterable<T>,
  { count, map }: { count: number; map: (each: T) => R },
): Promise<R[]> {
  const found: R[] = [];
  for await (const each of source) {
    found.push(map(each));
    if (found.length === count) break;
  }
  return found;
}

describe("what the gateway lists", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  const lives = (query: Partial<Parameters<GatewayBench["gateway"]["listLives"]>[0]>, count = 100) =>
    taken(bench.gateway.listLives({ order: "newest", ...query }), { count, map: (life) => life.intent.id });
  const events = (query: Partial<Parameters<GatewayBench["gateway"]["listEvents"]>[0]>, count = 1000) =>
    taken(bench.gateway.listEvents({ order: "newest", ...query }), { count, map: ({ event }) => event.id });

  it("lives, newest and oldest first, on from any of them, within times and by metadata", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      ids.push((await bench.life(intent({ metadata: { parity: `${index % 2}` } }))).intent.id);
      bench.advance(HOUR_MS);
    }
    const [first, second, third, fourth, fifth, sixth] = ids;
    assert.deepEqual(await lives({}), ids.toReversed());
    assert.deepEqual(await lives({}, 2), [sixth, fifth]);
    assert.deepEqual(await lives({ after: fifth ?? "" }, 2), [fourth, third]);
    assert.deepEqual(await lives({ order: "oldest", after: fourth ?? "" }), [fifth, sixth]);
    assert.deepEqual(await lives({ after: first ?? "" }), []);
    assert.deepEqual(await lives({ after: "pi_none" }), []);
    const start = bench.time - 6 * HOUR_MS;
    const span = { createdFrom: new Date(start + HOUR_MS), createdTo: new Date(start + 3 * HOUR_MS) };
    assert.deepEqual(await lives(span), [third, second]);
    assert.deepEqual(await lives({ metadata: { parity: "1" } }), [sixth, fourth, second]);
    await bench.restart();
    assert.deepEqual(await lives({}), ids.toReversed());
  });

  it("lives by metadata as it is now, through a restart", async () => {
    const one = await bench.life(intent({ metadata: { order: "7", shop: "a" } }));
    const two = await bench.life(intent({ metadata: { order: "7", shop: "b" } }));
    await bench.life({ operation: "update_intent", id: one.intent.id, params: { metadata: { order: "8" } } });
    for (const restarted of [false, true]) {
      if (restarted) await bench.restart();
      assert.deepEqual(await lives({ metadata: { order: "7" } }), [two.intent.id]);
      assert.deepEqual(await lives({ metadata: { order: "8", shop: "a" } }), [one.intent.id]);
      assert.deepEqual(await lives({ metadata: { order: "8", shop: "b" } }), []);
      assert.deepEqual(await lives({ metadata: { shop: "b" }, order: "oldest", after: one.intent.id }), [
        two.intent.id,
      ]);
      assert.deepEqual(await lives({ metadata: { shop: "b" }, after: two.intent.id }), []);
      assert.deepEqual(await lives({ metadata: { shop: "b" }, after: "pi_none" }), []);
    }
  });

  it("lives of checkouts alone, in either order, on from any of them, through a restart", async () => {
    const metadata = { shop: "a" };
    const first = await bench.life(session());
    await bench.life(intent({ metadata }));
    const second = await bench.life(session({ metadata }));
    bench.advance(HOUR_MS);
    const third = await bench.life(session());
    await bench.life({ operation: "expire_session", id: first.session?.id ?? "" });
    const ids = [first, second, third].map((life) => life.intent.id);
    const createdTo = new Date(bench.time);
    for (const restarted of [false, true]) {
      if (restarted) await bench.restart();
      assert.deepEqual(await lives({ checkouts: true }), ids.toReversed());
      assert.deepEqual(await lives({ checkouts: true, order: "oldest", after: first.intent.id }), ids.slice(1));
      assert.deepEqual(await lives({ checkouts: true, after: second.intent.id }), ids.slice(0, 1));
      assert.deepEqual(await lives({ checkouts: true, createdTo }), ids.slice(0, 2).reverse());
      assert.deepEqual(await lives({ checkouts: true, metadata: { shop: "a" } }), [second.intent.id]);
    }
  });

  it("what metadata names, or checkouts, without going through the rest, and the rest without keeping others waiting", async () => {
    for (let index = 0; index < 250; index += 1) await bench.life(intent({ metadata: { order: `${index}` } }));
    const turnsOf = async (query: Parameters<typeof lives>[0]): Promise<number> => {
      let turns = 0;
      const count = (): void => {
        turns += 1;
        immediate = setImmediate(count);
      };
      let immediate = setImmediate(count);
      await lives(query, 1000);
      clearImmediate(immediate);
      return turns;
    };
    assert.equal(await turnsOf({ metadata: { order: "3" } }), 0);
    assert.equal(await turnsOf({ checkouts: true }), 0);
    assert.ok((await turnsOf({})) >= 2);
  });

  it("all events, with stable ids, in either order, on from any of them, through a restart", async () => {
    const held = await bench.life(intent({ capture_method: "manual" }));
    const open = await bench.life(session());
    await bench.life({ operation: "capture_intent", id: held.intent.id, amount_to_capture: 100n });
    await bench.life(refund(held.intent.id, 1n));
    await bench.call({ operation: "capture_intent", id: held.intent.id, amount_to_capture: 100n }, "refused");
    await bench.life({ operation: "expire_session", id: open.session?.id ?? "" });
    const inOrder = bench.gateway.events();
    const ids = inOrder.map((event) => event.id);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(await events({}), ids.toReversed());
    assert.deepEqual(await events({ order: "oldest" }), ids);
    await bench.restart();
    for (const [index, id] of ids.entries()) {
      assert.deepEqual(await events({ after: id }), ids.slice(0, index).reverse());
      assert.deepEqual(await events({ order: "oldest", after: id }), ids.slice(index + 1));
      const found = await bench.gateway.findEvent(id);
      assert.deepEqual(found?.event, inOrder[index]);
    }
    for (const id of ["evt_none", `${ids[0]}x`, `${ids[0]?.slice(0, -1)}z`, "", "pi_1"]) {
      assert.equal(await bench.gateway.findEvent(id), undefined);
    }
    assert.deepEqual(await events({ after: "evt_none" }), []);
  });

  it("charges, refunds and disputes by when they were made, whatever payment they are of", async () => {
    const one = await bench.life(intent({ payment_method: "pm_card_createDispute", amount: 5n }));
    const two = await bench.life(intent());
    const three = await bench.call(intent({ payment_method: "pm_card_chargeDeclined" }));
    assert.ok(typeof three === "object" && three.life);
    await bench.life(refund(two.intent.id, 1n));
    const four = await bench.life(intent());
    await bench.life(refund(four.intent.id, 2n));
    const last = await bench.life(refund(two.intent.id, 3n));
    const parts = (kind: "charge" | "refund" | "dispute", after?: string) =>
      taken(bench.gateway.listParts(kind, { order: "newest", ...(after !== undefined && { after }) }), {
        count: 10,
        map: ({ id, life }) => [id, life.intent.id],
      });
    const of = (life: { intent: { id: string }; charges: readonly { id: string }[] }) => [
      life.charges[0]?.id,
      life.intent.id,
    ];
    assert.deepEqual(await parts("charge"), [of(four), of(three.life), of(two), of(one)]);
    assert.deepEqual(
      (await parts("refund")).map(([, id]) => id),
      [two.intent.id, four.intent.id, two.intent.id],
    );
    assert.deepEqual(
      (await parts("refund", last.refunds[1]?.id)).map(([, id]) => id),
      [four.intent.id, two.intent.id],
    );
    assert.deepEqual(
      (await parts("dispute")).map(([, id]) => id),
      [one.intent.id],
    );
  });

  it("goes back through more lines than are read at once, long ones among them", async () => {
    const long = { note: "x".repeat(100_000) };
    const made: string[] = [];
    for (let index = 0; index < 300; index += 1) {
      made.push((await bench.life(intent(index % 100 === 0 ? { metadata: long } : {}))).intent.id);
    }
    const found = await taken(bench.gateway.listParts("charge", { order: "newest" }), {
      count: 1000,
      map: ({ life }) => life.intent.id,
    });
    assert.deepEqual(found, made.toReversed());
  });

  it("tells each change's events once, when the journal has it and before it is answered", async () => {
    const told: GatewayEvent[] = [];
    const stop = bench.gateway.onEvents(({ events: batch }) => told.push(...batch));
    const before = bench.gateway.journalEnd;
    const paid = await bench.life(intent({ payment_method: "pm_card_createDispute" }), "key");
    assert.deepEqual(
      told.map((event) => event.type),
      [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
      ],
    );
    assert.deepEqual(
      told.map((event) => event.request.idempotency_key),
      ["key", "key", "key", null, null],
    );
    const batches = [...bench.gateway.eventsFrom(before)];
    assert.deepEqual(
      batches.flatMap((batch) => batch.events),
      told,
    );
    assert.deepEqual([...bench.gateway.eventsFrom(batches.at(-1)?.after ?? 0)], []);
    stop();
    await bench.life({ operation: "update_intent", id: paid.intent.id, params: { description: "none" } });
    await bench.life(intent());
    assert.equal(told.length, 5);
  });
});
