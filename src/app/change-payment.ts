// How every call that changes an existing payment goes: look, decide, write the operation down, carry it out. What the call is about is in the
// decision that the use case brings.
import type { PaymentKey } from "../domain/query.ts";
import { refuse, type Result } from "../domain/error.ts";
import { printPaymentId } from "../domain/ids.ts";
import type { Operation } from "../domain/operation.ts";
import { isClosed, type Payment } from "../domain/payment.ts";
import type { Refund } from "../domain/refund.ts";
import { type Action, authorize, maySee } from "./access.ts";
import type { Answer } from "./answer.ts";
import { carryOut } from "./carry-out.ts";
import { type Intention, newOperation } from "./intention.ts";
import type { Caller, Parts } from "./parts.ts";
import { keepAnswer, Patience, refuseBusy, refuseInFlight, replay, type Request } from "./request.ts";

export type Decision =
  /** Ask the provider to act. */
  | { readonly do: "operate"; readonly intention: Intention }
  /** The answer is found without an operation. */
  | { readonly do: "answer"; answer(): Promise<Result<Answer>> };

export interface Change {
  readonly action: Action;
  readonly request: Request;
  readonly find: PaymentKey;
  /** Whether the decision has to wait until no other operation moves the payment. A closed payment moves no more. */
  readonly exclusive: boolean;
  decide(payment: Payment): Result<Decision>;
}

export function refuseNotFound(find: PaymentKey): Result<never> {
  if ("orderId" in find) {
    return refuse("ORDER_NOT_FOUND", `order ${find.orderId} has no payment`, { metadata: { orderId: find.orderId } });
  }
  const paymentId = printPaymentId(find.paymentId);
  return refuse("PAYMENT_NOT_FOUND", `there is no ${paymentId}`, { metadata: { paymentId } });
}

/** The payment and the refund as begin-operation left them. */
function begun(payment: Payment, operation: Operation, refund: Refund | null) {
  return {
    payment: {
      ...payment,
      revision: payment.revision + 1,
      activeOperationId: refund ? payment.activeOperationId : operation.id,
      refundPendingMinor: payment.refundPendingMinor + (refund?.amount.minor ?? 0n),
    },
    refunds: refund ? [refund] : [],
    disputes: [],
  };
}

/** Writes an operation down and carries it out; gives null when the payment or the request moved meanwhile, and nothing was written. */
async function operate(
  parts: Parts,
  payment: Payment,
  intention: Intention,
  request: Request,
): Promise<Result<Answer> | null> {
  const operation = newOperation(parts, payment, intention, request);
  const refund = intention.refund ?? null;
  const outcome = await parts.store.beginOperation({
    request: { ...request.key, fingerprint: request.fingerprint },
    payment,
    operation,
    refund,
  });
  if (outcome !== "begun") return null;
  return carryOut(parts, { known: begun(payment, operation, refund), operation });
}

/** Does what was decided; gives null when another call got in between, and nothing was written. */
async function act(
  parts: Parts,
  payment: Payment,
  decision: Result<Decision>,
  request: Request,
): Promise<Result<Answer> | null> {
  if (!decision.ok) return keepAnswer(parts, request, decision);
  if (decision.value.do === "operate") return operate(parts, payment, decision.value.intention, request);
  return keepAnswer(parts, request, await decision.value.answer());
}

/** Gives the answer of a call that changes a payment: the same one for every copy of its request. */
export async function changePayment(parts: Parts, caller: Caller, change: Change): Promise<Result<Answer>> {
  const { request, find } = change;
  const allowed = authorize(caller, change.action);
  if (!allowed.ok) return allowed;
  const patience = new Patience(parts, caller);
  for (;;) {
    const loaded = await parts.store.loadPayment({ find, request: request.key });
    if (loaded.request) {
      const answer = replay(request, loaded.request);
      if (answer !== "wait") return answer;
      if (!(await patience.pause())) return refuseInFlight(request);
      continue;
    }
    const { payment } = loaded;
    if (!payment || !maySee(caller, payment)) return refuseNotFound(find);
    if (change.exclusive && payment.activeOperationId && !isClosed(payment.status)) {
      if (!(await patience.pause())) return refuseBusy(printPaymentId(payment.id));
      continue;
    }
    const answer = await act(parts, payment, change.decide(payment), request);
    if (answer) return answer;
    // Another call got in between: look again. Each time round one of them has got on, so this ends.
    if (patience.isOver()) return refuseBusy(printPaymentId(payment.id));
  }
}
