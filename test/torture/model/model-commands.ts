// What may happen in a history: callers call, retry and contradict themselves, customers pay, banks and colleagues act at the provider, webhooks arrive in any
// order, calls are lost, and time passes. After each step the service is held against the model.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { GatewayRequest } from "../../../src/gateway/direct.ts";
import { type Call, type Fault, FAULTS, type PaymentModel } from "./model-calls.ts";
import { type Real, type RealHistory, ROUNDS } from "./model-real.ts";
import type { ServiceModel } from "./model-service.ts";
import { type Card, CARDS } from "./model-there.ts";

const TICK_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SPANS_MS = [MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS, 25 * HOUR_MS, 8 * 24 * HOUR_MS];
/** The second is above 2^53. */
const AMOUNTS = [10_000n, 9_007_199_254_740_993n];
const REASON = "changed mind";
const ATTEMPTS_MAX = [null, 1, 2, 3];
/** One in so many is made where it will be refused. */
const SELDOM = 5;

type Part = "none" | "one" | "third" | "all" | "above";
const PARTS: readonly Part[] = ["none", "one", "third", "all", "above"];

interface Choice {
  readonly order: number;
  readonly card: Card;
  readonly fault: Fault | null;
  readonly part: Part;
  readonly number: number;
  readonly flag: boolean;
}

/** What a step does, and to what: the order's latest payment. */
interface Scene {
  readonly model: ServiceModel;
  readonly real: RealHistory;
  readonly choice: Choice;
}
type Step = (scene: Scene, payment: PaymentModel) => Promise<void>;

function partOf(part: Part, whole: bigint): bigint | null {
  switch (part) {
    case "none":
      return null;
    case "one":
      return 1n;
    case "third":
      return whole / 3n + 1n;
    case "all":
      return whole;
    case "above":
      return whole + 1n;
  }
}

async function ask(
  { model, real }: Scene,
  { id, call, fault }: { id: string; call: Call; fault: Fault | null },
): Promise<void> {
  const { verdict, request, point } = model.ask(id, call, fault);
  if (point !== null && fault !== null) real.layFault(point, fault);
  const { whole, ...said } = await real.ask(id, call);
  assert.deepEqual(said, verdict, `${call.do} ${id}`);
  if (request.verdict === null || verdict.say === "REQUEST_ID_REUSED") return;
  assert.deepEqual(whole, request.answer ?? whole, `a copy of ${id} is answered differently`);
  request.answer = whole;
}

function askAnew(scene: Scene, call: Call): Promise<void> {
  return ask(scene, { id: `r${scene.model.now}`, call, fault: scene.choice.fault });
}

async function realOf({ model, real }: Scene, payment: PaymentModel): Promise<Real> {
  const found = (await real.payments())[model.payments.indexOf(payment)];
  assert.ok(found, "the payment is not there");
  return found;
}

type Request = (intent: string, session: string) => GatewayRequest;

/** Somebody asks the provider for something. */
async function askThere(scene: Scene, payment: PaymentModel, request: Request): Promise<void> {
  await scene.real.elsewhere(await realOf(scene, payment), request);
}

function create(scene: Scene): Promise<void> {
  const { order, card, number, flag, part } = scene.choice;
  const mode = number % 2 === 0 ? "CHECKOUT" : "INTENT";
  const amount = AMOUNTS[number % 7 === 0 ? 1 : 0] ?? 1n;
  const terms = { mode, manual: flag, minor: part === "above" ? amount + 1n : amount } as const;
  const paysAtOnce = mode === "INTENT" && part !== "none";
  const attemptsMax = ATTEMPTS_MAX[number % ATTEMPTS_MAX.length] ?? null;
  return askAnew(scene, { do: "create", order, terms, card: paysAtOnce ? card : null, attemptsMax });
}

