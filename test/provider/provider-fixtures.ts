// Payments and operations as the service would have written them down before it calls a provider.
import { randomUUID } from "node:crypto";
import type { OpenedFact } from "../../src/domain/fact.ts";
import { mintId, type OperationId, type PaymentId, type RefundId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Operation, OperationKind } from "../../src/domain/operation.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { paymentOf } from "../support/payments.ts";
import type { ProviderAnswer, ProviderCall } from "../../src/provider/provider.ts";

export function newPayment(now: Date, changes: Partial<Payment> = {}): Payment {
  const id = mintId<PaymentId>(now, randomUUID());
  return paymentOf({
    id,
    orderId: `order-${id}`,
    customerId: null,
    customerEmail: null,
    captureMethod: "AUTOMATIC",
    provider: "under-test",
    amount: money(1999n, "EUR"),
    successUrl: "https://shop.example/thanks",
    cancelUrl: "https://shop.example/basket",
    attemptsMax: 5,
    createdAt: now,
    updatedAt: now,
    ...changes,
  });
}

function newOperation(payment: Payment, kind: OperationKind, changes: Partial<Operation> = {}): Operation {
  return {
    id: mintId<OperationId>(payment.createdAt, randomUUID()),
    paymentId: payment.id,
    refundId: kind === "REFUND" ? mintId<RefundId>(payment.createdAt, randomUUID()) : null,
    kind,
    state: "IN_FLIGHT",
    paymentMethod: null,
    amountMinor: null,
    reason: null,
    attemptsBefore: null,
    request: null,
    attempts: 0,
    nextAttemptAt: payment.createdAt,
    createdAt: payment.createdAt,
    ...changes,
  };
}

export function newCall(payment: Payment, kind: OperationKind, changes: Partial<Operation> = {}): ProviderCall {
  return { payment, operation: newOperation(payment, kind, changes), signal: new AbortController().signal };
}

/** The payment as it is once the answer to its creation was applied. */
export function asOpened(payment: Payment, answer: ProviderAnswer): Payment {
  const opened = factsOf(answer).find((fact): fact is OpenedFact => fact.kind === "opened");
  if (opened === undefined) throw new Error(`the payment was not opened: ${JSON.stringify(answer)}`);
  const sessionId = opened.checkout?.sessionId ?? null;
  return { ...payment, providerReference: opened.providerReference, sessionId };
}

/** The facts of an answer that has some. */
export function factsOf(answer: ProviderAnswer) {
  if (answer.outcome === "done" || answer.outcome === "refused") return answer.facts;
  throw new Error(`the outcome is ${answer.outcome}: ${answer.message}`);
}

export function kindsOf(answer: ProviderAnswer): string[] {
  return factsOf(answer).map((fact) => fact.kind);
}
