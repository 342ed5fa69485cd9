// The fields of the booking dialect's requests: amounts to the last digit, FastAPI's refusals, and what is no request at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "./open-rest.ts";
import { CARD, countPayments, openBooking, pay, purchase, refund, statusOf } from "./open-booking.ts";

test("amounts are exact to the last digit, or refused", async (t) => {
  const rest = await openBooking(t);
  const text = (amount: string): string => JSON.stringify(purchase()).replace("25.5", amount);
  const large = await pay(rest, text("90071992547409.93"));
  assert.equal(large.status, 200);
  assert.match(large.text, /"amount":90071992547409\.93,/);
  assert.match((await statusOf(rest, large.body.transaction_id)).text, /"amount":90071992547409\.93,/);
  assert.match((await pay(rest, text("2.5e1"))).text, /"amount":25\.00,/);
  for (const amount of ["10.001", "0", "-5", "0.00", "1e30", "92233720368547758.08"]) {
    const refused = await pay(rest, text(amount));
    assert.deepEqual(
      [refused.status, refused.body.error.code, refused.body.reason],
      [400, "INVALID_AMOUNT", "INVALID_AMOUNT"],
      amount,
    );
    assert.equal(refused.body.error.message, "Invalid payment amount");
  }
  assert.equal(await countPayments(rest), 2);
});

test("the currency is the one that is configured", async (t) => {
  const rest = await openBooking(t, { currency: "JPY" });
  assert.equal((await pay(rest, purchase())).body.error.code, "INVALID_AMOUNT");
  const paid = await pay(rest, purchase("4242424242424242", { amount: 2550 }));
  assert.match(paid.text, /"amount":2550,/);
});

test("fields are refused as FastAPI refuses them, all at once, and nothing is written", async (t) => {
  const rest = await openBooking(t);
  const missing = await pay(rest, {});
  assert.equal(missing.status, 422);
  assert.deepEqual(
    missing.body.detail,
    ["user_id", "booking_id", "amount", "payment_method"].map((field) => ({
      loc: ["body", field],
      msg: "Field required",
      type: "missing",
    })),
  );
  assert.deepEqual([missing.body.reason, missing.body.outcome], ["INVALID_ARGUMENT", "NOT_ATTEMPTED"]);
  const cases = [
    [{ user_id: 7 }, ["body", "user_id"], "Input should be a valid string"],
    [{ amount: "25.50" }, ["body", "amount"], "Input should be a valid number"],
    [{ payment_method: "cash" }, ["body", "payment_method"], "must be one of credit_card, debit_card, paypal, stripe"],
    [
      { card_details: "4242" },
      ["body", "card_details"],
      "Input should be a valid dictionary or object to extract fields from",
    ],
    [{ card_details: { ...CARD } }, ["body", "card_details", "card_number"], "Field required"],
    [{ paypal_details: {} }, ["body", "paypal_details", "email"], "Field required"],
  ] as const;
  for (const [change, loc, msg] of cases) {
    const refused = await pay(rest, purchase("4242424242424242", change));
    assert.equal(refused.status, 422, JSON.stringify(change));
    assert.deepEqual([refused.body.detail[0].loc, refused.body.detail[0].msg], [loc, msg]);
  }
  const long = await pay(rest, purchase("4242424242424242", { booking_id: "B".repeat(129), user_id: "a\u0000b" }));
  assert.equal(long.status, 422);
  assert.deepEqual(
    long.body.detail.map(({ loc }: { loc: string[] }) => loc.join(".")),
    ["body.booking_id", "body.user_id"],
  );
  assert.equal((await refund(rest, {})).body.detail.length, 5);
  assert.equal(await countPayments(rest), 0);
});

test("what is no request is refused without a 5xx, whatever it is", async (t) => {
  const rest = await openBooking(t);
  const sent = async (body: string, type = "application/json"): Promise<Answer> =>
    pay(rest, body, { "content-type": type });
  assert.deepEqual((await sent("{")).body.detail, [{ loc: ["body"], msg: "JSON decode error", type: "json_invalid" }]);
  assert.equal((await sent("[]")).status, 422);
  assert.equal((await sent("")).status, 422);
  assert.equal((await sent('"text"')).status, 422);
  assert.equal((await sent("a=b", "application/x-www-form-urlencoded")).status, 415);
  assert.equal((await sent(JSON.stringify({ padding: "x".repeat(1024 * 1024) }))).status, 413);
  assert.equal((await rest.ask("GET", "/payment/process")).status, 405);
  const key = await pay(rest, purchase(), { "idempotency-key": "two words" });
  assert.deepEqual([key.status, key.body.detail[0].loc], [422, ["header", "idempotency-key"]]);
});
