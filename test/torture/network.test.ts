// The network between the service and its servers is bad for a moment, again and again, on each of the three wires and in five ways. The service gets over it by
// itself: answers pass again, every call ends, and what was begun is finished.
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../support/clients.ts";
import { DISTURBANCES, type Disturbance, disturb } from "./wire/disturbances.ts";
import type { Violation } from "./frame/invariants.ts";
import { ACTING_FAULTS, IDLE_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { PatientCallers } from "./load/patient-callers.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";
import { judge } from "./frame/verdict.ts";
import type { Point } from "./wire/point.ts";
import { Stack } from "./wire/stack.ts";

const WIRES = ["database", "nats", "provider"] as const;
/** A time-out is over before the longest disturbance is. */
const SETTINGS = { DATABASE_TIMEOUT_MS: "1000", PROVIDER_TIMEOUT_MS: "1500" };
/** A stack for so many cases, and so many stacks at most: most of the time is spent waiting for a silent connection to be given up. */
const CASES_PER_STACK = 100;
const STACKS_MAX = 3;
/** Answers that pass over a wire after it was disturbed; and how long that may take. NATS' own pings find a silent connection within 20 s. */
const ANSWERS_AFTER = 3;
const RECOVERY_TIMEOUT_MS = 45_000;
const POLL_MS = 20;
/** A disturbance that met nobody is done again, so often at most. */
const TRIES_MAX = 25;
/** The services' door on NATS. */
const NATS_SUBJECT = "get.payment.status";
const NATS_TIMEOUT_MS = 5_000;

const PROGRAMME = {
  id: "T3",
  name: "a wire to database, NATS or provider disturbed: latency, reset, half-open, blackhole, bytes one by one",
  unit: "disturbances",
  cases: 900,
  share: 6,
  caseMs: 10_000,
};

interface Case {
  readonly on: Point["on"];
  readonly kind: Disturbance;
}

/** All pairs as often as each other, in an order of chance; a few of them where fewer are asked for. */
function planCases(count: number, random: Random): Case[] {
  const pairs = random.shuffle(WIRES.flatMap((on) => DISTURBANCES.map((kind) => ({ on, kind }))));
  const cases = Array.from({ length: count }, (_, index) => pairs[index % pairs.length] as Case);
  return random.shuffle(cases);
}

class Network {
  readonly violations: Violation[] = [];
  /** By wire and kind: how often, and how many connections were hit. */
  readonly hit = new Map<string, { times: number; connections: number }>();
  readonly #stack: Stack;
  readonly #answers: Record<Point["on"], number> = { database: 0, nats: 0, provider: 0 };
  readonly recoveryMs: Record<Point["on"], number> = { database: 0, nats: 0, provider: 0 };

  constructor(stack: Stack) {
    this.#stack = stack;
    for (const on of WIRES) {
      stack.wires[on].watch = ({ side }) => {
        if (side === "receive") this.#answers[on] += 1;
        return "pass";
      };
    }
  }

  /** One after the other on each wire; the wires do not wait for each other. */
  async suffer(cases: readonly Case[], random: Random): Promise<void> {
    await Promise.all(
      WIRES.map(async (on) => {
        const chances = random.fork();
        for (const { kind } of cases.filter((each) => each.on === on)) {
          await this.#meet({ on, kind }, chances);
          // It would only be found again, case by case.
          if (this.violations.length > 0) return;
        }
      }),
    );
  }

  async #meet({ on, kind }: Case, random: Random): Promise<void> {
    const name = `${on} ${kind}`;
    const { times, connections } = this.hit.get(name) ?? { times: 0, connections: 0 };
    let hit = 0;
    for (let tries = 0; hit === 0 && tries < TRIES_MAX; tries += 1) {
      hit = await disturb(this.#stack.wires[on], kind, random);
      const tookMs = await this.#recovers(on);
      if (tookMs === null)
        this.violations.push(
          `${RECOVERY_TIMEOUT_MS} ms after ${name} no answers pass, or some are still waited for in vain`,
        );
      else this.recoveryMs[on] = Math.max(this.recoveryMs[on], tookMs);
    }
    this.hit.set(name, { times: times + Math.min(1, hit), connections: connections + hit });
  }

  /**
   * Waits until answers pass again, and no connection is left on which they never will; gives how long that took, or null when it did not happen. Otherwise the
   * next reset would free whoever still waits on a silent one.
   */
  async #recovers(on: Point["on"]): Promise<number | null> {
    const clearAt = performance.now();
    const wanted = this.#answers[on] + ANSWERS_AFTER;
    while (this.#answers[on] < wanted || this.#stack.wires[on].silent > 0) {
      if (performance.now() - clearAt > RECOVERY_TIMEOUT_MS) return null;
      await delay(POLL_MS);
    }
    return Math.round(performance.now() - clearAt);
  }
}

/** Whether the door on NATS is served again. */
async function findClosedDoor(stack: Stack): Promise<Violation[]> {
  const connection = await stack.connectNats();
  const asked = JSON.stringify({ orderId: "order-1" });
  const answer = await connection.request(NATS_SUBJECT, asked, { timeout: NATS_TIMEOUT_MS }).catch(() => null);
  await connection.close();
  return answer === null ? [`nobody answers on ${NATS_SUBJECT}`] : [];
}

async function sufferOn(t: TestContext, cases: readonly Case[], random: Random) {
  const stack = await Stack.open(t, { environment: SETTINGS });
  const { service } = stack;
  const faults = [...ACTING_FAULTS, ...IDLE_FAULTS];
  const load = new Load({ clients: createClients(t, service), random: random.fork(), faults });
  const callers = new PatientCallers(service.http);
  let isOver = false;
  void service.exit.then(() => (isOver = true));
  load.start();
  callers.start();
  await load.verdicts(1);
  const network = new Network(stack);
  await network.suffer(cases, random.fork());
  const patient = await callers.finish();
  await load.finish();
  await stack.settled();
  const figures = await judge(stack, load);
  const violations = [
    ...network.violations,
    ...patient.violations,
    ...(isOver ? ["the service did not go on"] : []),
    ...(await findClosedDoor(stack)),
    ...figures.violations,
  ];
  const { answered, slowestMs } = patient;
  const hits = Object.fromEntries(
    [...network.hit].map(([name, { times, connections }]) => [name, [times, connections]]),
  );
  return { ...figures, violations, answered, slowestMs, recoveryMs: network.recoveryMs, hits };
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const plan = planCases(cases, random);
  const stacks = Math.min(STACKS_MAX, Math.ceil(cases / CASES_PER_STACK));
  const parts = Array.from({ length: stacks }, (_, index) => plan.filter((_case, place) => place % stacks === index));
  const found = await Promise.all(parts.map((part) => sufferOn(t, part, random.fork())));
  const hits = found.flatMap((each) => Object.values(each.hits));
  return {
    cases: hits.reduce((total, [times = 0]) => total + times, 0),
    violations: found.flatMap(({ violations }) => violations),
    shown: hits.every(([, connections = 0]) => connections > 0) && found.every((each) => each.requestsRecovered > 0),
    stacks: found.map(({ violations: _violations, ...figures }) => figures),
  };
});
