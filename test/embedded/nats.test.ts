import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startEmbeddedNats } from "../../src/embedded/nats.ts";
import { searchPath } from "../support/search-path.ts";
import { announcingLog, makeDataDir, noServers, runningServers, silentLog } from "./data-directory.ts";
import { connectTo, countStoredMessages, storeMessage } from "./nats-client.ts";

const log = silentLog;

test("messages and address outlast a stop and a start", async (t) => {
  const dataDir = makeDataDir();
  const first = await startEmbeddedNats({ dataDir, log, path: searchPath });
  await storeMessage(first.url);
  await first.stop();
  assert.deepEqual(runningServers(dataDir), noServers);

  const second = await startEmbeddedNats({ dataDir, log, path: searchPath });
  t.after(() => second.stop());
  assert.equal(second.url, first.url);
  assert.equal(await countStoredMessages(first.url), 1);
});

test("a client without the password is refused, and the password is readable by its owner alone", async (t) => {
  const dataDir = makeDataDir();
  const server = await startEmbeddedNats({ dataDir, log, path: searchPath });
  t.after(() => server.stop());
  await assert.rejects(connect({ servers: new URL(server.url).host, reconnect: false }), /Authorization Violation/i);
  for (const file of ["password", "server.conf"]) {
    assert.equal(statSync(join(dataDir, "nats", file)).mode & 0o777, 0o600);
    assert.match(readFileSync(join(dataDir, "nats", file), "utf8"), new RegExp(new URL(server.url).password));
  }
});

test("a killed server comes back on the same port, and a connected client finds it again", async (t) => {
  const { log: announced, logged } = announcingLog();
  const server = await startEmbeddedNats({ dataDir: makeDataDir(), log: announced, path: searchPath });
  t.after(() => server.stop());
  await storeMessage(server.url);
  const client = await connectTo(server.url);
  t.after(() => client.close());
  const reconnected = (async () => {
    for await (const status of client.status()) if (status.type === "reconnect") return;
  })();
  process.kill(server.pid, "SIGKILL");
  await logged("embedded server restarted");
  await reconnected;
  assert.equal(await countStoredMessages(server.url), 1);
});

test("a named program that does not exist is refused by the name of its setting", async () => {
  const binary = "/nowhere/nats-server";
  await assert.rejects(startEmbeddedNats({ dataDir: makeDataDir(), log, binary }), /NATS_SERVER_BIN names \/nowhere/);
});
