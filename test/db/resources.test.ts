// What PostgreSQL could not do for want of room, memory or connections passes once there is some: the database is away meanwhile, and its callers come back.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Pool } from "pg";
import { openPool } from "../../src/db/database.ts";
import { DatabaseUnavailable, runNamed, translateDatabaseError } from "../../src/db/named-query.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

const RAISE = `
  create function raise_state(input json) returns int language plpgsql as $$
  begin
    raise exception using errcode = input -> 0 ->> 'state';
  end $$`;

let database: TestDatabase;
let pool: Pool;
before(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, poolMax: 1, statementTimeoutMs: 5_000, connectTimeoutMs: 5_000 });
  await pool.query(RAISE);
});
after(async () => {
  await pool.end();
  await database.drop();
});

function fail(state: string): Promise<unknown> {
  return runNamed(pool, { name: "raise", text: "select raise_state($1::json)" }, [{ state }]);
}

describe("a statement for which there was", () => {
  for (const [what, state] of [
    ["no room on the disk", "53100"],
    ["no memory", "53200"],
    ["no resource of another kind", "53000"],
    ["a disk that does not work", "58030"],
  ] as const) {
    it(`${what} had no effect, and may be sent again`, async () => {
      await assert.rejects(fail(state), (error) => error instanceof DatabaseUnavailable && !error.mayBeWritten);
    });
  }
});

it("a disk that was full when the server wrote its log says nothing about the commit", () => {
  const panic = Object.assign(new Error("could not write to file"), { code: "53100", severity: "PANIC" });
  const told = translateDatabaseError(panic, true);
  assert.ok(told instanceof DatabaseUnavailable && told.mayBeWritten);
});

it("a statement that is at fault itself is told as it is", async () => {
  await assert.rejects(fail("42703"), (error) => !(error instanceof DatabaseUnavailable));
});
