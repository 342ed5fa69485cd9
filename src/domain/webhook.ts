// What became of a message that a provider sent.
//
// RECEIVED: stored, and not acted on yet; it is taken up again and again. APPLIED: it moved its payment. INERT: it moved nothing, since it is
// of another system, was told before, or says nothing of payments. PARKED: its payment is not there, perhaps not yet; it is tried again for
// a while, and can be replayed. QUARANTINED: authentic, and wrong for its payment; nobody applies it without a person.
import type { PaymentId } from "./ids.ts";

export const WEBHOOK_STATES = ["RECEIVED", "APPLIED", "INERT", "PARKED", "QUARANTINED"] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

export interface WebhookKey {
  readonly provider: string;
  /** The provider's id of the event. */
  readonly eventId: string;
}

export interface WebhookEvent extends WebhookKey {
  readonly type: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly state: WebhookState;
  readonly note: string | null;
  readonly paymentId: PaymentId | null;
  readonly attempts: number;
  /** Null once nothing more is tried by itself. */
  readonly nextAttemptAt: Date | null;
  readonly receivedAt: Date;
  readonly updatedAt: Date;
}

export interface WebhookFilter {
  /** Null: all providers. */
  readonly provider: string | null;
  /** Empty: all. */
  readonly states: readonly WebhookState[];
  readonly type: string | null;
  readonly receivedFrom: Date | null;
  /** Exclusive. */
  readonly receivedTo: Date | null;
}

/** A stored event without what was sent. */
export type WebhookSummary = Omit<WebhookEvent, "body" | "headers">;
