import type { Dirent } from "node:fs";
import { lchown, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "./run-command.ts";
import { runCommand } from "./run-command.ts";

// PostgreSQL refuses to run as root. Started by root, it runs as `nobody`; where that user cannot reach the files, for
// instance below a home directory closed to others, it runs in a user namespace that shows it root as `nobody`.

const nobody = { uid: 65_534, gid: 65_534 };
const trialTimeoutMs = 5_000;

export type PostgresUser = "ourselves" | "nobody" | "root shown as nobody";

/** How PostgreSQL can run here; throws one sentence when it cannot. */
export async function choosePostgresUser(options: {
  readonly dataDir: string;
  readonly postgres: string;
}): Promise<PostgresUser> {
  if (process.geteuid?.() !== 0) return "ourselves";
  const version: Command = { file: options.postgres, args: ["--version"] };
  const enter: Command = { file: "test", args: ["-x", options.dataDir] };
  if ((await works(runAs("nobody", enter))) && (await works(runAs("nobody", version)))) return "nobody";
  if (await works(runAs("root shown as nobody", version))) return "root shown as nobody";
  throw new Error(
    `PostgreSQL does not run as root, and no other user can reach ${options.dataDir} here: start the service as another user, or set DATABASE_URL.`,
  );
}

/** The same command, run as the given user. */
export function runAs(user: PostgresUser, command: Command): Command {
  switch (user) {
    case "ourselves":
      return command;
    case "nobody":
      return { ...command, ...nobody };
    case "root shown as nobody":
      return {
        file: "unshare",
        args: ["--user", `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`, "--", command.file, ...command.args],
      };
  }
}

/** Makes the directory and all in it the user's; nothing is done when the directory is already. */
export async function giveTo(user: PostgresUser, directory: string): Promise<void> {
  if (user === "ourselves") return;
  const { uid, gid } = user === "nobody" ? nobody : { uid: 0, gid: 0 };
  if ((await lstat(directory)).uid === uid) return;
  const entries: Dirent[] = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), uid, gid);
  // Last, so that a change of owner which was cut short is begun again.
  await lchown(directory, uid, gid);
}

async function works(command: Command): Promise<boolean> {
  return runCommand(command, { timeoutMs: trialTimeoutMs }).then(
    () => true,
    () => false,
  );
}
