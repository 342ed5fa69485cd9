import type { PaymentFilter } from "../domain/query.ts";
import type { Result } from "../domain/error.ts";
import { printPaymentId, readPaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import { authorize } from "./access.ts";
import { observed } from "./audit.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";
import type { Caller, Parts } from "./parts.ts";

/** Null: none. */
function ofCustomer({ customerId }: Caller, filter: PaymentFilter): PaymentFilter | null {
  if (!customerId || (filter.customerId ?? customerId) !== customerId) return null;
  return { ...filter, customerId };
}

export interface ListPaymentsInput {
  readonly filter: PaymentFilter;
  readonly page: PageRequest;
}

/** Payments, newest first. Customers have their own; for somebody else's the list is empty, as for a customer that nobody knows. */
export function listPayments(parts: Parts, caller: Caller, input: ListPaymentsInput): Promise<Result<Page<Payment>>> {
  return observed(parts, "list", () => list(parts, caller, input));
}

async function list(parts: Parts, caller: Caller, input: ListPaymentsInput): Promise<Result<Page<Payment>>> {
  const allowed = authorize(caller, "list");
  if (!allowed.ok) return allowed;
  const filter = caller.role === "customer" ? ofCustomer(caller, input.filter) : input.filter;
  return readPage(input.page, {
    filter,
    printPlace: (payment) => printPaymentId(payment.id),
    parsePlace: readPaymentId,
    read: (bounds) => (filter ? parts.reads.listPayments(filter, bounds) : Promise.resolve([])),
  });
}
