// The Stripe provider with a rascal in Stripe's place. Nothing of what it says or logs may tell a secret.
import assert from "node:assert/strict";
import type { Provider, ProviderCall } from "../../src/provider/provider.ts";
import { createStripeProvider, type StripeProviderOptions } from "../../src/provider/stripe/stripe-provider.ts";
import { newCall, newPayment } from "./provider-fixtures.ts";
import { type Rascal, startRascal } from "./rascal.ts";
import { NOW } from "./stripe-objects.ts";

export const KEY = "sk_test_VerySecretKey123456789";
const WEBHOOK_SECRET = "whsec_VerySecretToo";
export const OPTIONS = {
  secretKey: KEY,
  webhookSecrets: [WEBHOOK_SECRET],
  apiUrl: null,
  timeoutMs: 2_000,
  defaultPaymentMethod: null,
  returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
} satisfies StripeProviderOptions;

export function refundCall(): ProviderCall {
  const payment = newPayment(NOW, { providerReference: "pi_1", capturedMinor: 1999n });
  return newCall(payment, "REFUND", { amountMinor: 500n });
}

export class RascalBench {
  rascal: Rascal;
  readonly logged: string[] = [];
  /** All that was said to anybody. */
  readonly said: string[] = [];

  private constructor(rascal: Rascal) {
    this.rascal = rascal;
  }

  static async open(): Promise<RascalBench> {
    return new RascalBench(await startRascal());
  }

  async close(): Promise<void> {
    await this.rascal.stop();
    for (const text of [...this.said, ...this.logged]) assert.doesNotMatch(text, /VerySecret|6789|_secret_\w/);
  }

  provide(changes: Partial<StripeProviderOptions> = {}): Provider {
    const write = (fields: object, message: string): void =>
      void this.logged.push(`${message} ${JSON.stringify(fields)}`);
    return createStripeProvider({
      ...OPTIONS,
      apiUrl: this.rascal.url,
      log: { info: write, warn: write, error: write },
      now: () => NOW,
      ...changes,
      limits: { pauseFirstMs: 1, pauseMaxMs: 2, failuresMax: 1_000, ...changes.limits },
    });
  }

  /** Refunds, and gives the outcome and how many requests it took. */
  async outcomeOf(provider: Provider, call = refundCall()): Promise<[outcome: string, requests: number]> {
    const before = this.rascal.asked.length;
    const answer = await provider.refund(call);
    if ("message" in answer) this.said.push(answer.message);
    const mine = this.rascal.asked.slice(before).filter((each) => each.method === "POST");
    assert.deepEqual(new Set(mine.map((each) => each.key)), new Set(mine.length > 0 ? [call.operation.id] : []));
    return [answer.outcome, mine.length];
  }
}
