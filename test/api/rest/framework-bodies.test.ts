import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Result } from "../../../src/domain/error.ts";
import { printDecimal } from "../../../src/domain/money.ts";
import {
  type Fields,
  readAll,
  readAmount,
  readAmountOrNull,
  readFlagOrNull,
  readInteger,
  readList,
  readMinor,
  readObject,
  readText,
  readTextOrNull,
  readTexts,
  readWordOrNull,
} from "../../../src/api/json/fields.ts";
import { JsonNumber, type JsonObject, parseJson } from "../../../src/api/json/json-body.ts";
import { parseRequestId } from "../../../src/api/json/request-id.ts";
import { renameFields, toCamelCase } from "../../../src/api/json/rename-fields.ts";

function fieldsOf(text: string): Fields {
  const parsed = parseJson(text);
  assert.ok(parsed.ok);
  return { values: parsed.value as JsonObject, path: "" };
}

/** The reason and the fields of a refusal. */
function wrongWith(result: Result<unknown>): unknown {
  assert.ok(!result.ok);
  return [result.error.reason, ...result.error.violations.map(({ field }) => field)];
}

suite("amounts are read from the text of their numbers", () => {
  const exact = [
    ["25.99", "USD", "25.99"],
    ["25.990", "USD", "25.99"],
    ["100.00", "USD", "100.00"],
    ["1e2", "USD", "100.00"],
    ["1.5E1", "USD", "15.00"],
    ["2599e-2", "USD", "25.99"],
    ["100", "JPY", "100"],
    ["100.0", "JPY", "100"],
    ["0.005", "KWD", "0.005"],
    ["90071992547409.93", "USD", "90071992547409.93"],
    ["92233720368547758.07", "USD", "92233720368547758.07"],
  ] as const;
  for (const [text, currency, printed] of exact) {
    test(`${text} ${currency} is ${printed}`, () => {
      const amount = readAmount(fieldsOf(`{"amount": ${text}}`), "amount", currency);
      assert.ok(amount.ok);
      assert.equal(printDecimal(amount.value), printed);
    });
  }

  const refused = [
    ["10.001", "USD"],
    ["0.5", "JPY"],
    ["1e-3", "USD"],
    ["0", "USD"],
    ["-0.0", "USD"],
    ["-5", "USD"],
    ["1e400", "USD"],
    ["1e-400", "USD"],
    ["92233720368547758.08", "USD"],
    ['"25.99"', "USD"],
    ["true", "USD"],
    ["[1]", "USD"],
    ["{}", "USD"],
  ] as const;
  for (const [text, currency] of refused) {
    test(`${text} ${currency} is refused, and the field is named`, () => {
      assert.deepEqual(wrongWith(readAmount(fieldsOf(`{"amount": ${text}}`), "amount", currency)), [
        "INVALID_AMOUNT",
        "amount",
      ]);
    });
  }

  test("an absent amount is missing, or none where none is needed", () => {
    assert.deepEqual(wrongWith(readAmount(fieldsOf("{}"), "amount", "USD")), ["INVALID_ARGUMENT", "amount"]);
    assert.deepEqual(readAmountOrNull(fieldsOf('{"amount": null}'), "amount", "USD"), { ok: true, value: null });
  });

  test("minor units are whole numbers", () => {
    assert.deepEqual(readMinor(fieldsOf('{"price_cents": 9007199254740993}'), "price_cents"), {
      ok: true,
      value: 9_007_199_254_740_993n,
    });
    for (const text of ["9.5", "0", "-1", "1e2", '"999"']) {
      assert.deepEqual(wrongWith(readMinor(fieldsOf(`{"price_cents": ${text}}`), "price_cents")), [
        "INVALID_AMOUNT",
        "price_cents",
      ]);
    }
  });
});

