// Payments as callers make them, each somewhere in its life as chance has it; and, where it is asked for, drift of every kind among them.
import type { TestContext } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { inParallel } from "../support/in-parallel.ts";
import { Random } from "../torture/frame/random.ts";
import { EARLY_SEEDS, type Seed, type SeededDrift, SEEDS } from "./drift-seeds.ts";
import type { ReconcileBench } from "./open-reconcile.ts";
import { answerOf, caller, createInput, type TestService } from "./open-service.ts";

const CONCURRENCY = 16;

function makeAll(works: readonly (() => Promise<unknown>)[]): Promise<void> {
  return inParallel(works, CONCURRENCY, (work) => work());
}

export class RandomPayments {
  readonly #bench: ReconcileBench;
  readonly #service: TestService;
  readonly #random: Random;

  constructor(bench: ReconcileBench, t: TestContext) {
    const seed = Number(process.env["TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
    t.diagnostic(`TEST_SEED=${seed}`);
    this.#bench = bench;
    this.#service = bench.service;
    this.#random = new Random(seed);
  }

  make(count: number): Promise<void> {
    return makeAll(this.#lives(count));
  }

  /** So many payments, with drift of every kind among them. */
  async makeWithDrift(count: number): Promise<SeededDrift[]> {
    const seeded: SeededDrift[] = [];
    const early = this.#seedSome(EARLY_SEEDS, seeded);
    const late = this.#seedSome(SEEDS, seeded);
    const living = this.#lives(count - early.length - late.length);
    const half = living.length / 2;
    await makeAll(this.#random.shuffle([...living.slice(0, half), ...early]));
    this.#service.time += 2 * 3_600_000;
    await this.#bench.settle();
    await makeAll(this.#random.shuffle([...living.slice(half), ...late]));
    // What the others owe is settled; what was seeded to be stuck is not due yet.
    this.#service.time += 100;
    await this.#bench.settle();
    this.#service.time += 11 * 60_000;
    return seeded;
  }

  #lives(count: number): (() => Promise<void>)[] {
    return Array.from({ length: count }, () => () => this.#live());
  }

  async #live(): Promise<void> {
    const { parts } = this.#service;
    const choice = this.#random.below(9);
    const isHeld = choice >= 6;
    const input = createInput({
      ...(choice === 1 && { paymentMethod: "pm_card_chargeDeclined" }),
      ...(choice === 2 && { mode: "CHECKOUT" as const, paymentMethod: null }),
      ...(choice === 3 && { paymentMethod: null, attemptsMax: 3 }),
      ...(isHeld && { captureMethod: "MANUAL" as const }),
    });
    const { payment } = answerOf(await createPayment(parts, caller, input));
    const find = { paymentId: payment.id };
    const minor = BigInt(1 + this.#random.below(10_000));
    if (choice === 4) await this.#refund(payment, minor, `refund-${payment.id}`);
    if (choice === 5)
      for (const part of [1, 2]) await this.#refund(payment, part === 1 ? 1_000n : null, `part-${part}-${payment.id}`);
    if (choice === 7) {
      const amount = { minor, currency: "EUR" };
      await completePayment(parts, caller, { find, paymentMethod: null, amount, requestId: `capture-${payment.id}` });
    }
    if (choice === 8)
      await cancelPayment(parts, caller, { find, reason: "sold out", requestId: `cancel-${payment.id}` });
  }

  async #refund(payment: Payment, minor: bigint | null, requestId: string): Promise<void> {
    const amount = minor === null ? null : { minor, currency: "EUR" };
    const find = { paymentId: payment.id };
    answerOf(await refundPayment(this.#service.parts, caller, { find, amount, reason: null, requestId }));
  }

  #seedSome(seeds: readonly Seed[], seeded: SeededDrift[]): (() => Promise<void>)[] {
    return seeds.flatMap((seed) =>
      Array.from({ length: 1 + this.#random.below(5) }, () => async () => void seeded.push(await seed(this.#service))),
    );
  }
}
