// What a provider promises however it is paid: that an operation is one act, whatever is lost on the way, and that amounts are kept to.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Fact } from "../../src/domain/fact.ts";
import { money } from "../../src/domain/money.ts";
import type { OperationKind } from "../../src/domain/operation.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "../../src/provider/provider.ts";
import { asOpened, factsOf, kindsOf, newCall, newPayment } from "./provider-fixtures.ts";

export type Trouble = "delay" | "lost_after" | "lost_before" | "error" | "error_after";

/** A provider and the hands that move the outside world behind it. */
export interface ProviderBench {
  readonly provider: Provider;
  /** The method that pays, and what a payment must say besides; a card and nothing when absent. */
  readonly paying?: { readonly method: string; readonly terms: Partial<Payment> };
  /** The largest amount that goes through it, in minor units. */
  readonly amountMax: bigint;
  now(): Date;
  advance(ms: number): void;
  /** Lays trouble in the way of the next call of a kind. */
  trouble(kind: "create" | "confirm" | "capture" | "cancel" | "refund", trouble: Trouble): void;
  /** Pays a checkout on its page. Its facts are found by asking. */
  paySession(sessionId: string, paymentMethod: string): Promise<void>;
  /** Resolves when the next call that changes something has been acted on, or was met by trouble. */
  arrival(): Promise<void>;
  /** The cardholder's answer to 3-D Secure. */
  authenticate(providerReference: string, approve: boolean): Promise<void>;
  settleRefund(refundReference: string): Promise<void>;
  /** The bank's decision on the only dispute of a payment. */
  settleDispute(providerReference: string, status: "won" | "lost" | "warning_closed"): Promise<void>;
  /** How often money was taken, and given back, for an order, by the outside world's own record. */
  movements(orderId: string): Promise<{ charges: number; refunds: number }>;
  /** The webhooks that the outside world would have sent by now, signed. */
  webhooks(): Promise<{ body: Uint8Array; headers: Record<string, string> }[]>;
  dispose(): Promise<void>;
}

/** What a bench must have for this part of the contract. */
export type PlainBench = Pick<
  ProviderBench,
  "provider" | "paying" | "now" | "trouble" | "arrival" | "movements" | "dispose"
>;

const TROUBLES: readonly Trouble[] = ["lost_after", "lost_before", "delay", "error", "error_after"];

