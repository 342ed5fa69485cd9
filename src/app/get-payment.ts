import type { PaymentKey, PaymentWithHistory } from "../domain/query.ts";
import { accept, type Result } from "../domain/error.ts";
import type { PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import { refuseNotFound } from "./change-payment.ts";
import type { Parts } from "./parts.ts";

/** A payment as it stands, by its id or as the newest of its order: one index look-up. */
export async function getPaymentStatus(parts: Parts, find: PaymentKey): Promise<Result<Payment>> {
  const { payment } = await parts.store.loadPayment({ find, request: null });
  return payment ? accept(payment) : refuseNotFound(find);
}

/** A payment with its refunds and its history. */
export async function getPayment(parts: Parts, paymentId: PaymentId): Promise<Result<PaymentWithHistory>> {
  const found = await parts.reads.findPayment(paymentId);
  return found ? accept(found) : refuseNotFound({ paymentId });
}
