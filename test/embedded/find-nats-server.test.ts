import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { NatsServerSearch, NatsServerSource } from "../../src/embedded/find-nats-server.ts";
import { findNatsServer, searchDirectories } from "../../src/embedded/find-nats-server.ts";
import type { NatsRelease } from "../../src/embedded/install-nats-server.ts";
import { debianPackage, officialRelease } from "../../src/embedded/install-nats-server.ts";
import { makeDataDir, silentLog } from "./data-directory.ts";

function makeProgram(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "nats-server");
  writeFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
  return file;
}

function makeSearch(given: Partial<NatsServerSearch> = {}): NatsServerSearch {
  const keptIn = join(makeDataDir(), "bin");
  return { binary: undefined, directories: [], keptIn, sources: [], log: silentLog, ...given };
}

const source: NatsServerSource = {
  name: "working",
  fetchInto: async (directory) => makeProgram(join(directory, "sub")),
};
const brokenSource: NatsServerSource = { name: "broken", fetchInto: () => Promise.reject(new Error("out of reach")) };

test("the operator's file comes before the path, the path before a kept program, that before fetching", async () => {
  const search = makeSearch({ sources: [source] });
  const fetched = await findNatsServer(search);
  assert.equal(fetched, join(search.keptIn, "nats-server"));
  assert.equal(await findNatsServer({ ...search, sources: [brokenSource] }), fetched);
  const onPath = makeProgram(join(search.keptIn, "path"));
  const directories = [join(search.keptIn, "empty"), join(search.keptIn, "path")];
  assert.equal(await findNatsServer({ ...search, directories }), onPath);
  const named = makeProgram(join(search.keptIn, "named"));
  assert.equal(await findNatsServer({ ...search, directories, binary: named }), named);
});

test("a file of the operator that cannot be run is refused, not passed over", async () => {
  const search = makeSearch({ sources: [source], binary: import.meta.filename });
  await assert.rejects(findNatsServer(search), /NATS_SERVER_BIN names .* not a program/);
});

test("the system's directories are searched after those of the path", () => {
  const directories = searchDirectories("/opt/tools:/usr/bin");
  assert.deepEqual(directories.slice(0, 2), ["/opt/tools", "/usr/bin"]);
  assert.ok(directories.includes("/usr/sbin"));
});

test("a source that fails is followed by the next, and leaves nothing behind", async () => {
  const search = makeSearch({ sources: [brokenSource, source] });
  await findNatsServer(search);
  assert.deepEqual(readdirSync(search.keptIn), ["nats-server"]);
});

test("without a program one sentence says how to get it", async () => {
  const search = makeSearch({ sources: [brokenSource] });
  await assert.rejects(findNatsServer(search), /apt-get install nats-server.*NATS_SERVER_BIN.*NATS_URL/);
});

/** Serves an archive laid out as the official ones are, and answers with a release that names it. */
async function serveRelease(t: TestContext, sha256?: string): Promise<NatsRelease> {
  const folder = makeDataDir();
  const name = "nats-server-v0-linux";
  makeProgram(join(folder, name));
  execFileSync("tar", ["-czf", "archive.tar.gz", name], { cwd: folder });
  const archive = readFileSync(join(folder, "archive.tar.gz"));
  const server = createServer((request, response) => {
    response.writeHead(request.url === `/v0/${name}.tar.gz` ? 200 : 404).end(archive);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return {
    version: "v0",
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    archives: { [process.arch]: { name, sha256: sha256 ?? createHash("sha256").update(archive).digest("hex") } },
  };
}

test("a release is taken when its checksum is the pinned one", async (t) => {
  const search = makeSearch({ sources: [officialRelease(await serveRelease(t))] });
  assert.equal(readFileSync(await findNatsServer(search), "utf8"), "#!/bin/sh\n");
});

test("a release with another checksum is never unpacked", async (t) => {
  const directory = makeDataDir();
  mkdirSync(directory, { recursive: true });
  const release = await serveRelease(t, "0".repeat(64));
  await assert.rejects(officialRelease(release).fetchInto(directory), /has the checksum/);
  assert.deepEqual(readdirSync(directory), []);
});

test("Debian's package is unpacked for root, and only for root on Debian", async () => {
  const search = makeSearch({ sources: [debianPackage()] });
  const isPossible = process.geteuid?.() === 0 && existsSync("/usr/bin/apt-get");
  const outcome = await findNatsServer(search).then(
    (file) => execFileSync(file, ["--version"], { encoding: "utf8" }),
    (error: Error) => error.message,
  );
  assert.match(outcome, isPossible ? /^nats-server: v2\./ : /There is no nats-server/);
});
