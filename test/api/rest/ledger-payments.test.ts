// The ledger's payments: made of an exact amount, paid at once or confirmed by hand, one for an order.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { assertProblem, GUID, openLedger, order } from "./open-ledger.ts";

const { post, create, paid } = await openLedger({ after });

test("a payment is created with a client secret, and its place is told", async () => {
  const sent = order();
  const created = await post("/api/payments", sent);
  assert.equal(created.status, 201, created.text);
  const { paymentId, providerPaymentId, clientSecret, createdAt, updatedAt, ...rest } = created.body;
  assert.match(paymentId, GUID);
  assert.equal(created.headers.get("location"), `/api/payments/${paymentId}`);
  assert.match(providerPaymentId, /^pi_/);
  assert.match(clientSecret, /_secret_/);
  assert.match(createdAt, /^\d{4}-.*Z$/);
  assert.match(updatedAt, /^\d{4}-.*Z$/);
  assert.deepEqual(rest, {
    ...sent,
    status: "Pending",
    state: "PENDING",
    capturedAmount: 0,
    refundedAmount: 0,
    provider: "mock",
    redirectUrl: null,
    failureCode: null,
    failureMessage: null,
  });
  assert.match(created.text, /"amount":100\.25,/);
});

test("decimals are exact: what the currency cannot hold is refused, and no digit is lost", async () => {
  const text = JSON.stringify(order({ amount: 1 })).replace('"amount":1', '"amount":90071992547409.93');
  assert.match((await post("/api/payments", text)).text, /"amount":90071992547409\.93,/);
  const inQuotes = await create({ amount: "19.90" });
  assert.equal(inQuotes.amount, 19.9);
  for (const [amount, currency] of [
    ["10.001", "USD"],
    ["0.5", "JPY"],
    ["0", "USD"],
    ["-1", "USD"],
    ["1e99", "USD"],
    ['"ten"', "USD"],
    ["true", "USD"],
    ["99999999999999999999", "USD"],
  ]) {
    const body = JSON.stringify(order({ amount: 1, currency })).replace('"amount":1', `"amount":${amount}`);
    const refused = await post("/api/payments", body);
    assertProblem(refused, 400, "INVALID_AMOUNT");
    assert.equal(refused.body.title, "One or more validation errors occurred.");
    assert.ok(refused.body.errors.amount, amount);
  }
  assert.equal((await create({ amount: 100, currency: "jpy" })).currency, "JPY");
});

test("names in PascalCase are the same names", async () => {
  const created = await post("/api/payments", {
    OrderId: randomUUID(),
    Amount: 5,
    Currency: "EUR",
    PaymentMethodId: "pm_card_visa",
  });
  assert.equal(created.status, 201, created.text);
  assert.equal(created.body.status, "Succeeded");
});

test("with a payment method it is confirmed at once: paid, declined, or waiting for the customer", async () => {
  assert.equal((await paid()).status, "Succeeded");
  const declined = await create({ paymentMethodId: "pm_card_chargeDeclinedInsufficientFunds" });
  assert.equal(declined.status, "Failed");
  assert.equal(declined.failureCode, "insufficient_funds");
  assert.equal(typeof declined.failureMessage, "string");
  const asked = await create({ paymentMethodId: "pm_card_authenticationRequired" });
  assert.equal(asked.status, "RequiresAction");
  assert.equal(typeof asked.clientSecret, "string");
});

test("a hosted page gives a redirect URL in place of a client secret", async () => {
  const created = await create({ mode: "Checkout" });
  assert.match(created.redirectUrl, /^http/);
  assert.equal(created.clientSecret, null);
});

test("a payment is confirmed by hand, with or without a method", async () => {
  const { paymentId } = await create();
  const confirmed = await post(`/api/payments/${paymentId}/confirm`);
  assert.equal(confirmed.status, 200, confirmed.text);
  assert.equal(confirmed.body.status, "Succeeded");
  assert.equal(confirmed.body.capturedAmount, 100.25);
  assertProblem(await post(`/api/payments/${paymentId}/confirm`), 409, "PAYMENT_ALREADY_COMPLETED");
  const other = await create();
  const declined = await post(`/api/payments/${other.paymentId}/confirm`, {
    paymentMethodId: "pm_card_chargeDeclined",
  });
  assert.equal(declined.status, 200);
  assert.equal(declined.body.status, "Failed");
  assert.equal(declined.body.failureCode, "generic_decline");
});

test("an order that is paid, or has another open payment, is refused", async () => {
  const { orderId } = await paid();
  assertProblem(await post("/api/payments", order({ orderId })), 409, "PAYMENT_ALREADY_COMPLETED");
  const open = await create();
  const other = await post("/api/payments", order({ orderId: open.orderId, amount: 7 }));
  assertProblem(other, 409, "ORDER_HAS_OPEN_PAYMENT");
  assert.equal(other.body.metadata.paymentId, open.paymentId);
  const same = await post("/api/payments", order({ orderId: open.orderId }));
  assert.equal(same.body.paymentId, open.paymentId);
  assert.equal(same.body.clientSecret, open.clientSecret);
});

test("bad bodies are refused with a problem that names the fields", async () => {
  const cases: [string, unknown, string, string][] = [
    ["no order", { amount: 1, currency: "USD" }, "orderId", "INVALID_ARGUMENT"],
    ["an order without end", order({ orderId: "o".repeat(200) }), "orderId", "INVALID_ARGUMENT"],
    ["an order of another type", order({ orderId: 7 }), "orderId", "INVALID_ARGUMENT"],
    ["a zero byte", order({ orderId: "a\u0000" }), "orderId", "INVALID_ARGUMENT"],
    ["no amount", { orderId: "o", currency: "USD" }, "amount", "INVALID_AMOUNT"],
    ["no currency", { orderId: "o", amount: 1 }, "currency", "INVALID_ARGUMENT"],
    ["no such currency", order({ currency: "ABC" }), "currency", "UNSUPPORTED_CURRENCY"],
    ["credits without their provider", order({ currency: "XXX", amount: 1 }), "currency", "UNSUPPORTED_CURRENCY"],
    ["no such provider", order({ provider: "paypal" }), "provider", "INVALID_ARGUMENT"],
    ["a method that is no token", order({ paymentMethodId: "4242 4242" }), "paymentMethodId", "INVALID_ARGUMENT"],
    ["a card number", order({ paymentMethodId: "4242424242424242" }), "paymentMethodId", "INVALID_ARGUMENT"],
    ["a mode that is none", order({ mode: "Fax" }), "mode", "INVALID_ARGUMENT"],
    [
      "a method for the hosted page",
      order({ mode: "Checkout", paymentMethodId: "pm_card_visa" }),
      "paymentMethodId",
      "INVALID_ARGUMENT",
    ],
    ["a foreign URL", order({ mode: "Checkout", successUrl: "https://evil.example" }), "successUrl", "INVALID_URL"],
  ];
  for (const [name, body, field, reason] of cases) {
    const refused = await post("/api/payments", body);
    assertProblem(refused, 400, reason);
    assert.ok(refused.body.errors[field], `${name}: ${refused.text}`);
    assert.equal(refused.body.outcome, "NOT_ATTEMPTED");
  }
});
