// What a customer of the storefront paid, one payment or all of them, and the orders that came of it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { grant } from "../../app/open-credits.ts";
import type { Json } from "./open-shop.ts";
import { BOOK, newUser, openStorefront } from "./open-storefront.ts";

const UNKNOWN = "payment_01890a5d-ac96-774b-bcce-b302099a8057";

const shop = await openStorefront({ after });
const { post, get, newIntent } = shop;

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
  await grant(shop.parts, user, 3n);
  await post("pay-with-credits", { user_id: user, items: [{ ...BOOK, credits: 3 }], total_credits: 3 });
  const [order] = (await get(`user/${user}/orders`)).body.orders;
  assert.equal(order.total_credits, 3);
  assert.equal(order.total_cents, 0);
  assert.equal(order.payment_method, "credits");
  assert.deepEqual(order.items, [{ ...BOOK, credits: 3 }]);
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
