// Ways in which books come to differ, done as life does them: news that never came, calls that were never made, rows that were lost, amounts that
// somebody edited, and colleagues at the provider's dashboard. Each gives the drift that it makes.
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { DriftKind } from "../../src/domain/drift.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { answerOf, caller, createInput, type TestService } from "./open-service.ts";

export interface SeededDrift {
  readonly kind: DriftKind;
  readonly payment: Payment;
}

export type Seed = (service: TestService) => Promise<SeededDrift>;

let requests = 0;

async function create(service: TestService, change: Parameters<typeof createInput>[0] = {}): Promise<Payment> {
  return answerOf(await createPayment(service.parts, caller, createInput(change))).payment;
}

/** A payment whose first call had no answer. */
async function createUnanswered(service: TestService, fault: string): Promise<Payment> {
  const input = createInput({ metadata: { gateway_fault: fault } });
  await createPayment(service.parts, caller, input);
  const { payment } = await service.parts.store.loadPayment({ find: { orderId: input.orderId }, request: null });
  if (!payment) throw new Error("the payment was not written down");
  return payment;
}

async function refund(service: TestService, payment: Payment, minor: bigint): Promise<void> {
  requests += 1;
  await refundPayment(service.parts, caller, {
    find: { paymentId: payment.id },
    amount: { minor, currency: "EUR" },
    reason: null,
    requestId: `seeded-refund-${requests}`,
  });
}

async function loseRows(service: TestService, payment: Payment): Promise<void> {
  for (const table of ["payment_event", "refund", "dispute", "provider_operation"])
    await service.rows(`delete from ${table} where payment_id = $1`, [payment.id]);
  await service.rows("delete from payment where id = $1", [payment.id]);
}

const callNeverMade: Seed = async (service) => {
  const payment = await createUnanswered(service, "create:lost_before x99");
  await service.rows("delete from provider_operation where payment_id = $1", [payment.id]);
  await service.rows("update payment set active_operation_id = null where id = $1", [payment.id]);
  return { kind: "MISSING_AT_PROVIDER", payment };
};

const rowsLost: Seed = async (service) => {
  const payment = await create(service);
  await refund(service, payment, 2_500n);
  await loseRows(service, payment);
  return { kind: "MISSING_HERE", payment };
};

const openRowsLost: Seed = async (service) => {
  const payment = await create(service, { mode: "CHECKOUT", paymentMethod: null });
  await loseRows(service, payment);
  return { kind: "MISSING_HERE", payment };
};

const paidUnheard: Seed = async (service) => {
  const payment = await create(service, { mode: "CHECKOUT", paymentMethod: null });
  await service.elsewhere({ operation: "pay_session", id: payment.sessionId ?? "", payment_method: "pm_card_visa" });
  return { kind: "STATUS_DIFFERS", payment };
};

const voidedUnheard: Seed = async (service) => {
  const payment = await create(service, { captureMethod: "MANUAL" });
  const id = payment.providerReference ?? "";
  await service.elsewhere({ operation: "cancel_intent", id, cancellation_reason: "abandoned" });
  return { kind: "STATUS_DIFFERS", payment };
};

const capturedLate: Seed = async (service) => {
  const payment = await create(service, { mode: "CHECKOUT", paymentMethod: null });
  await service.elsewhere({ operation: "pay_session", id: payment.sessionId ?? "", payment_method: "pm_card_visa" });
  // As an operator who ended it here by hand would leave it.
  await service.rows(
    "update payment set status = 'CANCELED', live = false, version = version + 1, revision = revision + 1 where id = $1",
    [payment.id],
  );
  await service.rows(
    `insert into payment_event (id, payment_id, version, type, status, data, created_at)
     select gen_random_uuid(), id, version, 'payment.cancelled', 'CANCELED', '{}', updated_at from payment where id = $1`,
    [payment.id],
  );
  return { kind: "STATUS_DIFFERS", payment };
};

const capturedEdited: Seed = async (service) => {
  const payment = await create(service);
  await service.rows("update payment set captured_minor = captured_minor - 100 where id = $1", [payment.id]);
  return { kind: "AMOUNT_DIFFERS", payment };
};

