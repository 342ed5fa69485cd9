// The fields of the canonical dialect's requests: amounts to the last digit, what is refused, and what is passed over.
import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { ITEMS, newOrder, openCanonical, refused } from "./open-canonical.ts";

const { ask, createSession } = await openCanonical({ after });

suite("amounts", () => {
  for (const [currency, price, total] of [
    ["USD", "25.990", "51.98"],
    ["jpy", "1.5e3", "3000"],
    ["KWD", "0.005", "0.010"],
    ["usd", "45035996273704.96", "90071992547409.92"],
  ] as const) {
    test(`two of ${price} ${currency} are ${total}, exactly`, async () => {
      const orderId = newOrder();
      const { status } = await ask("POST", "/v1/payments/session", {
        body: `{"orderId":"${orderId}","currency":"${currency}","items":[{"name":"a","price":${price},"quantity":2}]}`,
      });
      assert.equal(status, 201);
      const found = await ask("GET", `/v1/payments/status/order/${orderId}`);
      assert.ok(found.text.includes(`"amount":${total},"currency":"${currency.toLowerCase()}"`), found.text);
    });
  }

  const priced = (price: string, currency = '"usd"') =>
    `{"orderId":"none","currency":${currency},"items":[{"name":"a","price":1.00,"quantity":1},{"name":"b","price":${price},"quantity":1}]}`;
  for (const [body, reason, field] of [
    [priced("10.001"), "INVALID_AMOUNT", "items[1].price"],
    [priced("0.5", '"jpy"'), "INVALID_AMOUNT", "items[1].price"],
    [priced("0"), "INVALID_AMOUNT", "items[1].price"],
    [priced("-1"), "INVALID_AMOUNT", "items[1].price"],
    [priced('"1.00"'), "INVALID_AMOUNT", "items[1].price"],
    [priced("1e30"), "INVALID_AMOUNT", "items[1].price"],
    [priced("92233720368547758.07"), "INVALID_AMOUNT", "items"],
    [priced("1", '"xyz"'), "UNSUPPORTED_CURRENCY", "currency"],
    [priced("1", "7"), "INVALID_ARGUMENT", "currency"],
    ['{"orderId":"none","currency":"usd","amount":10.001}', "INVALID_AMOUNT", "amount"],
    [`{"orderId":"none","currency":"usd","amount":51.97,${ITEMS}}`, "INVALID_AMOUNT", "amount"],
    ['{"orderId":"none","currency":"usd"}', "INVALID_AMOUNT", "amount"],
    [`{"orderId":"none",${ITEMS}}`, "INVALID_ARGUMENT", "currency"],
  ] as const) {
    test(`${body} is refused with ${reason}, naming ${field}`, async () => {
      const [status, gave, outcome, first] = refused(await ask("POST", "/v1/payments/session", { body })) as string[];
      assert.deepEqual([status, gave, outcome, first], [400, reason, "NOT_ATTEMPTED", field]);
    });
  }

  test("nothing was written for what was refused", async () => {
    assert.deepEqual(refused(await ask("GET", "/v1/payments/status/order/none")), [
      404,
      "ORDER_NOT_FOUND",
      "NOT_ATTEMPTED",
    ]);
  });
});

suite("fields", () => {
  for (const [name, body, fields] of [
    ["none", "{}", ["orderId"]],
    ["an empty order", `{"orderId":"","currency":"usd",${ITEMS}}`, ["orderId"]],
    ["a number for the order", `{"orderId":5,"currency":"usd",${ITEMS}}`, ["orderId"]],
    ["a long order", `{"orderId":"${"a".repeat(129)}","currency":"usd",${ITEMS}}`, ["orderId"]],
    ["a zero byte", `{"orderId":"a\\u0000b","currency":"usd",${ITEMS}}`, ["orderId"]],
    ["half a surrogate pair", `{"orderId":"a\\ud800","currency":"usd",${ITEMS}}`, ["orderId"]],
    ["items that are none", '{"orderId":"none","currency":"usd","items":{}}', ["items"]],
    [
      "an item without anything",
      '{"orderId":"none","currency":"usd","items":[{}]}',
      ["items[0].name", "items[0].price", "items[0].quantity"],
    ],
    [
      "half a piece",
      '{"orderId":"none","currency":"usd","items":[{"name":"a","price":1,"quantity":0.5}]}',
      ["items[0].quantity"],
    ],
    [
      "no piece",
      '{"orderId":"none","currency":"usd","items":[{"name":"a","price":1,"quantity":0}]}',
      ["items[0].quantity"],
    ],
    [
      "a long name",
      `{"orderId":"none","currency":"usd","items":[{"name":"${"a".repeat(251)}","price":1,"quantity":1}]}`,
      ["items[0].name"],
    ],
    [
      "words that are none",
      `{"orderId":"none","currency":"usd",${ITEMS},"mode":"cash","captureMethod":"later"}`,
      ["mode", "captureMethod"],
    ],
    ["a provider that is none", `{"orderId":"none","currency":"usd",${ITEMS},"provider":"visa"}`, ["provider"]],
    [
      "a method on a hosted page",
      `{"orderId":"none","currency":"usd",${ITEMS},"paymentMethod":"pm_card_visa"}`,
      ["paymentMethod"],
    ],
    ["an e-mail that is none", `{"orderId":"none","currency":"usd",${ITEMS},"customerEmail":"ada"}`, ["customerEmail"]],
    ["metadata of numbers", `{"orderId":"none","currency":"usd",${ITEMS},"metadata":{"a":1}}`, ["metadata"]],
    [
      "a place to return to elsewhere",
      `{"orderId":"none","currency":"usd",${ITEMS},"successUrl":"https://evil.example/"}`,
      ["successUrl"],
    ],
    ["a request id with a space", `{"orderId":"none","currency":"usd",${ITEMS},"requestId":"a b"}`, ["requestId"]],
  ] as const) {
    test(`${name}: 400, naming ${fields.join(", ")}`, async () => {
      const answer = await ask("POST", "/v1/payments/session", { body });
      assert.equal(answer.status, 400, answer.text);
      const named = answer.body.violations.map(({ field }: { field: string }) => field);
      assert.deepEqual(named, fields);
      assert.ok(
        fields.every((field) => answer.body.message.includes(field)),
        answer.body.message,
      );
    });
  }

  test("what is known besides is kept, and what is not known is passed over", async () => {
    const orderId = newOrder();
    await createSession(
      orderId,
      ',"customerId":"c-1","customerEmail":"ada@example.com","description":"Shirts","metadata":{"b":"2","__proto__":"x"},"colour":{"deep":[1]}',
    );
    const { body } = await ask("GET", `/v1/payments?orderId=${orderId}`);
    const [payment] = body.payments;
    assert.deepEqual(
      [payment.customerId, payment.customerEmail, payment.description, payment.metadata.b, payment.items],
      ["c-1", "ada@example.com", "Shirts", "2", [{ name: "Premium T-shirt", price: 25.99, quantity: 2 }]],
    );
  });
});
