// The service's clock is the database's, whatever the machine's own says.
import assert from "node:assert/strict";
import { after, before, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import pino from "pino";
import { DatabaseClock } from "../../src/db/clock.ts";
import { openPool } from "../../src/db/database.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

const HOUR_MS = 3_600_000;
/** What lies between two readings on a busy machine. */
const APART_MAX_MS = 2_000;
const log = pino({ level: "silent" });

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

function openTestPool() {
  return openPool({ url: database.url, poolMax: 2, statementTimeoutMs: 5_000, connectTimeoutMs: 5_000 });
}

async function open(t: TestContext, lookIntervalMs?: number) {
  const pool = openTestPool();
  const clock = await DatabaseClock.open(pool, log, lookIntervalMs);
  t.after(async () => {
    await clock.stop();
    if (!pool.ended) await pool.end();
  });
  return { pool, clock };
}

async function databaseTime(): Promise<number> {
  const pool = openTestPool();
  const { rows } = await pool.query<{ now: Date }>("select now() as now");
  await pool.end();
  return rows[0]?.now.getTime() ?? 0;
}

function assertClose(clock: DatabaseClock, time: number): void {
  const apartMs = clock.now().getTime() - time;
  assert.ok(Math.abs(apartMs) < APART_MAX_MS, `${apartMs} ms from the database's time`);
}

for (const [name, shiftMs] of [
  ["ahead", HOUR_MS],
  ["behind", -HOUR_MS],
] as const) {
  it(`a machine's clock that is an hour ${name} is not heard`, async (t) => {
    const right = await databaseTime();
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + shiftMs });
    const { clock } = await open(t);
    assertClose(clock, right);
  });

  it(`a machine's clock that jumps an hour ${name} changes nothing`, async (t) => {
    const { clock } = await open(t);
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + shiftMs });
    assertClose(clock, await databaseTime());
  });
}

it("a database's clock that is set is followed at the next look", async (t) => {
  const { pool, clock } = await open(t, 20);
  const looked = Promise.withResolvers<void>();
  const rightMs = Date.now();
  t.mock.method(pool, "query", () => {
    // Two looks later the first one has been heeded.
    if (clock.now().getTime() > rightMs + HOUR_MS / 2) looked.resolve();
    return Promise.resolve({ rows: [{ time: Date.now() + HOUR_MS }] });
  });
  await looked.promise;
  assertClose(clock, Date.now() + HOUR_MS);
});

it("time goes on while the database is away", async (t) => {
  const { pool, clock } = await open(t, 10);
  await pool.end();
  const before = clock.now().getTime();
  await delay(50);
  const passedMs = clock.now().getTime() - before;
  assert.ok(passedMs >= 40 && passedMs < APART_MAX_MS, `${passedMs} ms passed`);
});
