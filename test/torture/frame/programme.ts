// One row of the torture table: what is done to the service, how often, and what must not be found afterwards. `npm test` runs each with its share, `npm run
// torture` (run.ts) with all of its cases or a part of them.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { type TestContext, test } from "node:test";
import { Random } from "./random.ts";

export interface Programme {
  /** Its name in the programme of tests, such as `T1`. */
  readonly id: string;
  /** What happens, for the table and the test's name: `SIGKILL at every boundary`. */
  readonly name: string;
  /** What one case is, in the plural: `boundaries`. */
  readonly unit: string;
  /** Cases of the full programme. */
  readonly cases: number;
  /** Cases in CI. */
  readonly share: number;
  /** How long a case takes at most on a busy machine; what the whole needs besides is added. */
  readonly caseMs: number;
}

/** What a programme is given. */
export interface Torture {
  readonly cases: number;
  /** All choices follow from it; what meets what in time does not. */
  readonly random: Random;
}

export interface Findings {
  /** Cases that really happened. */
  readonly cases: number;
  readonly violations: readonly string[];
  /** Whether what was to be met was met; otherwise nothing was shown. */
  readonly shown: boolean;
  /** What else was counted, to see that something was shown. */
  readonly [figure: string]: unknown;
}

/** What run.ts makes a row of; told before anything is asserted. */
export interface Row extends Pick<Programme, "id" | "name" | "unit"> {
  readonly target: number;
  readonly seed: number;
  readonly ms: number;
  readonly findings: Findings;
}

/** Marks a diagnostic that holds a Row. */
export const ROW_MARK = "torture ";

const START_MS = 120_000;

/** By TORTURE_SHARE, a part of the full programme such as 0.1; without it, the share of CI. */
function countCases({ cases, share }: Programme): number {
  const part = process.env["TORTURE_SHARE"];
  return part === undefined ? share : Math.max(1, Math.ceil(cases * Number(part)));
}

/** Registers the test. It fails on a violation, and when fewer cases happened than were asked for. */
export function torment(programme: Programme, run: (t: TestContext, torture: Torture) => Promise<Findings>): void {
  const { id, name, unit, cases: target, caseMs } = programme;
  const cases = countCases(programme);
  test(`${id} ${name}: ${cases} ${unit}`, { timeout: START_MS + cases * caseMs }, async (t) => {
    const seed = Number(process.env["TORTURE_SEED"] ?? randomInt(2 ** 32));
    // Told first: a run that ends in any other way can be repeated as well.
    t.diagnostic(`TORTURE_SEED=${seed}`);
    const startedAt = performance.now();
    const findings = await run(t, { cases, random: new Random(seed) });
    const row: Row = { id, name, unit, target, seed, ms: Math.round(performance.now() - startedAt), findings };
    t.diagnostic(ROW_MARK + JSON.stringify(row));
    assert.deepEqual(findings.violations, []);
    assert.ok(findings.shown, JSON.stringify(findings));
    assert.ok(findings.cases >= cases, `${findings.cases} of ${cases} ${unit}`);
  });
}