const STEPS = {
  create,

  complete(scene, { there }) {
    const { order, card, part, flag } = scene.choice;
    const minor = flag ? null : partOf(part, there.terms.minor);
    return askAnew(scene, { do: "complete", order, card: flag ? card : null, minor });
  },

  cancel(scene) {
    return askAnew(scene, { do: "cancel", order: scene.choice.order, reason: REASON });
  },

  refund(scene, { books }) {
    const { order, part } = scene.choice;
    return askAnew(scene, { do: "refund", order, minor: partOf(part, books.captured) });
  },

  /** A request comes once more, or its id with something else. */
  async again(scene) {
    const { number, flag, order, fault } = scene.choice;
    const { requests } = scene.model;
    const request = requests[number % Math.max(1, requests.length)];
    if (!request) return;
    const other = { do: "cancel", order, reason: `other than ${number}` } as const;
    await ask(scene, { id: request.id, call: flag ? request.call : other, fault });
  },

  async pay(scene, payment) {
    const { card: payment_method } = scene.choice;
    const isPage = payment.expiresAt !== null;
    payment.there.pay(payment_method, scene.model.now);
    await askThere(scene, payment, (intent, session) =>
      isPage
        ? { operation: "pay_session", id: session, payment_method }
        : { operation: "confirm_intent", id: intent, payment_method },
    );
  },

  async authenticate(scene, payment) {
    const { flag: approve } = scene.choice;
    payment.there.authenticate(approve, scene.model.now);
    await askThere(scene, payment, (id) => ({ operation: "authenticate", id, approve }));
  },

  async cancelThere(scene, payment) {
    payment.there.cancel("payment", "abandoned", scene.model.now);
    await askThere(scene, payment, (id) => ({ operation: "cancel_intent", id, cancellation_reason: "abandoned" }));
  },

  async refundThere(scene, payment) {
    const { model, choice } = scene;
    const amount = partOf(choice.part, payment.there.refundable) ?? payment.there.refundable;
    payment.there.refund({ name: `there-${model.now}`, ours: false, minor: amount }, model.now);
    const params = { amount, reason: null, metadata: {} };
    await askThere(scene, payment, (id) => ({ operation: "create_refund", id, params }));
  },

  async openDispute(scene, payment) {
    payment.there.openDispute(scene.model.now);
    const params = { reason: "fraudulent", inquiry: false };
    await askThere(scene, payment, (id) => ({ operation: "open_dispute", id, params }));
  },

  async settleDispute(scene, payment) {
    const [dispute] = (await scene.real.lifeOf(await realOf(scene, payment)))?.disputes ?? [];
    const { flag } = scene.choice;
    payment.there.settleDispute(flag, scene.model.now);
    await askThere(scene, payment, () => ({
      operation: "settle_dispute",
      id: dispute?.id ?? "",
      status: flag ? "won" : "lost",
    }));
  },

  /** One of all letters, be it for the first time or not. */
  async deliver(scene) {
    const { model, real, choice } = scene;
    const letters = model.payments.flatMap((payment) => payment.there.mail.map((_, index) => ({ payment, index })));
    const letter = letters[choice.number % Math.max(1, letters.length)];
    if (!letter) return;
    model.deliver(letter.payment, letter.index);
    await real.deliver(await realOf(scene, letter.payment), letter.index);
  },

  /** All letters that are new, oldest or newest first. */
  deliverNew({ model, real, choice }) {
    return deliverAll(model, real, choice.flag);
  },

  /** With the service at work from the first minute on, or only at the end. */
  wait({ model, real, choice }) {
    const span = SPANS_MS[choice.number % SPANS_MS.length] ?? MINUTE_MS;
    return pass(model, real, choice.flag ? [MINUTE_MS, span] : [span]);
  },
} as const satisfies Readonly<Record<string, Step>>;

type StepName = keyof typeof STEPS;

/** What a payment must be like for a step to be about anything; others are always taken once there is a payment. */
const SENSE: Readonly<Partial<Record<StepName, (payment: PaymentModel, choice: Choice) => boolean>>> = {
  complete: ({ books }, { number }) => !books.isPaid || number % SELDOM === 0,
  cancel: ({ books }, { number }) => books.isOpen || number % SELDOM === 0,
  refund: ({ books }, { number }) => books.captured > 0n || number % SELDOM === 0,
  pay: ({ there }) => there.payable,
  authenticate: ({ there }) => there.stand === "challenge",
  cancelThere: ({ there }) => there.stand === "held",
  refundThere: ({ there }, { part }) => there.stand === "paid" && part !== "above" && there.refundable > 0n,
  openDispute: ({ there }) => there.stand === "paid" && there.dispute === null && there.refundable > 0n,
  settleDispute: ({ there }) => there.dispute?.status === "open",
  deliver: ({ there }) => there.mail.length > 0,
};

async function pass(model: ServiceModel, real: RealHistory, spans: readonly number[]): Promise<void> {
  for (const ms of spans) {
    model.pass(ms);
    await real.pass(ms);
    for (let round = 0; round < ROUNDS; round += 1) {
      model.recover();
      await real.recover();
    }
  }
}

async function deliverAll(model: ServiceModel, real: RealHistory, reversed: boolean): Promise<void> {
  const payments = await real.payments();
  for (const [place, payment] of model.payments.entries()) {
    const found = payments[place];
    const fresh = payment.there.mail.map((_, index) => index).filter((index) => !payment.arrived.has(index));
    for (const index of reversed ? fresh.toReversed() : fresh) {
      model.deliver(payment, index);
      if (found) await real.deliver(found, index);
    }
  }
}

