// How much of a payment the storefront wants given back.
import { accept, refuseField, type Result } from "../../domain/error.ts";
import { type Fields, readMinor } from "../json/fields.ts";

function readMinorOrNull(fields: Fields, key: string): Result<bigint | null> {
  const value = Object.hasOwn(fields.values, key) ? fields.values[key] : null;
  return value === null || value === undefined ? accept(null) : readMinor(fields, key);
}

/** In cents, as `amount_cents` or as `amount`; null: all that is left. */
export function readRefundAmount(fields: Fields): Result<bigint | null> {
  const cents = readMinorOrNull(fields, "amount_cents");
  if (!cents.ok) return cents;
  const amount = readMinorOrNull(fields, "amount");
  if (!amount.ok) return amount;
  if (cents.value !== null && amount.value !== null && cents.value !== amount.value)
    return refuseField(
      "INVALID_AMOUNT",
      "amount",
      `is ${amount.value}, but amount_cents is ${cents.value}; send one of them`,
    );
  return accept(cents.value ?? amount.value);
}
