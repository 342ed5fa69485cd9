// The storefront dialect over HTTP, on a real database, the mock gateway and real credits: every endpoint of document 003.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { grantCredits } from "../../../src/app/credits.ts";
import { printEvent } from "../../../src/gateway/direct.ts";
import { caller, WEBHOOK_SECRET } from "../../app/open-service.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { as, type Json, openShop, type Shop, type Told } from "./open-shop.ts";

const PAYMENT_ID = /^payment_[0-9a-f-]{36}$/;
const ORDER_ID = /^order_[0-9a-f-]{36}$/;
const UNKNOWN = "payment_01890a5d-ac96-774b-bcce-b302099a8057";
const BOOK = { book_id: "book_1", quantity: 1, price_cents: 999, credits: 1, title: "Book Title" };

const shop = await openShop({ after });
const guarded = await openShop({ after }, { people: true });

let users = 0;
function newUser(): string {
  users += 1;
  return `user_${users}`;
}

function cart(change: object = {}): object {
  return { user_id: "user_123", items: [BOOK], ...change };
}

const at = (path: string): string => `/api/v1/payment/${path}`;

function post(path: string, body: unknown, headers: Record<string, string> = {}, on: Shop = shop): Promise<Told> {
  return on.ask("POST", at(path), { body, headers });
}

function get(path: string, headers: Record<string, string> = {}, on: Shop = shop): Promise<Told> {
  return on.ask("GET", at(path), { headers });
}

async function newIntent(change: object = {}, headers: Record<string, string> = {}, on: Shop = shop): Promise<Json> {
  const created = await post("create-payment-intent", cart(change), headers, on);
  assert.equal(created.status, 200, created.text);
  return created.body;
}

async function newPaid(change: object = {}, headers: Record<string, string> = {}, on: Shop = shop): Promise<Json> {
  const intent = await newIntent(change, headers, on);
  const confirmed = await post("confirm-payment", { payment_intent_id: intent.payment_intent_id }, headers, on);
  assert.equal(confirmed.status, 200, confirmed.text);
  return intent;
}

async function grant(customerId: string, credits: bigint, on: Shop = shop): Promise<void> {
  const granted = await grantCredits(on.parts, caller, { customerId, credits, reason: null, requestId: "" });
  assert.ok(granted.ok);
}

test("the publishable key is there for everybody", async () => {
  const answer = await get("config/publishable-key", {}, guarded);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, { publishable_key: "pk_test_shop", mode: "test" });
});

test("a live deployment says so with its key, and one without a key says what to set", async (t) => {
  const live = await openShop(t, { storefront: { publishableKey: "pk_live_1", live: true } });
  assert.deepEqual((await get("config/publishable-key", {}, live)).body, {
    publishable_key: "pk_live_1",
    mode: "live",
  });
  const bare = await openShop(t, { storefront: { publishableKey: null } });
  const missing = await get("config/publishable-key", {}, bare);
  assert.equal(missing.status, 503);
  assert.match(missing.body.detail, /STRIPE_PUBLISHABLE_KEY/);
});

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

test("a payment is confirmed from the server, by the provider's id or by ours", async () => {
  const byIntent = await newIntent();
  const first = await post("confirm-payment", { payment_intent_id: byIntent.payment_intent_id });
  assert.equal(first.status, 200, first.text);
  assert.equal(first.body.status, "succeeded");
  assert.equal(first.body.payment_intent_id, byIntent.payment_intent_id);
  const byId = await newIntent();
  const second = await post("confirm-payment", { payment_id: byId.payment_id, payment_method_id: "pm_card_visa" });
  assert.equal(second.body.status, "succeeded");
});

test("a declined card is refused with FastAPI's body, and the form may be tried again", async () => {
  const intent = await newIntent();
  const confirm = (method: string): Promise<Told> =>
    post("confirm-payment", { payment_id: intent.payment_id, payment_method: method });
  const declined = await confirm("pm_card_chargeDeclined");
  assert.equal(declined.status, 402);
  assert.equal(declined.body.reason, "CARD_DECLINED");
  assert.equal(declined.body.outcome, "DECLINED");
  assert.equal(typeof declined.body.detail, "string");
  const poor = await confirm("pm_card_chargeDeclinedInsufficientFunds");
  assert.equal(poor.status, 402);
  assert.equal(poor.body.reason, "INSUFFICIENT_FUNDS");
  assert.equal((await confirm("pm_card_visa")).body.status, "succeeded");
});

