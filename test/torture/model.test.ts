// T7. Random histories of payments, each step held against a model that is small enough to be believed: what the service answers, what it has, and what the
// gateway has sent. A history that fails is made smaller, and printed with what repeats it.
import fc from "fast-check";
import { findViolations, type Query } from "./frame/invariants.ts";
import { end, histories } from "./model/model-commands.ts";
import { Lane, LIMITS } from "./model/model-real.ts";
import { ServiceModel } from "./model/model-service.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";

/** Histories that are lived at once, each on a database, a gateway and a clock of its own. */
const LANES = 4;
/** Of a failing history, so many smaller ones are tried. */
const SHRINKS_MAX = 150;

interface Share {
  readonly histories: number;
  readonly steps: number;
  readonly violations: readonly string[];
}

/** Lives a part of the histories, one after the other. */
async function live(lane: Lane, numRuns: number, random: Random): Promise<Share> {
  let lived = 0;
  let steps = 0;
  let shrinks = 0;
  let failed = false;
  const property = fc.asyncProperty(histories, async (commands) => {
    if (failed && (shrinks += 1) > SHRINKS_MAX) return;
    const real = lane.begin();
    const model = new ServiceModel(real.startedAt, LIMITS);
    try {
      await fc.asyncModelRun(() => ({ model, real }), commands);
      await end(model, real);
    } catch (error) {
      failed = true;
      throw error;
    }
    lived += 1;
    steps += real.steps;
  });
  const details = await fc.check(property, { numRuns, seed: random.below(2 ** 31) });
  const report = details.failed
    ? [`${await fc.asyncDefaultReportMessage(details)}\n${String(details.errorInstance)}`]
    : [];
  return { histories: lived, steps, violations: report };
}

/**
 * The invariants of all programmes that ask for nothing but the tables. What a bank did later, and nobody told of, is not the service's; and an order may be
 * charged twice where the customer pays a payment that had ended.
 */
async function examine({ service }: Lane): Promise<string[]> {
  const query: Query = (text, values) => service.rows(text, values);
  const found = await findViolations({ query, journal: await service.journal(), stream: [], requests: [] });
  return found.filter((violation) => /^I[345] /.test(violation));
}

torment(
  { id: "T7", name: "random histories against a model", unit: "histories", cases: 10_000, share: 500, caseMs: 1_000 },
  async (t, { cases, random }) => {
    const lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open()));
    t.after(() => Promise.all(lanes.map(({ service }) => service.close())));
    const each = Math.ceil(cases / LANES);
    const shares = await Promise.all(lanes.map((lane) => live(lane, each, random.fork())));
    const sum = (of: (share: Share) => number): number => shares.reduce((total, share) => total + of(share), 0);
    const violations = shares.flatMap((share) => share.violations);
    const found = violations.length > 0 ? [] : (await Promise.all(lanes.map(examine))).flat();
    const steps = sum((share) => share.steps);
    const lived = sum((share) => share.histories);
    return { cases: lived, violations: [...violations, ...found], shown: steps > lived * 5, steps };
  },
);
