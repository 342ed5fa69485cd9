// The booking dialect's cards: how each test card ends a payment, what else there is to pay with, and that a number goes nowhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { printEvent } from "../../../src/gateway/direct.ts";
import { CARD, countPayments, openBooking, pay, purchase, statusOf, TIME, TRANSACTION } from "./open-booking.ts";

test("each test card ends a payment with its own code, and the transaction can be looked up either way", async (t) => {
  const rest = await openBooking(t);
  const cases = [
    ["4111111111111111", 200, undefined],
    ["4242 4242 4242 4242", 200, undefined],
    ["5555555555554444", 200, undefined],
    ["378282246310005", 200, undefined],
    ["4000000000000002", 400, "CARD_DECLINED"],
    ["4000000000009995", 400, "INSUFFICIENT_FUNDS"],
    ["4000000000009987", 400, "CARD_DECLINED"],
    ["4000000000000069", 400, "CARD_EXPIRED"],
    ["4000000000000127", 400, "INVALID_CARD"],
    ["4000000000000119", 400, "PAYMENT_FAILED"],
  ] as const;
  for (const [number, status, code] of cases) {
    const bought = purchase(number);
    const paid = await pay(rest, bought);
    assert.deepEqual([paid.status, paid.body.error_code], [status, code], number);
    assert.match(paid.body.transaction_id, TRANSACTION);
    assert.match(paid.body.processed_at, TIME);
    const found = await statusOf(rest, paid.body.transaction_id);
    assert.equal(found.status, 200);
    assert.deepEqual(
      [found.body.status, found.body.booking_id, found.body.payment_method],
      [status === 200 ? "completed" : "failed", bought.booking_id, "credit_card"],
    );
  }
});

test("what there is to pay with is said by a card, a token or an account, and else the payment fails", async (t) => {
  const rest = await openBooking(t);
  const without = { card_details: undefined };
  const paypal_details = { email: "ada@example.com", payment_id: "PAYID-1" };
  const cases = [
    [{ payment_method: "debit_card" }, 200, undefined],
    [{ ...without, payment_method_token: "pm_card_visa" }, 200, undefined],
    [{ ...without, payment_method: "paypal", paypal_details }, 200, undefined],
    [without, 400, "INVALID_CARD"],
    [{ ...without, payment_method: "paypal" }, 400, "PAYMENT_FAILED"],
    [{ payment_method: "stripe" }, 400, "PAYMENT_FAILED"],
    [{ card_details: { ...CARD, card_number: "4012888888881881" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424241" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424242", expiry_month: "13" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424242", expiry_year: "MMXX" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424242", cvv: "12" } }, 400, "INVALID_CARD"],
    [{ ...without, payment_method_token: "pm_card_nobody" }, 400, "INVALID_CARD"],
    [{ ...without, payment_method_token: "4242-4242-4242-4242" }, 400, "INVALID_CARD"],
  ] as const;
  for (const [change, status, code] of cases) {
    const paid = await pay(rest, purchase("4242424242424242", change));
    assert.deepEqual([paid.status, paid.body.error_code], [status, code], JSON.stringify(change));
    assert.equal(paid.body.status, status === 200 ? "success" : "failed");
    assert.equal(paid.body.amount, 25.5);
  }
});

test("in live mode a card number is refused with the way to a token, and nothing is written", async (t) => {
  const rest = await openBooking(t, { wrap: (provider) => ({ ...provider, live: true, defaultPaymentMethod: null }) });
  const refused = await pay(rest, purchase());
  assert.deepEqual(
    [refused.status, refused.body.error_code, refused.body.outcome],
    [400, "INVALID_CARD", "NOT_ATTEMPTED"],
  );
  assert.match(refused.body.error_message, /Stripe\.js.*payment_method_token/);
  assert.equal(await countPayments(rest), 0);
  const token = { card_details: undefined, payment_method_token: "pm_card_visa" };
  assert.equal((await pay(rest, purchase("", { ...token, payment_method: "stripe" }))).status, 200);
  const methods = (await rest.ask("GET", "/payment/methods")).body.payment_methods as {
    id: string;
    enabled: boolean;
  }[];
  assert.deepEqual(
    methods.filter(({ enabled }) => enabled).map(({ id }) => id),
    ["credit_card", "debit_card", "stripe"],
  );
});

test("a card is in no table, no event, no journal, no log line and no answer", async (t) => {
  const rest = await openBooking(t);
  const seen: string[] = [];
  const numbers = ["4000000000009995", "4242424242424242", "4012888888881881"];
  const paid = { expiry_month: "11", expiry_year: "2031", cvv: "737", cardholder_name: "Canary Cardholder" };
  const cards = numbers.flatMap((card_number) => [
    { ...paid, card_number },
    { ...paid, card_number, cvv: "Canary CVV" },
  ]);
  for (const card_details of cards) {
    for (const change of [{}, { user_id: 7 }, { amount: "1" }, { amount: 0.001 }, { payment_method: "cash" }]) {
      const headers = { "idempotency-key": `card-${seen.length}` };
      seen.push((await pay(rest, purchase("", { card_details, ...change }), headers)).text);
    }
    const token = { card_details: undefined, payment_method_token: card_details.card_number };
    seen.push((await pay(rest, purchase("", token))).text);
    seen.push((await pay(rest, `${JSON.stringify(purchase("", { card_details }))},`)).text);
  }
  const tables = await rest.service.rows<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  for (const { name } of tables) {
    const rows = await rest.service.rows<{ row: string }>(`select t::text as row from "${name}" t`);
    seen.push(...rows.map(({ row }) => row));
  }
  const { lines } = await rest.service.journal();
  seen.push(JSON.stringify([rest.logged, lines]), ...rest.service.events.map(printEvent));
  const all = seen.join("\n");
  assert.match(all, /payment\.succeeded/);
  for (const secret of [...numbers, "Canary"]) assert.ok(!all.includes(secret), secret);
});