test("a card that asks for 3-D Secure is an answer: the browser's form goes on with it", async () => {
  const intent = await newIntent();
  const asked = await post("confirm-payment", {
    payment_id: intent.payment_id,
    payment_method_id: "pm_card_authenticationRequired",
  });
  assert.equal(asked.status, 200, asked.text);
  assert.equal(asked.body.status, "requires_action");
});

test("confirming twice is refused, and so is a token that nobody knows", async () => {
  const paid = await newPaid();
  const again = await post("confirm-payment", { payment_id: paid.payment_id });
  assert.equal(again.status, 409);
  assert.equal(again.body.reason, "PAYMENT_ALREADY_COMPLETED");
  const intent = await newIntent();
  const number = await post("confirm-payment", {
    payment_id: intent.payment_id,
    payment_method: "4242 4242 4242 4242",
  });
  assert.equal(number.status, 422);
  assert.deepEqual(number.body.detail[0].loc, ["body", "payment_method_id"]);
  assert.doesNotMatch(number.text, /4242/);
  const unknown = await post("confirm-payment", { payment_id: intent.payment_id, payment_method: "pm_nobody" });
  assert.equal(unknown.status, 422);
  assert.deepEqual(unknown.body.detail[0].loc, ["body", "payment_method_id"]);
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
  const [{ success_url, cancel_url } = {}] = await shop.service.rows<Json>(
    "select success_url, cancel_url from payment where session_id = $1",
    [plain.body.session_id],
  );
  assert.equal(success_url, "http://localhost:5173/checkout/success");
  assert.equal(cancel_url, "http://localhost:5173/checkout/cancel");
  const named = await post("create-checkout-session", cart({ success_url: "http://localhost:3000/yes" }));
  const [row] = await shop.service.rows<Json>("select success_url from payment where session_id = $1", [
    named.body.session_id,
  ]);
  assert.equal(row.success_url, "http://localhost:3000/yes");
  const foreign = await post("create-checkout-session", cart({ success_url: "https://evil.example/" }));
  assert.equal(foreign.status, 422);
  assert.equal(foreign.body.reason, "INVALID_URL");
  assert.deepEqual(foreign.body.detail[0].loc, ["body", "success_url"]);
});

test("a cart is paid with credits at once", async () => {
  const user = newUser();
  await grant(user, 10n);
  const items = [{ ...BOOK, credits: 2, quantity: 3 }];
  const paid = await post("pay-with-credits", { user_id: user, items, total_credits: 6 });
  assert.equal(paid.status, 200, paid.text);
  assert.match(paid.body.payment_id, PAYMENT_ID);
  assert.match(paid.body.order_id, ORDER_ID);
  assert.deepEqual(
    { status: paid.body.status, deducted: paid.body.credits_deducted, remaining: paid.body.remaining_credits },
    { status: "succeeded", deducted: 6, remaining: 4 },
  );
  const payment = await get(`payment/${paid.body.payment_id}`);
  assert.equal(payment.body.payment_method, "credits");
  assert.equal(payment.body.stripe_payment_intent_id, null);
  assert.deepEqual(payment.body.items, items);
});

test("total_credits must be what the items add up to, exactly", async () => {
  const user = newUser();
  await grant(user, 10n);
  const wrong = await post("pay-with-credits", { user_id: user, items: [BOOK], total_credits: 2 });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.body.reason, "INVALID_AMOUNT");
  assert.deepEqual(wrong.body.detail[0].loc, ["body", "total_credits"]);
});

test("too few credits are refused, and nothing is taken", async () => {
  const user = newUser();
  await grant(user, 1n);
  const items = [{ ...BOOK, credits: 2 }];
  const refused = await post("pay-with-credits", { user_id: user, items, total_credits: 2 });
  assert.equal(refused.status, 402, refused.text);
  assert.equal(refused.body.reason, "INSUFFICIENT_FUNDS");
  assert.equal(refused.body.outcome, "DECLINED");
  const less = await post("pay-with-credits", { user_id: user, items: [BOOK], total_credits: 1 });
  assert.equal(less.body.remaining_credits, 0);
});

