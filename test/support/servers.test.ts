import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import pg from "pg";
import { createTestDatabase } from "./database.ts";
import { startNatsServer } from "./nats-server.ts";
import { withClient } from "./with-client.ts";

function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  return withClient(url, async (client) => (await client.query(sql)).rows);
}

test("databases made at the same time are migrated and apart", async (t) => {
  const databases = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase()));
  t.after(() => Promise.all(databases.map((database) => database.drop())));
  assert.equal(new Set(databases.map(({ url }) => url)).size, 8);
  for (const { url } of databases) {
    assert.deepEqual(await query(url, "select count(*)::int as count from payment"), [{ count: 0 }]);
    await query(url, "create table mark (id int primary key)");
  }
});

test("a database is dropped while a client is still connected", async () => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  const ended = new Promise<void>((resolve) => client.on("end", resolve));
  client.on("error", () => {});
  await client.connect();
  await database.drop();
  await ended;
  await assert.rejects(query(database.url, "select 1"), { code: "3D000" });
});

test("each nats-server has a JetStream of its own", async (t) => {
  const servers = await Promise.all([startNatsServer(), startNatsServer()]);
  t.after(() => Promise.all(servers.map((server) => server.stop())));
  const [first, second] = await Promise.all([servers[0].connect(), servers[1].connect()]);
  t.after(() => Promise.all([first.close(), second.close()]));
  await (await jetstreamManager(first)).streams.add({ name: "PAYMENTS", subjects: ["payment.>"] });
  const streams = await (await jetstreamManager(second)).streams.list().next();
  assert.deepEqual(streams, []);
});
