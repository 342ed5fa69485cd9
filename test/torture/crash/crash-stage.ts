// One order, and all who act on it: the caller who wants it paid, the customer on the checkout's page, the cardholder's bank, the seller at the provider's
// dashboard, and the provider, whose webhooks wait until a scenario has them delivered. Each act is over when its effect is certain, crash or no crash.
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { GatewayProcess } from "../../support/gateway-process.ts";
import type { Caller } from "../load/caller.ts";
import type { Query } from "../frame/invariants.ts";
import type { Verdict } from "../frame/record.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;

export const AMOUNT = 1_999n;
const CURRENCY = "EUR";
/** What credits are counted in (ISO 4217's "no currency"). */
const CREDITS = "XXX";
export const REASON = "changed mind";
const WAIT_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
/** Webhooks that found nobody are sent again after pauses that begin with a second; the gateway's clock is moved on by so much at a time. */
const PAUSE_SECONDS = 5;

interface Terms {
  readonly mode?: PaymentMode;
  readonly captureMethod?: CaptureMethod;
  readonly paymentMethod?: string;
  readonly attemptsMax?: number;
}

export const INTENT: Terms = { mode: PaymentMode.INTENT };
export const PAID: Terms = { ...INTENT, paymentMethod: "pm_card_visa" };
export const HELD: Terms = { ...PAID, captureMethod: CaptureMethod.MANUAL };
export const CHECKOUT: Terms = { mode: PaymentMode.CHECKOUT };

interface StageParts {
  readonly orderId: string;
  readonly caller: Caller;
  readonly gateway: GatewayProcess;
  readonly query: Query;
  /** Waits until the service is there to be called. */
  up(): Promise<void>;
  /** An act is over. */
  onAct(): void;
}

interface Named {
  readonly orderId: string;
  readonly requestId: string;
}

function partOf(minor: bigint | undefined) {
  return minor === undefined ? {} : { amount: { currency: CURRENCY, minor } };
}

export class Stage {
  readonly orderId: string;
  readonly #parts: StageParts;
  #calls = 0;

  constructor(parts: StageParts) {
    this.#parts = parts;
    this.orderId = parts.orderId;
  }

  create(terms: Terms): Promise<Verdict | undefined> {
    const amount = { currency: CURRENCY, minor: AMOUNT };
    return this.#call((caller, named) => caller.call(createPayment, named, { ...named, amount, ...terms }));
  }

  payWithCredits(terms: Terms): Promise<Verdict | undefined> {
    const amount = { currency: CREDITS, minor: AMOUNT };
    const asked = { amount, provider: "credits", customerId: this.orderId, mode: PaymentMode.INTENT, ...terms };
    return this.#call((caller, named) => caller.call(createPayment, named, { ...named, ...asked }));
  }

