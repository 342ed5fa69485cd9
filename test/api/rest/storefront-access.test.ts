// Who may see, pay and refund what at the storefront.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Json } from "./open-shop.ts";
import { at, BOOK, cart, openStorefront } from "./open-storefront.ts";
import { as } from "./people.ts";

const { ask, post, get, newIntent, newPaid, service } = await openStorefront({ after }, { people: true });

test("a customer sees their own payments and orders, and nobody else's", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"));
  const session = await post("create-checkout-session", cart({ user_id: "ada" }), as("service"));
  assert.equal((await get(`payment/${paid.payment_id}`, as("ada"))).status, 200);
  assert.equal((await get(`checkout-session/${session.body.session_id}`, as("ada"))).status, 200);
  assert.equal((await get("user/ada/payments", as("ada"))).body.count, 2);
  assert.equal((await get("user/ada/orders", as("ada"))).body.count, 1);
  const hidden = [
    `payment/${paid.payment_id}`,
    `payment/${paid.payment_intent_id}`,
    `checkout-session/${session.body.session_id}`,
    "user/ada/payments",
    "user/ada/orders",
  ];
  for (const path of hidden) {
    const answer = await get(path, as("bob"));
    assert.equal(answer.status, 404, path);
    assert.deepEqual(Object.keys(answer.body), ["detail", "reason", "outcome"], path);
  }
  const confirm = await post("confirm-payment", { payment_id: session.body.payment_id }, as("bob"));
  assert.equal(confirm.status, 404);
});

test("nobody without a token, and nobody with a strange one", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"));
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
      const answer = await ask(method, at(path), { body, headers });
      assert.equal(answer.status, 401, path);
      assert.equal(answer.body.reason, "UNAUTHENTICATED", path);
      assert.equal(typeof answer.body.detail, "string", path);
    }
  }
});

test("a customer may neither refund nor say what a cart costs", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"));
  const refund = await post("refund", { payment_id: paid.payment_id }, as("ada"));
  assert.equal(refund.status, 403);
  assert.equal(refund.body.reason, "PERMISSION_DENIED");
  const foreign = await post("refund", { payment_id: paid.payment_id }, as("bob"));
  assert.equal(foreign.status, 404);
  for (const path of ["create-payment-intent", "create-checkout-session"]) {
    const created = await post(path, cart({ user_id: "ada" }), as("ada"));
    assert.equal(created.status, 403, path);
  }
  const credits = await post("pay-with-credits", cart({ user_id: "ada", total_credits: 1 }), as("ada"));
  assert.equal(credits.status, 403);
});

test("the holder of a client token reads that payment, and does nothing else", async () => {
  const paid = await newPaid({ user_id: "ada" }, as("service"));
  const other = await newIntent({ user_id: "ada" }, as("service"));
  const [{ client_token } = {}] = await service.rows<Json>("select client_token from payment where id = $1", [
    paid.payment_id.slice("payment_".length),
  ]);
  const holder = { authorization: `Bearer holder:${client_token}` };
  assert.equal((await get(`payment/${paid.payment_id}`, holder)).status, 200);
  assert.equal((await get(`payment/${other.payment_id}`, holder)).status, 404);
  assert.equal((await get("user/ada/payments", holder)).status, 403);
  assert.equal((await post("refund", { payment_id: paid.payment_id }, holder)).status, 403);
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
  const withOrders = await openStorefront(t, { people: true, orders: directory });
  const items = [{ ...BOOK, price_cents: 1500 }];
  const created = await withOrders.post(
    "create-payment-intent",
    { user_id: "ada", order_id: "order-1", items },
    as("ada"),
  );
  assert.equal(created.status, 200, created.text);
  assert.equal(created.body.amount_cents, 1500);
  const cartOnly = await withOrders.post("create-payment-intent", { user_id: "ada", items }, as("ada"));
  assert.equal(cartOnly.status, 404);
  assert.equal(cartOnly.body.detail, "Order not found");
});
