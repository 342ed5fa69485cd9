// Payments, facts and a clock for tests of the domain.
import { randomUUID } from "node:crypto";
import type { Moment } from "../../src/domain/decide-fact.ts";
import { newPayment } from "../../src/domain/create-payment.ts";
import type { Fact, PaidFact, RefundFact } from "../../src/domain/fact.ts";
import { mintId, type PaymentId, type RefundId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Payment, PaymentStatus } from "../../src/domain/payment.ts";
import type { Refund } from "../../src/domain/refund.ts";

const now = new Date("2026-11-20T10:00:00.000Z");

export function momentAt(at: Date = now): Moment {
  return {
    now: at,
    latePolicy: "refund",
    mintEventId: () => mintId(at, randomUUID()),
    mintRefundId: () => mintId(at, randomUUID()),
    mintDisputeId: () => mintId(at, randomUUID()),
  };
}

export function paymentOf(change: Partial<Payment> = {}): Payment {
  const payment = newPayment(
    {
      orderId: "order-1",
      customerId: "customer-1",
      customerEmail: "ada@example.com",
      mode: "INTENT",
      provider: "mock",
      captureMethod: "MANUAL",
      paymentMethod: null,
      amount: money(10_000n, "EUR"),
      items: [],
      description: null,
      metadata: {},
      successUrl: null,
      cancelUrl: null,
      attemptsMax: 3,
    },
    { id: mintId<PaymentId>(now, randomUUID()), principal: "shop", clientToken: "token", now, expiresAt: null },
  );
  return { ...payment, ...change };
}

/** A payment as it stands in a status, with amounts that fit it. */
export function paymentIn(status: PaymentStatus): Payment {
  const captured = { SUCCEEDED: 10_000n, PARTIALLY_REFUNDED: 10_000n, REFUNDED: 10_000n }[status as string] ?? 0n;
  const refunded = { PARTIALLY_REFUNDED: 4_000n, REFUNDED: 10_000n }[status as string] ?? 0n;
  return paymentOf({
    status,
    capturedMinor: captured,
    refundedMinor: refunded,
    version: 5,
    revision: 9,
    providerReference: "pi_1",
  });
}

export function paid(kind: "authorized" | "captured", minor = 10_000n): PaidFact {
  return {
    kind,
    amount: money(minor, "EUR"),
    providerReference: "pi_1",
    chargeReference: "ch_1",
    paymentMethod: "visa ending 4242",
  };
}

export function declined(attemptReference: string): Fact {
  return {
    kind: "declined",
    attemptReference,
    failure: { reason: "INSUFFICIENT_FUNDS", code: "insufficient_funds", message: "Your card has insufficient funds." },
    paymentMethod: "visa ending 9995",
  };
}

export function refundOf(payment: Payment, minor: bigint, change: Partial<Refund> = {}): Refund {
  return {
    id: mintId<RefundId>(now, randomUUID()),
    paymentId: payment.id,
    amount: money(minor, "EUR"),
    status: "PENDING",
    reason: "requested_by_customer",
    providerReference: null,
    failure: null,
    createdAt: now,
    updatedAt: now,
    ...change,
  };
}

export function refundFact(refund: Refund, status: RefundFact["status"]): RefundFact {
  return {
    kind: "refund",
    refundId: refund.id,
    providerReference: `re_${refund.id}`,
    status,
    amount: refund.amount,
    failure: null,
  };
}
