// Somebody who pays for bookings with the number of a card and its security code, as the booking document's clients do, and puts them where they do not belong as
// well. What the service answers is listened to; whether it answers at all does not matter.
import { setTimeout as delay } from "node:timers/promises";
import { CANARIES } from "../../support/canaries.ts";
import type { Telling } from "../frame/leaks.ts";
import type { Random } from "../frame/random.ts";

const CALL_TIMEOUT_MS = 3_000;
/** Less often than a caller may. */
const PAUSE_MS = 700;
const { card, testCard, cvc, note } = CANARIES;
const EXPIRY = { expiry_month: "12", expiry_year: "2034", cardholder_name: "C. Anary" };

type Body = Readonly<Record<string, unknown>>;

/** What such a body may look like; the first is right. */
const BODIES: readonly ((purchase: Body) => unknown)[] = [
  (purchase) => ({ ...purchase, card_details: { card_number: testCard, cvv: cvc, ...EXPIRY } }),
  (purchase) => ({ ...purchase, card_details: { card_number: card, cvv: cvc, ...EXPIRY } }),
  (purchase) => ({ ...purchase, card_details: { card_number: testCard, cvv: `${cvc} ${card}`, ...EXPIRY } }),
  (purchase) => ({ ...purchase, payment_method_token: card }),
  (purchase) => ({ ...purchase, payment_method: card, card_details: { card_number: testCard, cvv: cvc, ...EXPIRY } }),
  (purchase) => ({ ...purchase, amount: note, card_details: { card_number: testCard, cvv: cvc, ...EXPIRY } }),
  // No JSON, as it breaks off.
  (purchase) => `${JSON.stringify({ ...purchase, card_details: { card_number: testCard, cvv: cvc } })},`,
];

export class NaiveCustomer {
  /** Answers by their status. */
  readonly answers: Record<string, number> = {};
  readonly #heard: Telling[] = [];
  readonly #port: number;
  readonly #random: Random;
  #bookings = 0;
  #enough = false;
  #work: Promise<void> = Promise.resolve();

  constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  start(): void {
    this.#work = this.#keepPaying();
  }

  async finish(): Promise<void> {
    this.#enough = true;
    await this.#work;
  }

  overheard(): readonly Telling[] {
    return this.#heard;
  }

  async #keepPaying(): Promise<void> {
    for (; !this.#enough; await delay(PAUSE_MS)) await this.#pay(this.#bookings % BODIES.length);
  }

  async #pay(manner: number): Promise<void> {
    this.#bookings += 1;
    const bookingId = `booking-${this.#bookings}`;
    const amount = 1 + this.#random.below(500);
    const body = BODIES[manner]?.({ user_id: "naive", booking_id: bookingId, amount, payment_method: "credit_card" });
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/payment/process`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      this.answers[answer.status] = (this.answers[answer.status] ?? 0) + 1;
      this.#heard.push([`the answer to ${bookingId}`, await answer.text()]);
    } catch {
      this.answers["none"] = (this.answers["none"] ?? 0) + 1;
    }
  }
}
