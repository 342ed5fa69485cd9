import type { PaymentKey, PaymentWithHistory } from "../domain/query.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import type { PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import { authorizeRead, maySee } from "./access.ts";
import { observed } from "./audit.ts";
import { refuseNotFound } from "./change-payment.ts";
import type { Caller, Parts } from "./parts.ts";

/** A payment as it stands, by its id or as the newest of its order: one index look-up. */
export function getPaymentStatus(parts: Parts, caller: Caller, find: PaymentKey): Promise<Result<Payment>> {
  return observed(parts, "read", () => readStatus(parts, caller, find));
}

async function readStatus(parts: Parts, caller: Caller, find: PaymentKey): Promise<Result<Payment>> {
  const allowed = authorizeRead(caller, find);
  if (!allowed.ok) return allowed;
  const { payment } = await parts.store.loadPayment({ find, request: null });
  return payment && maySee(caller, payment) ? accept(payment) : refuseNotFound(find);
}

/** The provider's ids of sessions are shorter. */
const SESSION_ID_MAX = 255;

/**
 * The payment of a checkout session, by the provider's id of the session. Nobody is asked who they are: the id cannot be guessed, and whoever calls
 * this shows no more than its holder may know.
 */
export async function getPaymentOfSession(parts: Parts, sessionId: string): Promise<Result<Payment>> {
  const known = /^[\w-]+$/.test(sessionId) && sessionId.length <= SESSION_ID_MAX;
  const payment = known ? await parts.store.findBySession(sessionId) : null;
  return payment ? accept(payment) : refuse("PAYMENT_NOT_FOUND", "there is no payment with this checkout session");
}

/** A payment with its refunds and its history. */
export function getPayment(parts: Parts, caller: Caller, paymentId: PaymentId): Promise<Result<PaymentWithHistory>> {
  return observed(parts, "read", () => readPayment(parts, caller, paymentId));
}

async function readPayment(parts: Parts, caller: Caller, paymentId: PaymentId): Promise<Result<PaymentWithHistory>> {
  const allowed = authorizeRead(caller, { paymentId });
  if (!allowed.ok) return allowed;
  const found = await parts.reads.findPayment(paymentId);
  return found && maySee(caller, found.payment) ? accept(found) : refuseNotFound({ paymentId });
}