/** `troubles`: those that the bench can lay in the way. */
export function testEveryProvider(
  name: string,
  makeBench: () => Promise<PlainBench>,
  troubles: readonly Trouble[] = TROUBLES,
): void {
  describe(`the ${name} provider, as every one`, () => {
    let bench: PlainBench;
    let provider: Provider;
    beforeEach(async () => {
      bench = await makeBench();
      provider = bench.provider;
    });
    afterEach(() => bench.dispose());

    const method = (): string => bench.paying?.method ?? "pm_card_visa";
    const makePayment = (changes: Partial<Payment> = {}): Payment =>
      newPayment(bench.now(), { ...bench.paying?.terms, ...changes });

    async function open(changes: Partial<Payment> = {}, paymentMethod: string | null = null): Promise<Payment> {
      const payment = makePayment(changes);
      return asOpened(payment, await provider.create(newCall(payment, "CREATE", { paymentMethod })));
    }

    const paid = (): Promise<Payment> => open({}, method());
    const held = async (): Promise<Payment> => ({
      ...(await open({ captureMethod: "MANUAL" }, method())),
      status: "AUTHORIZED",
    });
    const truth = (payment: Payment): Promise<ProviderAnswer> =>
      provider.retrieve(payment, new AbortController().signal);
    const pay = (payment: Payment, paymentMethod: string): Promise<ProviderAnswer> =>
      provider.confirm(newCall(payment, "CONFIRM", { paymentMethod }));
    const refund = (payment: Payment, amountMinor: bigint): Promise<ProviderAnswer> =>
      provider.refund(newCall(payment, "REFUND", { amountMinor }));

    it("refuses a token that it does not know, and keeps the payment open", async () => {
      const refused = await provider.create(newCall(makePayment(), "CREATE", { paymentMethod: "pm_none" }));
      assert.ok(refused.outcome === "refused");
      assert.equal(refused.code, "resource_missing");
      assert.deepEqual(kindsOf(refused), []);
      const payment = await open();
      assert.equal((await pay(payment, "pm_none")).outcome, "refused");
      assert.deepEqual(kindsOf(await truth(payment)), ["opened"]);
    });

    it("captures a part of what is held, once", async () => {
      const payment = await held();
      const tooMuch = await provider.capture(newCall(payment, "CAPTURE", { amountMinor: 2000n }));
      assert.equal(tooMuch.outcome, "refused");
      assert.deepEqual(kindsOf(tooMuch), ["opened", "authorized"]);
      const captured = await provider.capture(newCall(payment, "CAPTURE", { amountMinor: 1500n }));
      const [fact] = factsOf(captured);
      assert.ok(fact?.kind === "captured");
      assert.deepEqual(fact.amount, money(1500n, payment.amount.currency));
      const again = await provider.capture(newCall(payment, "CAPTURE", { amountMinor: 499n }));
      assert.equal(again.outcome, "refused");
      assert.deepEqual(kindsOf(again), ["opened", "authorized", "captured"]);
      assert.equal((await refund(payment, 1501n)).outcome, "refused");
      assert.equal((await refund(payment, 1500n)).outcome, "done");
    });

    it("gives back by parts, each marked as ours, and never more than was captured", async () => {
      const payment = await paid();
      const first = newCall(payment, "REFUND", { amountMinor: 1000n });
      const [fact] = factsOf(await provider.refund(first));
      assert.ok(fact?.kind === "refund");
      assert.equal(fact.refundId, first.operation.refundId);
      assert.equal(fact.status, "SUCCEEDED");
      assert.deepEqual(fact.amount, money(1000n, payment.amount.currency));
      const tooMuch = await refund(payment, 1000n);
      assert.equal(tooMuch.outcome, "refused");
      assert.deepEqual(kindsOf(tooMuch), ["opened", "captured", "refund"]);
      assert.equal((await refund(payment, 999n)).outcome, "done");
      assert.equal((await refund(payment, 1n)).outcome, "refused");
      assert.deepEqual(kindsOf(await truth(payment)), ["opened", "captured", "refund", "refund"]);
    });

    it("gives nothing back of what was not captured", async () => {
      for (const payment of [await open(), await held()]) {
        assert.equal((await refund(payment, 1n)).outcome, "refused");
      }
    });

    /** A call of each kind that moves something, on a payment that is ready for it. */
    const calls: readonly (readonly [kind: OperationKind, make: () => Promise<ProviderCall>])[] = [
      ["CREATE", async () => newCall(makePayment(), "CREATE", { paymentMethod: method() })],
      ["CONFIRM", async () => newCall(await open(), "CONFIRM", { paymentMethod: method() })],
      ["CAPTURE", async () => newCall(await held(), "CAPTURE", { amountMinor: 1000n })],
      ["CANCEL", async () => newCall(await held(), "CANCEL")],
      ["REFUND", async () => newCall(await paid(), "REFUND", { amountMinor: 1000n })],
    ];
    const make = (call: ProviderCall): Promise<ProviderAnswer> => provider[nameOf(call.operation.kind)](call);

    for (const [kind, makeCall] of calls) {
      it(`answers a repeated ${kind} with the same facts, and acts once`, async () => {
        const call = await makeCall();
        const first = await make(call);
        assert.equal(first.outcome, "done");
        assert.deepEqual(await make(call), first);
        assert.deepEqual(await bench.movements(call.payment.orderId), movementsOf(kind));
      });

      it(`answers twins of a ${kind} alike, or one with unknown while the other is under way`, async () => {
        const call = await makeCall();
        const [first, second] = await Promise.all([make(call), make(call)]);
        const done = await make(call);
        assert.equal(done.outcome, "done");
        const outcomes = [first.outcome, second.outcome].toSorted();
        assert.ok(outcomes[0] === "done" && (outcomes[1] === "done" || outcomes[1] === "unknown"), outcomes.join());
        for (const each of [first, second]) assert.deepEqual("facts" in each ? each : done, done);
        assert.deepEqual(await bench.movements(call.payment.orderId), movementsOf(kind));
      });

      for (const trouble of troubles) {
        it(`settles a ${kind} that met ${trouble}, by repeating it and by asking, and acts once`, async () => {
          const call = await makeCall();
          const leaving = new AbortController();
          bench.trouble(nameOf(kind), trouble);
          const arrived = bench.arrival();
          const waiting = make({ ...call, signal: leaving.signal });
          // Only a delayed call waits for this; the others are answered, or lost, as they arrive.
          if (trouble === "delay") void arrived.then(() => leaving.abort());
          const expected = trouble === "error" ? "unavailable" : "unknown";
          assert.equal((await waiting).outcome, expected);
          const repeated = await untilFree(() => make(call), trouble);
          // An error that came after acting is what the key repeats, so that only asking tells.
          assert.equal(repeated.outcome, trouble === "error_after" ? "unknown" : "done");
          const asked = kindsOf(await truth(call.payment));
          assert.equal(asked.at(-1), LAST_FACT[kind]);
          assert.deepEqual(await bench.movements(call.payment.orderId), movementsOf(kind));
        });
      }

      it(`certainly does nothing for a ${kind} whose caller gave up before it was made`, async () => {
        const call = await makeCall();
        assert.equal((await make({ ...call, signal: AbortSignal.abort() })).outcome, "unavailable");
        assert.equal((await make(call)).outcome, "done");
      });
    }

    it("refuses another call under the same operation, and says what is true", async () => {
      const payment = await paid();
      const call = newCall(payment, "REFUND", { amountMinor: 1000n });
      await provider.refund(call);
      const other = await provider.refund({ ...call, operation: { ...call.operation, amountMinor: 999n } });
      assert.equal(other.outcome, "refused");
      assert.deepEqual(kindsOf(other), ["opened", "captured", "refund"]);
    });

    it("knows nothing of a payment that was never opened", async () => {
      assert.deepEqual(await truth(makePayment()), { outcome: "done", facts: [] });
    });

    it("is there to be used, and moves no real money", async () => {
      await provider.check(new AbortController().signal);
      assert.equal(provider.live, false);
    });
  });
}

const LAST_FACT: Readonly<Record<OperationKind, Fact["kind"]>> = {
  CREATE: "captured",
  CONFIRM: "captured",
  CAPTURE: "captured",
  CANCEL: "canceled",
  REFUND: "refund",
};

/** Makes a call again; when a delayed one may still be under way, for as long as it is. */
async function untilFree(make: () => Promise<ProviderAnswer>, trouble: Trouble): Promise<ProviderAnswer> {
  let answer = await make();
  for (let count = 0; trouble === "delay" && answer.outcome === "unknown" && count < 100; count += 1)
    answer = await make();
  return answer;
}

function movementsOf(kind: OperationKind): { charges: number; refunds: number } {
  return { charges: kind === "CANCEL" ? 0 : 1, refunds: kind === "REFUND" ? 1 : 0 };
}

function nameOf(kind: OperationKind): "create" | "confirm" | "capture" | "cancel" | "refund" {
  return ({ CREATE: "create", CONFIRM: "confirm", CAPTURE: "capture", CANCEL: "cancel", REFUND: "refund" } as const)[
    kind
  ];
}
