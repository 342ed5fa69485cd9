// Which deaths are died: the scenarios and boundaries of a run, chosen at random where it has room for a part of them, and shared out to the worlds that are there.
import { type Boundary, kindOf } from "./crash-boundary.ts";
import { type Scenario, SCENARIOS } from "./crash-scenarios.ts";
import type { CrashWorld } from "./crash-world.ts";
import type { Random } from "../frame/random.ts";

export interface Death {
  readonly scenario: Scenario;
  readonly boundary: Boundary;
}

/** Boundaries that are gone through for each scenario at least, before another one is begun: to find a scenario's boundaries costs a run of it. */
const DEATHS_EACH_MIN = 3;
/** How much happens before the invariants are held against it. */
const EXAMINED_EVERY = 50;

/** As many as so many deaths have room for. */
export function chooseScenarios(deaths: number, random: Random): readonly Scenario[] {
  return random.shuffle(SCENARIOS).slice(0, Math.ceil(deaths / DEATHS_EACH_MIN));
}

/** The kinds of boundaries take turns, so that a few meet them all. When each was chosen, it begins again. */
export function chooseDeaths<T extends { readonly boundary: Boundary }>(
  all: readonly T[],
  count: number,
  random: Random,
): T[] {
  const chosen: T[] = [];
  while (chosen.length < count && all.length > 0) {
    const kinds = [...Map.groupBy(random.shuffle(all), ({ boundary }) => kindOf(boundary)).values()];
    const longest = Math.max(...kinds.map((kind) => kind.length));
    for (let turn = 0; turn < longest; turn += 1) chosen.push(...kinds.flatMap((kind) => kind[turn] ?? []));
  }
  return chosen.slice(0, count);
}

/** Each world takes the next one when it is done with the last; it gives up when it has seen enough that is wrong. */
export async function shareOut<T>(
  worlds: readonly CrashWorld[],
  items: readonly T[],
  work: (world: CrashWorld, item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  const works = worlds.map(async (world) => {
    let count = 0;
    for (const item of left) {
      if (world.isHopeless) return;
      await work(world, item);
      count += 1;
      if (count % EXAMINED_EVERY === 0) await world.examine();
    }
    await world.examine();
  });
  await Promise.all(works);
}