  complete(change: { readonly paymentMethod?: string; readonly minor?: bigint } = {}): Promise<Verdict | undefined> {
    const { minor, ...more } = change;
    const asked = { ...more, ...partOf(minor), payment: this.#payment() };
    return this.#call((caller, named) => caller.call(completePayment, named, { ...asked, requestId: named.requestId }));
  }

  cancel(): Promise<Verdict | undefined> {
    const asked = { payment: this.#payment(), reason: REASON };
    return this.#call((caller, named) => caller.call(cancelPayment, named, { ...asked, requestId: named.requestId }));
  }

  /** All that is left, where no amount is given. */
  refund(minor?: bigint): Promise<Verdict | undefined> {
    const asked = { ...partOf(minor), payment: this.#payment() };
    return this.#call((caller, named) => caller.call(refundPayment, named, { ...asked, requestId: named.requestId }));
  }

  /** Credits that the customer has before anything is watched. */
  async grant(port: number): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${port}/payment.v1.CreditService/GrantCredits`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        customerId: this.orderId,
        credits: AMOUNT.toString(),
        requestId: `${this.orderId}-grant`,
      }),
    });
    if (!answer.ok) throw new Error(`no credits were granted: ${await answer.text()}`);
  }

  /** The customer pays on the page. */
  pay(verdict: Verdict | undefined, paymentMethod = "pm_card_visa"): Promise<void> {
    const checkout = verdict?.kind === "ok" ? (verdict.answer["checkout"] as JsonObject | undefined) : undefined;
    const sessionId = checkout?.["sessionId"];
    if (typeof sessionId !== "string") throw new Error(`no checkout was opened: ${JSON.stringify(verdict)}`);
    return this.#act(async () => void (await this.#parts.gateway.pay(sessionId, paymentMethod)));
  }

  authenticate(approve: boolean): Promise<void> {
    return this.#act(async () => this.#parts.gateway.authenticate(await this.#intentId(), approve));
  }

  /** The bank's last word on the order's only refund. */
  settleRefund(status: "succeeded" | "failed"): Promise<void> {
    return this.#act(async () => {
      const [refund] = await this.#read<{ id: string }>(
        "select r.provider_reference as id from refund r join payment p on p.id = r.payment_id where p.order_id = $1",
      );
      await this.#parts.gateway.control(`refunds/${refund?.id}/settle`, { status });
    });
  }

  settleDispute(status: "won" | "lost"): Promise<void> {
    return this.#act(async () => {
      const disputes = await this.#parts.gateway.stripe.disputes.list({ payment_intent: await this.#intentId() });
      await this.#parts.gateway.control(`disputes/${disputes.data[0]?.id}/settle`, { status });
    });
  }

  /** Somebody gives all of it back at the provider, past the service. */
  refundAtProvider(): Promise<void> {
    return this.#act(async () => {
      await this.#parts.gateway.stripe.refunds.create({ payment_intent: await this.#intentId() });
    });
  }

  cancelAtProvider(): Promise<void> {
    return this.#act(async () => {
      await this.#parts.gateway.stripe.paymentIntents.cancel(await this.#intentId());
    });
  }

  /** The checkout's time is over, as the service sees it. */
  runOut(): Promise<void> {
    return this.#act(async () => {
      await this.#read("update payment set expires_at = now() - interval '1 second' where order_id = $1");
      await this.#until("its end", async () => {
        const [payment] = await this.#read<{ status: string }>("select status from payment where order_id = $1");
        return payment?.status === "EXPIRED";
      });
    });
  }

  /** Every webhook that came up is sent, until each was taken; those after it wait again. */
  deliver(): Promise<void> {
    return this.#act(async () => {
      const { gateway } = this.#parts;
      await gateway.release();
      await this.#until("its webhooks", async () => {
        const { held, dropped, delayed, queued, sending, resting } = await gateway.deliveries();
        if (held + dropped + delayed + queued + sending + resting === 0) return true;
        await this.#parts.up();
        if (queued + sending === 0 && resting > 0) await gateway.control("clock", { advance_seconds: PAUSE_SECONDS });
        return false;
      });
      await gateway.turn({ hold: true });
    });
  }

  #payment() {
    return { case: "orderId", value: this.orderId } as const;
  }

  #call(call: (caller: Caller, named: Named) => Promise<Verdict | undefined>): Promise<Verdict | undefined> {
    this.#calls += 1;
    const { orderId } = this;
    const named = { orderId, requestId: `${orderId}-${this.#calls}` };
    return this.#act(() => call(this.#parts.caller, named));
  }

  async #act<T>(act: () => Promise<T>): Promise<T> {
    const done = await act();
    this.#parts.onAct();
    return done;
  }

  async #intentId(): Promise<string> {
    const [payment] = await this.#read<{ id: string }>(
      "select provider_reference as id from payment where order_id = $1",
    );
    if (!payment) throw new Error(`${this.orderId} has no payment`);
    return payment.id;
  }

  #read<T extends object>(text: string): Promise<T[]> {
    return this.#parts.query<T>(text, [this.orderId]);
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_TIMEOUT_MS;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`${this.orderId}: ${what} did not come`);
      await delay(POLL_MS);
    }
  }
}
