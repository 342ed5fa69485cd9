// What the service is told in one look at the provider, after several things happened there without it: each counts once, whatever the others are.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { reconcile } from "../../src/app/reconcile.ts";
import { createBooks } from "../../src/db/books.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { GatewayRequest } from "../../src/gateway/direct.ts";
import { answerOf, caller, createInput, operator, TestService } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

async function create(change: Parameters<typeof createInput>[0]): Promise<Payment> {
  return answerOf(await createPayment(service.parts, caller, createInput(change))).payment;
}

function refundElsewhere(payment: Payment, amount: bigint): GatewayRequest {
  const params = { amount, reason: null, metadata: {} };
  return { operation: "create_refund", id: payment.providerReference ?? "", params };
}

async function deliverAll({ providerReference }: Payment): Promise<void> {
  for (const event of service.eventsOf(providerReference)) await service.deliver(event);
}

async function stateOf({ id }: Payment) {
  const [row] = await service.rows(
    `select status, captured_minor::int as captured, refunded_minor::int as refunded, refund_pending_minor::int as pending,
      (select count(*)::int from refund r where r.payment_id = p.id and r.status in ('PENDING', 'SUCCEEDED')) as refunds,
      (select count(*)::int from webhook_event w where w.payment_id = p.id and w.state not in ('APPLIED', 'INERT')) as waiting
    from payment p where id = $1`,
    [id],
  );
  return row;
}

it("a late payment that was given back elsewhere is recorded, and is not given back once more", async () => {
  const payment = await create({ paymentMethod: "pm_card_chargeDeclined" });
  const id = payment.providerReference ?? "";
  await service.elsewhere({ operation: "confirm_intent", id, payment_method: "pm_card_visa" });
  await service.elsewhere(refundElsewhere(payment, 4_000n));
  await deliverAll(payment);
  for (let round = 0; round < 3; round += 1) await service.recoverAfter(60_000);
  const state = { status: "FAILED", captured: 10_000, refunded: 10_000, pending: 0, refunds: 2, waiting: 0 };
  assert.deepEqual(await stateOf(payment), state);
  assert.equal((await service.journal()).orders.get(payment.orderId)?.refundedMinor, 10_000n);
});

it("a refund that was made elsewhere and is under way holds its amount from then on, and lets go of it once", async () => {
  const payment = await create({ paymentMethod: null });
  const id = payment.providerReference ?? "";
  await service.elsewhere({ operation: "confirm_intent", id, payment_method: "pm_card_pendingRefund" });
  await service.elsewhere(refundElsewhere(payment, 4_000n));
  await deliverAll(payment);
  const held = { status: "SUCCEEDED", captured: 10_000, refunded: 0, pending: 4_000, refunds: 1, waiting: 0 };
  assert.deepEqual(await stateOf(payment), held);
  service.time += 3_600_000;
  await service.gateway.findLife(id);
  await deliverAll(payment);
  const done = { status: "PARTIALLY_REFUNDED", captured: 10_000, refunded: 4_000, pending: 0, refunds: 1, waiting: 0 };
  assert.deepEqual(await stateOf(payment), done);
});

it("a refused 3-D Secure challenge that is known is no drift", async () => {
  const payment = await create({ paymentMethod: null, attemptsMax: 3 });
  const id = payment.providerReference ?? "";
  await service.elsewhere({ operation: "confirm_intent", id, payment_method: "pm_card_authenticationRequired" });
  await service.elsewhere({ operation: "authenticate", id, approve: false });
  await deliverAll(payment);
  const parts = { ...service.parts, books: createBooks(service.database) };
  const range = { from: new Date(payment.createdAt), to: new Date(service.time + 1_000) };
  const plan = { range, provider: null, apply: false, driftsMax: 100, tell: "never" } as const;
  const run = await reconcile(parts, operator, plan);
  const drifts = run.ok ? run.value.providers.flatMap((each) => each.drifts) : [run.error];
  assert.deepEqual(
    drifts.filter((drift) => "paymentId" in drift && drift.paymentId === payment.id),
    [],
  );
});

describe("money that is held for a payment that has ended", () => {
  it("is let go, also when the page of its checkout is complete", async () => {
    const terms = { mode: "CHECKOUT", captureMethod: "MANUAL", paymentMethod: null, attemptsMax: 1 } as const;
    const payment = await create(terms);
    const id = payment.sessionId ?? "";
    await service.elsewhere({ operation: "pay_session", id, payment_method: "pm_card_chargeDeclined" });
    await deliverAll(payment);
    await service.elsewhere({ operation: "pay_session", id, payment_method: "pm_card_visa" });
    await deliverAll(payment);
    for (let round = 0; round < 3; round += 1) await service.recoverAfter(60_000);
    assert.equal((await service.gateway.findLife(payment.providerReference ?? ""))?.intent.status, "canceled");
    const operations = await service.rows<{ kind: string; state: string }>(
      "select kind, state from provider_operation where payment_id = $1",
      [payment.id],
    );
    assert.deepEqual(operations.map(({ kind, state }) => `${kind} ${state}`).toSorted(), [
      "CANCEL FAILED",
      "CANCEL SUCCEEDED",
      "CREATE SUCCEEDED",
    ]);
  });

  it("is let go when its webhook is all that tells of it", async (t) => {
    // A provider that says that it has let go, and takes the customer's money all the same.
    let pretends = true;
    const ended = { outcome: "done", facts: [{ kind: "canceled", reason: "sold out" }] } as const;
    const unreliable = await TestService.open({
      wrap: (provider) => ({ ...provider, cancel: async (call) => (pretends ? ended : provider.cancel(call)) }),
    });
    t.after(() => unreliable.close());
    const input = createInput({ captureMethod: "MANUAL", paymentMethod: null });
    const { payment } = answerOf(await createPayment(unreliable.parts, caller, input));
    const find = { paymentId: payment.id };
    answerOf(await cancelPayment(unreliable.parts, caller, { find, reason: "sold out", requestId: "pretended" }));
    pretends = false;
    const id = payment.providerReference ?? "";
    await unreliable.elsewhere({ operation: "confirm_intent", id, payment_method: "pm_card_visa" });
    for (const event of unreliable.eventsOf(id)) await unreliable.deliver(event);
    await unreliable.recoverAfter(0);
    assert.equal((await unreliable.gateway.findLife(id))?.intent.status, "canceled");
  });
});
