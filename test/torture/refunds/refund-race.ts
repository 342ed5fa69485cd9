// One race: a payment is taken, and eight refunds of it are asked for at once, each through any door, and repeated until there is an answer. Afterwards the answers
// must be those that some order of the refunds gives.
import { setTimeout as delay } from "node:timers/promises";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { OrderTotals } from "../../support/gateway-journal.ts";
import type { Caller } from "../load/caller.ts";
import type { Random } from "../frame/random.ts";
import type { ClientRecord, RequestRecord } from "../frame/record.ts";
import { type Ask, type Currency, DIGITS, type Door, type Reply, type Said } from "./refund-doors.ts";

const { createPayment, completePayment } = PaymentService.method;

const REFUNDS = 8;
const PATIENCE_MS = 60_000;
const PAUSE_MIN_MS = 10;
const PAUSE_SPREAD_MS = 60;
/** The gateway gives back, and its answer is lost, wrong or late. */
const ACTING_FAULTS = ["refund:lost_after", "refund:lost_after x3", "refund:error_after x2", "refund:delay=150 x8"];
/** The gateway gives nothing back at first, so that what was reserved is free again. */
const IDLE_FAULT = "refund:error x3";
const ACTING_CHANCE = 0.25;
const IDLE_CHANCE = 0.1;
const PARTIAL_CHANCE = 0.3;
const EQUAL_CHANCE = 0.4;
const SAME_ID_CHANCE = 0.2;
/** Above 2^53. */
const LARGE = 9_007_199_254_740_993n;
const CURRENCIES = Object.keys(DIGITS) as Currency[];

export interface Racecourse {
  readonly caller: Caller;
  readonly doors: readonly Door[];
  readonly random: Random;
  readonly record: ClientRecord;
}

type Answered = Extract<Reply, { said: Said }> & { readonly door: Door; readonly at: number };

/** One request id: all of its calls. */
interface Refund {
  readonly ask: Ask;
  readonly askedAt: number;
  readonly answers: Answered[];
  /** What the client of the contract keeps; null as long as only other doors answered. */
  recorded: RequestRecord | null;
}

interface Terms {
  readonly orderId: string;
  readonly currency: Currency;
  readonly captured: bigint;
  readonly fault: string | null;
}

function money(currency: Currency, minor: bigint) {
  return { currency, minor };
}

/** In KWD the provider takes no thousandths that are not tens. */
function rounded(minor: bigint, currency: Currency): bigint {
  const step = currency === "KWD" ? 10n : 1n;
  return minor < step ? step : minor - (minor % step);
}

export class RefundRace {
  readonly terms: Terms;
  readonly #course: Racecourse;
  readonly #refunds = new Map<string, Refund>();

  constructor(course: Racecourse, orderId: string) {
    const { random } = course;
    const currency = random.pick(CURRENCIES);
    const amount = currency !== "KWD" && random.chance(0.1) ? LARGE : BigInt(100 + random.below(100_000));
    const chance = random.next();
    const fault =
      chance < ACTING_CHANCE ? random.pick(ACTING_FAULTS) : chance < ACTING_CHANCE + IDLE_CHANCE ? IDLE_FAULT : null;
    this.terms = { orderId, currency, captured: rounded(amount, currency), fault };
    this.#course = course;
  }

  /** Takes the money, and asks for it back. */
  async run(): Promise<void> {
    await this.#pay();
    await Promise.all(this.#wishes().map((ask) => this.#insist(ask)));
  }

  /** Of the answers. */
  get figures(): { readonly given: number; readonly refused: number; readonly crossed: number } {
    const refunds = [...this.#refunds.values()];
    const given = refunds.filter(({ answers }) => answers.some(({ said }) => "given" in said)).length;
    const families = refunds.filter(({ answers }) => new Set(answers.map(({ door }) => door.family)).size > 1);
    return { given, refused: refunds.length - given, crossed: families.length };
  }

  async #pay(): Promise<void> {
    const { caller, random } = this.#course;
    const { orderId, currency, captured, fault } = this.terms;
    const isPartial = random.chance(PARTIAL_CHANCE);
    const requestId = `${orderId}-create`;
    const paid = await caller.call(
      createPayment,
      { orderId, requestId },
      {
        orderId,
        amount: money(currency, isPartial ? captured * 2n : captured),
        mode: PaymentMode.INTENT,
        captureMethod: isPartial ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
        paymentMethod: "pm_card_visa",
        ...(fault !== null && { metadata: { gateway_fault: fault } }),
        requestId,
      },
    );
    const named = { orderId, requestId: `${orderId}-complete` };
    const payment = { case: "orderId", value: orderId } as const;
    const captures = isPartial
      ? await caller.call(completePayment, named, { payment, amount: money(currency, captured), ...named })
      : paid;
    if (captures?.kind !== "ok") throw new Error(`${orderId} was not paid: ${JSON.stringify(captures)}`);
  }

  /** Parts of which more or fewer fit, all that is left, and more than there is; now and then the same request twice. */
  #wishes(): Ask[] {
    const { random } = this.#course;
    const { orderId, currency, captured } = this.terms;
    const part = (): bigint | null =>
      random.pick([
        captured / 8n,
        captured / 4n,
        captured / 3n + 1n,
        captured / 2n,
        (captured * BigInt(1 + random.below(100))) / 100n,
        captured,
        captured + 10n,
        null,
      ]);
    const equal = random.chance(EQUAL_CHANCE) ? part() : undefined;
    const asks: Ask[] = [];
    for (let index = 0; index < REFUNDS; index += 1) {
      const again = index > 0 && random.chance(SAME_ID_CHANCE) ? random.pick(asks) : undefined;
      const wish = equal === undefined ? part() : equal;
      const minor = wish === null ? null : rounded(wish, currency);
      asks.push(again ?? { orderId, requestId: `${orderId}-refund-${index}`, currency, minor });
    }
    return asks;
  }

