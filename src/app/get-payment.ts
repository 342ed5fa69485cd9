import type { PaymentKey, PaymentWithHistory } from "../domain/query.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import type { PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import { refuseNotFound } from "./change-payment.ts";
import type { Parts } from "./parts.ts";

/** A payment as it stands, by its id or as the newest of its order: one index look-up. */
export async function getPaymentStatus(parts: Parts, find: PaymentKey): Promise<Result<Payment>> {
  const { payment } = await parts.store.loadPayment({ find, request: null });
  return payment ? accept(payment) : refuseNotFound(find);
}

/** The provider's ids of sessions are shorter. */
const SESSION_ID_MAX = 255;

/** The payment of a checkout session, by the provider's id of the session. */
export async function getPaymentOfSession(parts: Parts, sessionId: string): Promise<Result<Payment>> {
  const known = /^[\w-]+$/.test(sessionId) && sessionId.length <= SESSION_ID_MAX;
  const payment = known ? await parts.store.findBySession(sessionId) : null;
  return payment ? accept(payment) : refuse("PAYMENT_NOT_FOUND", "there is no payment with this checkout session");
}

/** A payment with its refunds and its history. */
export async function getPayment(parts: Parts, paymentId: PaymentId): Promise<Result<PaymentWithHistory>> {
  const found = await parts.reads.findPayment(paymentId);
  return found ? accept(found) : refuseNotFound({ paymentId });
}
