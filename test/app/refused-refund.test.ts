// A refund that the provider refuses: the refusal comes with all that happened to the payment, most of which is known already, and what is new may not fit while
// other refunds hold their amounts.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Payment } from "../../src/domain/payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

let requests = 0;

function refund(payment: Payment, minor: bigint, requestId = `refused-refund-${(requests += 1)}`) {
  const input = { find: { paymentId: payment.id }, amount: { minor, currency: "EUR" }, reason: null, requestId };
  return refundPayment(service.parts, caller, input);
}

async function pay(): Promise<Payment> {
  return answerOf(await createPayment(service.parts, caller, createInput())).payment;
}

/** A colleague gives money back at the provider's dashboard. */
function refundElsewhere(payment: Payment, amount: bigint): Promise<void> {
  const params = { amount, reason: null, metadata: {} };
  return service.elsewhere({ operation: "create_refund", id: payment.providerReference ?? "", params });
}

async function stateOf({ id }: Payment) {
  const [row] = await service.rows(
    `select refunded_minor::int as refunded, refund_pending_minor::int as pending,
      (select sum(amount_minor)::int from refund r where r.payment_id = p.id and r.status = 'SUCCEEDED') as "byRefunds",
      (select count(*)::int from payment_event e where e.payment_id = p.id and e.type = 'payment.dispute_opened') as disputes,
      (select count(*)::int from provider_operation o where o.payment_id = p.id and o.state in ('IN_FLIGHT', 'UNKNOWN')) as "inFlight"
    from payment p where id = $1`,
    [id],
  );
  return row;
}

describe("a refund that the provider refuses", () => {
  it("since a part was given back elsewhere, has that part counted, and those of before not once more", async () => {
    const payment = await pay();
    answerOf(await refund(payment, 1_000n));
    await refundElsewhere(payment, 4_000n);
    assert.equal(verdictOf(await refund(payment, 9_000n)), "REFUND_NOT_ALLOWED");
    assert.deepEqual(await stateOf(payment), {
      refunded: 5_000,
      pending: 0,
      byRefunds: 5_000,
      disputes: 0,
      inFlight: 0,
    });
  });

  it("since the payment is disputed, does not tell of the dispute once more", async () => {
    const payment = await pay();
    const params = { reason: "fraudulent", inquiry: false };
    await service.elsewhere({ operation: "open_dispute", id: payment.providerReference ?? "", params });
    for (let attempt = 0; attempt < 2; attempt += 1)
      assert.equal(verdictOf(await refund(payment, 1_000n)), "REFUND_NOT_ALLOWED");
    assert.deepEqual(await stateOf(payment), { refunded: 0, pending: 0, byRefunds: null, disputes: 1, inFlight: 0 });
  });

  it("is refused also while another one, of unknown outcome, holds an amount that was given back elsewhere; and both end", async () => {
    const payment = await pay();
    service.gateway.script({ operation: "refund", fault: "lost_before" });
    assert.equal(verdictOf(await refund(payment, 6_000n, "lost")), "PROVIDER_OUTCOME_UNKNOWN");
    await refundElsewhere(payment, 10_000n);
    assert.equal(verdictOf(await refund(payment, 4_000n)), "REFUND_NOT_ALLOWED");
    await service.recoverAfter(2_000);
    assert.equal(verdictOf(await refund(payment, 6_000n, "lost")), "REFUND_NOT_ALLOWED");
    for (const event of service.eventsOf(payment.providerReference)) await service.deliver(event);
    assert.deepEqual(await stateOf(payment), {
      refunded: 10_000,
      pending: 0,
      byRefunds: 10_000,
      disputes: 0,
      inFlight: 0,
    });
  });

  it("while the outcome of the payment itself is being found out, keeps that from nothing", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:error_after" } });
    assert.equal(verdictOf(await createPayment(service.parts, caller, input)), "PROVIDER_OUTCOME_UNKNOWN");
    const { payment } = await service.parts.store.loadPayment({ find: { orderId: input.orderId }, request: null });
    assert.ok(payment);
    const [life] = await service.gateway.search({ metadata: { order_id: input.orderId }, createdFrom: new Date(0) });
    const paid = { ...payment, providerReference: life?.intent.id ?? "" };
    for (const event of service.eventsOf(paid.providerReference)) await service.deliver(event);
    service.gateway.script({ operation: "refund", fault: "lost_before" });
    assert.equal(verdictOf(await refund(paid, 10_000n)), "PROVIDER_OUTCOME_UNKNOWN");
    await refundElsewhere(paid, 4_000n);
    service.gateway.script({ operation: "refund", fault: "lost_before" });
    await service.recoverAfter(2_000);
    assert.equal(answerOf(await createPayment(service.parts, caller, input)).payment.status, "SUCCEEDED");
  });

  it("twice at once by recovery, in whose place all was given back elsewhere, holds nothing any more", async () => {
    const payment = await pay();
    service.gateway.script({ operation: "refund", fault: "lost_before", times: 2 });
    for (const minor of [6_000n, 4_000n])
      assert.equal(verdictOf(await refund(payment, minor)), "PROVIDER_OUTCOME_UNKNOWN");
    await refundElsewhere(payment, 10_000n);
    for (let round = 0; round < 4; round += 1) await service.recoverAfter(600_000);
    for (const event of service.eventsOf(payment.providerReference)) await service.deliver(event);
    assert.deepEqual(await stateOf(payment), {
      refunded: 10_000,
      pending: 0,
      byRefunds: 10_000,
      disputes: 0,
      inFlight: 0,
    });
  });
});
