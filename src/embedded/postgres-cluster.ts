import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { PostgresUser } from "./postgres-user.ts";
import { giveTo, runAs } from "./postgres-user.ts";
import { runCommand } from "./run-command.ts";

const initdbTimeoutMs = 60_000;
const unfinishedPrefix = "postgres.new-";
const passwordBytes = 24;

/** The superuser and the database of every embedded server. */
export const postgresRole = "payment";
export const postgresDatabase = "payment";

/** The files of one embedded PostgreSQL, all in one directory so that they appear and go together. */
export interface PostgresFiles {
  readonly directory: string;
  readonly data: string;
  readonly password: string;
}

function postgresFiles(directory: string): PostgresFiles {
  return { directory, data: join(directory, "data"), password: join(directory, "password") };
}

/**
 * Creates the cluster of the data directory unless it exists. It is made under another name and renamed when complete:
 * a first start that was killed leaves nothing that looks finished.
 */
export async function createClusterOnce(options: {
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser;
}): Promise<PostgresFiles> {
  const { dataDir, binaries, user } = options;
  const files = postgresFiles(join(dataDir, "postgres"));
  await removeUnfinished(dataDir);
  if (existsSync(files.directory)) {
    await giveTo(user, files.directory);
    return files;
  }
  const unfinished = postgresFiles(await mkdtemp(join(dataDir, unfinishedPrefix)));
  await writeFile(unfinished.password, randomBytes(passwordBytes).toString("base64url"), { mode: 0o600 });
  await mkdir(unfinished.data, { mode: 0o700 });
  await giveTo(user, unfinished.directory);
  await initialise({ files: unfinished, binaries, user });
  await rename(unfinished.directory, files.directory);
  await syncDirectory(dataDir);
  return files;
}

async function initialise(options: {
  readonly files: PostgresFiles;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser;
}): Promise<void> {
  const { files, binaries, user } = options;
  const initdb = {
    file: binaries.initdb,
    args: [
      `--pgdata=${files.data}`,
      `--username=${postgresRole}`,
      `--pwfile=${files.password}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // PostgreSQL's own locale: the order of an index does not change with the system's C library.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ],
  };
  await runCommand(runAs(user, initdb), { timeoutMs: initdbTimeoutMs });
  // Single-user mode needs no port and no client, and fails as a whole on the first error.
  const singleUser = {
    file: binaries.postgres,
    args: ["--single", "-D", files.data, "-c", "exit_on_error=on", "postgres"],
  };
  await runCommand(runAs(user, singleUser), {
    timeoutMs: initdbTimeoutMs,
    input: `create database ${postgresDatabase}\n`,
  });
}

/** What a killed first start left; its initdb may still be writing, hence the retries. */
async function removeUnfinished(dataDir: string): Promise<void> {
  const left = (await readdir(dataDir)).filter((name) => name.startsWith(unfinishedPrefix));
  for (const name of left) {
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

/** A rename is only durable when its directory has been written. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
