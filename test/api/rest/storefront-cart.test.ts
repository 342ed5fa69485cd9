// A cart becomes a payment, by an intent for the browser's form or by a session of the hosted page: its amounts, its fields, its order and its key.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Json } from "./open-shop.ts";
import { BOOK, cart, openStorefront, ORDER_ID, PAYMENT_ID } from "./open-storefront.ts";

const { post, get, newIntent, newPaid, service } = await openStorefront({ after });

test("a payment intent is created for a cart, with a client secret for the browser's form", async () => {
  const body = await newIntent({
    items: [
      { ...BOOK, quantity: 3 },
      { ...BOOK, book_id: "b2", price_cents: 1 },
    ],
  });
  assert.match(body.payment_id, PAYMENT_ID);
  assert.match(body.order_id, ORDER_ID);
  assert.match(body.client_secret, /_secret_/);
  assert.match(body.payment_intent_id, /^pi_/);
  assert.deepEqual(
    { amount: body.amount, amount_cents: body.amount_cents, currency: body.currency, status: body.status },
    { amount: 2998, amount_cents: 2998, currency: "usd", status: "pending" },
  );
});

test("amounts above 2^53 are exact, both ways", async () => {
  const price = "9007199254740993";
  const body = JSON.stringify(cart({ items: [{ ...BOOK, price_cents: 1 }], currency: "KRW" })).replace(
    '"price_cents":1',
    `"price_cents":${price}`,
  );
  const created = await post("create-payment-intent", body);
  assert.equal(created.status, 200, created.text);
  assert.match(created.text, new RegExp(`"amount_cents":${price}\\b`));
  const read = await get(`payment/${created.body.payment_id}`);
  assert.match(read.text, new RegExp(`"price_cents":${price}\\b`));
});

test("a checkout session is created for a cart, and tells how it stands", async () => {
  const created = await post("create-checkout-session", cart({ customer_email: "user@example.com" }));
  assert.equal(created.status, 200, created.text);
  const { checkout_url, session_id, payment_id, amount_cents } = created.body;
  assert.match(checkout_url, /^http/);
  assert.match(session_id, /^cs_/);
  assert.match(payment_id, PAYMENT_ID);
  assert.equal(amount_cents, 999);
  const open = await get(`checkout-session/${session_id}`);
  assert.deepEqual(open.body, {
    session_id,
    status: "open",
    payment_status: "unpaid",
    amount_total: 999,
    currency: "usd",
    payment_id,
    order_id: created.body.order_id,
  });
  await post("confirm-payment", { payment_id });
  const paid = await get(`checkout-session/${session_id}`);
  assert.equal(paid.body.status, "complete");
  assert.equal(paid.body.payment_status, "paid");
});

test("a checkout returns to the configured pages, or to those that the request names", async () => {
  const plain = await post("create-checkout-session", cart());
  const [{ success_url, cancel_url } = {}] = await service.rows<Json>(
    "select success_url, cancel_url from payment where session_id = $1",
    [plain.body.session_id],
  );
  assert.equal(success_url, "http://localhost:5173/checkout/success");
  assert.equal(cancel_url, "http://localhost:5173/checkout/cancel");
  const named = await post("create-checkout-session", cart({ success_url: "http://localhost:3000/yes" }));
  const [row] = await service.rows<Json>("select success_url from payment where session_id = $1", [
    named.body.session_id,
  ]);
  assert.equal(row.success_url, "http://localhost:3000/yes");
  const foreign = await post("create-checkout-session", cart({ success_url: "https://evil.example/" }));
  assert.equal(foreign.status, 422);
  assert.equal(foreign.body.reason, "INVALID_URL");
  assert.deepEqual(foreign.body.detail[0].loc, ["body", "success_url"]);
});

test("a repeated request with its key has one effect and one answer", async () => {
  const headers = { "idempotency-key": "cart-1" };
  const [first, second] = await Promise.all([
    post("create-payment-intent", cart(), headers),
    post("create-payment-intent", cart(), headers),
  ]);
  assert.equal(first.status, 200, first.text);
  assert.equal(second.text, first.text);
  const third = await post("create-payment-intent", cart(), headers);
  assert.equal(third.text, first.text);
  assert.equal(third.headers.get("idempotent-replayed"), "true");
  const other = await post("create-payment-intent", cart({ user_id: "user_other" }), headers);
  assert.equal(other.status, 422);
  assert.equal(other.body.reason, "REQUEST_ID_REUSED");
  const elsewhere = await post("create-checkout-session", cart(), headers);
  assert.equal(elsewhere.body.reason, "REQUEST_ID_REUSED");
});

test("two carts without a key are two orders, and an order that is named is paid once", async () => {
  const [one, two] = [await newIntent(), await newIntent()];
  assert.notEqual(one.order_id, two.order_id);
  const named = await newPaid({ order_id: "cart-77" });
  assert.equal(named.order_id, "cart-77");
  const again = await post("create-payment-intent", cart({ order_id: "cart-77" }));
  assert.equal(again.status, 409);
  assert.equal(again.body.reason, "PAYMENT_ALREADY_COMPLETED");
});

