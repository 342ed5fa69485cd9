import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { withClient } from "../support/with-client.ts";

let testDatabase: TestDatabase;
let database: Database;
before(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    url: testDatabase.url,
    poolMax: 4,
    statementTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
  });
});
after(async () => {
  await database.close();
  await testDatabase.drop();
});

describe("the migrations", () => {
  it("make the tables that the entities describe, constraints included", async () => {
    assert.equal(await database.orm.schema.getUpdateSchemaSQL({ wrap: false, safe: true }), "");
  });

  it("run once when several processes start on an empty database at the same moment", async () => {
    const name = `fresh_${randomUUID().replaceAll("-", "")}`;
    await database.pool.query(`create database ${name}`);
    const url = new URL(testDatabase.url);
    url.pathname = `/${name}`;
    try {
      const runs = await Promise.all(Array.from({ length: 4 }, () => migrate(url.href)));
      const names = ["001-payments", "002-webhooks", "003-credits"];
      assert.deepEqual(runs.flat(), names);
      const { rows } = await withClient(url.href, (client) => client.query("select name from migration order by id"));
      assert.deepEqual(
        rows,
        names.map((each) => ({ name: each })),
      );
    } finally {
      await database.pool.query(`drop database ${name} with (force)`);
    }
  });
});

describe("the database itself refuses", () => {
  const columns = {
    id: "",
    principal: "'shop'",
    order_id: "'order-1'",
    mode: "'INTENT'",
    capture_method: "'MANUAL'",
    provider: "'mock'",
    currency: "'EUR'",
    amount_minor: "1000",
    items: "'[]'",
    metadata: "'{}'",
    attempts_max: "1",
    client_token: "'t'",
    created_at: "now()",
    status: "'SUCCEEDED'",
    live: "true",
    captured_minor: "1000",
    refunded_minor: "0",
    refund_pending_minor: "0",
    declined_attempts: "'[]'",
    version: "2",
    revision: "3",
    updated_at: "now()",
  };

  async function insert(change: Partial<typeof columns>): Promise<string> {
    const row = { ...columns, id: `'${randomUUID()}'`, ...change };
    const text = `insert into payment (${Object.keys(row).join(", ")}) values (${Object.values(row).join(", ")})`;
    try {
      await database.pool.query(text);
      return "written";
    } catch (error) {
      return (error as { constraint?: string }).constraint ?? String(error);
    }
  }

  const cases: [string, Partial<typeof columns>, string][] = [
    ["an amount of zero", { amount_minor: "0", captured_minor: "0", status: "'PENDING'" }, "payment_amount"],
    ["more captured than is owed", { captured_minor: "1001" }, "payment_captured"],
    ["more given back than was captured", { status: "'REFUNDED'", refunded_minor: "1001" }, "payment_refunded"],
    ["reservations beyond what was captured", { refund_pending_minor: "1001" }, "payment_refunded"],
    ["a status that does not exist", { status: "'PAID'" }, "payment_status"],
    ["a captured payment without money", { captured_minor: "0" }, "payment_status_amounts"],
    ["money on a payment that is only held", { status: "'AUTHORIZED'" }, "payment_status_amounts"],
    ["a closed payment that still holds its order", { status: "'FAILED'", live: "true" }, "payment_live"],
    ["a currency in lower case", { currency: "'eur'" }, "payment_currency"],
    ["a payment without a version", { version: "0" }, "payment_version"],
  ];
  for (const [what, change, constraint] of cases) {
    it(what, async () => assert.equal(await insert(change), constraint));
  }

  it("a second live payment of an order, but not another one after it closed", async () => {
    assert.equal(await insert({ order_id: "'one'" }), "written");
    assert.equal(await insert({ order_id: "'one'" }), "payment_live_order");
    assert.equal(
      await insert({ order_id: "'one'", status: "'CANCELED'", live: "false", captured_minor: "0" }),
      "written",
    );
  });
});
