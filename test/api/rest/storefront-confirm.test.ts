// The storefront's payments are confirmed from the server: paid, declined, or waiting for the customer.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Told } from "./open-shop.ts";
import { openStorefront } from "./open-storefront.ts";

const { post, newIntent, newPaid } = await openStorefront({ after });

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
