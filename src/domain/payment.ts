// A payment is what a customer owes for an order.
//
// It starts PENDING. The customer may have to act (REQUIRES_ACTION), the provider may take its time (PROCESSING), the money may be
// held first (AUTHORIZED) and is then captured (SUCCEEDED), and may be given back in parts (PARTIALLY_REFUNDED) or whole
// (REFUNDED). A refund that fails later takes a step back. FAILED, CANCELED and EXPIRED are final. Money that arrives after that
// is a late payment: the status stays, the captured amount is recorded, and the money goes back by a refund.
//
// A dispute is told beside the status, and moves it not.
//
// Only a fact, something that a provider said, moves a payment; see decide-fact.ts. TRANSITIONS is the law for all of them.
import type { DisputeStatus } from "./dispute.ts";
import type { Failure } from "./failure.ts";
import type { OperationId, PaymentId } from "./ids.ts";
import type { Money } from "./money.ts";

export const PAYMENT_STATUSES = [
  "PENDING",
  "REQUIRES_ACTION",
  "PROCESSING",
  "AUTHORIZED",
  "SUCCEEDED",
  "PARTIALLY_REFUNDED",
  "REFUNDED",
  "FAILED",
  "CANCELED",
  "EXPIRED",
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export const TRANSITIONS: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  PENDING: ["REQUIRES_ACTION", "PROCESSING", "AUTHORIZED", "SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"],
  REQUIRES_ACTION: ["PENDING", "PROCESSING", "AUTHORIZED", "SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"],
  PROCESSING: ["SUCCEEDED", "FAILED"],
  AUTHORIZED: ["SUCCEEDED", "CANCELED", "EXPIRED"],
  SUCCEEDED: ["PARTIALLY_REFUNDED", "REFUNDED"],
  PARTIALLY_REFUNDED: ["REFUNDED", "SUCCEEDED"],
  REFUNDED: ["PARTIALLY_REFUNDED", "SUCCEEDED"],
  FAILED: [],
  CANCELED: [],
  EXPIRED: [],
};

export type PaymentMode = "CHECKOUT" | "INTENT";
export type CaptureMethod = "AUTOMATIC" | "MANUAL";

export interface LineItem {
  readonly name: string;
  readonly unitPrice: Money;
  readonly quantity: number;
  /** The caller's own notes on the line, such as its id of the article; absent when there are none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What the caller decided when the payment was created; it never changes. */
export interface PaymentTerms {
  readonly id: PaymentId;
  /** Who created it: the scope of ownership and of request ids. */
  readonly principal: string;
  readonly orderId: string;
  readonly customerId: string | null;
  readonly customerEmail: string | null;
  readonly mode: PaymentMode;
  readonly captureMethod: CaptureMethod;
  readonly provider: string;
  readonly amount: Money;
  readonly items: readonly LineItem[];
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly successUrl: string | null;
  readonly cancelUrl: string | null;
  /** How many declined attempts end the payment. */
  readonly attemptsMax: number;
  /** Lets a browser read this one payment. */
  readonly clientToken: string;
  readonly createdAt: Date;
}

/** What the provider named, and how far the payment has come. Amounts are in the currency of `amount`. */
export interface PaymentProgress {
  readonly status: PaymentStatus;
  /** The provider's own id of the payment; null until it named one. */
  readonly providerReference: string | null;
  readonly sessionId: string | null;
  readonly checkoutUrl: string | null;
  readonly chargeReference: string | null;
  readonly paymentMethod: string | null;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  /** Reserved by refunds that are not settled. refunded + pending ≤ captured, always. */
  readonly refundPendingMinor: bigint;
  /** The provider's ids of the attempts that it declined, so that one decline is counted once however often it is told. */
  readonly declinedAttempts: readonly string[];
  readonly failure: Failure | null;
  readonly cancelReason: string | null;
  /** Where the latest dispute stands; null when there was none. */
  readonly disputeStatus: DisputeStatus | null;
  /** The operation under way that may move this payment; refunds, of which several may run, are not counted. */
  readonly activeOperationId: OperationId | null;
  /** Counts the changes, which are the events, from 1 without gap. */
  readonly version: number;
  /** Counts every write to the row; a write is refused when another came between its decision and itself. */
  readonly revision: number;
  readonly updatedAt: Date;
  /** When an unpaid checkout ends. */
  readonly expiresAt: Date | null;
  readonly capturedAt: Date | null;
  readonly canceledAt: Date | null;
}

export interface Payment extends PaymentTerms, PaymentProgress {}

/** Open: the customer may still pay. */
export function isOpen(status: PaymentStatus): boolean {
  return status === "PENDING" || status === "REQUIRES_ACTION";
}

/** Final without money kept; another payment may take its place for the order. */
export function isClosed(status: PaymentStatus): boolean {
  return status === "FAILED" || status === "CANCELED" || status === "EXPIRED";
}

/** Captured, whatever was given back since. */
export function isPaid(status: PaymentStatus): boolean {
  return status === "SUCCEEDED" || status === "PARTIALLY_REFUNDED" || status === "REFUNDED";
}

/** Money came late, for a payment that is closed, and waits for somebody to give it back. */
export function isHeldLate(payment: Payment): boolean {
  return isClosed(payment.status) && refundableMinor(payment) > 0n;
}

/** What can still be given back, in minor units. */
export function refundableMinor(payment: Payment): bigint {
  return payment.capturedMinor - payment.refundedMinor - payment.refundPendingMinor;
}

/** The status of a payment of which so much was given back. */
export function statusAfterRefunds(payment: Payment, refundedMinor: bigint): PaymentStatus {
  if (!isPaid(payment.status)) return payment.status;
  if (refundedMinor === 0n) return "SUCCEEDED";
  return refundedMinor === payment.capturedMinor ? "REFUNDED" : "PARTIALLY_REFUNDED";
}
