// The booking dialect's payment: paid once, with another card after a decline, and what becomes of a booking that is open elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPayment } from "../../../src/app/create-payment.ts";
import { answerOf, caller, createInput } from "../../app/open-service.ts";
import { CARD, countPayments, openBooking, pay, purchase, statusOf, TIME, TRANSACTION } from "./open-booking.ts";

test("a declined booking can be paid with another card, and a paid one is paid once", async (t) => {
  const rest = await openBooking(t);
  const declined = purchase("4000000000009995");
  assert.deepEqual((await pay(rest, declined)).body.error_message, "Insufficient funds in account");
  const again = { ...declined, card_details: { card_number: "4242424242424242", ...CARD } };
  rest.service.time += 1_000;
  const paid = await pay(rest, again);
  assert.equal(paid.status, 200);
  const twice = await pay(rest, again);
  assert.equal(twice.status, 409);
  const { error, timestamp, reason, outcome } = twice.body;
  assert.deepEqual(
    [error.code, error.message, error.details.transaction_id, error.details.retry_possible],
    ["DUPLICATE_TRANSACTION", "Transaction already processed", paid.body.transaction_id, false],
  );
  assert.match(timestamp, TIME);
  assert.deepEqual([reason, outcome], ["PAYMENT_ALREADY_COMPLETED", "NOT_ATTEMPTED"]);
});

test("a card whose bank asks its holder fails, and nothing can be taken for it afterwards", async (t) => {
  const rest = await openBooking(t);
  const headers = { "idempotency-key": "challenged" };
  const bought = purchase("4000002760003184");
  const failed = await pay(rest, bought, headers);
  assert.deepEqual([failed.status, failed.body.error_code, failed.body.outcome], [400, "CARD_DECLINED", "DECLINED"]);
  assert.equal((await statusOf(rest, failed.body.transaction_id)).body.status, "failed");
  assert.equal((await pay(rest, bought, headers)).text, failed.text);
  rest.service.time += 1_000;
  assert.equal((await pay(rest, purchase("4242424242424242", { booking_id: bought.booking_id }))).status, 200);
});

test("a key answers its request again, and is refused for another one", async (t) => {
  const rest = await openBooking(t);
  const headers = { "idempotency-key": "one" };
  const bought = purchase();
  const [first, ...copies] = await Promise.all([1, 2, 3, 4].map(() => pay(rest, bought, headers)));
  assert.equal(first?.status, 200);
  for (const copy of copies) assert.equal(copy.text, first?.text);
  assert.equal(await countPayments(rest), 1);
  const other = await pay(rest, { ...bought, amount: 26 }, headers);
  assert.deepEqual([other.status, other.body.reason], [422, "REQUEST_ID_REUSED"]);
  const declined = purchase("4000000000000002");
  const failed = await pay(rest, declined, { "idempotency-key": "two" });
  const failedAgain = await pay(rest, declined, { "idempotency-key": "two" });
  assert.deepEqual([failedAgain.text, failedAgain.headers.get("idempotent-replayed")], [failed.text, "true"]);
});

test("a gateway that is away is a gateway error that may be tried again", async (t) => {
  const unavailable = async () => ({ outcome: "unavailable", message: "no route" }) as const;
  const rest = await openBooking(t, { wrap: (provider) => ({ ...provider, create: unavailable }) });
  const refused = await pay(rest, purchase());
  assert.equal(refused.status, 502);
  const { code, message, details } = refused.body.error;
  assert.deepEqual([code, message, details.retry_possible], ["PAYMENT_GATEWAY_ERROR", "Gateway service error", true]);
  assert.match(details.transaction_id, TRANSACTION);
  assert.deepEqual([refused.body.reason, refused.headers.get("retry-after")], ["PROVIDER_ERROR", "1"]);
});

test("a booking that is open elsewhere is paid by its own payment, unless that has a page", async (t) => {
  const rest = await openBooking(t);
  const amount = { minor: 2550n, currency: "USD" };
  const openAs = async (mode: "INTENT" | "CHECKOUT") =>
    answerOf(await createPayment(rest.service.parts, caller, createInput({ amount, mode, paymentMethod: null })))
      .payment;
  const intent = await openAs("INTENT");
  const paid = await pay(rest, purchase("4242424242424242", { booking_id: intent.orderId }));
  assert.deepEqual([paid.status, paid.body.transaction_id], [200, `TXN-${intent.id}`]);
  const checkout = await openAs("CHECKOUT");
  const refused = await pay(rest, purchase("4242424242424242", { booking_id: checkout.orderId }));
  assert.deepEqual([refused.status, refused.body.error.code], [409, "DUPLICATE_TRANSACTION"]);
});
