// A fact is something that a provider said, by answer, by webhook or by query. Facts move payments; calls do not. The same fact may be
// told any number of times and in any order.
import type { DisputeStatus } from "./dispute.ts";
import type { Failure } from "./failure.ts";
import type { RefundId } from "./ids.ts";
import type { Money } from "./money.ts";
import type { RefundStatus } from "./refund.ts";

/** The provider holds an object for the payment. */
export interface OpenedFact {
  readonly kind: "opened";
  readonly providerReference: string | null;
  readonly checkout: { readonly sessionId: string; readonly url: string; readonly expiresAt: Date } | null;
  /** What the provider's form needs in the browser; told to the caller, never stored in the payment. */
  readonly clientSecret: string | null;
}

export interface PaidFact {
  /** `authorized`: held. `captured`: taken. */
  readonly kind: "authorized" | "captured";
  /** What is held, or what was taken. */
  readonly amount: Money;
  readonly providerReference: string;
  readonly chargeReference: string;
  /** For people to read, such as `visa ending 4242`. */
  readonly paymentMethod: string;
}

export interface DeclinedFact {
  readonly kind: "declined";
  /** The provider's id of the attempt, such as its charge; one decline is counted once. */
  readonly attemptReference: string;
  readonly failure: Failure;
  readonly paymentMethod: string | null;
}

export interface RefundFact {
  readonly kind: "refund";
  /** Ours, where the provider echoes it. */
  readonly refundId: RefundId | null;
  readonly providerReference: string;
  readonly status: RefundStatus;
  readonly amount: Money;
  readonly failure: Failure | null;
}

export interface DisputeFact {
  readonly kind: "dispute";
  readonly providerReference: string;
  readonly status: DisputeStatus;
  readonly amount: Money;
  /** The provider's word for why, such as `fraudulent`. */
  readonly reason: string;
}

/**
 * What the books should have said, found by comparing them with the provider's. It is told by reconciliation alone, of a payment as it stood at a
 * version: once the payment has moved on, it says nothing.
 */
export interface CorrectedFact {
  readonly kind: "corrected";
  readonly version: number;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly refundPendingMinor: bigint;
  /** Refunds that the amounts count already, and whose rows are gone. */
  readonly restored: readonly RefundFact[];
}

export type Fact =
  | OpenedFact
  | { readonly kind: "requires_action" }
  | { readonly kind: "processing" }
  | PaidFact
  | DeclinedFact
  /** The provider let go of the payment without taking money. */
  | { readonly kind: "canceled"; readonly reason: string }
  /** The time to pay, or to capture, ran out. */
  | { readonly kind: "expired" }
  /** The provider refused to open the payment at all, so there is nothing of it there. */
  | { readonly kind: "rejected"; readonly failure: Failure }
  | RefundFact
  | DisputeFact
  | CorrectedFact;
