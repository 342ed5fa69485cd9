import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { eventually, Outbox, paymentsOutOfOrder } from "./outbox.ts";

const times = { leaseTtlMs: 1_000, leaseRenewMs: 250, pollMs: 100 };
const unhurried = { ...times, pollMs: 60_000 };

let outbox: Outbox;
beforeEach(async () => {
  outbox = await Outbox.open();
});
afterEach(() => outbox.close());

async function countListeners(): Promise<number> {
  const { rows } = await outbox.pool.query(
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  return rows[0].n;
}

describe("of several relays", () => {
  it("one leads at any time, and the next takes over from one that stops", async () => {
    const relays = await Promise.all([outbox.startRelay({ times }), outbox.startRelay({ times })]);
    await eventually(() => relays.some((relay) => relay.isLeading()), "a relay leads");
    await outbox.addPayments(200, 3);
    await outbox.allPublished();
    const [leader, follower] = relays.toSorted((a, b) => Number(b.isLeading()) - Number(a.isLeading()));
    assert.equal(leader?.isLeading(), true);
    assert.equal(follower?.isLeading(), false);
    await leader?.stop();
    await eventually(() => follower?.isLeading() === true, "the other relay leads");
    await outbox.addPayments(200, 3);
    await outbox.allPublished();
    assert.deepEqual(paymentsOutOfOrder(await outbox.readStream()), []);
  });

  it("another takes over from one that vanished, within the lease's time", async () => {
    const leader = outbox.spawnRelay(times);
    await eventually(() => leader.messages.includes("relay leads"), "the process leads");
    const follower = await outbox.startRelay({ times });
    await eventually(() => follower.link.isConnected(), "the follower is connected");
    await outbox.addPayments(1_000, 4);
    await eventually(async () => (await outbox.countUnpublished()) < 4_000, "the leader publishes");
    leader.signal("SIGKILL");
    const killedAt = performance.now();
    await eventually(() => follower.isLeading(), "the follower leads");
    assert.ok(performance.now() - killedAt < 2 * times.leaseTtlMs + times.leaseRenewMs);
    await outbox.allPublished();
    const messages = await outbox.readStream();
    assert.equal(messages.length, 4_000);
    assert.deepEqual(paymentsOutOfOrder(messages), []);
  });

  it("one that was stopped while it led, and wakes up when another leads, does no harm", async () => {
    const zombie = outbox.spawnRelay(times);
    await eventually(() => zombie.messages.includes("relay leads"), "the process leads");
    const successor = await outbox.startRelay({ times });
    const ids = await outbox.addPayments(4_000, 4);
    await eventually(async () => (await outbox.countUnpublished()) < 16_000, "the leader publishes");
    zombie.signal("SIGSTOP");
    assert.ok((await outbox.countUnpublished()) > 0);
    await eventually(() => successor.isLeading(), "the successor leads");
    zombie.signal("SIGCONT");
    await eventually(() => zombie.messages.includes("relay stopped publishing"), "the zombie knows");
    await outbox.addEvents(ids, 5);
    await outbox.allPublished();
    const messages = await outbox.readStream();
    assert.equal(messages.length, 20_000);
    assert.deepEqual(paymentsOutOfOrder(messages), []);
  });

  it("one that follows wakes the leader in another process, long before it polls", async () => {
    const leader = await outbox.startRelay({ times: unhurried });
    await eventually(() => leader.isLeading(), "a relay leads");
    const follower = await outbox.startRelay({ times: unhurried });
    await eventually(async () => (await countListeners()) === 2, "both listen");
    const ids = await outbox.addPayments(1, 0);
    await outbox.addEvents(ids, 1);
    const committedAt = performance.now();
    follower.wake();
    await outbox.allPublished();
    assert.ok(performance.now() - committedAt < 1_000);
    assert.equal(follower.isLeading(), false);
  });

  it("the leader hears again after its listening connection was ended", async () => {
    const leader = await outbox.startRelay({ times: unhurried });
    await eventually(() => leader.isLeading(), "a relay leads");
    await eventually(async () => (await countListeners()) === 1, "it listens");
    await outbox.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'",
    );
    await eventually(async () => (await countListeners()) === 1, "it listens again");
    await outbox.addPayments(1, 1);
    await outbox.pool.query("select pg_notify('payment_event', '')");
    await outbox.allPublished();
    assert.equal(leader.isLeading(), true);
  });
});
