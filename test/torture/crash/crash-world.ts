// Where crashes happen: one stack, on which one order after the other lives its scenario, is killed with the service at the boundaries of a plan, and must come to
// the scenario's end all the same.
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../../support/clients.ts";
import { Caller } from "../load/caller.ts";
import { type Boundary, isPeriodic, nameOf } from "./crash-boundary.ts";
import { Killer } from "./crash-killer.ts";
import type { End, Scenario } from "./crash-scenarios.ts";
import { Stage } from "./crash-stage.ts";
import { findUnsettled } from "../frame/invariants.ts";
import { Random } from "../frame/random.ts";
import { ClientRecord } from "../frame/record.ts";
import { examine } from "../frame/verdict.ts";
import { Stack } from "../wire/stack.ts";

const SETTINGS = {
  // A call that died with its process is taken up about when the next process is there, and a busy machine does not run into it.
  PROVIDER_TIMEOUT_MS: "1000",
  DATABASE_TIMEOUT_MS: "2000",
  // Nobody here comes through these doors, and without them the start is faster.
  REST_DIALECTS: "none",
  GRPC_REFLECTION: "false",
  METRICS: "false",
};
/** What the contract allows, less some. */
const ORDER_ID_LENGTH_MAX = 120;
const QUIET_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
/** What an order brings about comes within this time, once all is settled: the last confirmation and the last mark. */
const LINGER_MS = 150;
/** More would only say the same. */
const VIOLATIONS_MAX = 10;

/** One call at a time: a copy would have boundaries of its own. */
class Steady extends Random {
  override chance(): boolean {
    return false;
  }
}

interface Row {
  readonly ended: string;
}

function print({ status, captured, refunded, events }: End): string {
  return `${status}, captured ${captured}, refunded ${refunded}: ${events.join(", ")}`;
}

interface Run {
  /** Boundaries of the plan at which the service was killed. */
  readonly kills: number;
  /** What came about while nobody had been killed yet. */
  readonly seen: readonly Boundary[];
  /** What came about after the first kill, until what it had interrupted was over. */
  readonly recovery: readonly Boundary[];
}

export class CrashWorld {
  readonly violations: string[] = [];
  /** Operations that the recovery worker took up, as of the last examination. */
  operationsRecovered = 0;
  readonly #stack: Stack;
  readonly #killer: Killer;
  readonly #caller: () => Caller;
  /** Of what was not examined yet. */
  #record = new ClientRecord();
  #orders = 0;
  /** Something never came to its end: all that came after would find it. */
  #isSpoiled = false;
  /** What was found before: the tables keep it. */
  readonly #known = new Set<string>();

  private constructor(stack: Stack, caller: (record: ClientRecord) => Caller) {
    this.#stack = stack;
    this.#killer = new Killer(stack);
    this.#caller = () => caller(this.#record);
  }

  static async open(t: TestContext, random: Random): Promise<CrashWorld> {
    const stack = await Stack.open(t, { environment: SETTINGS });
    await stack.gateway.turn({ hold: true });
    const clients = createClients(t, stack.service);
    const steady = new Steady(random.below(2 ** 32));
    return new CrashWorld(stack, (record) => new Caller({ clients, random: steady, record, onVerdict: () => {} }));
  }

  /** Nothing more can be learned here. */
  get isHopeless(): boolean {
    return this.#isSpoiled || this.violations.length >= VIOLATIONS_MAX;
  }

  /** The boundaries of a scenario, as they come about when nobody is killed. */
  async listBoundaries(scenario: Scenario): Promise<readonly Boundary[]> {
    const { seen } = await this.run(scenario, []);
    return seen.filter((boundary) => !isPeriodic(boundary));
  }