suite("bodies", () => {
  test("numbers keep their text wherever they are", () => {
    const parsed = parseJson('{"a": [1.10, {"b": -0}], "c": 12345678901234567890, "d": "1.10", "e": null}');
    assert.deepEqual(parsed, {
      ok: true,
      value: {
        a: [new JsonNumber("1.10"), { b: new JsonNumber("-0") }],
        c: new JsonNumber("12345678901234567890"),
        d: "1.10",
        e: null,
      },
    });
  });

  for (const text of ["{", "[1,]", "{'a': 1}", "NaN", '{"a": 01}', '{"a": 1e}', "\u0000", '"\n"', '{"a": "\\ud800']) {
    test(`${JSON.stringify(text)} is no JSON`, () => {
      assert.deepEqual(wrongWith(parseJson(text)), ["INVALID_ARGUMENT"]);
    });
  }

  test("nesting is bounded before anything walks through it", () => {
    for (const deep of ["[".repeat(60_000), '{"a":'.repeat(10_000), `${"[".repeat(33)}${"]".repeat(33)}`]) {
      assert.deepEqual(wrongWith(parseJson(deep)), ["INVALID_ARGUMENT"]);
    }
    assert.ok(parseJson(`${"[".repeat(32)}${"]".repeat(32)}`).ok);
    assert.ok(parseJson(JSON.stringify({ a: "[".repeat(100), b: '"{{{{'.repeat(20) })).ok);
  });

  test("keys of the prototype are fields like others, and pollute nothing", () => {
    const fields = fieldsOf('{"__proto__": {"orderId": "evil"}, "constructor": "c", "toString": "t"}');
    assert.deepEqual(wrongWith(readText(fields, "orderId")), ["INVALID_ARGUMENT", "orderId"]);
    assert.deepEqual(wrongWith(readText(fieldsOf("{}"), "constructor")), ["INVALID_ARGUMENT", "constructor"]);
    assert.deepEqual(readText(fields, "toString"), { ok: true, value: "t" });
    assert.equal(({} as Record<string, unknown>)["orderId"], undefined);
  });

  test("texts are texts, and hold whole characters", () => {
    const fields = fieldsOf('{"a": "", "b": 5, "c": "\\ud800", "d": "é😀", "e": {"x": "1", "y": 2}, "f": {"x": "1"}}');
    assert.deepEqual(readTextOrNull(fields, "a"), { ok: true, value: null });
    assert.deepEqual(readText(fields, "d"), { ok: true, value: "é😀" });
    assert.deepEqual(wrongWith(readText(fields, "a")), ["INVALID_ARGUMENT", "a"]);
    assert.deepEqual(wrongWith(readText(fields, "b")), ["INVALID_ARGUMENT", "b"]);
    assert.deepEqual(wrongWith(readText(fields, "c")), ["INVALID_ARGUMENT", "c"]);
    assert.deepEqual(wrongWith(readTexts(fields, "e")), ["INVALID_ARGUMENT", "e"]);
    assert.deepEqual(readTexts(fields, "f"), { ok: true, value: { x: "1" } });
  });

  test("whole numbers, words, flags and objects are what they are", () => {
    const fields = fieldsOf('{"n": 2, "m": 2.5, "w": "CHECKOUT", "v": "cash", "t": true, "o": {"n": 1.5}, "l": [1]}');
    assert.deepEqual(readInteger(fields, "n"), { ok: true, value: 2 });
    assert.deepEqual(wrongWith(readInteger(fields, "m")), ["INVALID_ARGUMENT", "m"]);
    assert.deepEqual(readWordOrNull(fields, "w", ["checkout", "intent"]), { ok: true, value: "checkout" });
    assert.deepEqual(wrongWith(readWordOrNull(fields, "v", ["checkout"])), ["INVALID_ARGUMENT", "v"]);
    assert.deepEqual(readFlagOrNull(fields, "t"), { ok: true, value: true });
    assert.deepEqual(wrongWith(readFlagOrNull(fields, "n")), ["INVALID_ARGUMENT", "n"]);
    assert.deepEqual(wrongWith(readObject(fields, "l")), ["INVALID_ARGUMENT", "l"]);
    const inner = readObject(fields, "o");
    assert.ok(inner.ok);
    assert.deepEqual(wrongWith(readInteger(inner.value, "n")), ["INVALID_ARGUMENT", "o.n"]);
  });

  test("everything that is wrong is named at once, by its path", () => {
    const fields = fieldsOf('{"items": [{"name": "a", "price": 1.00}, {"name": 5, "price": 1.001}, 7]}');
    const read = readAll({
      orderId: readText(fields, "orderId"),
      items: readList(fields, "items", (item) =>
        readAll({ name: readText(item, "name"), price: readAmount(item, "price", "USD") }),
      ),
    });
    assert.deepEqual(wrongWith(read), ["INVALID_ARGUMENT", "orderId", "items[1].name", "items[1].price", "items[2]"]);
  });
});

suite("request ids", () => {
  for (const [header, id] of [
    [undefined, ""],
    ["a-1", "a-1"],
    ['"a-1"', "a-1"],
    [' "a-1" ', "a-1"],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ["x".repeat(255), "x".repeat(255)],
  ] as const) {
    test(`${header} is ${id}`, () => {
      assert.deepEqual(parseRequestId(header), { ok: true, value: id });
    });
  }

  for (const header of ["", "a b", "a, b", '""', "é", "x".repeat(256), "a\u0001", ["a", "b"]]) {
    test(`${JSON.stringify(header).slice(0, 40)} is refused, and the header is named`, () => {
      assert.deepEqual(wrongWith(parseRequestId(header)), ["INVALID_ARGUMENT", "Idempotency-Key"]);
    });
  }
});

test("a refusal in a dialect's words names its fields in the sentence, the violations and the metadata", () => {
  const renamed = renameFields(
    {
      reason: "INVALID_ARGUMENT",
      message: "order_id: is missing; send it; items[0].unit_price: is $& high",
      outcome: "NOT_ATTEMPTED",
      metadata: { field: "order_id", other: "x" },
      violations: [
        { field: "order_id", description: "is missing; send it" },
        { field: "items[0].unit_price", description: "is $& high" },
      ],
      retryAfterMs: null,
    },
    toCamelCase,
  );
  assert.equal(renamed.message, "orderId: is missing; send it; items[0].unitPrice: is $& high");
  assert.deepEqual(renamed.metadata, { field: "orderId", other: "x" });
  assert.deepEqual(
    renamed.violations.map(({ field }) => field),
    ["orderId", "items[0].unitPrice"],
  );
});
