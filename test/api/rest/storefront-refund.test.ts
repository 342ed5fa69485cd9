// The storefront gives money back: in part, as a whole, once for its key, and never more than was paid.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { grant } from "../../app/open-credits.ts";
import type { Told } from "./open-shop.ts";
import { BOOK, newUser, openStorefront } from "./open-storefront.ts";

const { post, get, newIntent, newPaid, parts } = await openStorefront({ after });

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

test("a repeated refund and a repeated payment with credits take effect once", async () => {
  const paid = await newPaid();
  const refund = (): Promise<Told> =>
    post("refund", { payment_id: paid.payment_id, amount_cents: 100 }, { "idempotency-key": "give-back-1" });
  const first = await refund();
  assert.equal((await refund()).text, first.text);
  assert.equal((await get(`payment/${paid.payment_id}`)).body.amount_refunded_cents, 100);
  const user = newUser();
  await grant(parts, user, 5n);
  const pay = (): Promise<Told> =>
    post("pay-with-credits", { user_id: user, items: [BOOK], total_credits: 1 }, { "idempotency-key": "credits-1" });
  const paidOnce = await pay();
  assert.equal((await pay()).text, paidOnce.text);
  assert.equal(paidOnce.body.remaining_credits, 4);
});
