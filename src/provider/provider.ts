// The port to whoever moves the money. Every provider has the same set of calls, and answers with facts.
//
// `done`: it acted; the facts say what happened, and a decline is one of them.
// `refused`: it did not act and never will; the facts say what it knows of the payment instead, and there are none where it knows nothing.
// `unavailable`: it certainly did nothing, and may later.
// `unknown`: nobody can say whether it acted. Never reported as a failure, never repeated under another key.
import type { Fact } from "../domain/fact.ts";
import type { PaymentId } from "../domain/ids.ts";
import type { Money } from "../domain/money.ts";
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
  /** Whether it speaks of real money. */
  readonly live: boolean;
  /** The connected account that it belongs to; null for our own. */
  readonly account: string | null;
  /** Our id of the payment, where the provider echoes it. */
  readonly paymentId: PaymentId | null;
  /** It speaks of a payment that would echo our id if it were ours, and does not. */
  readonly foreign: boolean;
  /** The provider's id of the payment that it speaks of; null where it names none. */
  readonly providerReference: string | null;
  /** The provider's id of the checkout session that it speaks of; null where it names none. */
  readonly sessionId: string | null;
  /** What the provider thinks that the payment owes; null where the message does not say. */
  readonly owed: Money | null;
  /** What it says by itself: enough to see whether it is news, for which the provider is asked. It may lack what people read, such as the card. */
  readonly facts: readonly Fact[];
  /** Its facts do not tell whether it is news: the provider is asked in any case. */
  readonly incomplete: boolean;
}

/** A payment as the provider's own list has it. */
export interface ProviderPayment {
  /** Ours, where the provider echoes it. */
  readonly paymentId: PaymentId | null;
  /** The caller's order, where the provider echoes it. */
  readonly orderId: string | null;
  readonly providerReference: string | null;
  readonly sessionId: string | null;
  readonly owed: Money;
  readonly createdAt: Date;
  /** As `retrieve` tells them. */
  readonly facts: readonly Fact[];
}

/** A span of time; `to` is exclusive. */
export interface TimeRange {
  readonly from: Date;
  readonly to: Date;
}

export type WebhookParse =
  | { readonly ok: true; readonly message: WebhookMessage }
  | { readonly ok: false; readonly problem: "signature" | "body"; readonly description: string };

export interface Provider {
  /** The name that callers choose it by. */
  readonly name: string;
  /** The token that pays when CompletePayment is called without one; null where the provider must be asked instead. */
  readonly defaultPaymentMethod: string | null;
  /** Whether a checkout can be paid by a call as well. Where it cannot, the customer pays on the page alone. */
  readonly confirmsCheckouts: boolean;
  /** Whether it moves real money. */
  readonly live: boolean;
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
  /** Goes through all payments that the provider made within a span of time. Throws when the provider cannot be asked to the end. */
  list(range: TimeRange, signal: AbortSignal): AsyncIterable<ProviderPayment>;
  /** Throws, with a sentence without secrets, when the provider cannot be used: it is away, or refuses our key. */
  check(signal: AbortSignal): Promise<void>;
  /** Verifies a webhook's signature over its raw body, and translates it. `now` bounds the signature's age. */
  parseWebhook(rawBody: Uint8Array, headers: Readonly<Record<string, string | undefined>>, now: Date): WebhookParse;
  /** Translates the body of a webhook whose signature was found good when it came. Null when nothing can be read in it. */
  readWebhook(body: string): WebhookMessage | null;
}
