// From Stripe's objects to facts. A step that the objects only show in passing (the cardholder was asked, the money was held first) is told before
// the one that it led to, so that a history told late is the history told as it happened.
import type { DeclinedFact, DisputeFact, Fact, OpenedFact, PaidFact, RefundFact } from "../../domain/fact.ts";
import type { FailedAttempt, StripeCharge, StripeIntent, StripeSession } from "./objects.ts";
import { BodyProblem } from "./read.ts";

/** Everything that belongs to one payment; lists are oldest first. */
export interface StripeLife {
  readonly intent: StripeIntent | null;
  readonly session: StripeSession | null;
  readonly charges: readonly StripeCharge[];
  readonly refunds: readonly RefundFact[];
  readonly disputes: readonly DisputeFact[];
}

/** The charge that paid, as far as facts tell of it. */
type PaidCharge = Pick<StripeCharge, "id" | "amount" | "paymentMethod">;

const ASKED: Fact = { kind: "requires_action" };

/** Cancellation reasons of an intent that nobody asked to cancel: its time ran out. */
const RAN_OUT = ["automatic", "expired"];

/** Everything that is known of a payment, in the order in which it came about. `now` tells whether an ended session ended early. */
export function historyOf(life: StripeLife, now: Date): Fact[] {
  const { intent, charges } = life;
  if (intent?.status === "succeeded" && !charges.some((charge) => charge.status === "succeeded"))
    throw new BodyProblem("the payment succeeded, and its charge is not there");
  return [
    openedFact(life),
    ...(intent === null ? [] : charges.flatMap((charge) => attemptFacts(intent, charge))),
    ...(intent === null ? [] : failureWithoutCharge(intent)),
    ...standFacts(life, now),
    ...refundsMade(life),
    ...life.disputes,
  ];
}

/** How a payment stands after the latest thing that happened to it, refunds and disputes aside. */
export function currentFacts(life: StripeLife, now: Date): Fact[] {
  const { intent, charges } = life;
  if (intent === null) return standFacts(life, now);
  const charge = charges.find((each) => each.id === intent.latestChargeId);
  const tried = charge === undefined ? [] : attemptFacts(intent, charge).slice(-1);
  switch (intent.status) {
    case "requires_payment_method":
      return tried.length > 0 ? tried : failureWithoutCharge(intent).slice(-1);
    case "requires_capture":
    case "succeeded":
      if (tried.length > 0) return tried;
      throw new BodyProblem("the payment is paid, and its charge is not there");
    case "requires_confirmation":
    case "requires_action":
    case "processing":
    case "canceled":
      return standFacts(life, now);
  }
}

/** What became of one attempt, with the steps that led there. */
export function attemptFacts(intent: StripeIntent, charge: StripeCharge): Fact[] {
  const asked = charge.challenged ? [ASKED] : [];
  switch (charge.status) {
    case "pending":
      return asked;
    case "failed":
      return [...asked, declinedFact(charge)];
    case "succeeded":
      return [...asked, ...paidFacts(intent, charge)];
  }
}

/** What a held or paid intent tells of its success. */
export function paidFacts(intent: StripeIntent, charge: PaidCharge): Fact[] {
  return [
    ...(intent.manualCapture ? [paidFact("authorized", intent, charge)] : []),
    ...(intent.status === "succeeded" ? [paidFact("captured", intent, charge)] : []),
  ];
}

/** An attempt that failed before there was a charge: the cardholder refused, or could not be authenticated. */
export function failureWithoutCharge({ id, status, lastError }: StripeIntent): Fact[] {
  if (status !== "requires_payment_method" || lastError === null || lastError.chargeId !== null) return [];
  return [...(lastError.challenged ? [ASKED] : []), attemptFailedFact(id, lastError)];
}

/**
 * A decline as an error tells it. Without a charge Stripe gives the attempt no id, so it is known by its intent, method and code: the same card
 * that fails in the same way twice is counted once.
 */
export function attemptFailedFact(intentId: string, attempt: FailedAttempt): DeclinedFact {
  const { chargeId, paymentMethodId, failure, paymentMethod } = attempt;
  const derived = [intentId, paymentMethodId ?? "no_method", failure.code].join(":");
  return { kind: "declined", attemptReference: chargeId ?? derived, failure, paymentMethod };
}

export function openedFact({ intent, session }: StripeLife): OpenedFact {
  return {
    kind: "opened",
    providerReference: intent?.id ?? session?.intentId ?? null,
    checkout:
      session?.url === undefined || session.url === null
        ? null
        : { sessionId: session.id, url: session.url, expiresAt: new Date(session.expiresAt * 1000) },
    clientSecret: session === null ? (intent?.clientSecret ?? null) : null,
  };
}

/** A session that ended before its time was expired by request, which is how a checkout is canceled. Times are Unix seconds. */
export function sessionEndFact(session: StripeSession, endedAt: number): Fact {
  if (endedAt < session.expiresAt) return { kind: "canceled", reason: "requested_by_customer" };
  return { kind: "expired" };
}

/** How a payment stands that no attempt tells of. */
export function standFacts({ intent, session }: Pick<StripeLife, "intent" | "session">, now: Date): Fact[] {
  if (session?.status === "expired")
    return [sessionEndFact(session, intent?.canceledAt ?? Math.floor(now.getTime() / 1000))];
  switch (intent?.status) {
    case "requires_action":
      return [ASKED];
    case "processing":
      return [{ kind: "processing" }];
    case "canceled":
      if (RAN_OUT.includes(intent.cancellationReason ?? "")) return [{ kind: "expired" }];
      return [{ kind: "canceled", reason: intent.cancellationReason ?? "abandoned" }];
    case "requires_payment_method":
    case "requires_confirmation":
    case "requires_capture":
    case "succeeded":
    case undefined:
      return [];
  }
}

/**
 * The refunds of what was captured. When a part of held money is captured, Stripe lets go of the rest by a refund of its own, which gives back
 * nothing that was taken.
 */
function refundsMade({ charges, refunds }: StripeLife): RefundFact[] {
  const taken = charges.find((charge) => charge.status === "succeeded");
  const released = taken === undefined ? 0n : taken.amount.minor - taken.captured.minor;
  const release = refunds.find((refund) => refund.refundId === null && refund.amount.minor === released);
  return refunds.filter((refund) => refund !== release);
}

function declinedFact({ id, failure, paymentMethod }: StripeCharge): DeclinedFact {
  return { kind: "declined", attemptReference: id, failure, paymentMethod };
}

function paidFact(kind: PaidFact["kind"], intent: StripeIntent, charge: PaidCharge): PaidFact {
  return {
    kind,
    amount: kind === "captured" ? intent.received : charge.amount,
    providerReference: intent.id,
    chargeReference: charge.id,
    paymentMethod: charge.paymentMethod,
  };
}
