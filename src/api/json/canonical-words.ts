// How document 000 names things: fields in camelCase, money as one number beside one currency.
import type { PaymentStatus } from "../../domain/payment.ts";
import { toCamelCase } from "./rename-fields.ts";

/** `items[0].unit_price.minor` → `items[0].price`, `amount.minor` → `amount`, `amount.currency` → `currency`, `create_time_to` → `createdTo`. */
export function renameField(field: string): string {
  return toCamelCase(field)
    .replace(/\.minor$/, "")
    .replace(/^(amount|items\[\d+\]\.unitPrice)\.currency$/, "currency")
    .replace(/\.unitPrice$/, ".price")
    .replace(/^createTime(From|To)$/, "created$1");
}

/** A payment's status as document 000 has it: a paid one is `completed`. */
export const STATUS_WORDS = {
  PENDING: "pending",
  REQUIRES_ACTION: "requires_action",
  PROCESSING: "processing",
  AUTHORIZED: "authorized",
  SUCCEEDED: "completed",
  PARTIALLY_REFUNDED: "partially_refunded",
  REFUNDED: "refunded",
  FAILED: "failed",
  CANCELED: "cancelled",
  EXPIRED: "expired",
} as const satisfies Record<PaymentStatus, string>;
