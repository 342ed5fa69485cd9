// The gateway's objects, in Stripe's words and with Stripe's field names. Amounts are bigint, in the unit in which they were sent;
// currencies are lower case; times are Unix seconds. An object is never changed: a change makes a new one.
//
// A life is everything that belongs to one payment: its intent, the checkout session that the intent may come from, its charges (one
// for each attempt, declined ones included), its refunds and its disputes. All ids of a life share one base, so that any of them leads to it.
import { randomUUID } from "node:crypto";

export type Metadata = Readonly<Record<string, string>>;
export type CaptureMethod = "automatic" | "manual";
/** `automatic` is the clock's own. */
export type CancellationReason = "abandoned" | "automatic" | "duplicate" | "fraudulent" | "requested_by_customer";
export type RefundReason = "duplicate" | "fraudulent" | "requested_by_customer";

export interface PaymentIntent {
  readonly id: string;
  readonly object: "payment_intent";
  readonly amount: bigint;
  readonly amount_capturable: bigint;
  readonly amount_received: bigint;
  readonly currency: string;
  readonly status:
    | "requires_payment_method"
    | "requires_confirmation"
    | "requires_action"
    | "requires_capture"
    | "succeeded"
    | "canceled";
  readonly capture_method: CaptureMethod;
  readonly client_secret: string;
  readonly created: number;
  readonly payment_method: string | null;
  readonly latest_charge: string | null;
  readonly canceled_at: number | null;
  readonly cancellation_reason: CancellationReason | null;
  readonly description: string | null;
  readonly receipt_email: string | null;
  readonly metadata: Metadata;
  /** What a face keeps for its own answers; the rules do not look at it. */
  readonly details?: Readonly<Record<string, string>>;
}

/** What a session's page shows of what is bought. */
export interface LineItem {
  readonly name: string;
  readonly description: string | null;
  readonly quantity: number;
  readonly amount_unit: bigint;
  readonly amount_total: bigint;
}

export interface CheckoutSession {
  readonly id: string;
  readonly object: "checkout.session";
  readonly status: "open" | "complete" | "expired";
  readonly payment_status: "unpaid" | "paid";
  readonly amount_total: bigint;
  readonly currency: string;
  readonly payment_intent: string;
  readonly created: number;
  readonly expires_at: number;
  readonly success_url: string | null;
  readonly cancel_url: string | null;
  /** Empty where its maker named a sum alone. */
  readonly line_items: readonly LineItem[];
  /** What the page calls the purchase; null for the names of the line items. */
  readonly description: string | null;
  readonly customer_email: string | null;
  readonly client_reference_id: string | null;
  readonly metadata: Metadata;
}

export interface Charge {
  readonly id: string;
  readonly object: "charge";
  readonly status: "succeeded" | "failed";
  readonly captured: boolean;
  readonly amount: bigint;
  readonly amount_captured: bigint;
  /** What was given back or is under way to be. */
  readonly amount_refunded: bigint;
  readonly currency: string;
  readonly payment_intent: string;
  readonly payment_method: string;
  readonly payment_method_details: {
    readonly card: {
      readonly brand: string;
      readonly last4: string;
      /** The cardholder's answer to the challenge; null where there was none. */
      readonly three_d_secure: { readonly result: "authenticated" | "failed" } | null;
    };
  };
  /** A bank asked for the money back, or asked about it, whatever came of it. */
  readonly disputed: boolean;
  /** The decline code where the issuer gave one, else the error's code. */
  readonly failure_code: string | null;
  /** The error's code. */
  readonly failure_error: string | null;
  readonly failure_message: string | null;
  readonly created: number;
}

export interface Refund {
  readonly id: string;
  readonly object: "refund";
  readonly status: "pending" | "succeeded" | "failed";
  readonly amount: bigint;
  readonly currency: string;
  readonly charge: string;
  readonly payment_intent: string;
  readonly reason: RefundReason | null;
  readonly failure_reason: string | null;
  readonly created: number;
  readonly metadata: Metadata;
}

/** An inquiry has the three that begin with "warning"; all others are of a dispute, which takes the money away until it is won. */
export type DisputeStatus =
  | "warning_needs_response"
  | "warning_under_review"
  | "warning_closed"
  | "needs_response"
  | "under_review"
  | "won"
  | "lost";

export interface Dispute {
  readonly id: string;
  readonly object: "dispute";
  readonly status: DisputeStatus;
  readonly amount: bigint;
  readonly currency: string;
  readonly charge: string;
  readonly payment_intent: string;
  readonly reason: string;
  readonly payment_method_details: {
    readonly type: "card";
    readonly card: {
      readonly brand: string;
      readonly case_type: "chargeback" | "inquiry";
      readonly network_reason_code: string;
    };
  };
  /** The fields of Stripe's evidence that were given. */
  readonly evidence: Readonly<Record<string, string>>;
  readonly evidence_details: {
    readonly due_by: number | null;
    readonly has_evidence: boolean;
    readonly past_due: boolean;
    readonly submission_count: number;
  };
  readonly is_charge_refundable: boolean;
  readonly livemode: false;
  readonly created: number;
  readonly metadata: Metadata;
}

/** A test card as a payment carries it. It needs no memory: its id says it all. */
export interface PaymentMethod {
  readonly id: string;
  readonly object: "payment_method";
  readonly type: "card";
  readonly card: {
    readonly brand: string;
    readonly last4: string;
    readonly exp_month: number;
    readonly exp_year: number;
    readonly funding: "credit" | "debit" | "prepaid";
    readonly country: string;
  };
  readonly livemode: false;
  readonly created: number;
}

export interface Life {
  readonly intent: PaymentIntent;
  readonly session: CheckoutSession | null;
  readonly charges: readonly Charge[];
  readonly refunds: readonly Refund[];
  readonly disputes: readonly Dispute[];
  /** Counts the changes; the ids of events come from it. */
  readonly changes: number;
}

export interface GatewayError {
  /** The HTTP status that Stripe gives it. */
  readonly status: number;
  readonly type: "card_error" | "invalid_request_error" | "idempotency_error" | "api_error";
  readonly code: string | null;
  readonly decline_code: string | null;
  readonly message: string;
  /** The parameter at fault, where there is one. */
  readonly param: string | null;
  /** The charge that was declined. */
  readonly charge: string | null;
}

const BASE_LENGTH = 24;
const TIME_LENGTH = 9;

/** Makes the part that all ids of a life share. It begins with the time in milliseconds, so that lives sort by their age. */
export function mintBase(now: Date): string {
  const random = randomUUID();
  const time = now.getTime().toString(36).padStart(TIME_LENGTH, "0");
  return `${time}${random.slice(24)}${random.slice(10, 13)}`;
}

/** The base of any id of a life; of anything else, something that leads nowhere. */
export function baseOf(id: string): string {
  const start = id.lastIndexOf("_") + 1;
  return id.slice(start, start + BASE_LENGTH);
}

/** When a base was made, in milliseconds. */
export function timeOfBase(base: string): number {
  return Number.parseInt(base.slice(0, TIME_LENGTH), 36);
}

export function unixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
