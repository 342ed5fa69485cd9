import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CreatePaymentRequestSchema, RefundPaymentRequestSchema } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { Authenticate } from "../../../src/api/auth.ts";
import { createHandlers } from "../../../src/api/handlers.ts";
import { accept, refuse } from "../../../src/domain/error.ts";
import { caller } from "../../app/open-service.ts";
import { type Answer, openRest } from "./open-rest.ts";

const { ask, service } = await openRest({ after });
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const PAYMENT_ID = /^payment_[0-9a-f-]{36}$/;

let orders = 0;

function newOrder(): string {
  orders += 1;
  return `order-${orders}`;
}

const ITEMS = '"items":[{"name":"Premium T-shirt","price":25.99,"quantity":2}]';

async function createSession(orderId: string, more = ""): Promise<Answer> {
  return ask("POST", "/v1/payments/session", { body: `{"orderId":"${orderId}","currency":"usd",${ITEMS}${more}}` });
}

/** A paid order of 51.98 USD. */
async function payOrder(): Promise<string> {
  const orderId = newOrder();
  await createSession(orderId);
  assert.equal((await ask("POST", `/v1/payments/complete/order/${orderId}`)).status, 200);
  return orderId;
}

function refused(answer: Answer): unknown[] {
  const { reason, outcome, violations } = answer.body;
  return [answer.status, reason, outcome, ...violations.map(({ field }: { field: string }) => field)];
}

