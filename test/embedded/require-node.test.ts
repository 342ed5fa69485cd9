import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const requireNode = new URL("../../src/require-node.js", import.meta.url).href;

function startWith(version: string): { status: number | null; stderr: string } {
  const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${version}"}})`;
  const args = ["--import", pretend, "--import", requireNode, "--eval", ""];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

test("a Node that is too old ends with one sentence that says what to do", () => {
  const { status, stderr } = startWith("20.20.2");
  assert.equal(status, 1);
  assert.match(stderr, /^This is Node 20\.20\.2, but Node 24 or newer is needed: .*npm ci.*\.\n$/);
});

test("the Node that is needed, and a newer one, start", () => {
  assert.deepEqual([startWith("24.0.0").status, startWith("26.1.0").status], [0, 0]);
});
