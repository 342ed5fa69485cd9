// The confirmation of a payment by a call: what the storefront and the ledger both have.
import { completePayment, type CompletePaymentInput } from "../../app/complete-payment.ts";
import { getPaymentStatus } from "../../app/get-payment.ts";
import type { Parts } from "../../app/parts.ts";
import { accept, type Refusal, type Result } from "../../domain/error.ts";
import type { Payment } from "../../domain/payment.ts";
import type { RestCall } from "./dialect.ts";

/** The provider had the money before it was asked to confirm, and that was news: the customer has come back from the bank's page, say. */
function isFoundPaid({ reason, metadata }: Refusal): boolean {
  return reason === "PAYMENT_ALREADY_COMPLETED" && metadata["providerCode"] !== undefined;
}

/** The payment as the confirmation left it, or as it found it paid. */
export async function confirmPayment(
  parts: Parts,
  { caller }: RestCall,
  input: CompletePaymentInput,
): Promise<Result<Payment>> {
  const completed = await completePayment(parts, caller, input);
  if (completed.ok) return accept(completed.value.payment);
  return isFoundPaid(completed.error) ? getPaymentStatus(parts, caller, input.find) : completed;
}
