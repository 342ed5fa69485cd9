import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pino from "pino";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { releaseLease, takeLease } from "../../src/db/leases.ts";
import { Lease } from "../../src/outbox/lease.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { eventually } from "./outbox.ts";

let created: TestDatabase;
let database: Database;
before(async () => {
  created = await createTestDatabase();
  database = await openDatabase({ url: created.url, poolMax: 4, statementTimeoutMs: 5_000, connectTimeoutMs: 5_000 });
});
after(async () => {
  await database.close();
  await created.drop();
});

const terms = (name: string, holder: string, ttlMs = 60_000) => ({ name, holder, ttlMs });

describe("a lease", () => {
  it("is one holder's, who may renew it, until it is given back", async () => {
    assert.equal(await takeLease(database.pool, terms("a", "one")), true);
    assert.equal(await takeLease(database.pool, terms("a", "two")), false);
    assert.equal(await takeLease(database.pool, terms("a", "one")), true);
    await releaseLease(database.pool, terms("a", "two"));
    assert.equal(await takeLease(database.pool, terms("a", "two")), false);
    await releaseLease(database.pool, terms("a", "one"));
    assert.equal(await takeLease(database.pool, terms("a", "two")), true);
  });

  it("is anybody's when it has expired by the database's clock", async () => {
    assert.equal(await takeLease(database.pool, terms("b", "one")), true);
    await database.pool.query("update lease set expires_at = now() - interval '1 ms' where name = 'b'");
    assert.equal(await takeLease(database.pool, terms("b", "two")), true);
    assert.equal(await takeLease(database.pool, terms("b", "one")), false);
  });

  it("goes to one of many who ask at the same moment", async () => {
    const holders = Array.from({ length: 20 }, (_, index) => `holder ${index}`);
    const answers = await Promise.all(holders.map((holder) => takeLease(database.pool, terms("c", holder))));
    assert.equal(answers.filter(Boolean).length, 1);
  });

  it("is kept by its heartbeat beyond its time", async () => {
    const log = pino({ level: "silent" });
    const lease = new Lease({ pool: database.pool, log, name: "d", holder: "one", ttlMs: 600, renewMs: 100 });
    assert.equal(await lease.take(), true);
    const takenAt = performance.now();
    await eventually(() => performance.now() > takenAt + 1_500, "its time is over twice");
    assert.equal(lease.isHeld(), true);
    await lease.release();
    assert.equal(lease.isHeld(), false);
  });

  it("is lost when it cannot be renewed, and not held again by a late success", async () => {
    const log = pino({ level: "silent" });
    const lease = new Lease({ pool: database.pool, log, name: "e", holder: "one", ttlMs: 300, renewMs: 100 });
    assert.equal(await lease.take(), true);
    const blocker = await database.pool.connect();
    await blocker.query("begin");
    await blocker.query("select from lease where name = 'e' for update");
    await eventually(() => !lease.isHeld(), "its time is over");
    await blocker.query("commit");
    blocker.release();
    const unlockedAt = performance.now();
    await eventually(() => performance.now() > unlockedAt + 300, "a late answer had time to arrive");
    assert.equal(lease.isHeld(), false);
    await lease.release();
  });
});