const refundedEdited: Seed = async (service) => {
  const payment = await create(service);
  await refund(service, payment, 2_500n);
  await service.rows("update payment set refunded_minor = 9000 where id = $1", [payment.id]);
  return { kind: "AMOUNT_DIFFERS", payment };
};

const refundedElsewhere: Seed = async (service) => {
  const payment = await create(service);
  const id = payment.providerReference ?? "";
  await service.elsewhere({ operation: "create_refund", id, params: { amount: 4_000n, reason: null, metadata: {} } });
  return { kind: "REFUND_MISSING_HERE", payment };
};

const refundRowLost: Seed = async (service) => {
  const payment = await create(service);
  await refund(service, payment, 10_000n);
  await service.rows("delete from provider_operation where payment_id = $1 and kind = 'REFUND'", [payment.id]);
  await service.rows("delete from refund where payment_id = $1", [payment.id]);
  return { kind: "REFUND_MISSING_HERE", payment };
};

const refundNeverMade: Seed = async (service) => {
  const payment = await create(service, { metadata: { gateway_fault: "refund:lost_before x99" } });
  await refund(service, payment, 3_000n);
  await service.rows("delete from provider_operation where payment_id = $1 and kind = 'REFUND'", [payment.id]);
  return { kind: "REFUND_MISSING_AT_PROVIDER", payment };
};

const refundInvented: Seed = async (service) => {
  const { payment } = await refundNeverMade(service);
  await service.rows("update refund set status = 'SUCCEEDED' where payment_id = $1", [payment.id]);
  await service.rows(
    `update payment set refunded_minor = refund_pending_minor, refund_pending_minor = 0, status = 'PARTIALLY_REFUNDED',
       version = version + 1, revision = revision + 1 where id = $1`,
    [payment.id],
  );
  await service.rows(
    `insert into payment_event (id, payment_id, version, type, status, data, created_at)
     select gen_random_uuid(), id, version, 'payment.refunded', status, '{}', updated_at from payment where id = $1`,
    [payment.id],
  );
  return { kind: "REFUND_MISSING_AT_PROVIDER", payment };
};

const disputedUnheard: Seed = async (service) => {
  const payment = await create(service);
  const id = payment.providerReference ?? "";
  await service.elsewhere({ operation: "open_dispute", id, params: { reason: "fraudulent", inquiry: false } });
  return { kind: "DISPUTE_UNSEEN", payment };
};

const answerLost: Seed = async (service) => ({
  kind: "STUCK_IN_FLIGHT",
  payment: await createUnanswered(service, "create:lost_after"),
});

const voidLost: Seed = async (service) => {
  const payment = await create(service, { captureMethod: "MANUAL", metadata: { gateway_fault: "cancel:lost_after" } });
  requests += 1;
  const requestId = `seeded-cancel-${requests}`;
  await cancelPayment(service.parts, caller, { find: { paymentId: payment.id }, reason: "sold out", requestId });
  return { kind: "STUCK_IN_FLIGHT", payment };
};

const refundUnsettled: Seed = async (service) => {
  const payment = await create(service, { paymentMethod: "pm_card_pendingRefund" });
  await refund(service, payment, 1_000n);
  const [row] = await service.rows<{ id: string }>(
    "select provider_reference as id from refund where payment_id = $1",
    [payment.id],
  );
  await service.elsewhere({ operation: "settle_refund", id: row?.id ?? "", status: "succeeded" });
  return { kind: "STUCK_IN_FLIGHT", payment };
};

/** What takes effect only after a while; the rest is drift at once. */
export const EARLY_SEEDS: readonly Seed[] = [callNeverMade];

export const SEEDS: readonly Seed[] = [
  rowsLost,
  openRowsLost,
  paidUnheard,
  voidedUnheard,
  capturedLate,
  capturedEdited,
  refundedEdited,
  refundedElsewhere,
  refundRowLost,
  refundNeverMade,
  refundInvented,
  disputedUnheard,
  answerLost,
  voidLost,
  refundUnsettled,
];