suite("document 000, as it is printed", () => {
  const orderId = "123e4567-e89b-12d3-a456-426614174000";

  test("a session is created", async () => {
    const { status, body } = await ask("POST", "/v1/payments/session", {
      body: `{
        "orderId": "${orderId}",
        "currency": "usd",
        "items": [
          {
            "name": "Premium T-shirt",
            "price": 25.99,
            "quantity": 2
          }
        ]
      }`,
    });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(body), ["paymentSessionId", "paymentUrl", "expiresAt"]);
    assert.ok(body.paymentUrl.endsWith(body.paymentSessionId));
    assert.match(body.expiresAt, TIME);
  });

  test("its payment is completed, without a body", async () => {
    const { status, body, text } = await ask("POST", `/v1/payments/complete/order/${orderId}`);
    assert.equal(status, 200);
    const { paymentId, completedAt, ...rest } = body;
    assert.match(paymentId, PAYMENT_ID);
    assert.match(completedAt, TIME);
    assert.deepEqual(rest, { orderId, status: "completed", amount: 51.98, currency: "usd" });
    assert.deepEqual(Object.keys(body), ["orderId", "paymentId", "status", "completedAt", "amount", "currency"]);
    assert.match(text, /"amount":51\.98,/);
  });

  test("a part of it is refunded", async () => {
    const { status, body, text } = await ask("POST", "/v1/payments/refund/order", {
      body: `{ "orderId": "${orderId}", "amount": 50.0, "reason": "customer_request" }`,
    });
    assert.equal(status, 200);
    const { paymentId, refundId, createdAt, ...rest } = body;
    assert.match(paymentId, PAYMENT_ID);
    assert.match(refundId, /^refund_[0-9a-f-]{36}$/);
    assert.match(createdAt, TIME);
    assert.deepEqual(rest, { orderId, amount: 50, currency: "usd", status: "succeeded", reason: "customer_request" });
    assert.match(text, /"amount":50\.00,/);
  });

  test("an open payment is cancelled, by the user if nobody says otherwise", async () => {
    for (const [sent, reason] of [
      [{}, "user_requested"],
      [{ body: { reason: "changed my mind" } }, "changed my mind"],
    ] as const) {
      const cancelled = newOrder();
      await createSession(cancelled);
      const { status, body } = await ask("POST", `/v1/payments/cancel/order/${cancelled}`, sent);
      const { paymentId, cancelledAt, ...rest } = body;
      assert.equal(status, 200);
      assert.match(paymentId, PAYMENT_ID);
      assert.match(cancelledAt, TIME);
      assert.deepEqual(rest, { orderId: cancelled, cancelled: true, reason });
    }
  });

  test("the pages and the webhook are where they were", async () => {
    for (const page of ["success", "cancel"]) {
      const { status, headers } = await ask("GET", `/v1/payments/${page}`);
      assert.deepEqual([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    }
    const unsigned = await ask("POST", "/v1/payments/webhook", { body: "{}" });
    assert.deepEqual([unsigned.status, unsigned.body.message], [400, "Invalid signature"]);
    assert.equal((await ask("GET", "/v1/payments/session/cs_test_none")).status, 404);
  });
});

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

suite("declines and what is not paid yet", () => {
  test("an intent that is confirmed at once and declined is 402, and says that no money moved", async () => {
    const orderId = newOrder();
    const answer = await createSession(
      orderId,
      ',"mode":"intent","paymentMethod":"pm_card_chargeDeclinedInsufficientFunds"',
    );
    assert.deepEqual(refused(answer), [402, "INSUFFICIENT_FUNDS", "DECLINED"]);
    assert.match(answer.body.metadata.paymentId, PAYMENT_ID);
    assert.equal((await ask("GET", `/v1/payments/status/order/${orderId}`)).body.status, "failed");
  });

  test("a decline of complete is 402; the checkout stays open and can be paid", async () => {
    const orderId = newOrder();
    await createSession(orderId);
    const path = `/v1/payments/complete/order/${orderId}`;
    const answer = await ask("POST", path, { body: { paymentMethod: "pm_card_chargeDeclined" } });
    assert.deepEqual(refused(answer), [402, "CARD_DECLINED", "DECLINED"]);
    assert.equal((await ask("GET", `/v1/payments/status/order/${orderId}`)).body.failure.reason, "CARD_DECLINED");
    assert.equal((await ask("POST", path)).status, 200);
  });

  test("an intent whose customer must authenticate is 201 with its client secret, and completing it is 402", async () => {
    const orderId = newOrder();
    const created = await createSession(orderId, ',"mode":"intent","paymentMethod":"pm_card_authenticationRequired"');
    assert.deepEqual([created.status, created.body.status], [201, "requires_action"]);
    assert.match(created.body.clientSecret, /_secret_/);
    assert.ok(created.body.clientToken);
    const completed = await ask("POST", `/v1/payments/complete/order/${orderId}`, {
      body: { paymentMethod: "pm_card_authenticationRequired" },
    });
    assert.deepEqual(refused(completed).slice(0, 2), [402, "AUTHENTICATION_REQUIRED"]);
  });

  test("an intent without a method is 201, and pending", async () => {
    const { status, body } = await createSession(newOrder(), ',"mode":"intent"');
    assert.deepEqual([status, body.status, body.amount, body.currency], [201, "pending", 51.98, "usd"]);
  });

  test("held money is captured in part, in the payment's currency", async () => {
    const orderId = newOrder();
    const held = await createSession(
      orderId,
      ',"mode":"intent","captureMethod":"manual","paymentMethod":"pm_card_visa"',
    );
    assert.deepEqual([held.status, held.body.status], [201, "authorized"]);
    const path = `/v1/payments/complete/order/${orderId}`;
    assert.deepEqual(refused(await ask("POST", path, { body: '{"amount":10.001}' })).slice(0, 2), [
      400,
      "INVALID_AMOUNT",
    ]);
    const eur = await ask("POST", path, { body: '{"amount":10.00,"currency":"eur"}' });
    assert.deepEqual([eur.status, eur.body.violations[0].field], [400, "currency"]);
    const captured = await ask("POST", path, { body: '{"amount":10.50}' });
    assert.deepEqual([captured.status, captured.body.status, captured.body.amount], [200, "completed", 10.5]);
  });
});

suite("the wrong state", () => {
  test("a paid order is not paid, created or cancelled again", async () => {
    const orderId = await payOrder();
    const complete = await ask("POST", `/v1/payments/complete/order/${orderId}`);
    assert.deepEqual(refused(complete), [409, "PAYMENT_ALREADY_COMPLETED", "NOT_ATTEMPTED"]);
    assert.deepEqual(refused(await createSession(orderId)), [409, "PAYMENT_ALREADY_COMPLETED", "NOT_ATTEMPTED"]);
    const cancel = await ask("POST", `/v1/payments/cancel/order/${orderId}`);
    assert.deepEqual(refused(cancel), [409, "PAYMENT_NOT_CANCELABLE", "NOT_ATTEMPTED"]);
  });

  test("no more is given back than was taken", async () => {
    const orderId = await payOrder();
    const refund = (amount: string) =>
      ask("POST", "/v1/payments/refund/order", { body: `{"orderId":"${orderId}"${amount}}` });
    assert.deepEqual(refused(await refund(',"amount":51.99')), [409, "REFUND_EXCEEDS_CAPTURED", "NOT_ATTEMPTED"]);
    assert.deepEqual(refused(await refund(',"amount":1.001')), [400, "INVALID_AMOUNT", "NOT_ATTEMPTED", "amount"]);
    assert.deepEqual(refused(await refund(',"amount":1,"currency":"eur"')).slice(0, 2), [400, "INVALID_AMOUNT"]);
    assert.equal((await refund(',"amount":1.98,"currency":"USD"')).body.amount, 1.98);
    const whole = await refund("");
    assert.deepEqual([whole.status, whole.body.amount, whole.body.reason], [200, 50, null]);
    assert.deepEqual(refused(await refund("")), [409, "REFUND_EXCEEDS_CAPTURED", "NOT_ATTEMPTED"]);
  });

  test("an unpaid order is not refunded", async () => {
    const orderId = newOrder();
    await createSession(orderId);
    const answer = await ask("POST", "/v1/payments/refund/order", { body: { orderId } });
    assert.deepEqual(refused(answer), [409, "PAYMENT_NOT_PAID", "NOT_ATTEMPTED"]);
  });

  test("an order without a payment is 404 at every path", async () => {
    for (const [method, path, body] of [
      ["POST", "/v1/payments/complete/order/none", undefined],
      ["POST", "/v1/payments/complete/order/none", '{"amount":1}'],
      ["POST", "/v1/payments/cancel/order/none", undefined],
      ["POST", "/v1/payments/refund/order", '{"orderId":"none"}'],
      ["POST", "/v1/payments/refund/order", '{"orderId":"none","amount":1.00}'],
      ["GET", "/v1/payments/status/order/none", undefined],
    ] as const) {
      const answer = await ask(method, path, { ...(body !== undefined && { body }) });
      assert.deepEqual(refused(answer), [404, "ORDER_NOT_FOUND", "NOT_ATTEMPTED"]);
    }
    const unknown = await ask("GET", "/v1/payments/payment_01890a5d-ac96-774b-bcce-b302099a8057");
    assert.deepEqual(refused(unknown), [404, "PAYMENT_NOT_FOUND", "NOT_ATTEMPTED"]);
    const wrong = await ask("GET", "/v1/payments/5");
    assert.deepEqual(refused(wrong), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", "paymentId"]);
    const control = await ask("GET", "/v1/payments/status/order/a%00b");
    assert.deepEqual(refused(control), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", "orderId"]);
  });
});

suite("the same request again", () => {
  test("has one effect and one answer, which says that it is repeated; with other parameters it is 422", async () => {
    const orderId = await payOrder();
    const refund = (amount: string, key: string) =>
      ask("POST", "/v1/payments/refund/order", {
        body: `{"orderId":"${orderId}","amount":${amount}}`,
        headers: { "idempotency-key": key },
      });
    const first = await refund("10.00", "refund-1");
    const again = await refund("10.0", '"refund-1"');
    assert.deepEqual([first.status, first.headers.get("idempotent-replayed")], [200, null]);
    assert.deepEqual([again.status, again.headers.get("idempotent-replayed")], [200, "true"]);
    assert.equal(again.text, first.text);
    const other = await refund("11.00", "refund-1");
    assert.deepEqual(refused(other), [422, "REQUEST_ID_REUSED", "NOT_ATTEMPTED"]);
    assert.equal(other.headers.get("idempotent-replayed"), null);
    const { body } = await ask("GET", `/v1/payments/status/order/${orderId}`);
    assert.equal(body.amountRefunded, 10);
  });

  test("a kept refusal is repeated as well", async () => {
    const orderId = await payOrder();
    const headers = { "idempotency-key": `complete-${orderId}` };
    const path = `/v1/payments/complete/order/${orderId}`;
    const first = await ask("POST", path, { headers });
    const again = await ask("POST", path, { headers });
    assert.deepEqual([first.status, again.status, again.headers.get("idempotent-replayed")], [409, 409, "true"]);
    assert.equal(again.text, first.text);
  });

  test("many at once have one effect", async () => {
    const orderId = newOrder();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        ask("POST", "/v1/payments/session", {
          body: `{"orderId":"${orderId}","currency":"usd",${ITEMS}}`,
          headers: { "idempotency-key": `create-${orderId}` },
        }),
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(answers.filter(({ headers }) => headers.get("idempotent-replayed") === "true").length, 11);
    assert.equal((await ask("GET", `/v1/payments?orderId=${orderId}`)).body.payments.length, 1);
  });

  test("the body may carry the request id, but not another one than the header", async () => {
    const orderId = newOrder();
    const first = await createSession(orderId, `,"requestId":"body-${orderId}"`);
    const again = await ask("POST", "/v1/payments/session", {
      body: `{"orderId":"${orderId}","currency":"USD",${ITEMS}}`,
      headers: { "idempotency-key": `body-${orderId}` },
    });
    assert.equal(again.text, first.text);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    const torn = await ask("POST", "/v1/payments/session", {
      body: `{"orderId":"${orderId}","currency":"USD",${ITEMS},"requestId":"x"}`,
      headers: { "idempotency-key": "y" },
    });
    assert.deepEqual(refused(torn), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", "requestId"]);
  });

  test("through the door of RPCs it is the same request", async () => {
    const handlers = createHandlers(service.parts, { provider: "mock" });
    const anybody = { ...caller, role: "admin", principal: "anonymous" } as const;
    const orderId = newOrder();
    const requestId = `both-${orderId}`;
    const headers = { "idempotency-key": requestId };
    const created = await handlers.createPayment(
      create(CreatePaymentRequestSchema, {
        orderId,
        requestId,
        items: [{ name: "Premium T-shirt", unitPrice: { currency: "usd", minor: 2599n }, quantity: 2 }],
      }),
      anybody,
    );
    assert.ok(created.ok);
    const session = await ask("POST", "/v1/payments/session", {
      body: `{"orderId":"${orderId}","currency":"usd",${ITEMS}}`,
      headers,
    });
    assert.deepEqual(
      [session.status, session.body.paymentSessionId, session.headers.get("idempotent-replayed")],
      [201, created.value.checkout?.sessionId, "true"],
    );
    await ask("POST", `/v1/payments/complete/order/${orderId}`);
    const refundKey = { "idempotency-key": `refund-${orderId}` };
    const refund = await ask("POST", "/v1/payments/refund/order", {
      body: `{"orderId":"${orderId}","amount":5.5}`,
      headers: refundKey,
    });
    const repeated = await handlers.refundPayment(
      create(RefundPaymentRequestSchema, {
        payment: { case: "orderId", value: orderId },
        amount: { currency: "USD", minor: 550n },
        requestId: `refund-${orderId}`,
      }),
      anybody,
    );
    assert.ok(repeated.ok);
    assert.equal(repeated.value.refund?.refundId, refund.body.refundId);
  });
});

suite("reads", () => {
  test("a payment by its id has its refunds and its history", async () => {
    const orderId = await payOrder();
    await ask("POST", "/v1/payments/refund/order", { body: { orderId, amount: 1.5, reason: "worn" } });
    const { body: status } = await ask("GET", `/v1/payments/status/order/${orderId}`);
    assert.deepEqual([status.status, status.amountCaptured, status.amountRefunded], ["partially_refunded", 51.98, 1.5]);
    const { body } = await ask("GET", `/v1/payments/${status.paymentId}`);
    assert.equal(body.orderId, orderId);
    assert.deepEqual(
      body.refunds.map(({ amount, reason }: { amount: number; reason: string }) => [amount, reason]),
      [[1.5, "worn"]],
    );
    assert.deepEqual(
      body.history.map(({ type, version }: { type: string; version: number }) => [version, type]),
      [
        [1, "payment.created"],
        [2, "payment.succeeded"],
        [3, "payment.refunded"],
      ],
    );
  });

  test("an order id may hold whatever a path can carry", async () => {
    const orderId = `é/ü ?#%&${newOrder()}`;
    await createSession(orderId);
    const { status, body } = await ask("GET", `/v1/payments/status/order/${encodeURIComponent(orderId)}`);
    assert.deepEqual([status, body.orderId], [200, orderId]);
  });

  test("a list goes page by page, and filters by order, customer, status and time", async () => {
    const customerId = `c-${newOrder()}`;
    for (let at = 0; at < 3; at += 1) await createSession(newOrder(), `,"customerId":"${customerId}"`);
    const first = await ask("GET", `/v1/payments?customerId=${customerId}&pageSize=2`);
    assert.equal(first.body.payments.length, 2);
    const token = encodeURIComponent(first.body.nextPageToken);
    const second = await ask("GET", `/v1/payments?customerId=${customerId}&pageSize=2&pageToken=${token}`);
    assert.deepEqual([second.body.payments.length, second.body.nextPageToken], [1, ""]);
    const counts = async (query: string): Promise<number> =>
      (await ask("GET", `/v1/payments?customerId=${customerId}&${query}`)).body.payments.length;
    assert.equal(await counts("status=pending"), 3);
    assert.equal(await counts("status=completed,refunded"), 0);
    assert.equal(await counts("status=completed&status=PENDING"), 3);
    assert.equal(await counts("createdFrom=2020-01-01&createdTo=2020-01-02T00:00:00Z"), 0);
    assert.equal(await counts("createdFrom=2020-01-01T00:00:00%2B02:00"), 3);
  });

  for (const [query, field] of [
    ["pageSize=-1", "pageSize"],
    ["pageSize=many", "pageSize"],
    ["pageSize=1&pageSize=2", "pageSize"],
    ["pageToken=abc", "pageToken"],
    ["status=paid", "status"],
    ["createdFrom=yesterday", "createdFrom"],
    ["createdTo=1969-01-01", "createdTo"],
    [`customerId=${"a".repeat(129)}`, "customerId"],
    ["orderId=a%00", "orderId"],
  ] as const) {
    test(`${query.slice(0, 40)} is refused, naming ${field}`, async () => {
      const answer = await ask("GET", `/v1/payments?${query}`);
      assert.deepEqual(refused(answer), [400, "INVALID_ARGUMENT", "NOT_ATTEMPTED", field]);
    });
  }
});

test("a customer sees what is theirs, refunds nothing, and nobody without a token does anything", async (t) => {
  const authenticate: Authenticate = (authorization) => {
    if (authorization === "service")
      return accept({ role: "service", principal: "shop", customerId: null, clientToken: null });
    if (authorization === null) return refuse("UNAUTHENTICATED", "no token was sent");
    return accept({ role: "customer", principal: authorization, customerId: authorization, clientToken: null });
  };
  const guarded = await openRest(t, { authenticate });
  const as = (authorization: string) => ({ headers: { authorization } });
  const body = `{"orderId":"mine","currency":"usd",${ITEMS},"customerId":"ada"}`;
  assert.equal((await guarded.ask("POST", "/v1/payments/session", { body, ...as("service") })).status, 201);
  assert.equal((await guarded.ask("GET", "/v1/payments/status/order/mine", as("ada"))).status, 200);
  assert.deepEqual(refused(await guarded.ask("GET", "/v1/payments/status/order/mine", as("bob"))).slice(0, 2), [
    404,
    "ORDER_NOT_FOUND",
  ]);
  for (const refund of ['{"orderId":"mine"}', '{"orderId":"mine","amount":1.00}', '{"orderId":"none","amount":1.00}']) {
    const answer = await guarded.ask("POST", "/v1/payments/refund/order", { body: refund, ...as("ada") });
    assert.deepEqual(refused(answer).slice(0, 2), [403, "PERMISSION_DENIED"]);
  }
  const unknown = await guarded.ask("POST", "/v1/payments/session", { body: "{}" });
  assert.deepEqual([unknown.status, unknown.headers.get("www-authenticate")], [401, "Bearer"]);
});
