// The storefront's payments with credits: made and paid in one call, and given back as credits.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { grant } from "../../app/open-credits.ts";
import { BOOK, newUser, openStorefront, ORDER_ID, PAYMENT_ID } from "./open-storefront.ts";

const { post, get, parts } = await openStorefront({ after });

test("a cart is paid with credits at once", async () => {
  const user = newUser();
  await grant(parts, user, 10n);
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
  await grant(parts, user, 10n);
  const wrong = await post("pay-with-credits", { user_id: user, items: [BOOK], total_credits: 2 });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.body.reason, "INVALID_AMOUNT");
  assert.deepEqual(wrong.body.detail[0].loc, ["body", "total_credits"]);
});

test("too few credits are refused, and nothing is taken", async () => {
  const user = newUser();
  await grant(parts, user, 1n);
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
  await grant(parts, user, 5n);
  const items = [{ ...BOOK, credits: 5 }];
  const paid = await post("pay-with-credits", { user_id: user, items, total_credits: 5 });
  const refund = await post("refund", { payment_id: paid.body.payment_id });
  assert.equal(refund.status, 200, refund.text);
  assert.equal(refund.body.status, "succeeded");
  assert.equal(refund.body.amount_cents, 5);
  const again = await post("pay-with-credits", { user_id: user, items, total_credits: 5 });
  assert.equal(again.body.remaining_credits, 0);
});
