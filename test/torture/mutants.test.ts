// The test of the tests: each mistake of mutants.ts is made in a copy of the tree, and a test must fail there that passes without it.
import { MutantTree } from "./mutants/mutant-tree.ts";
import { MUTANTS, type Mutant } from "./mutants/mutants.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";

const PROGRAMME = {
  id: "T16",
  name: "mistakes made in a copy of the tree",
  unit: "mutants",
  cases: MUTANTS.length,
  share: 2,
  caseMs: 180_000,
};

function choose(count: number, random: Random): readonly Mutant[] {
  const left = [...MUTANTS];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat();
}

/** Tells which test noticed it; null when none did. */
async function findCatcher(tree: MutantTree, { edits, tests }: Mutant): Promise<string | null> {
  const undo = tree.edit(edits);
  try {
    for (const file of tests) {
      const failed = await tree.run(file);
      if (failed !== null) return `${file}: ${failed}`;
    }
    return null;
  } finally {
    undo();
  }
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const tree = new MutantTree();
  t.after(() => tree.remove());
  const mutants = choose(cases, random);
  const violations: string[] = [];
  // Only a test that passes without the mistake shows that it noticed it.
  for (const file of new Set(mutants.flatMap(({ tests }) => tests))) {
    const failed = await tree.run(file);
    if (failed !== null) violations.push(`without any mistake, ${file} fails: ${failed}`);
  }
  for (const mutant of mutants) {
    const catcher = await findCatcher(tree, mutant);
    t.diagnostic(`${mutant.name}: ${catcher ? `caught by ${catcher}` : "survived"}`);
    if (catcher === null) violations.push(`survived: ${mutant.name}`);
  }
  return { cases: mutants.length, violations, shown: true };
});