/** What the service has, and what the gateway has sent, is what the model has. */
async function compare(model: ServiceModel, real: RealHistory): Promise<void> {
  const found = await real.payments();
  const ours = model.payments.map(({ order, books }) => ({ order, ...books.see() }));
  assert.deepEqual(
    found.map(({ order, seen }) => ({ order, ...seen })),
    ours,
  );
  for (const [place, payment] of found.entries()) {
    const sent = (await real.eventsOf(payment)).map(({ type }) => type);
    assert.deepEqual(
      sent,
      model.payments[place]?.there.mail.map(({ type }) => type),
    );
  }
}

/** Rounds of mail and time after which nothing may be left. The last ones come a day later, when what was lost is asked about. */
const QUIET_ROUNDS_MAX = 8;
const DAY_LATER_ROUND = 4;

/** Nothing more happens from outside: all mail arrives, everything is settled, and the books of both sides are the same. */
export async function end(model: ServiceModel, real: RealHistory): Promise<void> {
  for (let round = 0; round < QUIET_ROUNDS_MAX && !(model.isQuiet && model.isAllDelivered); round += 1) {
    await deliverAll(model, real, round % 2 === 1);
    await pass(model, real, [round === DAY_LATER_ROUND ? 25 * HOUR_MS : 10 * MINUTE_MS]);
    await compare(model, real);
  }
  assert.deepEqual(await real.unsettled(), []);
  assert.deepEqual(await real.drifts(), []);
  const history = await real.eventsHere();
  for (const [place, payment] of (await real.payments()).entries()) {
    const { books, there } = model.payments[place] as PaymentModel;
    const events = history.get(payment.id) ?? [];
    assert.deepEqual(events.map(({ type }) => type).toSorted(), books.told.toSorted());
    assert.deepEqual(
      events.map(({ version }) => version),
      events.map((_, index) => index + 1),
    );
    const received = (await real.lifeOf(payment))?.intent.amount_received ?? 0n;
    const { captured, refunded, pending } = payment.seen;
    assert.deepEqual([captured, refunded + pending], [received, there.captured - there.refundable]);
  }
}

class Command implements fc.AsyncCommand<ServiceModel, RealHistory> {
  readonly name: StepName;
  readonly #choice: Choice;

  constructor(name: StepName, choice: Choice) {
    this.name = name;
    this.#choice = choice;
  }

  check(model: Readonly<ServiceModel>): boolean {
    const payment = model.latest(this.#choice.order);
    if (this.name === "create") return !payment || payment.books.isClosed || this.#choice.number % SELDOM === 0;
    return payment !== undefined && (SENSE[this.name]?.(payment, this.#choice) ?? true);
  }

  async run(model: ServiceModel, real: RealHistory): Promise<void> {
    const payment = model.latest(this.#choice.order);
    model.pass(TICK_MS);
    await real.pass(TICK_MS);
    const scene = { model, real, choice: this.#choice };
    if (payment === undefined) await create(scene);
    else await (STEPS[this.name] as Step)(scene, payment);
    real.steps += 1;
    await compare(model, real);
  }

  toString(): string {
    const { order, card, fault, part, number, flag } = this.#choice;
    return `${this.name}(${order}, ${card}, ${fault}, ${part}, ${number}, ${flag})`;
  }
}

/** How often each happens among others. */
const WEIGHTS: Readonly<Record<StepName, number>> = {
  create: 4,
  complete: 4,
  cancel: 2,
  refund: 5,
  again: 3,
  pay: 4,
  authenticate: 2,
  cancelThere: 1,
  refundThere: 2,
  openDispute: 1,
  settleDispute: 1,
  deliver: 5,
  deliverNew: 2,
  wait: 3,
};

const choice: fc.Arbitrary<Choice> = fc.record({
  // Most of a history is about one order.
  order: fc.constantFrom(0, 0, 0, 0, 1, 1, 2),
  card: fc.constantFrom(
    "pm_card_visa" as const,
    "pm_card_visa" as const,
    "pm_card_visa" as const,
    ...(Object.keys(CARDS) as Card[]),
  ),
  fault: fc.oneof({ arbitrary: fc.constant(null), weight: 3 }, { arbitrary: fc.constantFrom(...FAULTS), weight: 1 }),
  part: fc.constantFrom(...PARTS),
  number: fc.nat({ max: 999 }),
  flag: fc.boolean(),
});

/** Histories are no longer than this. */
const STEPS_MAX = 60;

export const histories = fc.commands(
  (Object.keys(WEIGHTS) as StepName[]).flatMap((name) =>
    Array.from({ length: WEIGHTS[name] }, () => choice.map((made) => new Command(name, made))),
  ),
  { maxCommands: STEPS_MAX, size: "max" },
);
