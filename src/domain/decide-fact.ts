// What a fact means for a payment. Pure: the same payment and the same facts give the same movement, and a fact that is stale, or was
// told before, gives none. Each change of state makes exactly one event and counts the version up by one.
import type { Dispute } from "./dispute.ts";
import { describeEvent, type EventSubject, type EventType, type PaymentEvent } from "./event.ts";
import { unreachable } from "./error.ts";
import type { CorrectedFact, DeclinedFact, DisputeFact, Fact, OpenedFact, PaidFact, RefundFact } from "./fact.ts";
import type { DisputeId, EventId, RefundId } from "./ids.ts";
import { lateRefund, newRefund } from "./new-refund.ts";
import { LATE_AUTHORIZATION } from "./operation.ts";
import { isClosed, isOpen, type Payment, refundableMinor, statusAfterRefunds, TRANSITIONS } from "./payment.ts";
import type { Refund } from "./refund.ts";

/** An operation that a fact makes necessary. */
export type FollowUp =
  /** Let go of the payment at the provider, so that nothing can be paid or stay held. */
  | { readonly kind: "CANCEL"; readonly reason: string }
  /** Give a late payment back; the refund is reserved already. */
  | { readonly kind: "REFUND"; readonly refund: Refund };

export interface Movement {
  readonly payment: Payment;
  /** Refunds that are new or changed. */
  readonly refunds: readonly Refund[];
  /** Disputes that are new or changed. */
  readonly disputes: readonly Dispute[];
  readonly events: readonly PaymentEvent[];
  readonly followUps: readonly FollowUp[];
}

/** What becomes of money that arrives for a payment that is closed: it is given back, or waits for a person. */
export type LatePolicy = "refund" | "hold";

/** The clock, the mint and the policy, which the domain does not have. */
export interface Moment {
  readonly now: Date;
  readonly latePolicy: LatePolicy;
  mintEventId(): EventId;
  mintRefundId(): RefundId;
  mintDisputeId(): DisputeId;
}

/** What is known of a payment. */
export interface KnownPayment {
  readonly payment: Payment;
  /** Those that the facts may speak of. */
  readonly refunds: readonly Refund[];
  /** Those that the facts may speak of. */
  readonly disputes: readonly Dispute[];
}

/** A fact disagrees with what the payment owes, so it is nobody's to apply without a person. */
export class FactDisagrees extends Error {
  override readonly name = "FactDisagrees";
  /** Something under way may settle the disagreement by itself. */
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean) {
    super(message);
    this.mayPass = mayPass;
  }
}

/** The draft on which facts work, one after the other. */
class Draft {
  payment: Payment;
  readonly events: PaymentEvent[] = [];
  readonly changedRefunds = new Map<RefundId, Refund>();
  /** By the provider's id. */
  readonly changedDisputes = new Map<string, Dispute>();
  readonly followUps: FollowUp[] = [];
  /** A closed payment holds money at the provider, which has to be let go. */
  heldLate = false;
  /** Money came for a closed payment, and is to be given back. */
  takenLate = false;
  readonly moment: Moment;
  readonly #known: KnownPayment;

  constructor(known: KnownPayment, moment: Moment) {
    this.payment = known.payment;
    this.moment = moment;
    this.#known = known;
  }

  set(change: Partial<Payment>): void {
    this.payment = { ...this.payment, ...change };
  }

  /** Records a change: the event, the next version, and the new status where it changes. */
  record(type: EventType, change: Partial<Payment>, subject: EventSubject = {}): void {
    const from = this.payment.status;
    const to = change.status ?? from;
    if (to !== from && !TRANSITIONS[from].includes(to)) throw new Error(`no transition from ${from} to ${to}`);
    this.set({ ...change, version: this.payment.version + 1, updatedAt: this.moment.now });
    this.events.push(
      describeEvent(type, this.payment, subject, { id: this.moment.mintEventId(), now: this.moment.now }),
    );
  }

