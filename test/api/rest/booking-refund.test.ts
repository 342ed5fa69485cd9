// The booking dialect's refunds, and the booking, the transaction and the user that belong together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openBooking, pay, purchase, refund, refundOf, statusOf, TIME } from "./open-booking.ts";

const UNKNOWN = "TXN-01890a5d-ac96-774b-bcce-b302099a8057";

test("a refund gives back what it says, once for its key, and no more than there is", async (t) => {
  const rest = await openBooking(t);
  const bought = purchase();
  const paid = await pay(rest, bought);
  const half = refundOf(bought, paid, { refund_amount: 12.25 });
  const headers = { "idempotency-key": '"half"' };
  const first = await refund(rest, half, headers);
  assert.equal(first.status, 200);
  const { refund_transaction_id, processed_at, ...said } = first.body;
  assert.match(refund_transaction_id, /^REF-[0-9a-f-]{36}$/);
  assert.match(processed_at, TIME);
  assert.deepEqual(said, {
    status: "success",
    original_transaction_id: paid.body.transaction_id,
    booking_id: bought.booking_id,
    refund_amount: 12.25,
    message: "Refund processed successfully",
  });
  const replayed = await refund(rest, half, headers);
  assert.deepEqual([replayed.text, replayed.headers.get("idempotent-replayed")], [first.text, "true"]);
  const part = await statusOf(rest, paid.body.transaction_id);
  assert.deepEqual([part.body.status, part.body.refunded_amount], ["completed", 12.25]);
  const more = await refund(rest, refundOf(bought, paid, { refund_amount: 13.26 }));
  assert.deepEqual(
    [more.status, more.body.error.code, more.body.reason],
    [400, "REFUND_NOT_ALLOWED", "REFUND_EXCEEDS_CAPTURED"],
  );
  assert.equal((await refund(rest, refundOf(bought, paid, { refund_amount: 13.25 }))).status, 200);
  assert.equal((await statusOf(rest, paid.body.transaction_id)).body.status, "refunded");
});

test("a refund that the provider takes its time for is pending, and an unpaid booking has none", async (t) => {
  const rest = await openBooking(t);
  const slow = purchase("4000000000007726");
  const pending = await refund(rest, refundOf(slow, await pay(rest, slow)));
  assert.deepEqual(
    [pending.status, pending.body.status, pending.body.message],
    [200, "pending", "Refund is being processed"],
  );
  const declined = purchase("4000000000000002");
  const none = await refund(rest, refundOf(declined, await pay(rest, declined)));
  assert.deepEqual(
    [none.status, none.body.error.code, none.body.error.message],
    [400, "REFUND_NOT_ALLOWED", "Refund not permitted"],
  );
});

test("booking, transaction and user belong together, or the original transaction is not found", async (t) => {
  const rest = await openBooking(t);
  const [bought, other] = [purchase(), purchase()];
  const paid = await pay(rest, bought);
  await pay(rest, other);
  for (const change of [
    { booking_id: other.booking_id },
    { user_id: "user_124" },
    { original_transaction_id: UNKNOWN },
    { original_transaction_id: "TXN-456789" },
    { original_transaction_id: paid.body.transaction_id.replace("TXN-", "payment_") },
  ]) {
    const refused = await refund(rest, refundOf(bought, paid, change));
    assert.deepEqual([refused.status, refused.body.error.details.reason], [404, "Original transaction not found"]);
  }
  for (const id of [UNKNOWN, "TXN-456789", "nothing", "%00", "TXN-%F0%9F%98%80"]) {
    const refused = await statusOf(rest, id);
    assert.deepEqual([refused.status, refused.body.error.message], [404, "Transaction not found"], id);
  }
});
