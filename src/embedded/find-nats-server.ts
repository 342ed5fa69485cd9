import { accessSync, constants, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Logger } from "pino";
import { systemDirectories } from "./run-command.ts";

const program = "nats-server";

/** A place to fetch the program from. */
export interface NatsServerSource {
  readonly name: string;
  /** Puts the program somewhere below the directory, which is empty, and answers with its file; throws when it cannot. */
  fetchInto(directory: string): Promise<string>;
}

export interface NatsServerSearch {
  /** The file that the operator named, if any: then nothing else will do. */
  readonly binary: string | undefined;
  readonly directories: readonly string[];
  /** The directory where a fetched program is kept for the next start. */
  readonly keptIn: string;
  /** Tried in this order when the program is nowhere. */
  readonly sources: readonly NatsServerSource[];
  readonly log: Logger;
}

/** The directories of a PATH, and those of the system that it may leave out. */
export function searchDirectories(path: string | undefined): string[] {
  const given = (path ?? "").split(delimiter).filter((directory) => directory !== "");
  return [...new Set([...given, ...systemDirectories])];
}

/** The nats-server to run; throws one sentence that says how to get one. */
export async function findNatsServer(search: NatsServerSearch): Promise<string> {
  if (search.binary !== undefined) {
    if (isProgram(search.binary)) return search.binary;
    throw new Error(`NATS_SERVER_BIN names ${search.binary}, which is not a program that can be run.`);
  }
  const kept = join(search.keptIn, program);
  const found = [...search.directories.map((directory) => join(directory, program)), kept].find(isProgram);
  return found ?? fetchOnce(search, kept);
}

async function fetchOnce({ sources, keptIn, log }: NatsServerSearch, kept: string): Promise<string> {
  await mkdir(keptIn, { recursive: true });
  const failures: Error[] = [];
  for (const source of sources) {
    const directory = await mkdtemp(join(keptIn, "fetch-"));
    try {
      const file = await source.fetchInto(directory);
      await chmod(file, 0o755);
      // Renamed when complete: a start that is killed leaves no half program behind.
      await rename(file, kept);
      log.info({ source: source.name, file: kept }, "nats-server fetched");
      return kept;
    } catch (cause) {
      log.warn({ err: cause, source: source.name }, "nats-server could not be fetched");
      failures.push(new Error(source.name, { cause }));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  throw new Error(
    "There is no nats-server on this machine and none could be fetched: install it (on Debian, apt-get install nats-server; elsewhere from https://github.com/nats-io/nats-server/releases), name its file in NATS_SERVER_BIN, or set NATS_URL.",
    { cause: new AggregateError(failures) },
  );
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
