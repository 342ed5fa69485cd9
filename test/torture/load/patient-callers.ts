// Callers without a deadline of their own, who measure how long the service keeps them waiting: whatever befalls it, it has to answer, and be it with an error.
import { setTimeout as delay } from "node:timers/promises";
import type { Violation } from "../frame/invariants.ts";

/** By its own time-outs a service with the settings of the test has given up long before. */
const ANSWER_MAX_MS = 15_000;
const PAUSE_MS = 100;
/** At the end all is well, and each kind of call has to say so this often in a row, within a time. */
const GOOD_IN_A_ROW = 12;
const GOOD_TIMEOUT_MS = 30_000;

interface Call {
  readonly method: string;
  readonly body: () => object;
}

export class PatientCallers {
  readonly #http: { readonly port: number };
  readonly #hung: Violation[] = [];
  #closed = false;
  #orders = 0;
  #answered = 0;
  #slowestMs = 0;
  #work: Promise<unknown> = Promise.resolve();

  /** Named statements, and reads through the entities; a payment that goes to the provider. */
  readonly #calls: readonly Call[] = [
    { method: "ListPayments", body: () => ({ pageSize: 5 }) },
    { method: "GetPaymentStatus", body: () => ({ orderId: "order-1" }) },
    {
      method: "CreatePayment",
      body: () => {
        this.#orders += 1;
        const orderId = `patient-${this.#orders}`;
        const amount = { currency: "EUR", minor: "1999" };
        return { orderId, amount, mode: "PAYMENT_MODE_CHECKOUT", requestId: orderId };
      },
    },
  ];

  constructor(http: { readonly port: number }) {
    this.#http = http;
  }

  start(): void {
    this.#work = Promise.all(this.#calls.map((call) => this.#repeat(call)));
  }

  /** Once nothing is disturbed any more: gives what hung, and what is not as good as before. */
  async finish(): Promise<{ answered: number; slowestMs: number; violations: Violation[] }> {
    this.#closed = true;
    await this.#work;
    const unwell = await Promise.all(this.#calls.map((call) => this.#becomesWell(call)));
    const violations = [...this.#hung, ...unwell.filter((violation) => violation !== null)];
    return { answered: this.#answered, slowestMs: Math.round(this.#slowestMs), violations };
  }

  async #repeat(call: Call): Promise<void> {
    while (!this.#closed) {
      await this.#ask(call);
      await delay(PAUSE_MS);
    }
  }

  async #becomesWell(call: Call): Promise<Violation | null> {
    const deadline = performance.now() + GOOD_TIMEOUT_MS;
    for (let good = 0; good < GOOD_IN_A_ROW; ) {
      if (performance.now() > deadline) return `${call.method} does not work again`;
      good = (await this.#ask(call)) ? good + 1 : 0;
    }
    return null;
  }

  /** Whether it succeeded. A connection that breaks is an answer as well; the doors are not disturbed, so there is none. */
  async #ask({ method, body }: Call): Promise<boolean> {
    const startedAt = performance.now();
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#http.port}/payment.v1.PaymentService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body()),
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
      });
      await answer.arrayBuffer();
      this.#answered += 1;
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
      return answer.ok;
    } catch (error) {
      const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#hung.push(`${method} had no answer after ${Math.round(performance.now() - startedAt)} ms: ${what}`);
      return false;
    }
  }
}
