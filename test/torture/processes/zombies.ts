// What a leader of the relay can be stopped in the middle of, and what goes on while it sleeps: others lead, and publish newer events. It is woken then, or
// what it had said before it fell asleep arrives late.
import { setTimeout as delay } from "node:timers/promises";
import { nanos } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import type { Client } from "../../support/clients.ts";
import type { LogLine } from "../../support/service-process.ts";
import type { Dweller, House } from "./house.ts";
import type { Random } from "../frame/random.ts";

const STREAM = "PAYMENTS";
/** The lease's 5 s, the follower's 1.5 s between two questions, and what a busy machine needs. */
const TAKEOVER_MAX_MS = 30_000;
/** It looks at its lease before each message, and asks itself whether there is something to send once a second. */
const NOTICE_MAX_MS = 10_000;
const PUBLISHED_MAX_MS = 30_000;
const POLL_MS = 20;
const OFFSET_MAX_MS = 300;
/** Few calls are made to whoever may sleep: each is given up after its time. */
const SLEEPER_CHANCE = 0.05;
/** Newer events that are on the stream before the zombie wakes, at least. */
const NEWER_MIN = 20;
/** Events that are on their way when it falls asleep, at most. */
const UNDER_WAY_MAX = 20;
/** The shortest that nats-server takes. */
const SHORT_WINDOW_MS = 100;

export const MANNERS = [
  /** Messages have left it, and reach the stream long after their repeats. */
  "its messages are late",
  /** Wherever it is. */
  "at any moment",
  /** Its messages are stored, and it learns so long after others sent them again. */
  "its answers are late",
  /** As the first, when the stream no longer knows that it has the messages. */
  "its messages are later than repeats are dropped",
] as const;
export type Manner = (typeof MANNERS)[number];

const SAID_LEADS = "relay leads";
const SAID_ENDS = new Set(["relay stopped publishing", "relay cannot publish"]);

/** A process of the service as its log shows it. */
export class Relay {
  readonly dweller: Dweller;
  sleeps = false;
  /** Calls to it that are not answered yet. */
  calls = 0;
  #leads = false;
  #read = 0;

  constructor(dweller: Dweller) {
    this.dweller = dweller;
  }

