// What the README names is there, and its commands run with whatever Node the reader has.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";

const readme = readFileSync("README.md", "utf8");
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Readonly<Record<string, string>> };

function allOf(pattern: RegExp): string[] {
  return [...readme.matchAll(pattern)].map(([, found]) => found ?? "");
}

describe("the README", () => {
  it("names no script that package.json has not", () => {
    const named = allOf(/npm run ([\w:]+)/g);
    assert.ok(named.length > 10, `${named.length} are named`);
    assert.deepEqual(
      named.filter((name) => !(name in scripts)),
      [],
    );
  });

  // Node 20 runs no TypeScript. The Node 24 that does is found by npm and npx alone.
  it("has no command that asks the reader's own Node for TypeScript", () => {
    assert.deepEqual(allOf(/((?<!npx )\bnode (?:--?\S+ )*\S+\.ts\b)/g), []);
  });

  it("links and names only what is there", () => {
    const linked = allOf(/\]\((?!https?:)([^)#]+)/g);
    const named = allOf(/`((?:src|test|proto|gen|bench|examples|openapi)\/[^`\s…]+)`/g);
    assert.ok(linked.length > 5 && named.length > 50, `${linked.length} are linked, ${named.length} named`);
    assert.deepEqual(
      [...linked, ...named].filter((path) => !existsSync(path) && globSync(path).length === 0),
      [],
    );
  });
});
