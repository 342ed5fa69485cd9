import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CURRENCY_DIGITS } from "../../src/domain/currency.ts";
import {
  digitsOf,
  MINOR_MAX,
  money,
  parseCurrency,
  parseDecimal,
  parseMoney,
  printDecimal,
} from "../../src/domain/money.ts";

const currencies = fc.constantFrom(...CURRENCY_DIGITS.keys());
const amounts = fc.bigInt({ min: 1n, max: MINOR_MAX });

function reasonOf(result: { ok: boolean; error?: { reason: string } }): string | undefined {
  return result.error?.reason;
}

describe("currencies", () => {
  it("have the digits of ISO 4217, not those of a rule of thumb", () => {
    const expected = {
      EUR: 2,
      JPY: 0,
      KRW: 0,
      ISK: 0,
      UGX: 0,
      HUF: 2,
      TWD: 2,
      MGA: 2,
      KWD: 3,
      BHD: 3,
      TND: 3,
      IQD: 3,
      LYD: 3,
      CLF: 4,
      UYW: 4,
      CLP: 0,
      VND: 0,
      XOF: 0,
    };
    for (const [code, digits] of Object.entries(expected)) assert.equal(digitsOf(code), digits, code);
  });

  it("are the active ones: none that was withdrawn, none without a minor unit", () => {
    for (const code of ["DEM", "HRK", "SLL", "ZWL", "ANG", "BGN", "XAU", "XDR", "XTS", "BTC", "EU", ""]) {
      assert.equal(reasonOf(parseCurrency(code, "currency")), "UNSUPPORTED_CURRENCY", code);
    }
    assert.equal(CURRENCY_DIGITS.size, new Set(CURRENCY_DIGITS.keys()).size);
    for (const code of CURRENCY_DIGITS.keys()) assert.match(code, /^[A-Z]{3}$/);
  });

  it("are read in either case", () => {
    assert.deepEqual(parseCurrency("eUr", "currency"), { ok: true, value: "EUR" });
  });
});

describe("amounts", () => {
  it("print and parse back to themselves, in every currency and up to the largest int64", () => {
    fc.assert(
      fc.property(amounts, currencies, (minor, currency) => {
        assert.deepEqual(parseDecimal(printDecimal(money(minor, currency)), currency, "amount"), {
          ok: true,
          value: { minor, currency },
        });
      }),
    );
  });

  it("are the same whatever the spelling of the decimal", () => {
    for (const text of ["19.99", "19.990", "1999e-2", "0.1999E+2", "0019.99", "19.99000000"]) {
      assert.deepEqual(parseDecimal(text, "usd", "amount"), { ok: true, value: money(1999n, "USD") }, text);
    }
  });

  it("beyond 2^53 keep every digit", () => {
    assert.deepEqual(parseDecimal("90071992547409.93", "EUR", "amount"), {
      ok: true,
      value: money(9007199254740993n, "EUR"),
    });
    assert.equal(printDecimal(money(9223372036854775807n, "EUR")), "92233720368547758.07");
  });

  it("that the currency cannot hold are refused, never rounded", () => {
    fc.assert(
      fc.property(amounts, currencies, fc.integer({ min: 1, max: 9 }), (minor, currency, digit) => {
        const text = printDecimal(money(minor, currency));
        const finer = `${text}${text.includes(".") ? "" : "."}${digit}`;
        assert.equal(reasonOf(parseDecimal(finer, currency, "amount")), "INVALID_AMOUNT");
      }),
    );
    assert.equal(reasonOf(parseDecimal("10.001", "USD", "amount")), "INVALID_AMOUNT");
    assert.equal(reasonOf(parseDecimal("0.5", "JPY", "amount")), "INVALID_AMOUNT");
  });

  it("that are no amounts are refused", () => {
    for (const text of [
      "",
      " 1",
      "1 ",
      "+1",
      "1.",
      ".5",
      "1,00",
      "0x10",
      "1e",
      "NaN",
      "Infinity",
      "1e999",
      "--1",
      "١",
    ]) {
      assert.equal(reasonOf(parseDecimal(text, "EUR", "amount")), "INVALID_AMOUNT", JSON.stringify(text));
    }
  });

  it("of zero, below zero and beyond int64 are refused", () => {
    for (const minor of [0n, -1n, MINOR_MAX + 1n])
      assert.equal(reasonOf(parseMoney(minor, "EUR", "amount")), "INVALID_AMOUNT", `${minor}`);
    for (const text of ["0", "-1.00", "92233720368547758.08", "1e30"])
      assert.equal(reasonOf(parseDecimal(text, "EUR", "amount")), "INVALID_AMOUNT", text);
    assert.deepEqual(parseMoney(MINOR_MAX, "EUR", "amount"), { ok: true, value: money(MINOR_MAX, "EUR") });
  });

  it("are refused with the field, the problem and the remedy", () => {
    const result = parseMoney(0n, "EUR", "amount");
    assert.equal(result.ok, false);
    assert.deepEqual(!result.ok && result.error.violations, [
      { field: "amount.minor", description: "0 is not above zero; send at least 1 minor unit" },
    ]);
  });
});