test("credits that were paid are given back as credits", async () => {
  const user = newUser();
  await grant(user, 5n);
  const items = [{ ...BOOK, credits: 5 }];
  const paid = await post("pay-with-credits", { user_id: user, items, total_credits: 5 });
  const refund = await post("refund", { payment_id: paid.body.payment_id });
  assert.equal(refund.status, 200, refund.text);
  assert.equal(refund.body.status, "succeeded");
  assert.equal(refund.body.amount_cents, 5);
  const again = await post("pay-with-credits", { user_id: user, items, total_credits: 5 });
  assert.equal(again.body.remaining_credits, 0);
});

test("a payment tells its items as they were sent", async () => {
  const intent = await newIntent({ items: [{ ...BOOK, quantity: 2, credits: 7 }], metadata: { plan: "basic" } });
  const { body } = await get(`payment/${intent.payment_id}`);
  assert.deepEqual(body.items, [{ ...BOOK, quantity: 2, credits: 7 }]);
  assert.deepEqual(body.metadata, { plan: "basic" });
  assert.equal(body.user_id, "user_123");
  assert.equal(body.payment_method, "card");
  assert.equal(body.amount_refunded_cents, 0);
  assert.equal(body.stripe_payment_intent_id, intent.payment_intent_id);
  const byIntent = await get(`payment/${intent.payment_intent_id}`);
  assert.deepEqual(byIntent.body, body);
});

test("a payment that is not there is not found", async () => {
  for (const id of [UNKNOWN, "pi_nobody", "64b7f3a2c9e77b0012345678", "%00", "a%20b", "x".repeat(300)]) {
    const answer = await get(`payment/${id}`);
    assert.equal(answer.status, 404, id);
    assert.deepEqual(answer.body, {
      detail: "Payment not found",
      reason: "PAYMENT_NOT_FOUND",
      outcome: "NOT_ATTEMPTED",
    });
  }
  assert.equal((await get("checkout-session/cs_nobody")).status, 404);
  assert.equal((await post("confirm-payment", { payment_intent_id: "pi_nobody" })).status, 404);
  assert.equal((await post("refund", { payment_id: UNKNOWN })).status, 404);
});

test("a user's payments are listed newest first, page by page", async () => {
  const user = newUser();
  const made: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    // The order of two in one millisecond is anybody's guess.
    shop.service.time += 10;
    made.push((await newIntent({ user_id: user })).payment_id);
  }
  const all = await get(`user/${user}/payments`);
  assert.equal(all.status, 200, all.text);
  assert.equal(all.body.count, 3);
  assert.equal(all.body.next_page_token, null);
  assert.deepEqual(
    all.body.payments.map((payment: Json) => payment.payment_id),
    made.toReversed(),
  );
  const first = await get(`user/${user}/payments?limit=2`);
  assert.equal(first.body.count, 2);
  const rest = await get(`user/${user}/payments?limit=2&page_token=${first.body.next_page_token}`);
  assert.deepEqual(
    rest.body.payments.map((payment: Json) => payment.payment_id),
    [made[0]],
  );
  const foreign = await get(`user/${newUser()}/payments?page_token=${first.body.next_page_token}`);
  assert.equal(foreign.status, 422);
});

test("an order is there once its payment succeeded, and not before", async () => {
  const user = newUser();
  const intent = await newIntent({ user_id: user, items: [{ ...BOOK, quantity: 2 }] });
  assert.deepEqual((await get(`user/${user}/orders`)).body, { orders: [], count: 0, next_page_token: null });
  await post("confirm-payment", { payment_id: intent.payment_id });
  const { body } = await get(`user/${user}/orders`);
  assert.equal(body.count, 1);
  const [order] = body.orders;
  assert.deepEqual(
    { ...order, created_at: null },
    {
      order_id: intent.order_id,
      user_id: user,
      payment_id: intent.payment_id,
      status: "paid",
      items: [{ ...BOOK, quantity: 2 }],
      total: 1998,
      total_cents: 1998,
      total_credits: 0,
      currency: "usd",
      payment_method: "card",
      created_at: null,
    },
  );
  await post("refund", { payment_id: intent.payment_id, amount_cents: 1 });
  assert.equal((await get(`user/${user}/orders`)).body.orders[0].status, "partially_refunded");
  await post("refund", { payment_id: intent.payment_id });
  assert.equal((await get(`user/${user}/orders`)).body.orders[0].status, "refunded");
});

