import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { eventually, Outbox, paymentsOutOfOrder, STREAM } from "./outbox.ts";
import { openSlowProxy } from "./slow-proxy.ts";

const WARN = 40;
const KILLS = 5;

let outbox: Outbox;
beforeEach(async () => {
  outbox = await Outbox.open();
});
afterEach(() => outbox.close());

describe("while NATS is away", () => {
  it("events wait, the log stays short, and everything is sent when it is there", async () => {
    await outbox.nats.stop();
    const relay = await outbox.startRelay();
    await assert.rejects(relay.link.check(), /NATS is not connected/);
    await outbox.addPayments(100, 3);
    relay.wake();
    await eventually(() => relay.lines.some(({ level }) => level === WARN), "the relay says that NATS is away");
    assert.equal(relay.link.isConnected(), false);
    assert.equal(await outbox.countUnpublished(), 300);
    await outbox.nats.start();
    await outbox.allPublished();
    await relay.link.check();
    assert.equal((await outbox.readStream()).length, 300);
    assert.equal(relay.lines.filter(({ level }) => level === WARN).length, 1);
  });

  it("a relay that cannot reach it leaves the lead to one that can", async () => {
    await outbox.startRelay({ natsUrl: "nats://127.0.0.1:9" });
    await outbox.addPayments(10, 1);
    await outbox.startRelay();
    await outbox.allPublished();
  });

  it("and comes back again and again in the middle, each event is on the stream once", async () => {
    await outbox.addPayments(5_000, 4);
    await outbox.startRelay();
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const left = 20_000 - kill * 3_000;
      await eventually(async () => (await outbox.countUnpublished()) < left, `fewer than ${left} events are left`);
      assert.ok((await outbox.countUnpublished()) > 0);
      const { pid } = outbox.nats;
      outbox.nats.kill();
      await eventually(() => outbox.nats.pid !== pid, "the server is started again");
    }
    await outbox.allPublished();
    await outbox.assertStreamIsWhole();
  });
});

describe("an event is marked", () => {
  it("once it is stored, also when the answer came too late", async () => {
    const proxy = await openSlowProxy(new URL(outbox.nats.url));
    try {
      const relay = await outbox.startRelay({ natsUrl: proxy.url, times: { ackTimeoutMs: 300 } });
      await eventually(() => relay.isLeading(), "the relay leads");
      proxy.holdAnswers();
      await outbox.addPayments(50, 3);
      relay.wake();
      const late = "event not published, trying again";
      await eventually(() => relay.lines.some(({ msg }) => msg === late), "an answer is late");
      assert.equal(await outbox.countUnpublished(), 150);
      proxy.releaseAnswers();
      await outbox.allPublished();
      await outbox.assertStreamIsWhole();
      await relay.stop();
    } finally {
      await proxy.close();
    }
  });

  it("by the answer of our stream alone, and not by that of another one", async () => {
    const relay = await outbox.startRelay({ times: { pollMs: 100 } });
    await eventually(() => relay.isLeading(), "the relay leads");
    const manager = await outbox.manager();
    await manager.streams.delete(STREAM);
    await manager.streams.add({ name: "OTHER", subjects: ["payment.>"] });
    await outbox.addPayments(10, 2);
    const stored = async () => (await manager.streams.info("OTHER")).state.messages > 0;
    await eventually(stored, "the other stream stores an event");
    await eventually(() => !relay.isLeading(), "the relay notices");
    assert.equal(await outbox.countUnpublished(), 20);
    await manager.streams.delete("OTHER");
    await outbox.allPublished();
    await outbox.assertStreamIsWhole();
  });
});

describe("when PostgreSQL ends every connection", () => {
  it("the relay goes on by itself", async () => {
    const relay = await outbox.startRelay({ times: { pollMs: 100 } });
    await eventually(() => relay.isLeading(), "the relay leads");
    await outbox.addPayments(1_000, 3);
    await outbox.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    await outbox.addPayments(1_000, 3);
    await outbox.allPublished();
    const messages = await outbox.readStream();
    assert.equal(messages.length, 6_000);
    assert.deepEqual(paymentsOutOfOrder(messages), []);
  });
});
