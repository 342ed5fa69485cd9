// A payment method comes as a token, which a form of the provider's made. A card's number in its place is refused before anything keeps it.
import { refuseField, type Result } from "../../domain/error.ts";
import { type Fields, readTextOrNull } from "../json/fields.ts";

const CARD_NUMBER = /^[\d -]{12,25}$/;

/** Null when absent. */
export function readCardToken(fields: Fields, key: string): Result<string | null> {
  const text = readTextOrNull(fields, key);
  if (!text.ok || text.value === null || !CARD_NUMBER.test(text.value)) return text;
  return refuseField(
    "INVALID_ARGUMENT",
    `${fields.path}${key}`,
    "looks like a card number, which is not taken here; send the token that the provider's form makes of it, such as pm_card_visa",
  );
}
