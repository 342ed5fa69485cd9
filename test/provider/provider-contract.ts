// What every provider promises, as a suite that each runs against its own stand-in for the outside world.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Fact } from "../../src/domain/fact.ts";
import { printRefundId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { OperationKind } from "../../src/domain/operation.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "../../src/provider/provider.ts";
import { asOpened, factsOf, kindsOf, newCall, newPayment } from "./provider-fixtures.ts";

export type Trouble = "delay" | "lost_after" | "lost_before" | "error" | "error_after";

/** A provider and the hands that move the outside world behind it. */
export interface ProviderBench {
  readonly provider: Provider;
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

/** Token, kinds of the facts that answer its use, and the failure's reason and code. */
const CARDS: readonly (readonly [token: string, kind: string, reason?: string, code?: string])[] = [
  ["pm_card_visa", "captured"],
  ["pm_card_mastercard", "captured"],
  ["pm_card_amex", "captured"],
  ["pm_card_createDispute", "captured"],
  ["pm_card_createDisputeProductNotReceived", "captured"],
  ["pm_card_createDisputeInquiry", "captured"],
  ["pm_card_pendingRefund", "captured"],
  ["pm_card_refundFail", "captured"],
  ["pm_card_chargeDeclined", "declined", "CARD_DECLINED", "generic_decline"],
  ["pm_card_visa_chargeDeclined", "declined", "CARD_DECLINED", "generic_decline"],
  ["pm_card_chargeDeclinedInsufficientFunds", "declined", "INSUFFICIENT_FUNDS", "insufficient_funds"],
  ["pm_card_chargeDeclinedLostCard", "declined", "CARD_DECLINED", "generic_decline"],
  ["pm_card_chargeDeclinedStolenCard", "declined", "CARD_DECLINED", "generic_decline"],
  ["pm_card_chargeDeclinedExpiredCard", "declined", "CARD_EXPIRED", "expired_card"],
  ["pm_card_chargeDeclinedIncorrectCvc", "declined", "INVALID_CARD", "incorrect_cvc"],
  ["pm_card_chargeDeclinedProcessingError", "declined", "PROCESSING_ERROR", "processing_error"],
  ["pm_card_authenticationRequiredOnSetup", "requires_action"],
  ["pm_card_authenticationRequired", "requires_action"],
  ["pm_card_threeDSecure2Required", "requires_action"],
  ["pm_card_threeDSecureRequiredChargeDeclined", "requires_action"],
];

const TROUBLES: readonly Trouble[] = ["lost_after", "lost_before", "delay", "error", "error_after"];
const HOUR_MS = 60 * 60 * 1000;

export function testProvider(name: string, makeBench: () => Promise<ProviderBench>): void {
  describe(`the ${name} provider`, () => {
    let bench: ProviderBench;
    let provider: Provider;
    beforeEach(async () => {
      bench = await makeBench();
      provider = bench.provider;
    });
    afterEach(() => bench.dispose());

    async function open(changes: Partial<Payment> = {}, paymentMethod: string | null = null): Promise<Payment> {
      const payment = newPayment(bench.now(), changes);
      return asOpened(payment, await provider.create(newCall(payment, "CREATE", { paymentMethod })));
    }

    const paid = (changes: Partial<Payment> = {}, token = "pm_card_visa"): Promise<Payment> => open(changes, token);
    const held = async (changes: Partial<Payment> = {}): Promise<Payment> => ({
      ...(await open({ captureMethod: "MANUAL", ...changes }, "pm_card_visa")),
      status: "AUTHORIZED",
    });
    const truth = (payment: Payment): Promise<ProviderAnswer> =>
      provider.retrieve(payment, new AbortController().signal);
    const pay = (payment: Payment, paymentMethod: string): Promise<ProviderAnswer> =>
      provider.confirm(newCall(payment, "CONFIRM", { paymentMethod }));
    const payPage = (payment: Payment, paymentMethod: string): Promise<void> =>
      bench.paySession(payment.sessionId ?? "", paymentMethod);
    const refund = (payment: Payment, amountMinor: bigint): Promise<ProviderAnswer> =>
      provider.refund(newCall(payment, "REFUND", { amountMinor }));

    for (const [token, kind, reason, code] of CARDS) {
      it(`answers ${token} with ${kind}${reason ? ` ${reason}` : ""}, at creation and afterwards`, async () => {
        const payment = newPayment(bench.now());
        const created = await provider.create(newCall(payment, "CREATE", { paymentMethod: token }));
        assert.equal(created.outcome, "done");
        assert.deepEqual(kindsOf(created), ["opened", kind]);
        const answer = await pay(await open(), token);
        assert.equal(answer.outcome, "done");
        assert.deepEqual(kindsOf(answer), [kind]);
        for (const fact of [factsOf(created).at(-1), factsOf(answer).at(-1)]) {
          const failure = fact?.kind === "declined" ? fact.failure : undefined;
          assert.deepEqual([failure?.reason, failure?.code], [reason, code]);
        }
      });
    }

    it("takes the exact amount, as large as it may be, and names charge and card", async () => {
      const amount = money(bench.amountMax, "USD");
      const answer = await pay(await open({ amount }), "pm_card_visa");
      const [fact] = factsOf(answer);
      assert.ok(fact?.kind === "captured");
      assert.deepEqual(fact.amount, amount);
      assert.equal(fact.paymentMethod, "visa ending 4242");
      assert.match(fact.chargeReference, /^ch_/);
    });

    it("gives every decline an attempt of its own, and stays open", async () => {
      const payment = await open();
      await pay(payment, "pm_card_chargeDeclined");
      await pay(payment, "pm_card_chargeDeclinedExpiredCard");
      await pay(payment, "pm_card_visa");
      const facts = factsOf(await truth(payment));
      assert.deepEqual(
        facts.map((fact) => fact.kind),
        ["opened", "declined", "declined", "captured"],
      );
      const attempts = facts.flatMap((fact) => (fact.kind === "declined" ? [fact.attemptReference] : []));
      assert.equal(new Set(attempts).size, 2);
    });

    it("refuses a token that it does not know, and keeps the payment open", async () => {
      const refused = await provider.create(newCall(newPayment(bench.now()), "CREATE", { paymentMethod: "pm_none" }));
      assert.ok(refused.outcome === "refused");
      assert.equal(refused.code, "resource_missing");
      assert.deepEqual(kindsOf(refused), []);
      const payment = await open();
      assert.equal((await pay(payment, "pm_none")).outcome, "refused");
      assert.deepEqual(kindsOf(await truth(payment)), ["opened"]);
    });

    it("opens a checkout that is paid on its page, declined attempts aside", async () => {
      const expiresAt = new Date(bench.now().getTime() + HOUR_MS);
      const payment = newPayment(bench.now(), { mode: "CHECKOUT", expiresAt, successUrl: null, cancelUrl: null });
      const answer = await provider.create(newCall(payment, "CREATE"));
      const [fact] = factsOf(answer);
      assert.ok(fact?.kind === "opened" && fact.checkout !== null);
      assert.ok(fact.checkout.url.endsWith(`/${fact.checkout.sessionId}`));
      assert.equal(fact.checkout.expiresAt.getTime(), Math.floor(expiresAt.getTime() / 1000) * 1000);
      const opened = asOpened(payment, answer);
      await payPage(opened, "pm_card_chargeDeclined");
      assert.deepEqual(kindsOf(await truth(opened)), ["opened", "declined"]);
      await payPage(opened, "pm_card_visa");
      const [first, ...later] = factsOf(await truth(opened));
      assert.deepEqual(
        later.map((each) => each.kind),
        ["declined", "captured"],
      );
      assert.ok(first?.kind === "opened");
      assert.match(first.providerReference ?? "", /^pi_/);
      const again = await pay(opened, "pm_card_visa");
      assert.equal(again.outcome, "refused");
      assert.deepEqual(kindsOf(again), ["opened", "declined", "captured"]);
      assert.equal((await refund(opened, 1n)).outcome, "done");
    });

    it("expires a checkout by the clock, after which it cannot be paid", async () => {
      const expiresAt = new Date(bench.now().getTime() + HOUR_MS);
      const payment = await open({ mode: "CHECKOUT", expiresAt });
      bench.advance(HOUR_MS);
      await payPage(payment, "pm_card_visa");
      const refused = await pay(payment, "pm_card_visa");
      assert.equal(refused.outcome, "refused");
      assert.deepEqual(kindsOf(refused), ["opened", "expired"]);
      assert.deepEqual(kindsOf(await truth(payment)), ["opened", "expired"]);
    });

    it("asks for 3-D Secure: approved is paid, refused is a decline, and another card may be tried", async () => {
      const approved = await paid({}, "pm_card_authenticationRequired");
      await bench.authenticate(approved.providerReference ?? "", true);
      assert.deepEqual(kindsOf(await truth(approved)), ["opened", "requires_action", "captured"]);

      const declined = await paid({}, "pm_card_threeDSecureRequiredChargeDeclined");
      await bench.authenticate(declined.providerReference ?? "", true);
      assert.deepEqual(kindsOf(await truth(declined)), ["opened", "requires_action", "declined"]);

      const refused = await paid({}, "pm_card_authenticationRequired");
      await bench.authenticate(refused.providerReference ?? "", false);
      const fact = factsOf(await truth(refused)).at(-1);
      assert.ok(fact?.kind === "declined");
      assert.equal(fact.failure.reason, "AUTHENTICATION_REQUIRED");

      const other = await paid({}, "pm_card_authenticationRequired");
      assert.deepEqual(kindsOf(await pay(other, "pm_card_visa")), ["captured"]);
    });

    it("captures a part of what is held, once", async () => {
      const payment = await held();
      const tooMuch = await provider.capture(newCall(payment, "CAPTURE", { amountMinor: 2000n }));
      assert.equal(tooMuch.outcome, "refused");
      assert.deepEqual(kindsOf(tooMuch), ["opened", "authorized"]);
      const captured = await provider.capture(newCall(payment, "CAPTURE", { amountMinor: 1500n }));
      const [fact] = factsOf(captured);
      assert.ok(fact?.kind === "captured");
      assert.deepEqual(fact.amount, money(1500n, "EUR"));
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
      assert.deepEqual(fact.amount, money(1000n, "EUR"));
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

    it("tells of refunds that end later, well or badly", async () => {
      const statusOf = async (payment: Payment): Promise<Fact | undefined> => factsOf(await truth(payment)).at(-1);
      const slow = await paid({}, "pm_card_pendingRefund");
      const [pending] = factsOf(await refund(slow, 500n));
      assert.ok(pending?.kind === "refund" && pending.status === "PENDING");
      await bench.settleRefund(pending.providerReference);
      assert.deepEqual(await statusOf(slow), { ...pending, status: "SUCCEEDED" });

      const bad = await paid({}, "pm_card_refundFail");
      const [succeeded] = factsOf(await refund(bad, 1999n));
      assert.ok(succeeded?.kind === "refund" && succeeded.status === "SUCCEEDED");
      await bench.settleRefund(succeeded.providerReference);
      const failed = await statusOf(bad);
      assert.ok(failed?.kind === "refund" && failed.status === "FAILED");
      assert.equal(failed.failure?.code, "expired_or_canceled_card");
      assert.equal((await refund(bad, 1999n)).outcome, "done");
    });

    const cancelable: readonly (readonly [
      state: string,
      make: () => Promise<Payment>,
      outcome: string,
      kinds: string[],
    ])[] = [
      ["an open intent", () => open(), "done", ["canceled"]],
      ["an intent that waits for 3-D Secure", () => paid({}, "pm_card_authenticationRequired"), "done", ["canceled"]],
      ["a held payment", () => held(), "done", ["canceled"]],
      ["a paid payment", () => paid(), "refused", ["opened", "captured"]],
      ["an open checkout", () => open({ mode: "CHECKOUT" }), "done", ["canceled"]],
      [
        "a held checkout",
        async () => {
          const payment = await open({ mode: "CHECKOUT", captureMethod: "MANUAL" });
          await payPage(payment, "pm_card_visa");
          return { ...payment, status: "AUTHORIZED" };
        },
        "done",
        ["canceled"],
      ],
      [
        "a paid checkout",
        async () => {
          const payment = await open({ mode: "CHECKOUT" });
          await payPage(payment, "pm_card_visa");
          return payment;
        },
        "refused",
        ["opened", "captured"],
      ],
    ];
    for (const [state, make, outcome, kinds] of cancelable) {
      it(`answers the cancel of ${state}: ${outcome}, ${kinds.join(", ")}`, async () => {
        const payment = await make();
        const answer = await provider.cancel(newCall(payment, "CANCEL", { reason: "changed my mind" }));
        assert.equal(answer.outcome, outcome);
        assert.deepEqual(kindsOf(answer), kinds);
        assert.equal(kindsOf(await truth(payment)).at(-1), kinds.at(-1));
        assert.notEqual((await pay(payment, "pm_card_visa")).outcome, "done");
      });
    }

    /** A call of each kind that moves something, on a payment that is ready for it. */
    const calls: readonly (readonly [kind: OperationKind, make: () => Promise<ProviderCall>])[] = [
      ["CREATE", async () => newCall(newPayment(bench.now()), "CREATE", { paymentMethod: "pm_card_visa" })],
      ["CONFIRM", async () => newCall(await open(), "CONFIRM", { paymentMethod: "pm_card_visa" })],
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

      for (const trouble of TROUBLES) {
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

    it("tells all that it knows in the order in which it came about", async () => {
      const payment = await open({ captureMethod: "MANUAL" });
      await pay(payment, "pm_card_chargeDeclined");
      await pay(payment, "pm_card_visa");
      await provider.capture(newCall(payment, "CAPTURE", { amountMinor: 1900n }));
      const refunds = [
        newCall(payment, "REFUND", { amountMinor: 900n }),
        newCall(payment, "REFUND", { amountMinor: 1000n }),
      ];
      for (const call of refunds) await provider.refund(call);
      const facts = factsOf(await truth(payment));
      assert.deepEqual(
        facts.map((fact) => fact.kind),
        ["opened", "declined", "authorized", "captured", "refund", "refund"],
      );
      const ids = facts.flatMap((fact) =>
        fact.kind === "refund" && fact.refundId ? [printRefundId(fact.refundId)] : [],
      );
      assert.deepEqual(
        ids,
        refunds.map((call) => call.operation.refundId && printRefundId(call.operation.refundId)),
      );
    });

    it("finds a checkout whose opening never reached us, and its payment", async () => {
      const payment = newPayment(bench.now(), { mode: "CHECKOUT" });
      await open({ mode: "CHECKOUT" });
      bench.trouble("create", "lost_after");
      assert.equal((await provider.create(newCall(payment, "CREATE"))).outcome, "unknown");
      await open({ mode: "CHECKOUT" });
      const found = asOpened(payment, await truth(payment));
      assert.match(found.sessionId ?? "", /^cs_/);
      await payPage(found, "pm_card_visa");
      assert.deepEqual(kindsOf(await truth(payment)).at(-1), "captured");
      assert.deepEqual(await bench.movements(payment.orderId), { charges: 1, refunds: 0 });
    });

    it("meets the faults that a payment brings in its metadata, and passes on nothing else of it", async () => {
      for (const mode of ["INTENT", "CHECKOUT"] as const) {
        const metadata = { gateway_fault: "create:lost_after", note: "private" };
        const call = newCall(newPayment(bench.now(), { mode, metadata }), "CREATE");
        assert.equal((await make(call)).outcome, "unknown");
        assert.equal((await make(call)).outcome, "done");
        const { signal } = new AbortController();
        const opened = asOpened(call.payment, await provider.retrieve(call.payment, signal));
        const [body = ""] = (await bench.webhooks()).map((each) => Buffer.from(each.body).toString());
        assert.ok(opened && !body.includes("private"));
      }
    });

    it("knows nothing of a payment that was never opened", async () => {
      assert.deepEqual(await truth(newPayment(bench.now())), { outcome: "done", facts: [] });
    });

    it("tells of a dispute and of how it ends, after all else", async () => {
      const endings = [
        ["pm_card_createDispute", "won", "WON"],
        ["pm_card_createDisputeProductNotReceived", "lost", "LOST"],
        ["pm_card_createDisputeInquiry", "warning_closed", "CLOSED"],
      ] as const;
      for (const [token, ending, status] of endings) {
        const payment = await paid({}, token);
        const facts = factsOf(await truth(payment));
        assert.deepEqual(
          facts.map((fact) => fact.kind),
          ["opened", "captured", "dispute"],
        );
        const opened = facts.at(-1);
        assert.ok(opened?.kind === "dispute" && opened.status === "OPEN");
        assert.deepEqual(opened.amount, payment.amount);
        await bench.settleDispute(payment.providerReference ?? "", ending);
        assert.deepEqual(factsOf(await truth(payment)).at(-1), { ...opened, status });
      }
    });

    it("tells by webhooks what it tells when it is asked", async () => {
      const amount = money(bench.amountMax, "EUR");
      const payment = await open({ captureMethod: "MANUAL", amount });
      await pay(payment, "pm_card_chargeDeclined");
      await pay(payment, "pm_card_authenticationRequired");
      await bench.authenticate(payment.providerReference ?? "", true);
      await provider.capture(newCall(payment, "CAPTURE", { amountMinor: amount.minor }));
      await refund(payment, 5n);
      const disputed = await paid({}, "pm_card_createDispute");
      await bench.settleDispute(disputed.providerReference ?? "", "lost");
      const canceled = await open();
      await provider.cancel(newCall(canceled, "CANCEL"));
      const expired = await open({ mode: "CHECKOUT", expiresAt: new Date(bench.now().getTime() + HOUR_MS) });
      bench.advance(HOUR_MS);
      for (const each of [payment, disputed, canceled, expired]) {
        const asked = factsOf(await truth(each)).filter((fact) => fact.kind !== "opened");
        const messages = (await bench.webhooks()).map(({ body, headers }) => {
          const parsed = provider.parseWebhook(body, headers, bench.now());
          assert.ok(parsed.ok);
          assert.deepEqual(provider.readWebhook(Buffer.from(body).toString()), parsed.message);
          return parsed.message;
        });
        const reference = each.providerReference ?? "";
        const mine = messages.filter(
          (message) => message.paymentId === each.id || message.providerReference === reference,
        );
        const [{ live, account } = { live: null, account: "none" }] = mine;
        assert.deepEqual([live, account], [false, null]);
        for (const { owed } of mine) assert.deepEqual(owed ?? each.amount, each.amount);
        // What a message cannot say by itself has to be asked for.
        const said = mine.flatMap((message) => message.facts);
        const unsaid = asked.filter((fact) => !said.some((other) => isDeepStrictEqual(fact, other)));
        assert.ok(unsaid.length === 0 || mine.some((message) => message.incomplete));
        const untrue = said.filter((fact) => !asked.some((other) => isDeepStrictEqual(fact, other)));
        assert.deepEqual(
          untrue.filter((fact) => fact.kind !== "dispute"),
          [],
        );
      }
    });

    it("goes through the payments of a span of time, each once, and tells of each what it tells when asked", async () => {
      const before = await paid();
      bench.advance(HOUR_MS);
      const from = wholeSecond(bench.now());
      const inside = [
        await paid(),
        await open(),
        await paid({}, "pm_card_chargeDeclined"),
        await open({ mode: "CHECKOUT" }),
        await open({ mode: "CHECKOUT" }),
      ];
      await payPage(inside[4] ?? before, "pm_card_visa");
      bench.advance(HOUR_MS);
      const to = wholeSecond(bench.now());
      await paid();
      const { signal } = new AbortController();
      const listed = await Array.fromAsync(provider.list({ from, to }, signal));
      assert.deepEqual(new Set(listed.map((each) => each.paymentId)), new Set(inside.map((each) => each.id)));
      assert.equal(listed.length, inside.length);
      for (const payment of inside) {
        const found = listed.find((each) => each.paymentId === payment.id);
        assert.ok(found);
        assert.deepEqual(found.facts, factsOf(await truth(payment)));
        assert.deepEqual(
          [found.owed, found.sessionId, found.orderId],
          [payment.amount, payment.sessionId, payment.orderId],
        );
        assert.ok(found.createdAt >= from && found.createdAt < to);
      }
      const earlier = await Array.fromAsync(provider.list({ from: wholeSecond(before.createdAt), to: from }, signal));
      assert.deepEqual(
        earlier.map((each) => each.paymentId),
        [before.id],
      );
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

/** The beginning of a second, which is as exact as providers say when a payment was made. */
function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

function movementsOf(kind: OperationKind): { charges: number; refunds: number } {
  return { charges: kind === "CANCEL" ? 0 : 1, refunds: kind === "REFUND" ? 1 : 0 };
}

function nameOf(kind: OperationKind): "create" | "confirm" | "capture" | "cancel" | "refund" {
  return ({ CREATE: "create", CONFIRM: "confirm", CAPTURE: "capture", CANCEL: "cancel", REFUND: "refund" } as const)[
    kind
  ];
}