test("orders that were paid with credits are told in credits", async () => {
  const user = newUser();
  await grant(user, 3n);
  await post("pay-with-credits", { user_id: user, items: [{ ...BOOK, credits: 3 }], total_credits: 3 });
  const [order] = (await get(`user/${user}/orders`)).body.orders;
  assert.equal(order.total_credits, 3);
  assert.equal(order.total_cents, 0);
  assert.equal(order.payment_method, "credits");
  assert.deepEqual(order.items, [{ ...BOOK, credits: 3 }]);
});

test("money is given back, in part and then the rest, and never more", async () => {
  const paid = await newPaid();
  const part = await post("refund", {
    payment_id: paid.payment_id,
    amount_cents: 400,
    reason: "requested_by_customer",
  });
  assert.equal(part.status, 200, part.text);
  assert.match(part.body.refund_id, /^refund_/);
  assert.equal(part.body.amount_cents, 400);
  assert.equal(part.body.status, "succeeded");
  assert.equal(part.body.payment_status, "partially_refunded");
  const more = await post("refund", { payment_id: paid.payment_id, amount: 600 });
  assert.equal(more.status, 409);
  assert.equal(more.body.reason, "REFUND_EXCEEDS_CAPTURED");
  const rest = await post("refund", { payment_id: paid.payment_intent_id });
  assert.equal(rest.body.amount_cents, 599);
  assert.equal(rest.body.payment_status, "refunded");
});

test("a refund's two names for its amount must agree, and both count cents", async () => {
  const paid = await newPaid();
  const differing = await post("refund", { payment_id: paid.payment_id, amount_cents: 1, amount: 2 });
  assert.equal(differing.status, 422);
  const decimal = await post("refund", { payment_id: paid.payment_id, amount: 4.5 });
  assert.equal(decimal.status, 422);
  assert.equal(decimal.body.reason, "INVALID_AMOUNT");
});

