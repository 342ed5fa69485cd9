// Pages of payments, as AIP-158 has them.
import { hash } from "node:crypto";
import type { PaymentFilter } from "../domain/query.ts";
import { accept, type Result, refuseField } from "../domain/error.ts";
import { parsePaymentId, type PaymentId, printPaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import type { Parts } from "./parts.ts";

const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAX = 500;

export interface Page {
  readonly payments: readonly Payment[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** A token holds for the filters that it was given out with. */
function digest(filter: PaymentFilter): string {
  return hash("sha256", JSON.stringify(filter), "base64url").slice(0, 12);
}

function printToken(filter: PaymentFilter, last: Payment): string {
  return Buffer.from(`${digest(filter)} ${printPaymentId(last.id)}`).toString("base64url");
}

function parseToken(token: string, filter: PaymentFilter): Result<PaymentId | null> {
  if (token === "") return accept(null);
  const [filterDigest, id = ""] = Buffer.from(token, "base64url").toString().split(" ");
  const paymentId = parsePaymentId(id, "page_token");
  if (!paymentId.ok)
    return refuseField(
      "INVALID_ARGUMENT",
      "page_token",
      "is not a token of this service; send the last next_page_token, or none",
    );
  if (filterDigest === digest(filter)) return paymentId;
  return refuseField(
    "INVALID_ARGUMENT",
    "page_token",
    "belongs to other filters; send the filters that it was given out with",
  );
}

/** `pageSize` 0 is the default; above the maximum it is the maximum; below zero it is refused. */
export async function listPayments(
  parts: Parts,
  filter: PaymentFilter,
  page: { readonly pageSize: number; readonly pageToken: string },
): Promise<Result<Page>> {
  if (page.pageSize < 0)
    return refuseField(
      "INVALID_ARGUMENT",
      "page_size",
      `${page.pageSize} is below zero; send 1 to ${PAGE_SIZE_MAX}, or 0 for ${PAGE_SIZE_DEFAULT}`,
    );
  const size = Math.min(page.pageSize || PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX);
  const after = parseToken(page.pageToken, filter);
  if (!after.ok) return after;
  const found = await parts.reads.listPayments(filter, { after: after.value, limit: size + 1 });
  const payments = found.slice(0, size);
  const last = payments.at(-1);
  return accept({ payments, nextPageToken: found.length > size && last ? printToken(filter, last) : "" });
}
