import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { TEST_CARDS } from "../../src/gateway/cards.ts";
import { createPaymentMethod, findPaymentMethod } from "../../src/gateway/payment-methods.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { errorOf, GatewayBench, intent, session } from "./open-gateway.ts";

const NOW = new Date("2026-03-15T10:00:00.000Z");

function details(more: object = {}) {
  return { number: "4242424242424242", exp_month: 12, exp_year: 2030, cvc: "123", ...more };
}

describe("payment methods", () => {
  it("are made from every test card, by number and by token, and found again by their id alone", () => {
    for (const card of TEST_CARDS) {
      const name = card.token.replace("pm_card_", "tok_");
      for (const source of [card.token, name]) {
        const made = createPaymentMethod(source, NOW);
        assert.ok(made.ok, source);
        assert.deepEqual(findPaymentMethod(made.paymentMethod.id), made.paymentMethod);
        assert.deepEqual(
          [made.paymentMethod.card.last4, made.paymentMethod.created],
          [card.number.slice(-4), NOW.getTime() / 1000],
        );
      }
    }
    const made = createPaymentMethod(details({ number: "5555 5555 5555 4444", exp_month: 3, exp_year: 2026 }), NOW);
    assert.ok(made.ok);
    assert.deepEqual(made.paymentMethod.card, {
      brand: "mastercard",
      last4: "4444",
      exp_month: 3,
      exp_year: 2026,
      funding: "credit",
      country: "US",
    });
  });

  for (const [what, more, code] of [
    ["a number that is none", { number: "4242424242424241" }, "incorrect_number"],
    ["a real card", { number: "4012888888881881" }, "card_declined"],
    ["letters", { number: "4242abcd" }, "incorrect_number"],
    ["a month that is none", { exp_month: 13 }, "invalid_expiry_month"],
    ["a month that is over", { exp_month: 2, exp_year: 2026 }, "invalid_expiry_month"],
    ["a year that is over", { exp_year: 2025 }, "invalid_expiry_year"],
    ["a code that is none", { cvc: "12" }, "invalid_cvc"],
  ] as const) {
    it(`are refused for ${what}, and the number is not told back`, () => {
      const made = createPaymentMethod(details(more), NOW);
      assert.ok(!made.ok);
      assert.deepEqual([made.error.status, made.error.type, made.error.code], [402, "card_error", code]);
      assert.doesNotMatch(JSON.stringify(made), /4242|8888/);
    });
  }

  it("are refused for a token that nobody knows, which is not told back when it may be a number", () => {
    const made = createPaymentMethod("4242424242424242424", NOW);
    assert.ok(!made.ok);
    assert.doesNotMatch(made.error.message, /4242/);
    assert.equal(findPaymentMethod("pm_none"), undefined);
    assert.equal(findPaymentMethod("4242424242424242"), undefined);
  });
});

describe("paying with payment methods", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  it("does what the card does, and the payment names the method", async () => {
    const made = createPaymentMethod("tok_chargeDeclinedInsufficientFunds", NOW);
    const good = createPaymentMethod(details(), NOW);
    assert.ok(made.ok && good.ok);
    const error = errorOf(await bench.call(intent({ payment_method: made.paymentMethod.id })));
    assert.deepEqual(
      [error.code, error.decline_code, error.charge?.startsWith("ch_")],
      ["card_declined", "insufficient_funds", true],
    );
    const { intent: paid } = await bench.life(intent({ payment_method: good.paymentMethod.id }));
    assert.equal(paid.payment_method, good.paymentMethod.id);
    const { lines } = await readJournal(bench.journalPath);
    assert.doesNotMatch(JSON.stringify(lines), /4242424242424242|4000000000009995/);
  });

  it("may wait: attached first, confirmed later, with it or with another", async () => {
    const terms = { payment_method: "pm_card_visa", confirm: false } as const;
    const first = await bench.life(intent(terms));
    assert.deepEqual([first.intent.status, first.charges.length], ["requires_confirmation", 0]);
    const confirm = { operation: "confirm_intent", id: first.intent.id, payment_method: null } as const;
    assert.equal((await bench.life(confirm)).intent.status, "succeeded");
    const second = await bench.life(intent({ payment_method: null }));
    const bare = { ...confirm, id: second.intent.id };
    assert.equal(errorOf(await bench.call(bare)).code, "payment_intent_unexpected_state");
    const update = {
      operation: "update_intent",
      id: second.intent.id,
      params: { payment_method: "pm_card_mastercard", amount: 700n },
    } as const;
    assert.equal((await bench.life(update)).intent.status, "requires_confirmation");
    const paid = await bench.life(bare);
    assert.deepEqual(
      [paid.charges[0]?.payment_method_details.card.brand, paid.charges[0]?.amount],
      ["mastercard", 700n],
    );
    assert.equal(
      errorOf(await bench.call({ ...update, params: { amount: 1n } })).code,
      "payment_intent_unexpected_state",
    );
  });

  it("changes words and metadata at any time, one pair by one", async () => {
    const { intent: paid } = await bench.life(intent({ metadata: { a: "1", b: "2" } }));
    const { intent: updated } = await bench.life({
      operation: "update_intent",
      id: paid.id,
      params: { description: "Shoes", metadata: { a: "", c: "3" } },
    });
    assert.deepEqual([updated.description, updated.metadata], ["Shoes", { b: "2", c: "3" }]);
    const found = await bench.gateway.search({ metadata: { c: "3" }, createdFrom: new Date(0) });
    assert.deepEqual(
      found.map((life) => life.intent.id),
      [paid.id],
    );
  });

  it("tells whether the cardholder approved", async () => {
    const result = async (approve: boolean) => {
      const { intent: waiting } = await bench.life(intent({ payment_method: "pm_card_authenticationRequired" }));
      await bench.call({ operation: "authenticate", id: waiting.id, approve });
      const [charge] = (await bench.look(waiting.id)).charges;
      return [charge?.status, charge?.payment_method_details.card.three_d_secure];
    };
    assert.deepEqual(await result(true), ["succeeded", { result: "authenticated" }]);
    assert.deepEqual(await result(false), ["failed", { result: "failed" }]);
    const plain = await bench.life(intent());
    assert.equal(plain.charges[0]?.payment_method_details.card.three_d_secure, null);
  });

  it("refuses a number at a checkout that is no test card's, and leaves no trace of it", async () => {
    const open = await bench.life(session());
    const pay = (payment_method: string) =>
      bench.call({ operation: "pay_session", id: open.session?.id ?? "", payment_method });
    assert.equal(errorOf(await pay("4012 8888 8888 1881")).decline_code, "test_mode_live_card");
    assert.equal(errorOf(await pay("4012888888881882")).code, "incorrect_number");
    assert.equal((await bench.look(open.intent.id)).charges.length, 0);
  });
});