  /** Lives a scenario for a new order, with a kill at each boundary of the plan. */
  async run(scenario: Scenario, plan: readonly Boundary[]): Promise<Run> {
    const orderId = this.#nextOrder(scenario, plan);
    const killer = this.#killer;
    const stage = new Stage({
      orderId,
      caller: this.#caller(),
      gateway: this.#stack.gateway,
      query: (text, values) => this.#stack.query(text, values),
      up: () => killer.up(),
      onAct: () => killer.noteAct(),
    });
    if (scenario.usesCredits) await stage.grant(this.#stack.service.http.port);
    killer.arm(plan);
    try {
      await scenario.live(stage);
      await this.#settle(plan);
      const run = { kills: killer.kills, seen: killer.seen, recovery: killer.recovery };
      await this.#check(orderId, scenario.end);
      killer.arm([]);
      // What the provider still has to tell is known by now.
      await stage.deliver();
      await this.#becomesQuiet();
      await this.#check(orderId, scenario.end);
      return run;
    } catch (error) {
      this.violations.push(`${orderId}: ${error instanceof Error ? error.message : String(error)}`);
      this.#isSpoiled = true;
      return { kills: killer.kills, seen: [], recovery: [] };
    }
  }

  /** Holds all that happened here against the invariants. */
  async examine(): Promise<void> {
    const { operationsRecovered, violations } = await examine(this.#stack, this.#record);
    this.operationsRecovered = operationsRecovered;
    this.#record = new ClientRecord();
    const isStory = (violation: string): boolean => violation.includes("\n");
    // Stories are told together with something new.
    const isNew = this.#report(violations.filter((violation) => !isStory(violation)));
    if (isNew) this.violations.push(...violations.filter(isStory));
  }

  /** Gives whether any of it was not known before. */
  #report(violations: readonly string[]): boolean {
    const news = violations.filter((violation) => !this.#known.has(violation));
    for (const violation of news) this.#known.add(violation);
    this.violations.push(...news);
    return news.length > 0;
  }

  /** Named so that a violation tells where the service was killed. */
  #nextOrder({ name }: Scenario, plan: readonly Boundary[]): string {
    this.#orders += 1;
    const deaths = plan.map((boundary) => `at ${nameOf(boundary)} `).join("");
    const words = `${this.#orders} ${deaths}of ${name}`;
    return words.replaceAll(/[^\w.]+/g, "-").slice(0, ORDER_ID_LENGTH_MAX);
  }

  /** Waits until all is settled and a boundary of the plan that is still to come has come. */
  async #settle(plan: readonly Boundary[]): Promise<void> {
    const killer = this.#killer;
    for (let lives = 0; lives <= plan.length; lives += 1) {
      await this.#becomesQuiet();
      const { kills } = killer;
      await (plan.length === 0 ? delay(LINGER_MS) : killer.linger(LINGER_MS));
      await killer.up();
      if (killer.kills === kills) return;
    }
  }

  async #becomesQuiet(): Promise<void> {
    const deadline = performance.now() + QUIET_TIMEOUT_MS;
    for (;;) {
      await this.#killer.up();
      const unsettled = await this.#unsettled();
      if (unsettled.length === 0) return;
      if (performance.now() > deadline) throw new Error(`not settled: ${unsettled.join("; ")}`);
      await delay(POLL_MS);
    }
  }

  async #unsettled(): Promise<string[]> {
    const found = await findUnsettled((text, values) => this.#stack.query(text, values));
    if (found.length > 0) return found;
    const rows = await this.#stack.query<{ what: string }>(
      "select 'webhook ' || type || ' is ' || state as what from webhook_event where state in ('RECEIVED', 'PARKED')",
    );
    return rows.map(({ what }) => what);
  }

  async #check(orderId: string, end: End): Promise<void> {
    const [row] = await this.#stack.query<Row>(
      `select p.status || coalesce(': ' || p.cancel_reason, '') || ', captured ' || p.captured_minor || ', refunded ' || p.refunded_minor || ': ' ||
          (select string_agg(substr(e.type, length('payment.') + 1), ', ' order by e.version) from payment_event e where e.payment_id = p.id) as ended
        from payment p where p.order_id = $1`,
      [orderId],
    );
    const wanted = print(end);
    if (row?.ended !== wanted)
      this.violations.push(`${orderId}: ${row?.ended ?? "no payment"}; it should be ${wanted}`);
  }
}
