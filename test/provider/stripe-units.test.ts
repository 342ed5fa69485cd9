import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CURRENCY_DIGITS } from "../../src/domain/currency.ts";
import { money } from "../../src/domain/money.ts";
import { STRIPE_UNITS } from "../../src/provider/stripe/units.ts";

/** What Stripe is sent for ten whole units of a currency, by https://docs.stripe.com/currencies. */
const ZERO_DECIMAL = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" ");
const THREE_DECIMAL = "BHD JOD KWD OMR TND".split(" ");
const NOT_AT_STRIPE = "UYI IQD LYD CLF UYW".split(" ");

function tenAtStripe(currency: string): bigint | undefined {
  if (NOT_AT_STRIPE.includes(currency)) return undefined;
  if (ZERO_DECIMAL.includes(currency)) return 10n;
  return THREE_DECIMAL.includes(currency) ? 10_000n : 1_000n;
}

describe("Stripe's units", () => {
  for (const [currency, digits] of CURRENCY_DIGITS) {
    it(`count ten ${currency} as Stripe does, and read it back`, () => {
      const ten = money(10n ** BigInt(digits + 1), currency);
      const wire = STRIPE_UNITS.toWire(ten);
      assert.equal(wire, tenAtStripe(currency));
      const back = STRIPE_UNITS.fromWire(wire ?? 10n, currency.toLowerCase());
      assert.deepEqual(back, wire === undefined ? undefined : ten);
    });
  }

  it("never round what Stripe cannot hold", () => {
    for (const [minor, currency] of [
      [1n, "KWD"],
      [1_005n, "TND"],
      [150n, "MGA"],
      [9_007_199_254_740_992n, "USD"],
      [90_071_992_547_410n, "ISK"],
    ] as const) {
      assert.equal(STRIPE_UNITS.toWire(money(minor, currency)), undefined, `${minor} ${currency}`);
    }
    assert.equal(STRIPE_UNITS.toWire(money(9_007_199_254_740_991n, "USD")), 9_007_199_254_740_991n);
    assert.equal(STRIPE_UNITS.toWire(money(3n, "UGX")), 300n);
    assert.equal(STRIPE_UNITS.toWire(money(300n, "HUF")), 300n);
  });

  it("read nothing into what is no amount", () => {
    assert.equal(STRIPE_UNITS.fromWire(150n, "isk"), undefined);
    assert.equal(STRIPE_UNITS.fromWire(1n, "xyz"), undefined);
    assert.deepEqual(STRIPE_UNITS.fromWire(1n, "mga"), money(100n, "MGA"));
  });
});
