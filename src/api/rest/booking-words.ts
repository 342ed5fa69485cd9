// The booking document's names of things: transactions, refunds, states, methods, times.
import { unreachable } from "../../domain/error.ts";
import { type PaymentId, printRefundId, readPaymentId, type RefundId } from "../../domain/ids.ts";
import { type Payment, type PaymentStatus } from "../../domain/payment.ts";

export const METHODS = ["credit_card", "debit_card", "paypal", "stripe"] as const;
export type Method = (typeof METHODS)[number];

/** Where a payment keeps the document's word for how it was paid. */
export const METHOD_METADATA_KEY = "payment_method";

const TRANSACTION = "TXN-";

/** A transaction is a payment. */
export function printTransactionId(id: PaymentId): string {
  return `${TRANSACTION}${id}`;
}

/** Undefined for what is no id of a transaction of this service. */
export function readTransactionId(text: string): PaymentId | undefined {
  return text.startsWith(TRANSACTION) ? readPaymentId(`payment_${text.slice(TRANSACTION.length)}`) : undefined;
}

export function printRefundTransactionId(id: RefundId): string {
  return printRefundId(id).replace("refund_", "REF-");
}

/** The document prints whole seconds. */
export function printTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** How a payment was paid; one that came through another door was paid with the provider's own form or page. */
export function methodOf(payment: Payment): Method {
  const named = payment.metadata[METHOD_METADATA_KEY];
  return METHODS.find((method) => method === named) ?? "stripe";
}

/** A payment of which a part was given back is still a completed one. */
export function statusOf(status: PaymentStatus): "pending" | "completed" | "failed" | "refunded" {
  switch (status) {
    case "PENDING":
    case "REQUIRES_ACTION":
    case "PROCESSING":
    case "AUTHORIZED":
      return "pending";
    case "SUCCEEDED":
    case "PARTIALLY_REFUNDED":
      return "completed";
    case "REFUNDED":
      return "refunded";
    case "FAILED":
    case "CANCELED":
    case "EXPIRED":
      return "failed";
    default:
      return unreachable(status);
  }
}
