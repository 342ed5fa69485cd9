// What every provider of cards promises, as a suite that each runs against its own stand-in for the outside world; every-provider.ts has what holds for
// the others as well.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Fact } from "../../src/domain/fact.ts";
import { printRefundId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { Provider, ProviderAnswer } from "../../src/provider/provider.ts";
import { type ProviderBench, testEveryProvider } from "./every-provider.ts";
import { asOpened, factsOf, kindsOf, newCall, newPayment } from "./provider-fixtures.ts";

export type { ProviderBench } from "./every-provider.ts";

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

const HOUR_MS = 60 * 60 * 1000;

export function testProvider(name: string, makeBench: () => Promise<ProviderBench>): void {
  testEveryProvider(name, makeBench);

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
        assert.equal((await provider.create(call)).outcome, "unknown");
        assert.equal((await provider.create(call)).outcome, "done");
        const { signal } = new AbortController();
        const opened = asOpened(call.payment, await provider.retrieve(call.payment, signal));
        const [body = ""] = (await bench.webhooks()).map((each) => Buffer.from(each.body).toString());
        assert.ok(opened && !body.includes("private"));
      }
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
        const asked = factsOf(await truth(each))
          .filter((fact) => fact.kind !== "opened")
          .map(withoutCard);
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
        const said = mine.flatMap((message) => message.facts).map(withoutCard);
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
  });
}

/** The beginning of a second, which is as exact as providers say when a payment was made. */
function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

/** A webhook need not tell of the card: what it tells is looked up before it is applied. */
function withoutCard(fact: Fact): Fact {
  return "paymentMethod" in fact ? { ...fact, paymentMethod: "" } : fact;
}
