// What a customer bought and paid: the payments that name them, and of these the orders that were paid. An order is there from the moment that its
// payment succeeds; it is read from the payment, which is the only truth about it.
import { authorize } from "./access.ts";
import { listPayments } from "./list-payments.ts";
import type { Page, PageRequest } from "./page.ts";
import type { Caller, Parts } from "./parts.ts";
import { refuse, type Result } from "../domain/error.ts";
import { isPaid, PAYMENT_STATUSES, type Payment, type PaymentStatus } from "../domain/payment.ts";

export interface CustomerList {
  readonly customerId: string;
  readonly page: PageRequest;
}

const PAID = PAYMENT_STATUSES.filter(isPaid);

async function listOf(
  parts: Parts,
  caller: Caller,
  { customerId, page }: CustomerList,
  statuses: readonly PaymentStatus[],
): Promise<Result<Page<Payment>>> {
  const allowed = authorize(caller, "list");
  if (!allowed.ok) return allowed;
  // Whether somebody else is a customer at all is not told.
  if (customerId === "" || (caller.role === "customer" && caller.customerId !== customerId))
    return refuse("PAYMENT_NOT_FOUND", "there is no such customer", { metadata: { customerId } });
  const filter = { orderId: null, customerId, statuses, createdFrom: null, createdTo: null };
  return listPayments(parts, caller, { filter, page });
}

/** All payments of a customer, newest first. Refuses a customer who asks for another's with PAYMENT_NOT_FOUND. */
export function listCustomerPayments(parts: Parts, caller: Caller, list: CustomerList): Promise<Result<Page<Payment>>> {
  return listOf(parts, caller, list, []);
}

/** The payments of a customer's paid orders, newest first, whatever was given back since. Refuses as listCustomerPayments does. */
export function listCustomerOrders(parts: Parts, caller: Caller, list: CustomerList): Promise<Result<Page<Payment>>> {
  return listOf(parts, caller, list, PAID);
}
