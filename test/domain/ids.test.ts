import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { translateDecline } from "../../src/domain/failure.ts";
import {
  mintId,
  parsePaymentId,
  parseRefundId,
  type PaymentId,
  printPaymentId,
  printRefundId,
  type RefundId,
} from "../../src/domain/ids.ts";

describe("ids", () => {
  const id = mintId<PaymentId>(new Date("2026-11-20T10:00:00.123Z"), randomUUID());

  it("are UUIDs of version 7 that carry their time, so that later ones sort later", () => {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(Number.parseInt(id.replace("-", "").slice(0, 12), 16), Date.parse("2026-11-20T10:00:00.123Z"));
    assert.ok(id < mintId<PaymentId>(new Date("2026-11-20T10:00:00.124Z"), randomUUID()));
  });

  it("read back what they print, and nothing else", () => {
    assert.deepEqual(parsePaymentId(printPaymentId(id), "payment_id"), { ok: true, value: id });
    for (const text of [
      "",
      id,
      `payment_${id.toUpperCase()}`,
      `refund_${id}`,
      `payment_${id} `,
      "payment_1",
      `payment_${id}'--`,
    ]) {
      assert.equal(parsePaymentId(text, "payment_id").ok, false, text);
    }
  });

  it("of refunds come back from a provider, or anything else does and is not taken for one", () => {
    const refundId = id as string as RefundId;
    assert.equal(parseRefundId(printRefundId(refundId)), refundId);
    assert.equal(parseRefundId(printPaymentId(id)), undefined);
  });
});

describe("a decline", () => {
  it("is told by the reason that its code means", () => {
    const reasons = {
      insufficient_funds: "INSUFFICIENT_FUNDS",
      expired_card: "CARD_EXPIRED",
      incorrect_cvc: "INVALID_CARD",
      incorrect_number: "INVALID_CARD",
      authentication_required: "AUTHENTICATION_REQUIRED",
      processing_error: "PROCESSING_ERROR",
      do_not_honor: "CARD_DECLINED",
    };
    for (const [code, reason] of Object.entries(reasons))
      assert.deepEqual(translateDecline(code, "m"), { reason, code, message: "m" });
  });

  it("does not tell a thief that the card is known to be stolen", () => {
    for (const code of ["lost_card", "stolen_card", "fraudulent"]) {
      assert.deepEqual(translateDecline(code, `It is ${code}`), {
        reason: "CARD_DECLINED",
        code: "generic_decline",
        message: "Your card was declined.",
      });
    }
  });
});
