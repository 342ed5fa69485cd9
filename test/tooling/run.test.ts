import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "payment-run-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function runTests(source: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const file = join(folder, "example.test.ts");
  writeFileSync(file, `import { test } from "node:test";\n${source}\n`);
  // Without the context node:test takes the run for a part of this one; with a URL no server is started for nothing.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, "../run.ts"), file], {
    env: { ...env, TEST_DATABASE_URL: "postgresql://unused.invalid/unused" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr };
}

test("a run whose tests pass ends with node's own summary", async () => {
  const { code, stdout, stderr } = await runTests('test("passes", () => {});');
  assert.equal(code, 0);
  assert.match(stdout, /ℹ tests 1\n.*ℹ pass 1\n.*ℹ fail 0\n.*ℹ duration_ms [\d.]+\n$/s);
  assert.equal(stderr, "");
});

const refused: [name: string, source: string, complaint: RegExp][] = [
  ["a failed test", 'test("fails", () => { throw new Error("no"); });', /a test failed/],
  ["a skipped test", 'test("passes", () => {}); test.skip("skipped", () => {});', /1 tests were skipped/],
  ["a todo test", 'test("passes", () => {}); test.todo("later");', /1 tests are marked todo/],
  ["a file without a test", "test.name;", /example\.test\.ts holds no test/],
  ["a file that ends early", 'process.exit(0); test("never", () => {});', /example\.test\.ts holds no test/],
];
for (const [name, source, complaint] of refused) {
  test(`${name} fails the run`, async () => {
    const { code, stderr } = await runTests(source);
    assert.equal(code, 1);
    assert.match(stderr, complaint);
  });
}
