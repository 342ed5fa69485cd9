import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { getPaymentStatus } from "../../src/app/get-payment.ts";
import { onProviderBack } from "../../src/app/provider-back.ts";
import { recover } from "../../src/app/recover.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

async function statusOf(payment: Payment): Promise<string> {
  const found = await getPaymentStatus(service.parts, caller, { paymentId: payment.id });
  return found.ok ? found.value.status : found.error.reason;
}

describe("an outcome that nobody knows", () => {
  for (const fault of ["lost_after", "lost_before", "error_after"]) {
    it(`(${fault}) is told as unknown, is resolved by recovery, and the retry gets the answer; the money is taken once`, async () => {
      const input = createInput({ metadata: { gateway_fault: `create:${fault}` } });
      const first = await createPayment(service.parts, caller, input);
      assert.equal(verdictOf(first), "PROVIDER_OUTCOME_UNKNOWN");
      assert.equal(!first.ok && first.error.outcome, "UNKNOWN");
      await service.recoverAfter(2_000);
      const retried = answerOf(await createPayment(service.parts, caller, input));
      assert.equal(retried.payment.status, "SUCCEEDED");
      assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
    });
  }

  it("that was a decline is counted as one, once", async () => {
    const input = createInput({
      paymentMethod: null,
      attemptsMax: 3,
      metadata: { gateway_fault: "confirm:error_after" },
    });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const confirm = () =>
      completePayment(service.parts, caller, {
        find: { paymentId: payment.id },
        paymentMethod: "pm_card_chargeDeclined",
        amount: null,
        requestId: "unknown-decline",
      });
    assert.equal(verdictOf(await confirm()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.recoverAfter(2_000);
    const retried = answerOf(await confirm()).payment;
    assert.deepEqual([retried.status, retried.declinedAttempts.length, retried.version], ["PENDING", 1, 2]);
  });

  it("of a refund keeps its amount reserved, so that no other refund can have it", async () => {
    const input = createInput({ metadata: { gateway_fault: "refund:lost_after" } });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const refund = (requestId: string, minor: bigint) =>
      refundPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        amount: { minor, currency: "EUR" },
        reason: null,
        requestId,
      });
    assert.equal(verdictOf(await refund("u1", 6_000n)), "PROVIDER_OUTCOME_UNKNOWN");
    assert.equal(verdictOf(await refund("u2", 6_000n)), "REFUND_EXCEEDS_CAPTURED");
    await service.recoverAfter(2_000);
    assert.equal(answerOf(await refund("u1", 6_000n)).payment.refundedMinor, 6_000n);
    assert.equal((await service.journal()).orders.get(input.orderId)?.refundedMinor, 6_000n);
  });

  it("is looked for as soon as the provider is known to be back, and not after a pause", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:lost_before x2" } });
    assert.equal(verdictOf(await createPayment(service.parts, caller, input)), "PROVIDER_OUTCOME_UNKNOWN");
    const recoveredAfterWord = async (of: string) => {
      await onProviderBack(service.parts, of);
      await service.recoverAfter(1);
      return service.rows(
        "select o.state, o.attempts from payment p join provider_operation o on o.payment_id = p.id where p.order_id = $1",
        [input.orderId],
      );
    };
    assert.deepEqual(
      await recoveredAfterWord("mock"),
      [{ state: "UNKNOWN", attempts: 0 }],
      "its own call may be at it",
    );
    await service.recoverAfter(2_000);
    assert.deepEqual(await recoveredAfterWord("another"), [{ state: "UNKNOWN", attempts: 1 }]);
    assert.deepEqual(await recoveredAfterWord("mock"), [{ state: "SUCCEEDED", attempts: 2 }]);
  });

  it("stays unknown for as long as the provider does not answer, and never becomes a failure because time passed", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:lost_before x4" } });
    const first = await createPayment(service.parts, caller, input);
    assert.equal(verdictOf(first), "PROVIDER_OUTCOME_UNKNOWN");
    for (let round = 0; round < 3; round += 1) {
      await service.recoverAfter(600_000);
      const states = await service.rows<{ status: string; state: string }>(
        "select p.status, o.state from payment p join provider_operation o on o.payment_id = p.id where p.order_id = $1",
        [input.orderId],
      );
      assert.deepEqual(states, [{ status: "PENDING", state: "UNKNOWN" }]);
    }
    await service.recoverAfter(600_000);
    assert.equal(answerOf(await createPayment(service.parts, caller, input)).payment.status, "SUCCEEDED");
  });
});

