// A load that can go on for hours: lives whose every answer is checked at once, and of which nothing is kept but counts. As fast as so many callers can, or at a
// pace.
import { setTimeout as delay } from "node:timers/promises";
import type { DescMethodUnary, JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { Client, Outcome } from "../../support/clients.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;

const CALL_TIMEOUT_MS = 10_000;
/** Codes that ask for another try; a busy machine gives cause for it. */
const PASSING = new Set(["unavailable", "aborted", "deadline_exceeded"]);
const ATTEMPTS_MAX = 10;
const RETRY_PAUSE_MS = 1_000;
/** Lives under way at most; those that would begin beyond it begin late. */
const ABREAST_MAX = 256;
const FAILURES_KEPT_MAX = 20;
const AMOUNT = 1999n;
const euros = (minor: bigint) => ({ currency: "EUR", minor });

/** How lives end, in turn: most are paid and partly given back. */
const ENDS = ["PARTIALLY_REFUNDED", "REFUNDED", "CANCELED", "SUCCEEDED", "FAILED"] as const;
export type End = (typeof ENDS)[number];

export class SoakLoad {
  /** Lives that ended, by how they ended. */
  readonly ended = new Map<End, number>(ENDS.map((end) => [end, 0]));
  /** The first calls that were answered otherwise than they must be. */
  readonly failures: string[] = [];
  /** Calls that ended without a verdict, and were made again with the same request id. */
  retried = 0;
  lives = 0;
  readonly #clients: readonly Client[];
  #latencies: number[] = [];

  constructor(clients: readonly Client[]) {
    this.#clients = clients;
  }

  /** So many callers live one life after the other. */
  async rush(callers: number, forMs: number): Promise<void> {
    const startedAt = performance.now();
    const worker = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) await this.#live();
    };
    await Promise.all(Array.from({ length: callers }, worker));
  }

  /** Begins so many lives in a second, whatever becomes of those before, and waits for the end of all. Gives how many were begun. */
  async pace(livesPerSecond: number, forMs: number): Promise<number> {
    const startedAt = performance.now();
    const underWay = new Set<Promise<void>>();
    let begun = 0;
    for (let dueAt = startedAt; dueAt < startedAt + forMs; dueAt = startedAt + (begun * 1_000) / livesPerSecond) {
      const waitMs = dueAt - performance.now();
      if (waitMs > 1) await delay(waitMs);
      if (underWay.size >= ABREAST_MAX) await Promise.race(underWay);
      const life = this.#live();
      underWay.add(life);
      void life.finally(() => underWay.delete(life));
      begun += 1;
    }
    await Promise.all(underWay);
    return begun;
  }

  /** Of the calls since the last time. */
  takeLatenciesMs(): readonly number[] {
    const latencies = this.#latencies;
    this.#latencies = [];
    return latencies;
  }

  async #insist(call: () => Promise<Outcome>): Promise<Outcome> {
    for (let attempt = 1; ; attempt += 1) {
      const startedAt = performance.now();
      const outcome = await call();
      this.#latencies.push(performance.now() - startedAt);
      if (!outcome.error || !PASSING.has(outcome.error.code) || attempt === ATTEMPTS_MAX) return outcome;
      this.retried += 1;
      await delay(RETRY_PAUSE_MS);
    }
  }

  async #live(): Promise<void> {
    this.lives += 1;
    const orderId = `soak-${this.lives}`;
    const end = ENDS[this.lives % ENDS.length] ?? "REFUNDED";
    const client = this.#clients[this.lives % this.#clients.length] as Client;
    const payment = { case: "orderId", value: orderId } as const;
    const call = async <M extends DescMethodUnary>(
      method: M,
      request: MessageInitShape<M["input"]>,
      status: string,
    ) => {
      const { answer, error } = await this.#insist(() => client.call(method, request, CALL_TIMEOUT_MS));
      const told = (answer as { payment?: JsonObject } | undefined)?.payment?.["status"];
      if (told !== `PAYMENT_STATUS_${status}` && this.failures.length < FAILURES_KEPT_MAX)
        this.failures.push(`${orderId} ${method.name}: ${JSON.stringify(error ?? answer)}`);
    };
    const terms = {
      orderId,
      amount: euros(AMOUNT),
      mode: PaymentMode.INTENT,
      captureMethod: CaptureMethod.MANUAL,
      attemptsMax: 1,
      requestId: `${orderId}-create`,
    };
    if (end === "FAILED") {
      await call(createPayment, { ...terms, paymentMethod: "pm_card_chargeDeclined" }, end);
    } else {
      await call(createPayment, { ...terms, paymentMethod: "pm_card_visa" }, "AUTHORIZED");
      if (end === "CANCELED")
        await call(cancelPayment, { payment, reason: "changed mind", requestId: `${orderId}-cancel` }, end);
      else await call(completePayment, { payment, requestId: `${orderId}-complete` }, "SUCCEEDED");
      const back = end === "REFUNDED" ? {} : { amount: euros(AMOUNT / 3n) };
      if (end === "REFUNDED" || end === "PARTIALLY_REFUNDED")
        await call(refundPayment, { payment, ...back, requestId: `${orderId}-refund` }, end);
    }
    this.ended.set(end, (this.ended.get(end) ?? 0) + 1);
  }
}