test("an order whose open payment is paid in another way is refused", async () => {
  await newIntent({ order_id: "cart-78" });
  const refused = await post("create-checkout-session", cart({ order_id: "cart-78" }));
  assert.equal(refused.status, 409);
  assert.equal(refused.body.reason, "ORDER_HAS_OPEN_PAYMENT");
});

test("bad bodies are refused with FastAPI's list of what is wrong", async () => {
  const cases: [string, object, (string | number)[], string][] = [
    ["no user", { items: [BOOK] }, ["body", "user_id"], "missing"],
    ["no items", { user_id: "u" }, ["body", "items"], "missing"],
    ["empty items", cart({ items: [] }), ["body", "items"], "missing"],
    ["items that are none", cart({ items: "book_1" }), ["body", "items"], "value_error"],
    ["an item that is none", cart({ items: [7] }), ["body", "items", 0], "value_error"],
    [
      "no price",
      cart({ items: [BOOK, { ...BOOK, price_cents: null }] }),
      ["body", "items", 1, "price_cents"],
      "missing",
    ],
    [
      "a price in quotes",
      cart({ items: [{ ...BOOK, price_cents: "999" }] }),
      ["body", "items", 0, "price_cents"],
      "value_error",
    ],
    [
      "a price with decimals",
      cart({ items: [{ ...BOOK, price_cents: 9.99 }] }),
      ["body", "items", 0, "price_cents"],
      "value_error",
    ],
    [
      "a price below zero",
      cart({ items: [{ ...BOOK, price_cents: -1 }] }),
      ["body", "items", 0, "price_cents"],
      "value_error",
    ],
    [
      "a price of nothing",
      cart({ items: [{ ...BOOK, price_cents: 0 }] }),
      ["body", "items", 0, "price_cents"],
      "value_error",
    ],
    ["no pieces", cart({ items: [{ ...BOOK, quantity: 0 }] }), ["body", "items", 0, "quantity"], "value_error"],
    [
      "too many pieces",
      cart({ items: [{ ...BOOK, quantity: 99999 }] }),
      ["body", "items", 0, "quantity"],
      "value_error",
    ],
    ["half a piece", cart({ items: [{ ...BOOK, quantity: 1.5 }] }), ["body", "items", 0, "quantity"], "value_error"],
    ["credits below zero", cart({ items: [{ ...BOOK, credits: -1 }] }), ["body", "items", 0, "credits"], "value_error"],
    ["no title", cart({ items: [{ ...BOOK, title: "" }] }), ["body", "items", 0, "title"], "missing"],
    [
      "a zero byte in the title",
      cart({ items: [{ ...BOOK, title: "a\u0000b" }] }),
      ["body", "items", 0, "title"],
      "value_error",
    ],
    [
      "a zero byte in the book",
      cart({ items: [{ ...BOOK, book_id: "a\u0000b" }] }),
      ["body", "items", 0, "book_id"],
      "value_error",
    ],
    [
      "a book without end",
      cart({ items: [{ ...BOOK, book_id: "b".repeat(200) }] }),
      ["body", "items", 0, "book_id"],
      "value_error",
    ],
    ["a zero byte in the user", cart({ user_id: "a\u0000b" }), ["body", "user_id"], "value_error"],
    ["a user without end", cart({ user_id: "u".repeat(200) }), ["body", "user_id"], "value_error"],
    ["a user of another type", cart({ user_id: 7 }), ["body", "user_id"], "value_error"],
    ["a currency that is none", cart({ currency: "doubloons" }), ["body", "currency"], "value_error"],
    ["an address that is none", cart({ customer_email: "nobody" }), ["body", "customer_email"], "value_error"],
    ["an order without end", cart({ order_id: "o".repeat(200) }), ["body", "order_id"], "value_error"],
  ];
  for (const [name, body, loc, type] of cases) {
    const answer = await post("create-payment-intent", body);
    assert.equal(answer.status, 422, `${name}: ${answer.text}`);
    assert.deepEqual(answer.body.detail[0]?.loc, loc, name);
    assert.equal(answer.body.detail[0]?.type, type, name);
    assert.equal(answer.body.outcome, "NOT_ATTEMPTED", name);
  }
});

test("everything that is wrong with a cart is named at once", async () => {
  const answer = await post("create-payment-intent", { items: [{ ...BOOK, price_cents: -1, title: 7 }] });
  assert.deepEqual(
    answer.body.detail.map(({ loc }: Json) => loc.join(".")),
    ["body.user_id", "body.items.0.title", "body.items.0.price_cents"],
  );
});

test("an amount that no ledger can hold is refused", async () => {
  const body = JSON.stringify(cart()).replace('"price_cents":999', '"price_cents":9999999999999999999');
  const single = await post("create-payment-intent", body);
  assert.equal(single.status, 422, single.text);
  const huge = JSON.stringify(cart({ items: [{ ...BOOK, quantity: 10_000 }] })).replace(
    '"price_cents":999',
    '"price_cents":9223372036854775807',
  );
  const sum = await post("create-payment-intent", huge);
  assert.equal(sum.status, 422, sum.text);
  const paid = await newPaid();
  const refund = await post("refund", `{"payment_id":"${paid.payment_id}","amount_cents":9999999999999999999}`);
  assert.equal(refund.status, 422, refund.text);
});
