import { createHash } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NatsServerSource } from "./find-nats-server.ts";
import { runCommand } from "./run-command.ts";

// Short, because a host that is out of reach must not hold up the start; the download itself may take its time.
const answerTimeoutMs = 4_000;
const downloadTimeoutMs = 60_000;
const unpackTimeoutMs = 20_000;
const debianTimeoutMs = 60_000;

/** An archive of an official release, one for each architecture of Node. */
export interface NatsRelease {
  readonly version: string;
  readonly origin: string;
  readonly archives: Readonly<Record<string, { readonly name: string; readonly sha256: string }>>;
}

// The checksums are those of the project's own image recipes (nats-io/nats-docker, 2.10.x/alpine3.22).
const pinnedRelease: NatsRelease = {
  version: "v2.10.29",
  origin: "https://github.com/nats-io/nats-server/releases/download",
  archives: {
    x64: {
      name: "nats-server-v2.10.29-linux-amd64",
      sha256: "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da",
    },
    arm64: {
      name: "nats-server-v2.10.29-linux-arm64",
      sha256: "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401",
    },
  },
};

/** The project's release for Linux, unpacked only when its checksum is the pinned one. */
export function officialRelease(release: NatsRelease = pinnedRelease): NatsServerSource {
  return {
    name: `official release ${release.version}`,
    fetchInto: async (directory) => {
      const archive = process.platform === "linux" ? release.archives[process.arch] : undefined;
      if (archive === undefined) throw new Error(`no release is pinned for ${process.platform} ${process.arch}`);
      const bytes = await download(`${release.origin}/${release.version}/${archive.name}.tar.gz`);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      if (sha256 !== archive.sha256) throw new Error(`the archive has the checksum ${sha256}, not ${archive.sha256}`);
      await writeFile(join(directory, "archive.tar.gz"), bytes);
      await runCommand({ file: "tar", args: ["-xzf", "archive.tar.gz"] }, { timeoutMs: unpackTimeoutMs, directory });
      return join(directory, archive.name, "nats-server");
    },
  };
}

/** Debian's package, unpacked beside our data rather than installed, so that the system stays as it is. */
export function debianPackage(): NatsServerSource {
  return {
    name: "Debian package",
    fetchInto: async (directory) => {
      if (process.geteuid?.() !== 0) throw new Error("apt-get is only used by root");
      const apt = (...args: string[]): Promise<void> =>
        runCommand(
          { file: "apt-get", args: ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=10", ...args] },
          { timeoutMs: debianTimeoutMs, directory },
        );
      // A fresh image has no package lists: only then are they worth their time.
      await apt("download", "nats-server").catch(() => apt("update").then(() => apt("download", "nats-server")));
      const archive = (await readdir(directory)).find((name) => name.endsWith(".deb"));
      if (archive === undefined) throw new Error("apt-get left no package");
      await runCommand({ file: "dpkg", args: ["-x", archive, "."] }, { timeoutMs: unpackTimeoutMs, directory });
      return join(directory, "usr", "sbin", "nats-server");
    },
  };
}

async function download(url: string): Promise<Buffer> {
  const unanswered = new AbortController();
  const timer = setTimeout(() => unanswered.abort(new Error(`no answer in ${answerTimeoutMs} ms`)), answerTimeoutMs);
  try {
    const signal = AbortSignal.any([unanswered.signal, AbortSignal.timeout(downloadTimeoutMs)]);
    const response = await fetch(url, { signal });
    clearTimeout(timer);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } finally {
    clearTimeout(timer);
  }
}