test("what was not paid cannot be given back", async () => {
  const intent = await newIntent();
  const refused = await post("refund", { payment_id: intent.payment_id });
  assert.equal(refused.status, 409);
  assert.equal(refused.body.reason, "PAYMENT_NOT_PAID");
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

test("a repeated refund and a repeated payment with credits take effect once", async () => {
  const paid = await newPaid();
  const refund = (): Promise<Told> =>
    post("refund", { payment_id: paid.payment_id, amount_cents: 100 }, { "idempotency-key": "give-back-1" });
  const first = await refund();
  assert.equal((await refund()).text, first.text);
  assert.equal((await get(`payment/${paid.payment_id}`)).body.amount_refunded_cents, 100);
  const user = newUser();
  await grant(user, 5n);
  const pay = (): Promise<Told> =>
    post("pay-with-credits", { user_id: user, items: [BOOK], total_credits: 1 }, { "idempotency-key": "credits-1" });
  const paidOnce = await pay();
  assert.equal((await pay()).text, paidOnce.text);
  assert.equal(paidOnce.body.remaining_credits, 4);
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

test("requests that cannot be read are refused in the same form", async () => {
  const broken = await post("create-payment-intent", '{"user_id":');
  assert.equal(broken.status, 422);
  assert.deepEqual(broken.body.detail[0].loc, ["body"]);
  assert.equal((await post("refund", "[]")).status, 422);
  assert.equal((await post("confirm-payment", {})).body.detail[0].loc[1], "payment_intent_id");
  const form = await post("refund", "payment_id=1", { "content-type": "application/x-www-form-urlencoded" });
  assert.equal(form.status, 415);
  assert.equal(typeof form.body.detail, "string");
  const large = await post("create-payment-intent", cart({ note: "x".repeat(1_000_000) }));
  assert.equal(large.status, 413);
  assert.equal(typeof large.body.detail, "string");
  const method = await shop.ask("DELETE", at("refund"));
  assert.equal(method.status, 405);
  assert.equal(method.headers.get("allow"), "POST");
  assert.equal(typeof method.body.detail, "string");
  const key = await post("create-payment-intent", cart(), { "idempotency-key": "a b" });
  assert.equal(key.status, 422);
  assert.deepEqual(key.body.detail[0].loc, ["header", "Idempotency-Key"]);
});

test("a page's limit and token are checked", async () => {
  for (const query of ["limit=0", "limit=-1", "limit=many", "limit=1&limit=2", "page_token=nonsense"]) {
    const answer = await get(`user/user_123/payments?${query}`);
    assert.equal(answer.status, 422, query);
    assert.equal(answer.body.detail[0].loc[0], "query", query);
  }
  assert.equal((await get("user/user_123/payments?limit=100000")).status, 200);
  assert.equal((await get(`user/${"u".repeat(200)}/payments`)).status, 422);
  assert.ok([404, 422].includes((await get("user//payments")).status));
});

test("a customer sees their own payments and orders, and nobody else's", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"), guarded);
  const session = await post("create-checkout-session", cart({ user_id: "ada" }), as("service"), guarded);
  assert.equal((await get(`payment/${paid.payment_id}`, as("ada"), guarded)).status, 200);
  assert.equal((await get(`checkout-session/${session.body.session_id}`, as("ada"), guarded)).status, 200);
  assert.equal((await get("user/ada/payments", as("ada"), guarded)).body.count, 2);
  assert.equal((await get("user/ada/orders", as("ada"), guarded)).body.count, 1);
  const hidden = [
    `payment/${paid.payment_id}`,
    `payment/${paid.payment_intent_id}`,
    `checkout-session/${session.body.session_id}`,
    "user/ada/payments",
    "user/ada/orders",
  ];
  for (const path of hidden) {
    const answer = await get(path, as("bob"), guarded);
    assert.equal(answer.status, 404, path);
    assert.deepEqual(Object.keys(answer.body), ["detail", "reason", "outcome"], path);
  }
  const confirm = await post("confirm-payment", { payment_id: session.body.payment_id }, as("bob"), guarded);
  assert.equal(confirm.status, 404);
});

test("nobody without a token, and nobody with a strange one", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"), guarded);
  const asked: [string, string, unknown?][] = [
    ["POST", "create-payment-intent", cart()],
    ["POST", "confirm-payment", { payment_id: paid.payment_id }],
    ["POST", "create-checkout-session", cart()],
    ["GET", "checkout-session/cs_1"],
    ["POST", "pay-with-credits", cart({ total_credits: 1 })],
    ["GET", `payment/${paid.payment_id}`],
    ["GET", "user/ada/payments"],
    ["GET", "user/ada/orders"],
    ["POST", "refund", { payment_id: paid.payment_id }],
  ];
  for (const [method, path, body] of asked) {
    for (const headers of [{}, as("stranger")]) {
      const answer = await guarded.ask(method, at(path), { body, headers });
      assert.equal(answer.status, 401, path);
      assert.equal(answer.body.reason, "UNAUTHENTICATED", path);
      assert.equal(typeof answer.body.detail, "string", path);
    }
  }
});

test("a customer may neither refund nor say what a cart costs", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"), guarded);
  const refund = await post("refund", { payment_id: paid.payment_id }, as("ada"), guarded);
  assert.equal(refund.status, 403);
  assert.equal(refund.body.reason, "PERMISSION_DENIED");
  const foreign = await post("refund", { payment_id: paid.payment_id }, as("bob"), guarded);
  assert.equal(foreign.status, 404);
  for (const path of ["create-payment-intent", "create-checkout-session"]) {
    const created = await post(path, cart({ user_id: "ada" }), as("ada"), guarded);
    assert.equal(created.status, 403, path);
  }
  const credits = await post("pay-with-credits", cart({ user_id: "ada", total_credits: 1 }), as("ada"), guarded);
  assert.equal(credits.status, 403);
});

test("the holder of a client token reads that payment, and does nothing else", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"), guarded);
  const other = await newIntent({ user_id: "ada" }, as("service"), guarded);
  const [{ client_token } = {}] = await guarded.service.rows<Json>("select client_token from payment where id = $1", [
    paid.payment_id.slice("payment_".length),
  ]);
  const holder = { authorization: `Bearer holder:${client_token}` };
  assert.equal((await get(`payment/${paid.payment_id}`, holder, guarded)).status, 200);
  assert.equal((await get(`payment/${other.payment_id}`, holder, guarded)).status, 404);
  assert.equal((await get("user/ada/payments", holder, guarded)).status, 403);
  assert.equal((await post("refund", { payment_id: paid.payment_id }, holder, guarded)).status, 403);
});

