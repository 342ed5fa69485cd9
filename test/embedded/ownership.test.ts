import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { claimOwnership } from "../../src/embedded/ownership.ts";
import { makeDataDir } from "./data-directory.ts";

function makeClaim(): { directory: string; name: string; remedy: string } {
  const directory = makeDataDir();
  mkdirSync(directory, { recursive: true });
  return { directory, name: "server", remedy: "go elsewhere" };
}

test("a living owner is named and nobody else becomes the owner until it lets go", () => {
  const claim = makeClaim();
  const release = claimOwnership(claim);
  assert.throws(() => claimOwnership(claim), new RegExp(`process id ${process.pid}; go elsewhere\\.`));
  release();
  claimOwnership(claim)();
});

test("a dead owner, or another process with its pid, does not count", () => {
  const claim = makeClaim();
  writeFileSync(join(claim.directory, "server.owner.1"), JSON.stringify({ pid: process.pid, startedAt: "earlier" }));
  claimOwnership(claim)();
});

test("of claims made at once, over a stale one, exactly one succeeds", async (t) => {
  const claim = makeClaim();
  writeFileSync(join(claim.directory, "server.owner.7"), "");
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.module).then(({ claimOwnership }) => {
      parentPort.once("message", () => {
        try { claimOwnership(workerData.claim); parentPort.postMessage("owner"); }
        catch (error) { parentPort.postMessage(error.message); }
      });
      parentPort.postMessage("ready");
    });`;
  const module = new URL("../../src/embedded/ownership.ts", import.meta.url).href;
  const workers = Array.from({ length: 8 }, () => new Worker(source, { eval: true, workerData: { claim, module } }));
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const answers = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.postMessage("go");
  const outcomes = (await Promise.all(answers)).flat() as string[];
  assert.equal(outcomes.filter((outcome) => outcome === "owner").length, 1);
  assert.equal(outcomes.filter((outcome) => outcome.includes("is in use by the service")).length, 7);
  assert.deepEqual(readdirSync(claim.directory), ["server.owner.8"]);
});
