// Lines of the first release, in today's form: what they lack is filled in.
import type { JournalEntry } from "./journal.ts";
import type { Charge, CheckoutSession, GatewayError, Life, PaymentIntent } from "./objects.ts";

/** Gives a line as it is now written. */
export function completeEntry(entry: JournalEntry): JournalEntry {
  // The first thing that the first release did not have.
  if ((entry.life as Partial<Life>).disputes !== undefined) return entry;
  const { life, error } = entry;
  const completed: Life = {
    ...life,
    intent: completeIntent(life.intent),
    session: life.session && completeSession(life.session),
    charges: life.charges.map(completeCharge),
    disputes: [],
  };
  return { ...entry, life: completed, error: error && completeError(error) };
}

function completeIntent(intent: PaymentIntent): PaymentIntent {
  return { ...intent, description: null, receipt_email: null };
}

function completeSession(session: CheckoutSession): CheckoutSession {
  return { ...session, line_items: [], description: null, customer_email: null, client_reference_id: null };
}

function completeCharge(charge: Charge): Charge {
  const { card } = charge.payment_method_details;
  return {
    ...charge,
    disputed: false,
    failure_error: charge.failure_code && errorOf(charge.failure_code),
    payment_method_details: { card: { ...card, three_d_secure: null } },
  };
}

/** The error's code to a failed charge's, which is the same where the issuer gave no finer one. */
function errorOf(failureCode: string): string {
  if (failureCode === "authentication_required") return "payment_intent_authentication_failure";
  return OWN_CODES.includes(failureCode) ? failureCode : "card_declined";
}

const OWN_CODES: readonly string[] = ["expired_card", "incorrect_cvc", "incorrect_number", "processing_error"];

function completeError(error: GatewayError): GatewayError {
  return { ...error, param: null, charge: null };
}
