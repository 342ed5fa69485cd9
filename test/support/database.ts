// A database of its own for each test (or test file): the migrations run once, into a template, which is then cloned. The
// template is named after the migrations, so that processes that share a server share it, and a server that outlives a
// run never serves a stale one.
import { createHash, randomUUID } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import type pg from "pg";
import { migrate } from "../../src/db/migrate.ts";
import { startDatabaseServer, type TestServer } from "./database-server.ts";
import { withClient } from "./with-client.ts";

/** Any number; all that matters is that every test process waits on the same one. */
const TEMPLATE_LOCK = 7_205_259;

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

let server: Promise<TestServer> | undefined;
/** The hook below runs before those of the test file: a server of its own then takes its databases with it. */
let gone = false;
// Here and not where the server is started: a hook registered inside a test runs when that test ends.
after(async () => {
  gone = process.env["TEST_DATABASE_URL"] === undefined;
  await (await server)?.stop();
});

export async function createTestDatabase(): Promise<TestDatabase> {
  server ??= startDatabaseServer();
  const { url } = await server;
  const template = await prepareTemplate(url);
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await withClient(url, (client) => client.query(`create database ${name} template ${template}`));
  return {
    url: databaseUrl(url, name),
    async drop() {
      if (!gone) await withClient(url, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

/** Returns the template's name, after making it if no process has yet. */
function prepareTemplate(url: string): Promise<string> {
  const name = `template_${migrationsDigest()}`;
  return withClient(url, async (client) => {
    // The end of the connection gives it back.
    await client.query("select pg_advisory_lock($1)", [TEMPLATE_LOCK]);
    const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
    if (rowCount === 0) await createTemplate(client, { url, name });
    return name;
  });
}

async function createTemplate(client: pg.Client, { url, name }: { url: string; name: string }): Promise<void> {
  // Migrated under another name: a run that dies on the way must not leave half a template behind under the real one.
  const draft = `${name}_draft`;
  await client.query(`drop database if exists ${draft} with (force)`);
  await client.query(`create database ${draft}`);
  await migrate(databaseUrl(url, draft));
  // A template that nobody may connect to can be cloned by many sessions at once, without a lock.
  await client.query(`alter database ${draft} allow_connections false`);
  await client.query(`alter database ${draft} rename to ${name}`);
}

function migrationsDigest(): string {
  const folder = join(import.meta.dirname, "../../src/db");
  const hash = createHash("sha256");
  for (const file of globSync("**/*.ts", { cwd: folder }).toSorted()) {
    hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

function databaseUrl(url: string, name: string): string {
  const database = new URL(url);
  database.pathname = `/${name}`;
  return database.href;
}
