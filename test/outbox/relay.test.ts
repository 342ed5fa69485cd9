import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { StorageType } from "@nats-io/jetstream";
import { eventually, newEventId, Outbox, STREAM } from "./outbox.ts";

const addEventStatement = `
  insert into payment_event (id, payment_id, version, type, status, data, created_at)
  values ($1::uuid, $2::uuid, 1, 'payment.created', 'PENDING', jsonb_build_object('paymentId', $2::uuid, 'version', 1), clock_timestamp())`;

let outbox: Outbox;
beforeEach(async () => {
  outbox = await Outbox.open();
});
afterEach(() => outbox.close());

describe("what is in the outbox", () => {
  it("reaches the stream once, those of a payment in order and without a gap", async () => {
    await outbox.addPayments(500, 6);
    await outbox.startRelay();
    await outbox.allPublished();
    await outbox.assertStreamIsWhole();
  });

  it("carries its type as the subject, and CloudEvents attributes as headers", async () => {
    await outbox.addPayments(1, 1);
    await outbox.startRelay();
    await outbox.allPublished();
    const [message] = await outbox.readStream();
    const [id] = await outbox.eventIds();
    const { rows } = await outbox.pool.query(
      `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at from payment_event`,
    );
    assert.equal(message?.subject, "payment.created");
    assert.deepEqual(Object.fromEntries(message?.headers ?? []), {
      "Nats-Msg-Id": id,
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-type": "payment.created",
      "ce-source": "/test",
      "ce-time": rows[0].at,
      "content-type": "application/json",
    });
  });

  it("keeps every digit of an amount that no double holds", async () => {
    const ids = await outbox.addPayments(1, 0);
    await outbox.addEvents(ids, 1, '{"amount": 92233720368547758.07, "amountMinor": "9223372036854775807"}');
    await outbox.startRelay();
    await outbox.allPublished();
    const { rows } = await outbox.pool.query("select data::text as body from payment_event");
    const [message] = await outbox.readStream();
    assert.equal(message?.body, rows[0].body);
    assert.match(message?.body ?? "", /"amount": 92233720368547758\.07,/);
  });

  it("is sent at once when the process that wrote it leads", async () => {
    const relay = await outbox.startRelay({ times: { pollMs: 60_000 } });
    await eventually(() => relay.isLeading(), "the relay leads");
    const ids = await outbox.addPayments(1, 0);
    await outbox.addEvents(ids, 1);
    const committedAt = performance.now();
    relay.wake();
    await outbox.allPublished();
    assert.ok(performance.now() - committedAt < 1_000);
  });

  it("is found by the poll when nobody says a word", async () => {
    const relay = await outbox.startRelay({ times: { pollMs: 100 } });
    await eventually(() => relay.isLeading(), "the relay leads");
    await outbox.addPayments(3, 2);
    await outbox.allPublished();
    assert.equal((await outbox.readStream()).length, 6);
  });

  it("is not left behind when it took its position early and was committed late", async () => {
    await outbox.startRelay({ times: { pollMs: 100 } });
    const [late = "", early = ""] = await outbox.addPayments(2, 0);
    const transaction = await outbox.pool.connect();
    try {
      await transaction.query("begin");
      await transaction.query(addEventStatement, [newEventId(), late]);
      await outbox.addEvents([early], 1);
      await eventually(async () => (await outbox.readStreamOrNothing()).length === 1, "the other event is published");
      await transaction.query("commit");
    } finally {
      transaction.release();
    }
    await outbox.allPublished();
    await outbox.assertStreamIsWhole();
  });

  it("is counted until it is sent", async () => {
    await outbox.nats.stop();
    const relay = await outbox.startRelay();
    assert.deepEqual(await relay.depth(), { events: 0, oldestCreatedAt: null });
    await outbox.addPayments(3, 2);
    const { events, oldestCreatedAt } = await relay.depth();
    assert.equal(events, 6);
    assert.ok(oldestCreatedAt instanceof Date);
  });

  it("is sent by stop(), which gives the lease back", async () => {
    const relay = await outbox.startRelay({ times: { pollMs: 60_000 } });
    await eventually(() => relay.isLeading(), "the relay leads");
    await outbox.addPayments(1_000, 5);
    await relay.stop();
    assert.equal(await outbox.countUnpublished(), 0);
    assert.equal((await outbox.readStream()).length, 5_000);
    const { rows } = await outbox.pool.query("select * from lease");
    assert.deepEqual(rows, []);
  });

  it("waits for an event of its payment that the stream refuses, and other payments go on", async () => {
    const [refused = "", ...others] = await outbox.addPayments(20, 1);
    const tooLarge = JSON.stringify({ note: "x".repeat(2_000_000) });
    await outbox.addEvents([refused], 2, tooLarge);
    await outbox.addEvents([refused, ...others], 3);
    await outbox.startRelay({ times: { drainTimeoutMs: 100 } });
    await eventually(async () => (await outbox.countUnpublished()) === 2, "all but two events are published");
    const { rows } = await outbox.pool.query("select version from payment_event where published_at is null order by 1");
    assert.deepEqual(
      rows.map(({ version }) => version),
      [2, 3],
    );
  });
});

describe("the stream", () => {
  it("is created with the settings that the promises need", async () => {
    const relay = await outbox.startRelay();
    await eventually(() => relay.isLeading(), "the relay leads");
    const { config } = await (await outbox.manager()).streams.info(STREAM);
    assert.deepEqual(config.subjects, ["payment.>"]);
    assert.equal(config.storage, StorageType.File);
    assert.equal(config.max_age, 30 * 24 * 3_600_000_000_000);
    assert.equal(config.duplicate_window, 2 * 3_600_000_000_000);
    assert.equal(config.deny_delete, true);
    assert.equal(config.deny_purge, true);
    assert.equal(config.num_replicas, 1);
  });

  it("is changed where the server allows it, and used as it is where not", async () => {
    const manager = await outbox.manager();
    await manager.streams.add({ name: STREAM, subjects: ["payment.created"], storage: StorageType.Memory });
    const relay = await outbox.startRelay();
    await outbox.addPayments(1, 1);
    relay.wake();
    await outbox.allPublished();
    const { config } = await manager.streams.info(STREAM);
    assert.deepEqual(config.subjects, ["payment.>"]);
    assert.equal(config.duplicate_window, 2 * 3_600_000_000_000);
    assert.equal(config.storage, StorageType.Memory);
    const refused = relay.lines.filter(({ msg }) => msg === "stream setting cannot be changed");
    assert.deepEqual(
      refused.map(({ setting }) => setting),
      ["storage"],
    );
  });
});
