// The currency of a payment, for doors whose callers name an amount without one.
import { accept, type Result } from "../domain/error.ts";
import type { PaymentKey } from "../domain/query.ts";
import { type Action, authorize, maySee } from "./access.ts";
import { refuseNotFound } from "./change-payment.ts";
import type { Caller, Parts } from "./parts.ts";

/** Refuses whoever may not do what the amount is for, as that itself would. */
export async function getPaymentCurrency(
  parts: Parts,
  caller: Caller,
  { find, action }: { readonly find: PaymentKey; readonly action: Action },
): Promise<Result<string>> {
  const allowed = authorize(caller, action);
  if (!allowed.ok) return allowed;
  const { payment } = await parts.store.loadPayment({ find, request: null });
  return payment && maySee(caller, payment) ? accept(payment.amount.currency) : refuseNotFound(find);
}
