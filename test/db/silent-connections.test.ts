// A network that fails without a word: connections stay open, and nobody answers on them any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "../../src/db/database.ts";
import { createReads } from "../../src/db/reads.ts";
import { createTestDatabase } from "../support/database.ts";
import { CLEAR } from "../torture/wire/condition.ts";
import { Wire } from "../torture/wire/wire.ts";

const POOL_MAX = 3;
const FILTER = { orderId: null, customerId: null, statuses: [], createdFrom: null, createdTo: null };

test("reads work again after all connections of the pool fell silent under them", async (t) => {
  const testDatabase = await createTestDatabase();
  const url = new URL(testDatabase.url);
  const wire = await Wire.open({ target: { host: url.hostname, port: Number(url.port) }, on: "database" });
  url.port = String(wire.port);
  const database = await openDatabase({
    url: url.href,
    poolMax: POOL_MAX,
    statementTimeoutMs: 1_000,
    connectTimeoutMs: 5_000,
  });
  t.after(async () => {
    await database.close();
    await wire.close();
    await testDatabase.drop();
  });
  const reads = createReads(database.orm);
  const readAbreast = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(Array.from({ length: POOL_MAX }, () => reads.listPayments(FILTER, { after: null, limit: 5 })));
  await readAbreast();
  wire.setCondition({ kind: "blackhole" });
  const lost = await readAbreast();
  assert.ok(lost.every(({ status }) => status === "rejected"));
  assert.equal(wire.silent, POOL_MAX);
  wire.setCondition(CLEAR);
  const again = await readAbreast();
  assert.deepEqual(
    again.map(({ status }) => status),
    Array.from({ length: POOL_MAX }, () => "fulfilled"),
  );
});
