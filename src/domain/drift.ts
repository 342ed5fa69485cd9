// Drift: a difference between our books and a provider's, told for people, with what can be done about it.
//
// MISSING_AT_PROVIDER: a payment of ours of which the provider has no trace.
// MISSING_HERE: a payment that the provider holds for us, and that has no row here.
// STATUS_DIFFERS: the payment, or a settled refund of it, has come further at one side than at the other.
// AMOUNT_DIFFERS: what is owed, captured or given back is another amount.
// REFUND_MISSING_HERE: the provider gave money back, and there is no row of it.
// REFUND_MISSING_AT_PROVIDER: a refund of ours that the provider never made.
// DISPUTE_UNSEEN: a dispute, or its end, that was not heard of.
// STUCK_IN_FLIGHT: an operation, or a refund, that should have been settled and was not.
// REFERENCE_DIFFERS: the provider's payment for ours is not the one that is recorded, or none is recorded.
import type { PaymentId } from "./ids.ts";
import { type Money, printDecimal } from "./money.ts";

export const DRIFT_KINDS = [
  "MISSING_AT_PROVIDER",
  "MISSING_HERE",
  "STATUS_DIFFERS",
  "AMOUNT_DIFFERS",
  "REFUND_MISSING_HERE",
  "REFUND_MISSING_AT_PROVIDER",
  "DISPUTE_UNSEEN",
  "STUCK_IN_FLIGHT",
  "REFERENCE_DIFFERS",
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** `apply`: facts put it right. `person`: nothing that the provider says does, and somebody has to look. */
export type Remedy = { readonly by: "apply" } | { readonly by: "person"; readonly why: string };

export interface Drift {
  readonly kind: DriftKind;
  readonly provider: string;
  readonly paymentId: PaymentId | null;
  readonly providerReference: string | null;
  /** How it is recorded here, and there, in a few words. */
  readonly ours: string;
  readonly theirs: string;
  readonly remedy: Remedy;
}

export const APPLY: Remedy = { by: "apply" };

export function forPerson(why: string): Remedy {
  return { by: "person", why };
}

export function printMoney(amount: Money): string {
  return `${printDecimal(amount)} ${amount.currency}`;
}
