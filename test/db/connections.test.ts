import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Pool } from "pg";
import { type Database, openDatabase, openPool } from "../../src/db/database.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let testDatabase: TestDatabase;
let database: Database;
let pool: Pool;
before(async () => {
  testDatabase = await createTestDatabase();
  const options = { url: testDatabase.url, poolMax: 2, statementTimeoutMs: 5_000, connectTimeoutMs: 5_000 };
  database = await openDatabase(options);
  pool = openPool(options);
});
after(async () => {
  await database.close();
  await pool.end();
  await testDatabase.drop();
});

// An error event that nobody hears would end the process, and this file with it.
describe("a connection that PostgreSQL ends while it is checked out without a statement under way", () => {
  for (const [name, poolOf] of [
    ["the ORM's pool", () => database.pool],
    ["a pool of its own", () => pool],
  ] as const) {
    it(`is replaced: ${name}`, async () => {
      const client = await poolOf().connect();
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      // Not once(), which would hear the error.
      const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
      await poolOf().query("select pg_terminate_backend($1)", [rows[0]?.pid]);
      await ended;
      client.release(true);
      const again = await poolOf().query<{ pid: number }>("select pg_backend_pid() as pid");
      assert.notEqual(again.rows[0]?.pid, rows[0]?.pid);
    });
  }
});
