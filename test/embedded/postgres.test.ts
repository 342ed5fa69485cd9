import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { startEmbeddedPostgres } from "../../src/embedded/postgres.ts";
import { announcingLog, makeDataDir, noServers, query, runningServers, silentLog, waitFor } from "./data-directory.ts";

const log = silentLog;

test("data, address and password outlast a stop and a start", async (t) => {
  const dataDir = makeDataDir();
  const first = await startEmbeddedPostgres({ dataDir, log });
  await query(first.url, "create table kept as select 9007199254740993::bigint as minor");
  await first.stop();
  assert.deepEqual(runningServers(dataDir), noServers);

  const second = await startEmbeddedPostgres({ dataDir, log });
  t.after(() => second.stop());
  assert.equal(second.url, first.url);
  assert.deepEqual(await query(first.url, "select minor from kept"), ["9007199254740993"]);
});

test("commits wait for the disk, only loopback listens, and the password is asked for and kept private", async (t) => {
  const dataDir = makeDataDir();
  const server = await startEmbeddedPostgres({ dataDir, log });
  t.after(() => server.stop());
  const settings = "'fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'unix_socket_directories'";
  assert.deepEqual(
    await query(server.url, `select name || '=' || setting from pg_settings where name in (${settings}) order by name`),
    [
      "fsync=on",
      "full_page_writes=on",
      "listen_addresses=127.0.0.1",
      "synchronous_commit=on",
      "unix_socket_directories=",
    ],
  );
  const wrong = new URL(server.url);
  wrong.password = "wrong";
  await assert.rejects(query(wrong.href, "select 1"), { code: "28P01" });
  assert.equal(statSync(join(dataDir, "postgres", "password")).mode & 0o777, 0o600);
});

test("a directory that other users cannot enter serves as well, also after it was open", async () => {
  const dataDir = makeDataDir("open");
  const open = await startEmbeddedPostgres({ dataDir, log });
  await query(open.url, "create table kept as select 1 as one");
  await open.stop();
  for (const [mode, table] of [
    [0o700, "closed"],
    [0o755, "reopened"],
  ] as const) {
    chmodSync(dirname(dataDir), mode);
    const server = await startEmbeddedPostgres({ dataDir, log });
    await query(server.url, `create table ${table} as select one from kept`);
    assert.deepEqual(await query(server.url, `select one from ${table}`), [1]);
    await server.stop();
  }
  assert.deepEqual(runningServers(dataDir), noServers);
});

test("a first start below a directory that other users cannot enter works", async (t) => {
  const server = await startEmbeddedPostgres({ dataDir: makeDataDir("closed"), log });
  t.after(() => server.stop());
  assert.deepEqual(await query(server.url, "select current_database()"), ["payment"]);
});

test("a killed server comes back on the same port with what was committed", async (t) => {
  const { log: announced, logged } = announcingLog();
  const server = await startEmbeddedPostgres({ dataDir: makeDataDir(), log: announced });
  t.after(() => server.stop());
  await query(server.url, "create table kept as select 1 as one");
  const killed = server.pid;
  process.kill(killed, "SIGKILL");
  await logged("embedded server restarted");
  assert.notEqual(server.pid, killed);
  assert.deepEqual(await query(server.url, "select one from kept"), [1]);
});

test("stop wins over a restart", async () => {
  const dataDir = makeDataDir();
  const { log: announced, logged } = announcingLog();
  const server = await startEmbeddedPostgres({ dataDir, log: announced });
  process.kill(server.pid, "SIGKILL");
  await logged("embedded server ended");
  await server.stop();
  await waitFor(() => runningServers(dataDir).postmasters.length === 0, "the end of the killed server");
  const next = await startEmbeddedPostgres({ dataDir, log });
  assert.deepEqual(runningServers(dataDir).postmasters, [next.pid]);
  await next.stop();
});

test("a port that was asked for and is taken is named in the refusal, and the directory stays free", async (t) => {
  const dataDir = makeDataDir();
  const rival = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => rival.once("listening", resolve));
  t.after(() => rival.close());
  const { port } = rival.address() as AddressInfo;
  await assert.rejects(startEmbeddedPostgres({ dataDir, log, port }), new RegExp(`port ${port} .* in use`));
  const server = await startEmbeddedPostgres({ dataDir, log });
  await server.stop();
});

test("a pid file that names a stranger neither hinders the start nor harms the stranger", async (t) => {
  const dataDir = makeDataDir("closed");
  await (await startEmbeddedPostgres({ dataDir, log })).stop();
  const stranger = spawn(process.execPath, ["--eval", "setInterval(() => {}, 60_000)"]);
  t.after(() => stranger.kill());
  writeFileSync(join(dataDir, "postgres", "data", "postmaster.pid"), `${stranger.pid}\n`, { mode: 0o600 });
  const server = await startEmbeddedPostgres({ dataDir, log });
  assert.deepEqual(await query(server.url, "select 1"), [1]);
  await server.stop();
  assert.deepEqual([stranger.exitCode, stranger.signalCode], [null, null]);
});

test("an unfinished first start is not taken for a finished one", async (t) => {
  const dataDir = makeDataDir();
  mkdirSync(join(dataDir, "postgres.new-left", "data"), { recursive: true });
  writeFileSync(join(dataDir, "postgres.new-left", "data", "PG_VERSION"), "18\n");
  const server = await startEmbeddedPostgres({ dataDir, log });
  t.after(() => server.stop());
  assert.deepEqual(await query(server.url, "select 1"), [1]);
  assert.throws(() => statSync(join(dataDir, "postgres.new-left")), { code: "ENOENT" });
});
