import type { PaymentFilter } from "../domain/query.ts";
import type { Result } from "../domain/error.ts";
import { printPaymentId, readPaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";
import type { Parts } from "./parts.ts";

/** Payments, newest first. */
export async function listPayments(
  parts: Parts,
  filter: PaymentFilter,
  page: PageRequest,
): Promise<Result<Page<Payment>>> {
  return readPage(page, {
    filter,
    printPlace: (payment) => printPaymentId(payment.id),
    parsePlace: readPaymentId,
    read: (bounds) => parts.reads.listPayments(filter, bounds),
  });
}
