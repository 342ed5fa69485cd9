import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startEmbeddedNats } from "../../src/embedded/nats.ts";
import { startEmbeddedPostgres } from "../../src/embedded/postgres.ts";
import { searchPath } from "../support/search-path.ts";
import { makeDataDir, noServers, query, runningServers, silentLog, waitFor } from "./data-directory.ts";
import { countStoredMessages, storeMessage } from "./nats-client.ts";
import { spawnService } from "./service.ts";

const log = silentLog;

for (const access of ["open", "closed"] as const) {
  test(`the servers of a killed service are replaced, with their data, in a directory ${access} to others`, async () => {
    const dataDir = makeDataDir(access);
    const service = spawnService(dataDir);
    const addresses = await service.ready;
    await query(addresses.postgres, "create table kept as select 1 as one");
    await storeMessage(addresses.nats);
    await service.end("SIGKILL");
    assert.equal(runningServers(dataDir).postmasters.length, 1);
    assert.equal(runningServers(dataDir).natsServers.length, 1);

    const postgres = await startEmbeddedPostgres({ dataDir, log });
    const nats = await startEmbeddedNats({ dataDir, log, path: searchPath });
    assert.deepEqual({ postgres: postgres.url, nats: nats.url }, addresses);
    assert.deepEqual(runningServers(dataDir), { postmasters: [postgres.pid], natsServers: [nats.pid], others: [] });
    assert.deepEqual(await query(postgres.url, "select one from kept"), [1]);
    assert.equal(await countStoredMessages(nats.url), 1);

    await Promise.all([postgres.stop(), nats.stop()]);
    assert.deepEqual(runningServers(dataDir), noServers);
  });
}

test("a second service on the same data is refused, and the first keeps its servers", async (t) => {
  const dataDir = makeDataDir();
  const service = spawnService(dataDir);
  const addresses = await service.ready;
  t.after(() => service.end("SIGTERM"));
  await assert.rejects(
    startEmbeddedPostgres({ dataDir, log }),
    new RegExp(`process id ${service.pid}; set DATA_DIR or DATABASE_URL`),
  );
  await assert.rejects(
    startEmbeddedNats({ dataDir, log, path: searchPath }),
    new RegExp(`process id ${service.pid}; set DATA_DIR or NATS_URL`),
  );
  assert.deepEqual(await query(addresses.postgres, "select 1"), [1]);
});

test("a service that ends at once leaves no server behind and loses nothing that was committed", async (t) => {
  const dataDir = makeDataDir();
  const service = spawnService(dataDir);
  const addresses = await service.ready;
  await query(addresses.postgres, "create table kept as select 1 as one");
  await service.end("SIGTERM");
  const count = (): number => Object.values(runningServers(dataDir)).flat().length;
  await waitFor(() => count() === 0, "the end of both servers");

  const postgres = await startEmbeddedPostgres({ dataDir, log });
  t.after(() => postgres.stop());
  assert.deepEqual(await query(postgres.url, "select one from kept"), [1]);
});

test("a service killed while its database is created for the first time leaves nothing in the way", async () => {
  const dataDir = makeDataDir();
  const service = spawnService(dataDir);
  await waitFor(() => runningServers(dataDir).others.length > 0, "initdb");
  await service.end("SIGKILL");
  assert.equal(existsSync(join(dataDir, "postgres")), false);

  const postgres = await startEmbeddedPostgres({ dataDir, log });
  const nats = await startEmbeddedNats({ dataDir, log, path: searchPath });
  assert.deepEqual(await query(postgres.url, "select current_database()"), ["payment"]);
  await waitFor(() => runningServers(dataDir).others.length === 0, "the end of the first initdb");
  assert.deepEqual(
    readdirSync(dataDir).filter((name) => name.startsWith("postgres.new-")),
    [],
  );
  await Promise.all([postgres.stop(), nats.stop()]);
  assert.deepEqual(runningServers(dataDir), noServers);
});
