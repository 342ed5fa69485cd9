// A shop that pays with the service, without a door between them, and what it sees of a payment: in our books, in its history, and in the gateway's journal.
import assert from "node:assert/strict";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment, type CreatePaymentInput } from "../../src/app/create-payment.ts";
import type { Answer } from "../../src/app/answer.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Result } from "../../src/domain/error.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { GatewayEvent } from "../../src/gateway/direct.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "../../src/provider/provider.ts";
import type { OrderTotals } from "../support/gateway-journal.ts";
import { answerOf, caller, createInput, TestService, type TestServiceOptions } from "./open-service.ts";

type Act = "create" | "confirm" | "capture" | "cancel" | "refund";

/** What happens between what the provider did and our hearing of it. */
type Meanwhile = (call: ProviderCall, answer: ProviderAnswer) => Promise<void>;

export interface Books {
  readonly status: string;
  readonly captured: string;
  readonly refunded: string;
  readonly pending: string;
  readonly version: number;
}

export class Shop {
  readonly service: TestService;
  readonly #meanwhile: Map<Act, Meanwhile>;
  readonly #silence: { isOn: boolean };

  private constructor(service: TestService, meanwhile: Map<Act, Meanwhile>, silence: { isOn: boolean }) {
    this.service = service;
    this.#meanwhile = meanwhile;
    this.#silence = silence;
  }

  static async open(options: Omit<TestServiceOptions, "wrap"> = {}): Promise<Shop> {
    const meanwhile = new Map<Act, Meanwhile>();
    const silence = { isOn: false };
    const wrap = (provider: Provider): Provider => {
      const between =
        (act: Act) =>
        async (call: ProviderCall): Promise<ProviderAnswer> => {
          if (silence.isOn) return { outcome: "unknown", message: "it does not answer" };
          const answer = await provider[act](call);
          const happens = meanwhile.get(act);
          meanwhile.delete(act);
          await happens?.(call, answer);
          return answer;
        };
      const acts = (["create", "confirm", "capture", "cancel", "refund"] as const).map((act) => [act, between(act)]);
      const retrieve: Provider["retrieve"] = async (payment, signal) =>
        silence.isOn ? { outcome: "unknown", message: "it does not answer" } : provider.retrieve(payment, signal);
      return Object.assign(Object.create(provider) as Provider, Object.fromEntries(acts), { retrieve });
    };
    return new Shop(await TestService.open({ ...options, wrap }), meanwhile, silence);
  }

  close(): Promise<void> {
    return this.service.close();
  }

  /** The provider's next answer of this kind comes only after this has happened. */
  beforeAnswer(act: Act, happens: Meanwhile): void {
    this.#meanwhile.set(act, happens);
  }

  /** The provider answers nothing, whatever it is asked, until it is said to again. */
  setProviderSilent(isSilent: boolean): void {
    this.#silence.isOn = isSilent;
  }

  create(input: CreatePaymentInput): Promise<Result<Answer>> {
    return createPayment(this.service.parts, caller, input);
  }

  /** 100.00 EUR, paid at once, but for what is changed. */
  async pay(change: Partial<CreatePaymentInput> = {}): Promise<Payment> {
    return answerOf(await this.create(createInput(change))).payment;
  }

  openCheckout(change: Partial<CreatePaymentInput> = {}): Promise<Payment> {
    return this.pay({ mode: "CHECKOUT", paymentMethod: null, ...change });
  }

  async payOnPage({ sessionId }: Payment, token = "pm_card_visa"): Promise<void> {
    await this.service.elsewhere({ operation: "pay_session", id: sessionId ?? "", payment_method: token });
  }

  /** A checkout that was paid on its page, and the webhook that says so, which has not come. */
  async payUnheard(change: Partial<CreatePaymentInput> = {}): Promise<{ payment: Payment; event: GatewayEvent }> {
    const payment = await this.openCheckout(change);
    await this.payOnPage(payment);
    return { payment, event: this.eventOf(payment, "payment_intent.succeeded") };
  }

  complete({ id }: Payment, requestId: string, paymentMethod = "pm_card_visa"): Promise<Result<Answer>> {
    const input = { find: { paymentId: id }, paymentMethod, amount: null, requestId };
    return completePayment(this.service.parts, caller, input);
  }

  cancel({ id }: Payment, requestId: string): Promise<Result<Answer>> {
    return cancelPayment(this.service.parts, caller, { find: { paymentId: id }, reason: "changed mind", requestId });
  }

  /** `minor`: in the payment's currency; absent: all that is left. */
  refund({ id, amount: { currency } }: Payment, requestId: string, minor?: bigint): Promise<Result<Answer>> {
    const amount = minor === undefined ? null : { minor, currency };
    return refundPayment(this.service.parts, caller, { find: { paymentId: id }, amount, reason: null, requestId });
  }

  /** The newest event of a type that the gateway made of a payment. */
  eventOf({ providerReference }: Payment, type: string): GatewayEvent {
    const found = this.service.eventsOf(providerReference).findLast((event) => event.type === type);
    assert.ok(found, `the gateway made ${type}`);
    return found;
  }

  /** Delivers what the gateway has to say of a payment, all of it. */
  async deliverAll(reference: string | null): Promise<void> {
    for (const event of this.service.eventsOf(reference)) await this.service.deliver(event);
  }

  async books({ id }: Payment): Promise<Books> {
    const [row] = await this.service.rows<Books>(
      `select status, captured_minor::text as captured, refunded_minor::text as refunded, refund_pending_minor::text as pending, version
        from payment where id = $1`,
      [id],
    );
    return row ?? assert.fail("there is no such payment");
  }

  /** The types of its events, oldest first; their versions have no gap. */
  async history({ id }: Payment): Promise<string[]> {
    const rows = await this.service.rows<{ type: string; version: number }>(
      "select type, version from payment_event where payment_id = $1 order by version",
      [id],
    );
    assert.deepEqual(
      rows.map(({ version }) => version),
      rows.map((_row, index) => index + 1),
    );
    return rows.map(({ type }) => type);
  }

  /** What became of a webhook. */
  async judged({ id }: GatewayEvent): Promise<{ readonly state: string; readonly due: boolean } | undefined> {
    const [row] = await this.service.rows<{ state: string; due: boolean }>(
      "select state, next_attempt_at is not null as due from webhook_event where event_id = $1",
      [id],
    );
    return row;
  }

  /** What the gateway did with money, by its journal. */
  async totals({ orderId }: Pick<Payment, "orderId">): Promise<OrderTotals> {
    const none = { charges: 0, capturedMinor: 0n, refundedMinor: 0n, refunds: 0, currency: "" };
    return (await this.service.journal()).orders.get(orderId) ?? none;
  }
}
