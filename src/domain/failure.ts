// What a provider's decline means to a caller. The table is Stripe's list of decline codes, which the mock gateway shares.
import type { Reason } from "./error.ts";

export interface Failure {
  readonly reason: Reason;
  /** The provider's own code, verbatim, save for codes that must be withheld from the customer. */
  readonly code: string;
  /** A sentence that may be shown to a person. */
  readonly message: string;
}

const REASON_BY_CODE: Readonly<Record<string, Reason>> = {
  insufficient_funds: "INSUFFICIENT_FUNDS",
  expired_card: "CARD_EXPIRED",
  incorrect_cvc: "INVALID_CARD",
  incorrect_number: "INVALID_CARD",
  invalid_number: "INVALID_CARD",
  invalid_cvc: "INVALID_CARD",
  invalid_expiry_month: "INVALID_CARD",
  invalid_expiry_year: "INVALID_CARD",
  authentication_required: "AUTHENTICATION_REQUIRED",
  payment_intent_authentication_failure: "AUTHENTICATION_REQUIRED",
  processing_error: "PROCESSING_ERROR",
};

/** Codes that would tell a thief that the card is known to be stolen (Stripe, decline codes: "do not report"). */
const WITHHELD = new Set([
  "lost_card",
  "stolen_card",
  "fraudulent",
  "pickup_card",
  "restricted_card",
  "merchant_blacklist",
]);

/** Translates a decline. Unknown codes are kept verbatim and mean CARD_DECLINED. */
export function translateDecline(code: string, message: string): Failure {
  if (WITHHELD.has(code))
    return { reason: "CARD_DECLINED", code: "generic_decline", message: "Your card was declined." };
  return { reason: REASON_BY_CODE[code] ?? "CARD_DECLINED", code, message };
}
