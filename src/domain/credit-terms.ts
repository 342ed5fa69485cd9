// What a payment with credits must say when it is created, and what no other payment may say.
//
// Credits belong to a customer, are counted in whole ones (CREDITS, which is no currency), and are paid by a call: there is no page for them.
import { CREDITS } from "./currency.ts";
import { accept, type Result, refuseField } from "./error.ts";
import type { PaymentMode } from "./payment.ts";

/** The provider that takes credits. */
export const CREDITS_PROVIDER = "credits";
/** The token that pays with the customer's credits. */
export const CREDITS_METHOD = "credits";

interface CreditTerms {
  readonly provider: string;
  readonly mode: PaymentMode;
  readonly customerId: string | null;
  /** Null where the order says it. */
  readonly currency: string | null;
}

/** Refuses with INVALID_ARGUMENT, naming mode or customer_id, and with UNSUPPORTED_CURRENCY, for other providers as well. */
export function checkCreditTerms({ provider, mode, customerId, currency }: CreditTerms): Result<null> {
  const field = "amount.currency";
  if (provider !== CREDITS_PROVIDER) {
    if (currency !== CREDITS) return accept(null);
    return refuseField("UNSUPPORTED_CURRENCY", field, `${CREDITS} counts credits; send it with the provider credits`);
  }
  if (mode !== "INTENT")
    return refuseField("INVALID_ARGUMENT", "mode", "a payment with credits has no hosted page; send INTENT");
  if (customerId === null)
    return refuseField("INVALID_ARGUMENT", "customer_id", "is missing; send the customer whose credits pay");
  if (currency === null || currency === CREDITS) return accept(null);
  return refuseField("UNSUPPORTED_CURRENCY", field, `is ${currency}; credits are counted in ${CREDITS}, in whole ones`);
}
