// A decline is an answer to the use cases: the payment says so. To a client of plain HTTP, who reads the status first, it is a refusal.
import { type Refusal, refusal } from "../../domain/error.ts";
import { printPaymentId } from "../../domain/ids.ts";
import { isPaid, type Payment } from "../../domain/payment.ts";

/** Why a payment that was to be paid by a call is not; null when it is paid, held, or on its way (PROCESSING). */
export function declineOf(payment: Payment): Refusal | null {
  const { status, failure } = payment;
  if (isPaid(status) || status === "AUTHORIZED" || status === "PROCESSING") return null;
  const metadata = { paymentId: printPaymentId(payment.id), orderId: payment.orderId, status };
  if (status === "REQUIRES_ACTION") {
    const message = "The customer must authenticate the payment; complete it again when that is done.";
    return refusal("AUTHENTICATION_REQUIRED", message, { metadata, outcome: "NOT_ATTEMPTED" });
  }
  if (failure && (status === "PENDING" || status === "FAILED")) {
    return refusal(failure.reason, failure.message, { metadata: { ...metadata, code: failure.code } });
  }
  return refusal("PAYMENT_NOT_PAID", `the payment is ${status}`, { metadata });
}