  async #insist(ask: Ask): Promise<void> {
    const { random, doors } = this.#course;
    const askedAt = performance.now();
    const known = this.#refunds.get(ask.requestId);
    const refund = known ?? { ask, askedAt, answers: [], recorded: null };
    this.#refunds.set(ask.requestId, refund);
    while (performance.now() - askedAt < PATIENCE_MS) {
      const door = random.pick(doors);
      const reply = await door.ask(ask);
      if ("said" in reply) {
        refund.answers.push({ ...reply, door, at: performance.now() });
        this.#keep(refund, reply);
        return;
      }
      await delay(PAUSE_MIN_MS + random.below(PAUSE_SPREAD_MS));
    }
  }

  /** What the contract's own protocols answer is held against the tables with all other requests of the run. */
  #keep(refund: Refund, { verdict }: Extract<Reply, { said: Said }>): void {
    if (verdict === null) return;
    const { orderId, requestId } = refund.ask;
    refund.recorded ??= this.#course.record.invoke({
      orderId,
      requestId,
      method: "RefundPayment",
      repeat: () => this.#insist(refund.ask),
    });
    refund.recorded.verdicts.push(verdict);
  }

  /** What is wrong with the answers; `totals` is what the gateway's journal says of the order. */
  check(totals: OrderTotals | undefined): string[] {
    const refunds = [...this.#refunds.values()];
    const found = refunds.flatMap((refund) => disagreements(refund));
    const winners = refunds.flatMap((refund) => {
      const said = refund.answers[0]?.said;
      return said && "given" in said ? [{ refund, minor: said.minor }] : [];
    });
    const sum = winners.reduce((total, { minor }) => total + minor, 0n);
    const { orderId, captured } = this.terms;
    if (totals?.capturedMinor !== captured)
      found.push(`I2 ${orderId}: the journal says ${totals?.capturedMinor} were taken`);
    if (totals?.refundedMinor !== sum || totals.refunds !== winners.length)
      found.push(
        `I2 ${orderId}: ${winners.length} refunds of ${sum} were answered, the journal says ${totals?.refunds} of ${totals?.refundedMinor}`,
      );
    if (sum > captured) found.push(`I3 ${orderId}: ${sum} of ${captured} given back`);
    return [...found, ...refunds.flatMap((refund) => this.#checkRefusal(refund, winners))];
  }

  /** A refusal must be right: what it says was left is what refunds before it left, and its amount did not fit into that. */
  #checkRefusal({ ask, askedAt, answers }: Refund, winners: readonly Winner[]): string[] {
    const [first] = answers;
    if (!first || "given" in first.said) return [];
    const { captured, fault, orderId } = this.terms;
    const { refused, outcome, left } = first.said;
    const about = `I9 ${ask.requestId} of ${ask.minor ?? "all"}`;
    if (refused !== "REFUND_EXCEEDS_CAPTURED" || outcome !== "NOT_ATTEMPTED")
      return [`${about}: refused with ${refused}, ${outcome}`];
    if (left === null || left < 0n || left > captured) return [`${about}: ${left} of ${captured} should be left`];
    const fits = ask.minor === null ? left > 0n : ask.minor <= left;
    if (fits) return [`${about}: refused, though ${left} were left`];
    // Where something reserved came free again, more may have been reserved at that moment than was given in the end.
    if (fault === IDLE_FAULT) return [];
    const before = winners.filter(({ refund }) => (refund.answers[0]?.at ?? Infinity) < askedAt);
    const during = winners.filter((winner) => !before.includes(winner) && winner.refund.askedAt < first.at);
    const taken = before.reduce((total, { minor }) => total + minor, 0n);
    const reachable = sumsOf(during.map(({ minor }) => minor)).map((sum) => captured - taken - sum);
    return reachable.includes(left)
      ? []
      : [`${about}: no order of the refunds of ${orderId} leaves ${left} of ${captured}`];
  }
}

interface Winner {
  readonly refund: Refund;
  readonly minor: bigint;
}

/** The sums of all subsets. */
function sumsOf(parts: readonly bigint[]): bigint[] {
  return parts.reduce<bigint[]>((sums, part) => [...sums, ...sums.map((sum) => sum + part)], [0n]);
}

function printSaid(said: Said): string {
  return "given" in said
    ? `${said.given} ${said.minor} ${said.status}`
    : `${said.refused} ${said.outcome} ${said.left}`;
}

/** One request has one answer, whatever door gives it; doors of one family agree word for word. */
function disagreements({ ask: { requestId }, answers }: Refund): string[] {
  if (answers.length === 0) return [`I10 ${requestId}: never answered`];
  const said = new Set(answers.map((answer) => printSaid(answer.said)));
  if (said.size > 1)
    return [`I9 ${requestId}: ${answers.map((each) => `${each.door.name}: ${printSaid(each.said)}`).join("; ")}`];
  const families = Map.groupBy(answers, ({ door }) => door.family);
  return [...families.values()].flatMap((same) => {
    const told = new Set(same.map((answer) => answer.told));
    return told.size > 1 ? [`I9 ${requestId}: ${[...told].join(" and then ")}`] : [];
  });
}