describe("a provider that has forgotten the key", () => {
  it("is asked and not called again, and what it has no trace of did not happen", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:lost_before x9" } });
    await createPayment(service.parts, caller, input);
    await service.recoverAfter(25 * 3_600_000);
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    assert.deepEqual([payment.status, payment.failure?.code], ["FAILED", "not_carried_out"]);
    assert.equal((await service.journal()).orders.get(input.orderId), undefined);
  });

  it("tells of what did happen", async () => {
    const input = createInput({ captureMethod: "MANUAL", metadata: { gateway_fault: "cancel:lost_after" } });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const find = { paymentId: payment.id };
    const cancel = () => cancelPayment(service.parts, caller, { find, reason: "sold out", requestId: "forgotten" });
    assert.equal(verdictOf(await cancel()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.recoverAfter(25 * 3_600_000);
    assert.deepEqual(answerOf(await cancel()).payment.cancelReason, "sold out");
  });

  it("is asked to let go of a failed payment all the same, however late", async () => {
    const input = createInput({ paymentMethod: "pm_card_chargeDeclined" });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    assert.equal(payment.status, "FAILED");
    await service.recoverAfter(25 * 3_600_000);
    const look = await service.gateway.retrieve(payment.providerReference ?? "", caller.signal);
    assert.equal(typeof look === "object" && look.ok && look.life.intent.status, "canceled");
  });

  it("tells of what happened instead", async () => {
    const input = createInput({ captureMethod: "MANUAL", metadata: { gateway_fault: "capture:lost_before x9" } });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const find = { paymentId: payment.id };
    const capture = () =>
      completePayment(service.parts, caller, { find, paymentMethod: null, amount: null, requestId: "overtaken" });
    assert.equal(verdictOf(await capture()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.gateway.perform(
      { operation: "cancel_intent", id: payment.providerReference ?? "", cancellation_reason: "abandoned" },
      { idempotencyKey: null, signal: caller.signal },
    );
    await service.recoverAfter(25 * 3_600_000);
    assert.equal(verdictOf(await capture()), "ORDER_NOT_PAYABLE");
    assert.equal(await statusOf(payment), "CANCELED");
  });
});

describe("a provider that certainly did nothing", () => {
  it("fails the payment, and a retry with the same request id tries again", async () => {
    const input = createInput();
    service.gateway.script({ operation: "create", fault: "error" });
    const first = await createPayment(service.parts, caller, input);
    assert.deepEqual([verdictOf(first), !first.ok && first.error.outcome], ["PROVIDER_ERROR", "NOT_ATTEMPTED"]);
    assert.equal(answerOf(await createPayment(service.parts, caller, input)).payment.status, "SUCCEEDED");
    assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
  });

  it("leaves a held payment held, and a refund's amount free again", async () => {
    const held = answerOf(await createPayment(service.parts, caller, createInput({ captureMethod: "MANUAL" }))).payment;
    const find = { paymentId: held.id };
    service.gateway.script({ operation: "capture", fault: "error" });
    const capture = () =>
      completePayment(service.parts, caller, { find, paymentMethod: null, amount: null, requestId: "cap" });
    assert.equal(verdictOf(await capture()), "PROVIDER_ERROR");
    assert.equal(await statusOf(held), "AUTHORIZED");
    assert.equal(answerOf(await capture()).payment.status, "SUCCEEDED");
    service.gateway.script({ operation: "refund", fault: "error" });
    const refund = () => refundPayment(service.parts, caller, { find, amount: null, reason: null, requestId: "ref" });
    assert.equal(verdictOf(await refund()), "PROVIDER_ERROR");
    assert.equal(answerOf(await refund()).payment.status, "REFUNDED");
  });
});

describe("a process that vanished between its two transactions", () => {
  it("leaves an operation that recovery carries out, once its time has passed and not before", async () => {
    const input = createInput();
    // The provider acts, and the process dies before it can write that down.
    const { store } = service.parts;
    const dying = { ...service.parts, store: { ...store, writeMovement: () => Promise.reject(new Error("killed")) } };
    await assert.rejects(createPayment(dying, caller, input), /killed/);
    const waiting = { ...service.parts, limits: { ...service.parts.limits, waitTimeoutMs: 50 } };
    await recover(service.parts);
    assert.equal(verdictOf(await createPayment(waiting, caller, input)), "REQUEST_IN_FLIGHT");
    await service.recoverAfter(1_300);
    assert.equal(answerOf(await createPayment(service.parts, caller, input)).payment.status, "SUCCEEDED");
    assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
  });

  it("and two recovery workers that race for it do the work once", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:lost_after" } });
    await createPayment(service.parts, caller, input);
    service.time += 2_000;
    await Promise.all([recover(service.parts), recover(service.parts), recover(service.parts)]);
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    assert.deepEqual([payment.status, payment.version], ["SUCCEEDED", 2]);
  });
});

describe("time that ran out", () => {
  it("expires an unpaid checkout, here and at the provider, with one event", async () => {
    const created = answerOf(
      await createPayment(service.parts, caller, createInput({ mode: "CHECKOUT", paymentMethod: null })),
    );
    await service.recoverAfter(3_600_001);
    assert.equal(await statusOf(created.payment), "EXPIRED");
    const events = await service.rows(
      "select type, data ->> 'reason' as reason from payment_event where payment_id = $1 and version > 1",
      [created.payment.id],
    );
    assert.deepEqual(events, [{ type: "payment.cancelled", reason: "expired" }]);
  });

  it("finds out that the customer paid at the last moment instead", async () => {
    const created = answerOf(
      await createPayment(service.parts, caller, createInput({ mode: "CHECKOUT", paymentMethod: null })),
    );
    const session = created.checkout?.sessionId ?? "";
    await service.gateway.perform(
      { operation: "pay_session", id: session, payment_method: "pm_card_visa" },
      { idempotencyKey: null, signal: caller.signal },
    );
    await service.recoverAfter(3_600_001);
    assert.equal(await statusOf(created.payment), "SUCCEEDED");
  });

  it("lets go of what a failed payment left open at the provider", async () => {
    const input = createInput({ mode: "CHECKOUT", paymentMethod: null, attemptsMax: 1 });
    const { payment, checkout } = answerOf(await createPayment(service.parts, caller, input));
    const find = { paymentId: payment.id };
    await completePayment(service.parts, caller, {
      find,
      paymentMethod: "pm_card_chargeDeclined",
      amount: null,
      requestId: "late",
    });
    assert.equal(await statusOf(payment), "FAILED");
    await recover(service.parts);
    const look = await service.gateway.retrieve(checkout?.sessionId ?? "", caller.signal);
    assert.equal(typeof look === "object" && look.ok && look.life.session?.status, "expired");
  });
});
