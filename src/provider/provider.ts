// The port to whoever moves the money. Every provider has the same set of calls, and answers with facts.
//
// `done`: it acted; the facts say what happened, and a decline is one of them.
// `refused`: it did not act and never will; the facts say what it knows of the payment instead, and there are none where it knows nothing.
// `unavailable`: it certainly did nothing, and may later.
// `unknown`: nobody can say whether it acted. Never reported as a failure, never repeated under another key.
import type { Fact } from "../domain/fact.ts";
import type { Operation } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";

export type ProviderAnswer =
  | { readonly outcome: "done"; readonly facts: readonly Fact[] }
  | { readonly outcome: "refused"; readonly code: string; readonly message: string; readonly facts: readonly Fact[] }
  | { readonly outcome: "unavailable"; readonly message: string }
  | { readonly outcome: "unknown"; readonly message: string };

/** What a call works on. The idempotency key of every call is the operation's id. */
export interface ProviderCall {
  readonly payment: Payment;
  readonly operation: Operation;
  /** Aborted when the caller stops waiting; the outcome is then `unknown` unless the call was certainly not sent. */
  readonly signal: AbortSignal;
}

/** A webhook whose signature is good, translated. */
export interface WebhookMessage {
  /** The provider's id of the event: duplicates share it. */
  readonly eventId: string;
  readonly type: string;
  /** The provider's id of the payment that it speaks of; null for events that concern none. */
  readonly providerReference: string | null;
  readonly facts: readonly Fact[];
}

export type WebhookParse =
  | { readonly ok: true; readonly message: WebhookMessage }
  | { readonly ok: false; readonly problem: "signature" | "body"; readonly description: string };

export interface Provider {
  /** The name that callers choose it by. */
  readonly name: string;
  /** The token that pays when CompletePayment is called without one; null where the provider must be asked instead. */
  readonly defaultPaymentMethod: string | null;
  /** Opens a checkout session, or an intent; with `operation.paymentMethod` the intent is confirmed at once. */
  create(call: ProviderCall): Promise<ProviderAnswer>;
  /** Pays an open payment with `operation.paymentMethod`. */
  confirm(call: ProviderCall): Promise<ProviderAnswer>;
  /** Captures `operation.amountMinor` of an authorized payment and releases the rest. */
  capture(call: ProviderCall): Promise<ProviderAnswer>;
  /** Lets go of the payment: expires an open session, cancels an intent. */
  cancel(call: ProviderCall): Promise<ProviderAnswer>;
  /** Gives `operation.amountMinor` back, and marks it with `operation.refundId`. */
  refund(call: ProviderCall): Promise<ProviderAnswer>;
  /** Asks for all that the provider knows of a payment, as facts in the order in which they came about. */
  retrieve(payment: Payment, signal: AbortSignal): Promise<ProviderAnswer>;
  /** Verifies a webhook's signature over its raw body, and translates it. `now` bounds the signature's age. */
  parseWebhook(rawBody: Uint8Array, headers: Readonly<Record<string, string | undefined>>, now: Date): WebhookParse;
}
