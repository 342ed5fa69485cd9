// Proves that the lint rules bite: each case is a file in a temporary copy of the layout, linted with our own
// configuration, so that a rule that is renamed, misspelt or switched off fails here and not in a review.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { cases, type LintCase } from "./lint-cases.ts";

const root = join(import.meta.dirname, "../..");
/** Files whose very name matters to a rule; in all others the number of the case goes into the name. */
const namedByARule = new Set(["src/config.ts", "src/api/errors.ts"]);

/** Writes each case into the first layout where its file is still free, so that two runs of the linter do for all. */
function writeLayouts(folder: string): { layouts: string[]; fileOf: Map<LintCase, string> } {
  const layouts: string[] = [];
  const fileOf = new Map<LintCase, string>();
  for (const [index, lintCase] of cases.entries()) {
    const path = namedByARule.has(lintCase.file)
      ? lintCase.file
      : lintCase.file.replace(/(?=(\.test)?\.ts$)/, `-${index}`);
    const taken = [...fileOf.values()];
    let layout = layouts.find((candidate) => !taken.includes(join(candidate, path)));
    if (!layout) {
      layout = join(folder, String(layouts.length));
      layouts.push(layout);
      mkdirSync(layout);
      for (const file of ["oxlint.config.ts", "tsconfig.json"]) cpSync(join(root, file), join(layout, file));
    }
    const file = join(layout, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, lintCase.source);
    fileOf.set(lintCase, file);
  }
  return { layouts, fileOf };
}

interface Report {
  diagnostics: { code: string; filename: string }[];
}

async function lint(layout: string): Promise<{ file: string; rule: string }[]> {
  const oxlint = join(root, "node_modules/.bin/oxlint");
  const output = await new Promise<string>((resolve, reject) => {
    const options = { cwd: layout, maxBuffer: 16 * 1024 * 1024 };
    const child = execFile(process.execPath, [oxlint, "--format=json"], options, (error, stdout, stderr) => {
      // 1 is what the linter exits with when it has findings; anything else is a broken run.
      if (error && child.exitCode !== 1) reject(new Error(`oxlint failed: ${stdout}${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
  const report = JSON.parse(output) as Report;
  return report.diagnostics.map(({ code, filename }) => ({ file: join(layout, filename), rule: code }));
}

describe("the lint rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "payment-lint-"));
  let fileOf: Map<LintCase, string>;
  let findings: { file: string; rule: string }[];

  before(async () => {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    const written = writeLayouts(folder);
    fileOf = written.fileOf;
    findings = (await Promise.all(written.layouts.map(lint))).flat();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const lintCase of cases) {
    test(lintCase.name, () => {
      const rules = findings.filter(({ file }) => file === fileOf.get(lintCase)).map(({ rule }) => rule);
      assert.deepEqual([...new Set(rules)], lintCase.rule ? [lintCase.rule] : []);
    });
  }
});
