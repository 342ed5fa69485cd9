import { randomUUID } from "node:crypto";
import { linkSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeProcess } from "./running-process.ts";

// One living service owns the embedded server of a data directory. The owner is written in `<name>.owner.<generation>`;
// the highest generation counts, and it counts while the process in it lives. A new owner creates the next generation,
// which the file system grants to exactly one, and withdraws when a still higher one has appeared meanwhile. Release
// empties the file but leaves it, so that a slow rival which read an older generation cannot take the same number again.

const claimAttemptsMax = 10;

export interface OwnershipClaim {
  readonly directory: string;
  /** The server that is owned: the first part of the file's name. */
  readonly name: string;
  /** What the reader of the refusal can do, in the imperative. */
  readonly remedy: string;
}

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

/** Makes this process the owner and answers with the function that ends it; throws when another living process is. */
export function claimOwnership(claim: OwnershipClaim): () => void {
  const draft = join(claim.directory, `${claim.name}.owner.draft-${randomUUID()}`);
  const self: Owner = { pid: process.pid, startedAt: describeProcess(process.pid)?.startedAt ?? "" };
  writeFileSync(draft, JSON.stringify(self), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < claimAttemptsMax; attempt += 1) {
      const newest = generationsOf(claim).at(-1) ?? 0;
      const owner = readOwner(fileOf(claim, newest));
      if (owner !== undefined) {
        throw new Error(
          `The ${claim.name} data in ${claim.directory} is in use by the service with process id ${owner.pid}; ${claim.remedy}.`,
        );
      }
      if (tryToTake(claim, draft, newest + 1)) return () => release(fileOf(claim, newest + 1));
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new Error(`Too many services start at once on the ${claim.name} data in ${claim.directory}; ${claim.remedy}.`);
}

function release(file: string): void {
  try {
    truncateSync(file);
  } catch (error) {
    // Data that was deleted under the running service has no owner either.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function tryToTake(claim: OwnershipClaim, draft: string, generation: number): boolean {
  try {
    // A link, not a write: the file appears with its content or not at all.
    linkSync(draft, fileOf(claim, generation));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  const generations = generationsOf(claim);
  if (generations.at(-1) !== generation) {
    rmSync(fileOf(claim, generation), { force: true });
    return false;
  }
  for (const older of generations.slice(0, -1)) rmSync(fileOf(claim, older), { force: true });
  return true;
}

function fileOf(claim: OwnershipClaim, generation: number): string {
  return join(claim.directory, `${claim.name}.owner.${generation}`);
}

function generationsOf(claim: OwnershipClaim): number[] {
  const prefix = `${claim.name}.owner.`;
  return readdirSync(claim.directory)
    .filter((file) => file.startsWith(prefix) && /^\d+$/.test(file.slice(prefix.length)))
    .map((file) => Number(file.slice(prefix.length)))
    .sort((a, b) => a - b);
}

/** The living owner; undefined when the file is gone, empty, or names a process that has ended. */
function readOwner(file: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Owner;
    return describeProcess(owner.pid)?.startedAt === owner.startedAt ? owner : undefined;
  } catch {
    return undefined;
  }
}