  findRefund(fact: RefundFact): Refund | undefined {
    const candidates = [...this.changedRefunds.values(), ...this.#known.refunds];
    return (
      candidates.find((refund) => refund.id === fact.refundId) ??
      candidates.find((refund) => refund.providerReference === fact.providerReference)
    );
  }

  putRefund(refund: Refund): void {
    this.changedRefunds.set(refund.id, refund);
  }

  findDispute({ providerReference }: DisputeFact): Dispute | undefined {
    return (
      this.changedDisputes.get(providerReference) ??
      this.#known.disputes.find((dispute) => dispute.providerReference === providerReference)
    );
  }

  putDispute(dispute: Dispute): void {
    this.changedDisputes.set(dispute.providerReference, dispute);
  }
}

function applyOpened(draft: Draft, fact: OpenedFact): void {
  const { payment } = draft;
  draft.set({
    providerReference: fact.providerReference ?? payment.providerReference,
    sessionId: fact.checkout?.sessionId ?? payment.sessionId,
    checkoutUrl: fact.checkout?.url ?? payment.checkoutUrl,
    expiresAt: isOpen(payment.status) ? (fact.checkout?.expiresAt ?? payment.expiresAt) : payment.expiresAt,
  });
}

function assertCurrencyFits(payment: Payment, fact: RefundFact | DisputeFact): void {
  if (fact.amount.currency === payment.amount.currency) return;
  throw new FactDisagrees(
    `a ${fact.kind} in ${fact.amount.currency} of a payment in ${payment.amount.currency}`,
    false,
  );
}

function assertAmountFits(payment: Payment, fact: PaidFact): void {
  if (
    fact.amount.currency !== payment.amount.currency ||
    fact.amount.minor > payment.amount.minor ||
    fact.amount.minor <= 0n
  ) {
    throw new FactDisagrees(
      `${payment.provider} says ${fact.kind} ${fact.amount.minor} ${fact.amount.currency}, which the payment does not owe`,
      false,
    );
  }
}

function paidFields(fact: PaidFact): Partial<Payment> {
  return {
    providerReference: fact.providerReference,
    chargeReference: fact.chargeReference,
    paymentMethod: fact.paymentMethod,
    failure: null,
    expiresAt: null,
  };
}

function applyAuthorized(draft: Draft, fact: PaidFact): void {
  const { status } = draft.payment;
  assertAmountFits(draft.payment, fact);
  if (isOpen(status)) draft.record("payment.authorized", { ...paidFields(fact), status: "AUTHORIZED" });
  else if (isClosed(status)) draft.heldLate = true;
}

function applyCaptured(draft: Draft, fact: PaidFact): void {
  const { payment, moment } = draft;
  assertAmountFits(payment, fact);
  draft.heldLate = false;
  if (payment.capturedMinor > 0n) return;
  const captured = { ...paidFields(fact), capturedMinor: fact.amount.minor, capturedAt: moment.now };
  if (!isClosed(payment.status)) {
    draft.record("payment.succeeded", { ...captured, status: "SUCCEEDED" });
    return;
  }
  draft.record("payment.late", captured);
  draft.takenLate = moment.latePolicy === "refund";
}

/** Gives late money back, save what was given back elsewhere by then. */
function giveBackLate(draft: Draft): void {
  const { payment, moment } = draft;
  const minor = refundableMinor(payment);
  if (minor === 0n) return;
  const refund = lateRefund(payment, minor, moment);
  draft.putRefund(refund);
  draft.set({ refundPendingMinor: payment.refundPendingMinor + minor });
  draft.followUps.push({ kind: "REFUND", refund });
}

function applyDeclined(draft: Draft, fact: DeclinedFact): void {
  const { payment } = draft;
  const counts = isOpen(payment.status) || payment.status === "PROCESSING";
  if (!counts || payment.declinedAttempts.includes(fact.attemptReference)) return;
  const declinedAttempts = [...payment.declinedAttempts, fact.attemptReference];
  const change = {
    declinedAttempts,
    failure: fact.failure,
    paymentMethod: fact.paymentMethod ?? payment.paymentMethod,
  };
  if (payment.status === "PROCESSING" || declinedAttempts.length >= payment.attemptsMax) {
    draft.record("payment.failed", { ...change, status: "FAILED", expiresAt: null });
    // What stays open at the provider could still be paid.
    draft.followUps.push({ kind: "CANCEL", reason: "attempts_exhausted" });
  } else {
    draft.record("payment.attempt_failed", { ...change, status: "PENDING" });
  }
}

/** The provider let go of the payment; a processing one cannot be canceled any more, so there it has failed. */
function applyEnded(draft: Draft, to: "CANCELED" | "EXPIRED", reason: string): void {
  const { status } = draft.payment;
  draft.heldLate = false;
  if (status === "PROCESSING") {
    const failure = {
      reason: "PROCESSING_ERROR",
      code: reason,
      message: "The payment was ended by the provider.",
    } as const;
    draft.record("payment.failed", { status: "FAILED", failure, expiresAt: null });
  } else if (isOpen(status) || status === "AUTHORIZED") {
    draft.record("payment.cancelled", {
      status: to,
      cancelReason: reason,
      canceledAt: draft.moment.now,
      expiresAt: null,
    });
  }
}

/** A refund that was made at the provider, not here: it takes its reservation now, as ours do before they are made. */
function adoptRefund(draft: Draft, fact: RefundFact): Refund | undefined {
  const { payment } = draft;
  if (fact.status === "FAILED" || fact.status === "CANCELED" || payment.capturedMinor === 0n) return undefined;
  assertCurrencyFits(payment, fact);
  if (fact.amount.minor > refundableMinor(payment)) {
    throw new FactDisagrees(
      `${payment.provider} refunded ${fact.amount.minor} ${fact.amount.currency}, more than is left to refund`,
      // A refund of ours that the provider will refuse for this one still holds its reservation.
      payment.refundPendingMinor > 0n,
    );
  }
  draft.set({ refundPendingMinor: payment.refundPendingMinor + fact.amount.minor });
  const adopted: Refund = { ...newRefund(payment, fact, draft.moment), status: "PENDING" };
  draft.putRefund(adopted);
  return adopted;
}

function applyRefund(draft: Draft, fact: RefundFact): void {
  const known = draft.findRefund(fact) ?? adoptRefund(draft, fact);
  if (!known || known.status === "FAILED" || known.status === "CANCELED") return;
  if (known.amount.minor !== fact.amount.minor || known.amount.currency !== fact.amount.currency) {
    throw new FactDisagrees(
      `${draft.payment.provider} refunded ${fact.amount.minor} ${fact.amount.currency} where ${known.amount.minor} ${known.amount.currency} was asked for`,
      false,
    );
  }
  const { payment } = draft;
  const updated: Refund = {
    ...known,
    status: known.status === "SUCCEEDED" && fact.status === "PENDING" ? "SUCCEEDED" : fact.status,
    providerReference: fact.providerReference || known.providerReference,
    failure: fact.failure,
    updatedAt: draft.moment.now,
  };
  const amount = known.amount.minor;
  if (updated.status === known.status) {
    if (known.providerReference !== updated.providerReference) draft.putRefund(updated);
    return;
  }
  draft.putRefund(updated);
  const refundPendingMinor = payment.refundPendingMinor - (known.status === "PENDING" ? amount : 0n);
  if (updated.status === "SUCCEEDED") {
    const refundedMinor = payment.refundedMinor + amount;
    draft.record(
      "payment.refunded",
      { status: statusAfterRefunds(payment, refundedMinor), refundedMinor, refundPendingMinor },
      { refund: updated },
    );
  } else {
    const refundedMinor = payment.refundedMinor - (known.status === "SUCCEEDED" ? amount : 0n);
    draft.record(
      "payment.refund_failed",
      { status: statusAfterRefunds(payment, refundedMinor), refundedMinor, refundPendingMinor },
      { refund: updated },
    );
  }
}

/** A dispute that is told for the first time after its end was opened as well, and both are told. */
function applyDispute(draft: Draft, fact: DisputeFact): void {
  const { payment, moment } = draft;
  const known = draft.findDispute(fact);
  if (known === undefined) {
    if (payment.capturedMinor === 0n) return;
    assertCurrencyFits(payment, fact);
    const { providerReference, amount, reason } = fact;
    const opened: Dispute = {
      id: moment.mintDisputeId(),
      paymentId: payment.id,
      providerReference,
      amount,
      status: "OPEN",
      reason,
      createdAt: moment.now,
      updatedAt: moment.now,
    };
    draft.putDispute(opened);
    draft.record("payment.dispute_opened", { disputeStatus: "OPEN" }, { dispute: opened });
  }
  const before = known ?? draft.findDispute(fact);
  if (before?.status !== "OPEN" || fact.status === "OPEN") return;
  const closed: Dispute = { ...before, status: fact.status, updatedAt: moment.now };
  draft.putDispute(closed);
  draft.record("payment.dispute_closed", { disputeStatus: fact.status }, { dispute: closed });
}

/** Puts the amounts right. No money moves: it moved before, and was written down wrongly, or the row that said so is gone. */
function applyCorrected(draft: Draft, fact: CorrectedFact): void {
  const before = draft.payment;
  const { capturedMinor, refundedMinor, refundPendingMinor, restored } = fact;
  if (before.version !== fact.version) return;
  if (capturedMinor > before.amount.minor || refundedMinor + refundPendingMinor > capturedMinor) {
    const { currency } = before.amount;
    throw new FactDisagrees(
      `refunds of ${refundedMinor + refundPendingMinor} ${currency} of ${capturedMinor} captured and ${before.amount.minor} owed`,
      false,
    );
  }
  for (const refund of restored) draft.putRefund(newRefund(before, refund, draft.moment));
  const status = statusAfterRefunds({ ...before, capturedMinor }, refundedMinor);
  draft.record("payment.corrected", { status, capturedMinor, refundedMinor, refundPendingMinor }, { before });
}

function applyFact(draft: Draft, fact: Fact): void {
  const { status } = draft.payment;
  switch (fact.kind) {
    case "opened":
      return applyOpened(draft, fact);
    case "requires_action":
      if (status === "PENDING") draft.record("payment.requires_action", { status: "REQUIRES_ACTION" });
      return;
    case "processing":
      if (isOpen(status)) draft.record("payment.processing", { status: "PROCESSING", expiresAt: null });
      return;
    case "authorized":
      return applyAuthorized(draft, fact);
    case "captured":
      return applyCaptured(draft, fact);
    case "declined":
      return applyDeclined(draft, fact);
    case "canceled":
      return applyEnded(draft, "CANCELED", fact.reason);
    case "expired":
      return applyEnded(draft, "EXPIRED", "expired");
    case "rejected":
      if (isOpen(status)) draft.record("payment.failed", { status: "FAILED", failure: fact.failure, expiresAt: null });
      return;
    case "refund":
      return applyRefund(draft, fact);
    case "dispute":
      return applyDispute(draft, fact);
    case "corrected":
      return applyCorrected(draft, fact);
    default:
      return unreachable(fact);
  }
}

/** A history that is told again: what led to an attempt whose decline is known already is no news. */
export function withoutToldAttempts({ declinedAttempts }: Payment, facts: readonly Fact[]): readonly Fact[] {
  const last = facts.findLastIndex(
    (fact) => fact.kind === "declined" && declinedAttempts.includes(fact.attemptReference),
  );
  return facts.filter((fact, index) => index > last || (fact.kind !== "requires_action" && fact.kind !== "processing"));
}

/**
 * Decides what facts, in the order in which they came about, mean for a payment. Throws FactDisagrees when a fact does not fit what the
 * payment owes.
 */
export function decideFacts(known: KnownPayment, facts: readonly Fact[], moment: Moment): Movement {
  const draft = new Draft(known, moment);
  for (const fact of withoutToldAttempts(known.payment, facts)) applyFact(draft, fact);
  if (draft.takenLate) giveBackLate(draft);
  if (draft.heldLate) draft.followUps.push({ kind: "CANCEL", reason: LATE_AUTHORIZATION });
  return {
    payment: draft.payment,
    refunds: [...draft.changedRefunds.values()],
    disputes: [...draft.changedDisputes.values()],
    events: draft.events,
    followUps: draft.followUps,
  };
}