  /** By what it said last. */
  get leads(): boolean {
    const { logged } = this.dweller.service;
    for (; this.#read < logged.length; this.#read += 1) {
      const { msg } = logged[this.#read] as LogLine;
      if (msg === SAID_LEADS) this.#leads = true;
      else if (SAID_ENDS.has(msg)) this.#leads = false;
    }
    return this.#leads;
  }

  stop(): void {
    this.dweller.service.signal("SIGSTOP");
    this.sleeps = true;
  }

  wake(): void {
    this.dweller.service.signal("SIGCONT");
    this.sleeps = false;
  }

  /** Whether it takes itself for the leader, by its metrics. */
  async believesToLead(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.dweller.service.http.port}/metrics`);
    const [, value] = /^payment_relay_leads (\d)$/m.exec(await answer.text()) ?? [];
    if (value === undefined) throw new Error("the service does not tell whether its relay leads");
    return value === "1";
  }
}

async function eventually(holds: () => Promise<boolean> | boolean, withinMs: number): Promise<boolean> {
  for (const startedAt = performance.now(); performance.now() - startedAt < withinMs; ) {
    if (await holds()) return true;
    await delay(POLL_MS);
  }
  return false;
}

export interface Sharing {
  readonly relays: readonly Relay[];
  /** Of each process. */
  readonly clients: readonly (readonly Client[])[];
  readonly random: Random;
  /** Callers think so long before a call, at most. */
  readonly thinkMaxMs: number;
}

/** Clients of all processes as one: nobody asks much of those that sleep, and everybody a little. */
export function shareClients({ relays, clients, random, thinkMaxMs }: Sharing): Client[] {
  const kinds = clients[0] ?? [];
  return kinds.map(({ name }, kind) => ({
    name,
    async call(method, request, timeoutMs) {
      await delay(random.below(thinkMaxMs));
      const awake = relays.flatMap(({ sleeps }, index) => (sleeps ? [] : [index]));
      const all = relays.map((_, index) => index);
      const index = random.pick(awake.length === 0 || random.chance(SLEEPER_CHANCE) ? all : awake);
      const [relay, client] = [relays[index], clients[index]?.[kind]];
      if (!relay || !client) throw new Error(`process ${index} has no client ${name}`);
      relay.calls += 1;
      const outcome = await client.call(method, request, timeoutMs);
      relay.calls -= 1;
      return outcome;
    },
  }));
}

export class Zombies {
  readonly #house: House;
  readonly #relays: readonly Relay[];
  readonly #random: Random;
  readonly violations: string[] = [];
  takeovers = 0;
  /** Calls that were under way in a process when it fell asleep. */
  callsAsleep = 0;
  /** Messages that were under way when their sender fell asleep, and came when another had led. */
  lateMessages = 0;
  /** Of them, those that came when the stream dropped repeats no more. */
  forgottenMessages = 0;

  constructor(house: House, relays: readonly Relay[], random: Random) {
    this.#house = house;
    this.#relays = relays;
    this.#random = random;
  }

  /** One leader is stopped, another leads, and the first one wakes. */
  async happen(manner: Manner): Promise<void> {
    const zombie = await this.#leader();
    await delay(this.#random.below(OFFSET_MAX_MS));
    await this.#fallAsleep(zombie, manner);
    this.callsAsleep += zombie.calls;
    await this.#leader();
    this.takeovers += 1;
    await this.#newerArePublished();
    await this.#awaken(zombie, manner);
    await this.#notices(zombie);
  }

  async #leader(): Promise<Relay> {
    const find = (): Relay | undefined => this.#relays.find((relay) => relay.leads && !relay.sleeps);
    if (!(await eventually(() => find() !== undefined, TAKEOVER_MAX_MS))) throw new Error("nobody leads");
    return find() as Relay;
  }

  async #fallAsleep(zombie: Relay, manner: Manner): Promise<void> {
    const { nats } = zombie.dweller;
    if (manner === "at any moment") return zombie.stop();
    const held = manner === "its answers are late" ? "answers" : "sayings";
    nats.hold(held);
    // Sent and not marked, since neither message nor answer comes through.
    const wanted = 1 + this.#random.below(UNDER_WAY_MAX);
    const isUnderWay = async (): Promise<boolean> =>
      (await this.#unmarked()) >= wanted && (held === "answers" || nats.messagesHeld > 0);
    if (!(await eventually(isUnderWay, PUBLISHED_MAX_MS))) throw new Error("the load makes no events");
    zombie.stop();
  }

  async #awaken(zombie: Relay, manner: Manner): Promise<void> {
    const { nats } = zombie.dweller;
    const held = nats.messagesHeld;
    this.lateMessages += held;
    if (manner === "its messages are later than repeats are dropped") {
      await this.#forgetRepeats();
      this.forgottenMessages += held;
    }
    const release = (): void => nats.hold("nothing");
    const acts = [release, () => zombie.wake()];
    if (this.#random.chance(0.5)) acts.reverse();
    for (const act of acts) {
      act();
      await delay(this.#random.below(OFFSET_MAX_MS));
    }
  }

  /** From its first word on it must know. */
  async #notices(zombie: Relay): Promise<void> {
    if (await zombie.believesToLead()) this.violations.push("T13 a zombie takes itself for the leader");
    if (!(await eventually(() => !zombie.leads, NOTICE_MAX_MS)))
      this.violations.push(`T13 a zombie still publishes ${NOTICE_MAX_MS} ms after it woke`);
  }

  /** The stream has all that was there when the zombie fell asleep, and something that came after it. */
  async #newerArePublished(): Promise<void> {
    const [before] = await this.#house.query<{ last: string }>(
      "select coalesce(max(position), 0)::text as last from payment_event",
    );
    const done = async (): Promise<boolean> => {
      const [counts] = await this.#house.query<{ left: number; newer: number }>(
        `select count(*) filter (where published_at is null and position <= $1)::int as left,
          count(*) filter (where published_at is not null and position > $1)::int as newer from payment_event`,
        [before?.last],
      );
      return counts?.left === 0 && counts.newer >= NEWER_MIN;
    };
    if (!(await eventually(done, PUBLISHED_MAX_MS))) throw new Error("the new leader does not publish");
  }

  async #unmarked(): Promise<number> {
    const [row] = await this.#house.query<{ count: number }>(
      "select count(*)::int as count from payment_event where published_at is null",
    );
    return row?.count ?? 0;
  }

  /** As if so much time had gone by. The next leader brings the stream's settings back. */
  async #forgetRepeats(): Promise<void> {
    const connection = await this.#house.connectNats();
    try {
      const { streams } = await jetstreamManager(connection);
      await streams.update(STREAM, { duplicate_window: nanos(SHORT_WINDOW_MS) });
    } finally {
      await connection.close();
    }
    await delay(3 * SHORT_WINDOW_MS);
  }
}
