// What a network does to one of the wires for a moment: each disturbance lasts a while, and leaves behind what it broke.
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../frame/random.ts";
import { CLEAR, type Condition } from "./condition.ts";
import type { Wire } from "./wire.ts";

export const DISTURBANCES = ["latency", "reset", "half-open", "blackhole", "trickle"] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

/** Shorter and longer than the time-outs of a statement, and of an attempt at the provider. What was lost on a connection stays lost on it afterwards. */
const LASTS_MIN_MS = 200;
const LASTS_SPREAD_MS = 2_600;
const LATENCY_MS = [20, 100, 300];
const RESETS_MAX = 4;
const TRICKLES: readonly Condition[] = [
  { kind: "trickle", bytes: 1, everyMs: 0 },
  { kind: "trickle", bytes: 1, everyMs: 1 },
];

function conditionOf(kind: Exclude<Disturbance, "reset">, random: Random): Condition {
  switch (kind) {
    case "latency": {
      const ms = random.pick(LATENCY_MS);
      return { kind, ms, jitterMs: ms / 2 };
    }
    case "trickle":
      return random.pick(TRICKLES);
    case "half-open":
    case "blackhole":
      return { kind };
  }
}

/** Gives how many connections it hit: those that were reset, fell silent, or were there. */
export async function disturb(wire: Wire, kind: Disturbance, random: Random): Promise<number> {
  if (kind === "reset") return resetSometimes(wire, random);
  const { silent, connections } = wire;
  wire.setCondition(conditionOf(kind, random));
  await delay(LASTS_MIN_MS + random.below(LASTS_SPREAD_MS));
  const hit = kind === "half-open" || kind === "blackhole" ? wire.silent - silent : connections;
  wire.setCondition(CLEAR);
  return hit;
}

async function resetSometimes(wire: Wire, random: Random): Promise<number> {
  let hit = 0;
  for (let resets = 1 + random.below(RESETS_MAX); resets > 0; resets -= 1) {
    hit += wire.connections;
    wire.reset();
    await delay(random.below(LASTS_MIN_MS));
  }
  return hit;
}
