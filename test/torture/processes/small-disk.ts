// A disk of its own for the events, so small that it can be full. Its files are PostgreSQL's own; what fills it is a file beside them.
//
// Only root may mount one. Where it cannot be mounted, a trigger stands in for it, with the error that PostgreSQL has for a full disk.
import { execFile } from "node:child_process";
import {
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ServiceProcess } from "../../support/service-process.ts";

export interface SmallDisk {
  readonly kind: "mounted" | "trigger";
  fill(): Promise<void>;
  /** Gives the room back. */
  clear(): Promise<void>;
  remove(): Promise<void>;
}

/** Room for the events of a whole run. What is left of it is filled. */
const SIZE = "48m";
const BLOCK_SIZES = [1 << 20, 1 << 12, 1];
const run = promisify(execFile);

/** Writes until nothing more fits, not a byte. */
function fillUp(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of BLOCK_SIZES) writeWhileItFits(file, Buffer.alloc(size));
  } finally {
    closeSync(file);
  }
}

function writeWhileItFits(file: number, block: Buffer): void {
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

const MOVE = `
  do $$
  declare name text;
  begin
    alter table payment_event set tablespace small;
    for name in select indexname from pg_indexes where tablename = 'payment_event' loop
      execute format('alter index %I set tablespace small', name);
    end loop;
  end $$`;

/** A new folder on a disk of that size; undefined where nothing can be mounted. */
async function mountFolder(): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE},mode=0755`, "tmpfs", folder]);
    return folder;
  } catch {
    rmdirSync(folder);
    return undefined;
  }
}

async function unmountFolder(folder: string): Promise<void> {
  // The last processes of a server that was killed may still be on it: it is let go of when they are.
  await run("umount", ["--lazy", folder]);
  rmdirSync(folder);
}

/** Moves the events to a disk that was mounted for them. */
async function moveTo(folder: string, service: ServiceProcess): Promise<SmallDisk> {
  const filler = join(folder, "filler");
  const tablespace = join(folder, "tablespace");
  mkdirSync(tablespace, { mode: 0o700 });
  const { uid, gid } = statSync(join(service.dataDir, "postgres", "data"));
  chownSync(tablespace, uid, gid);
  await service.query(`create tablespace small location '${tablespace}'`);
  await service.query(MOVE);
  return {
    kind: "mounted",
    fill: async () => fillUp(filler),
    clear: async () => rmSync(filler, { force: true }),
    remove: () => unmountFolder(folder),
  };
}

const REFUSE = `
  create function refuse_event() returns trigger language plpgsql as $$
  begin
    raise exception using errcode = 'disk_full', message = 'could not extend file: No space left on device';
  end $$`;

async function pretendDisk(service: ServiceProcess): Promise<SmallDisk> {
  await service.query(REFUSE);
  return {
    kind: "trigger",
    fill: async () =>
      void (await service.query(
        "create trigger full_disk before insert on payment_event for each statement execute function refuse_event()",
      )),
    clear: async () => void (await service.query("drop trigger full_disk on payment_event")),
    remove: async () => {},
  };
}

export async function openSmallDisk(service: ServiceProcess): Promise<SmallDisk> {
  const folder = await mountFolder();
  if (folder === undefined) return pretendDisk(service);
  try {
    return await moveTo(folder, service);
  } catch (error) {
    await unmountFolder(folder);
    throw error;
  }
}
