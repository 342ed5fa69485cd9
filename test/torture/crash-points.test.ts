// The service is killed at each boundary of what it does, where a message is about to leave it or its answer to arrive; and once more while it recovers.
import type { TestContext } from "node:test";
import { kindOf, nameOf } from "./crash/crash-boundary.ts";
import { chooseDeaths, chooseScenarios, type Death, shareOut } from "./crash/crash-plan.ts";
import { CrashWorld } from "./crash/crash-world.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";

const KINDS = 6;
const SERVERS = 3;
/** From so many deaths on, a second stack earns its start. */
const MANY = 40;
const WORLDS = 2;
/** Things may come about in another order than before, and a boundary not at all. */
const TRIES_MAX = 3;
const ROUNDS_MAX = 5;
/** Deaths during the recovery from one and the same crash. */
const SECOND_DEATHS_EACH = 4;

class Counts {
  readonly labels: Record<string, number> = {};
  readonly kinds = new Set<string>();
  readonly servers = new Set<string>();
  deaths = 0;
  /** What was to happen and did not, in any try. */
  readonly unmet: string[] = [];

  note({ boundary }: Pick<Death, "boundary">): void {
    const label = `${kindOf(boundary)} ${boundary.label}`;
    this.deaths += 1;
    this.kinds.add(kindOf(boundary));
    this.servers.add(boundary.on);
    this.labels[label] = (this.labels[label] ?? 0) + 1;
  }
}

async function openWorlds(t: TestContext, deaths: number, random: Random): Promise<CrashWorld[]> {
  if (deaths < MANY) return [await CrashWorld.open(t, random.fork())];
  return Promise.all(Array.from({ length: WORLDS }, () => CrashWorld.open(t, random.fork())));
}

/** All boundaries of as many scenarios as there is room for. */
async function listDeaths(worlds: readonly CrashWorld[], count: number, random: Random): Promise<Death[]> {
  const all: Death[] = [];
  await shareOut(worlds, chooseScenarios(count, random), async (world, scenario) => {
    for (const boundary of await world.listBoundaries(scenario)) all.push({ scenario, boundary });
  });
  return all;
}

async function die(world: CrashWorld, { scenario, boundary }: Death, counts: Counts): Promise<void> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const { kills } = await world.run(scenario, [boundary]);
    if (kills === 1) return counts.note({ boundary });
  }
  counts.unmet.push(`${scenario.name}: ${nameOf(boundary)}`);
}

async function dieTwice(world: CrashWorld, first: Death, again: { counts: Counts; random: Random; max: number }) {
  const { scenario } = first;
  const { recovery } = await world.run(scenario, [first.boundary]);
  const boundaries = recovery.map((boundary) => ({ boundary }));
  for (const second of chooseDeaths(boundaries, Math.min(again.max, recovery.length), again.random)) {
    const { kills } = await world.run(scenario, [first.boundary, second.boundary]);
    if (kills === 2) again.counts.note(second);
    else again.counts.unmet.push(`${scenario.name}: ${nameOf(first.boundary)}, then ${nameOf(second.boundary)}`);
  }
}

const ONCE = {
  id: "T1",
  name: "SIGKILL at every boundary",
  unit: "boundaries",
  cases: 1_000,
  share: 6,
  caseMs: 10_000,
};

torment(ONCE, async (t, { cases, random }) => {
  const worlds = await openWorlds(t, cases, random);
  const all = await listDeaths(worlds, cases, random);
  const counts = new Counts();
  // The full programme leaves no boundary out.
  const wanted = cases === ONCE.cases ? Math.max(cases, all.length) : cases;
  for (let round = 0; round < ROUNDS_MAX && counts.deaths < wanted; round += 1) {
    const deaths = chooseDeaths(all, wanted - counts.deaths, random);
    await shareOut(worlds, deaths, (world, death) => die(world, death, counts));
  }
  const violations = worlds.flatMap((world) => world.violations);
  const { deaths, labels, unmet, kinds } = counts;
  // A few cannot be sure to meet them all.
  const shown = kinds.size >= (cases < MANY ? KINDS / 2 : KINDS);
  return { cases: deaths, violations, shown, boundaries: all.length, unmet, labels };
});

const TWICE = {
  id: "T1b",
  name: "SIGKILL at a boundary, and again while it recovers",
  unit: "boundaries",
  cases: 200,
  share: 2,
  caseMs: 30_000,
};

torment(TWICE, async (t, { cases, random }) => {
  const worlds = await openWorlds(t, cases, random);
  const firsts = Math.ceil(cases / SECOND_DEATHS_EACH);
  const all = await listDeaths(worlds, firsts, random);
  const counts = new Counts();
  for (let round = 0; round < ROUNDS_MAX && counts.deaths < cases; round += 1) {
    const left = cases - counts.deaths;
    const again = { counts, random, max: Math.min(left, SECOND_DEATHS_EACH) };
    const deaths = chooseDeaths(all, Math.ceil(left / again.max), random);
    await shareOut(worlds, deaths, (world, death) => dieTwice(world, death, again));
  }
  const violations = worlds.flatMap((world) => world.violations);
  const recovered = worlds.reduce((total, world) => total + world.operationsRecovered, 0);
  const { deaths, labels, unmet, servers } = counts;
  // Most recoveries begin with the database and the stream; the provider's turn comes when there are many.
  const shown = cases < MANY || (servers.size === SERVERS && recovered > 0);
  return { cases: deaths, violations, shown, recovered, boundaries: all.length, unmet, labels };
});
