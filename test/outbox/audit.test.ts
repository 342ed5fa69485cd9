import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { eventually, newEventId, Outbox, paymentsOutOfOrder, type RunningRelay } from "./outbox.ts";

const times = { auditIntervalMs: 100, pollMs: 100 };

let outbox: Outbox;
beforeEach(async () => {
  outbox = await Outbox.open();
});
afterEach(() => outbox.close());

function countAudits(relay: RunningRelay, msg: string): number {
  return relay.lines.filter((line) => line["msg"] === msg).length;
}

describe("the audit", () => {
  it("has everything published again, in order, when the server lost its store", async () => {
    await outbox.startRelay();
    await outbox.addPayments(2_000, 4);
    await outbox.allPublished();
    const before = await outbox.readStream();
    await outbox.nats.stop();
    outbox.nats.wipe();
    await outbox.nats.start();
    const stored = async () => (await outbox.readStreamOrNothing()).length === before.length;
    await eventually(stored, "the stream is whole again");
    const after = await outbox.readStream();
    const ids = (messages: typeof before) => messages.map(({ messageId }) => messageId).toSorted();
    assert.deepEqual(ids(after), ids(before));
    assert.deepEqual(paymentsOutOfOrder(after), []);
    await outbox.allPublished();
  });

  it("finds, later, an event that is marked and not on the stream", async () => {
    const relay = await outbox.startRelay({ times });
    await outbox.addPayments(20, 2);
    await outbox.allPublished();
    const ids = await outbox.addPayments(1, 0);
    await outbox.pool.query(
      `insert into payment_event (id, payment_id, version, type, status, data, created_at, published_at)
       values ($1, $2, 1, 'payment.created', 'PENDING', '{}', now(), now())`,
      [newEventId(), ids[0]],
    );
    await eventually(async () => (await outbox.readStream()).length === 41, "the event is on the stream");
    await outbox.allPublished();
    const found = relay.lines.filter(({ msg }) => msg === "stream lacks events; they are published again");
    assert.deepEqual(
      found.map(({ lost }) => lost),
      [1],
    );
  });

  it("touches nothing when the stream is whole", async () => {
    const relay = await outbox.startRelay({ times });
    await outbox.addPayments(6_000, 2);
    await outbox.allPublished();
    const marks = "select id, published_at from payment_event order by id";
    const before = await outbox.pool.query(marks);
    const audits = countAudits(relay, "stream has every event");
    await eventually(() => countAudits(relay, "stream has every event") >= audits + 3, "three more audits are done");
    assert.deepEqual((await outbox.pool.query(marks)).rows, before.rows);
    assert.equal(countAudits(relay, "stream lacks events; they are published again"), 0);
    assert.equal(relay.lines.findLast(({ msg }) => msg === "stream has every event")?.["checked"], 12_000);
  });

  it("does not look for what the stream dropped because it is full", async () => {
    const manager = await outbox.manager();
    await manager.streams.add({ name: "PAYMENTS", subjects: ["payment.>"], max_msgs: 100 });
    const relay = await outbox.startRelay({ times });
    await outbox.addPayments(300, 1);
    await outbox.allPublished();
    const audits = countAudits(relay, "stream has every event");
    await eventually(() => countAudits(relay, "stream has every event") >= audits + 3, "three more audits are done");
    assert.equal(countAudits(relay, "stream lacks events; they are published again"), 0);
  });
});