test("a customer pays for an order whose price the order service says", async (t) => {
  const order = {
    id: "order-1",
    status: "PENDING",
    amount: { minor: 1500n, currency: "USD" },
    customerId: "ada",
    customerEmail: null,
    items: [],
  };
  const directory = { find: async (id: string) => ({ found: id === order.id ? order : null }) };
  const withOrders = await openShop(t, { people: true, orders: directory });
  const items = [{ ...BOOK, price_cents: 1500 }];
  const created = await post(
    "create-payment-intent",
    { user_id: "ada", order_id: "order-1", items },
    as("ada"),
    withOrders,
  );
  assert.equal(created.status, 200, created.text);
  assert.equal(created.body.amount_cents, 1500);
  const cartOnly = await post("create-payment-intent", { user_id: "ada", items }, as("ada"), withOrders);
  assert.equal(cartOnly.status, 404);
  assert.equal(cartOnly.body.detail, "Order not found");
});

test("webhooks are taken at the document's path, and refused without their signature", async () => {
  const intent = await newIntent();
  await shop.service.elsewhere({
    operation: "confirm_intent",
    id: intent.payment_intent_id,
    payment_method: "pm_card_visa",
  });
  const event = shop.service
    .eventsOf(intent.payment_intent_id)
    .findLast(({ type }) => type === "payment_intent.succeeded");
  assert.ok(event);
  const body = printEvent(event);
  const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(shop.service.time));
  const unsigned = await post("webhook/stripe", body);
  assert.equal(unsigned.status, 400);
  assert.equal(unsigned.body.detail, "Invalid signature");
  const taken = await post("webhook/stripe", body, { "stripe-signature": signature });
  assert.equal(taken.status, 200);
  assert.deepEqual(taken.body, { received: true });
  assert.equal((await get(`payment/${intent.payment_id}`)).body.status, "succeeded");
  const forged = await post("webhook/stripe", body.replace("succeeded", "failed"), { "stripe-signature": signature });
  assert.equal(forged.status, 400);
});

test("the three probes tell of the parts, and fail with a required one", async (t) => {
  let isAway = false;
  const check = async (): Promise<void> => {
    if (isAway) throw new Error("away");
  };
  const probed = await openShop(t, { people: true, checks: [{ name: "database", required: true, check }] });
  const healthy = await get("health/", {}, probed);
  assert.equal(healthy.status, 200);
  assert.equal(healthy.body.status, "healthy");
  assert.equal(healthy.body.version, "1.2.3");
  assert.equal(healthy.body.stripe_mode, "sandbox");
  assert.equal(healthy.body.checks.database.status, "ok");
  assert.equal((await get("health", {}, probed)).status, 200);
  assert.deepEqual((await get("health/live", {}, probed)).body, { status: "alive" });
  assert.equal((await get("health/ready", {}, probed)).body.status, "ready");
  isAway = true;
  const unhealthy = await get("health/", {}, probed);
  assert.equal(unhealthy.status, 503);
  assert.equal(unhealthy.body.status, "unhealthy");
  const notReady = await get("health/ready", {}, probed);
  assert.equal(notReady.status, 503);
  assert.equal(notReady.body.status, "not_ready");
  assert.equal((await get("health/live", {}, probed)).status, 200);
});

test("every route is in the OpenAPI document", () => {
  const paths = Object.keys(shop.openApi["paths"] as object).filter((path) => path.startsWith("/api/v1/payment/"));
  assert.deepEqual(paths.toSorted(), [
    "/api/v1/payment/checkout-session/{session_id}",
    "/api/v1/payment/config/publishable-key",
    "/api/v1/payment/confirm-payment",
    "/api/v1/payment/create-checkout-session",
    "/api/v1/payment/create-payment-intent",
    "/api/v1/payment/health/",
    "/api/v1/payment/health/live",
    "/api/v1/payment/health/ready",
    "/api/v1/payment/pay-with-credits",
    "/api/v1/payment/payment/{payment_id}",
    "/api/v1/payment/refund",
    "/api/v1/payment/user/{user_id}/orders",
    "/api/v1/payment/user/{user_id}/payments",
    "/api/v1/payment/webhook/stripe",
  ]);
});
