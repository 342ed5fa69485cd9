// Compares one payment with what its provider says of it. There is drift if and only if the provider's word would move our books, or ours are
// ahead of it; so the comparison is a rehearsal of the facts, one after the other, and each that would move something is drift of its kind.
//
// A payment that is being worked on is not compared: the news of it is on its way. An operation that is under way for too long is drift
// itself, and what else there is shows once it has ended.
import {
  decideFacts,
  FactDisagrees,
  type KnownPayment,
  type Moment,
  type Movement,
  withoutToldAttempts,
} from "./decide-fact.ts";
import { APPLY, type Drift, type DriftKind, forPerson, printMoney, type Remedy } from "./drift.ts";
import { findCorrection } from "./find-correction.ts";
import type { Fact, RefundFact } from "./fact.ts";
import { printRefundId } from "./ids.ts";
import { type Money, sameMoney } from "./money.ts";
import type { Operation } from "./operation.ts";
import { isClosed, isOpen, type Payment } from "./payment.ts";
import type { Refund } from "./refund.ts";

/** What is recorded here of a payment. */
export interface PaymentBooks extends KnownPayment {
  /** Those that are IN_FLIGHT or UNKNOWN. */
  readonly operations: readonly Operation[];
}

/** What a provider knows of a payment. */
export interface ProviderBooks {
  /** Null where it was asked by our reference, and so has no other. */
  readonly providerReference: string | null;
  /** Null where it does not say. */
  readonly owed: Money | null;
  readonly facts: readonly Fact[];
}

export interface Terms {
  readonly moment: Moment;
  /** An operation that began before then should have ended. */
  readonly stuckBefore: Date;
  /** A payment that was created before then, and that the provider does not know, will not come into being there any more. */
  readonly lostBefore: Date;
}

export interface Comparison {
  readonly drifts: readonly Drift[];
  /** What puts right those drifts that can be. */
  readonly facts: readonly Fact[];
  /** Operations whose outcome has to be found out. */
  readonly stuck: readonly Operation[];
}

const NOTHING: Comparison = { drifts: [], facts: [], stuck: [] };
const MISSING_FAILURE = { code: "missing_at_provider", message: "The provider has no trace of it." } as const;

type Difference = Pick<Drift, "kind" | "ours" | "theirs" | "remedy">;

function differ(kind: DriftKind, difference: { ours: string; theirs: string; remedy?: Remedy }): Difference {
  return { remedy: APPLY, ...difference, kind };
}

function describeRefund(refund: Refund): string {
  return `${printRefundId(refund.id)} of ${printMoney(refund.amount)} ${refund.status}`;
}

function findRefund(refunds: readonly Refund[], fact: RefundFact): Refund | undefined {
  return (
    refunds.find((refund) => refund.id === fact.refundId) ??
    refunds.find((refund) => refund.providerReference === fact.providerReference)
  );
}

function after(known: KnownPayment, { payment, refunds, disputes }: Movement): KnownPayment {
  return {
    payment,
    refunds: [...refunds, ...known.refunds.filter((old) => !refunds.some((changed) => changed.id === old.id))],
    disputes: [...disputes, ...known.disputes.filter((old) => !disputes.some((changed) => changed.id === old.id))],
  };
}

function isUnplaced({ providerReference, sessionId }: Payment): boolean {
  return providerReference === null && sessionId === null;
}

function refundDifference(fact: RefundFact, { refunds }: KnownPayment): Difference | null {
  const known = findRefund(refunds, fact);
  const theirs = `${fact.providerReference} of ${printMoney(fact.amount)} ${fact.status}`;
  if (!known) return differ("REFUND_MISSING_HERE", { ours: "none", theirs });
  if (known.status === fact.status) return null;
  const kind = known.status === "PENDING" ? "STUCK_IN_FLIGHT" : "STATUS_DIFFERS";
  return differ(kind, { ours: describeRefund(known), theirs });
}

/** The drift that a fact shows by moving something. Facts of the payment itself are told together, at the end. */
function differenceOf(fact: Fact, before: KnownPayment, moved: KnownPayment): Difference | null {
  if (fact.kind === "refund") return refundDifference(fact, before);
  if (fact.kind === "dispute") {
    const known = before.disputes.find((dispute) => dispute.providerReference === fact.providerReference);
    const theirs = `${fact.providerReference} of ${printMoney(fact.amount)} ${fact.status}`;
    return differ("DISPUTE_UNSEEN", { ours: known?.status ?? "none", theirs });
  }
  const placed = fact.kind === "opened" && isUnplaced(before.payment) && !isUnplaced(moved.payment);
  if (!placed) return null;
  const { providerReference, sessionId } = moved.payment;
  return differ("REFERENCE_DIFFERS", { ours: "none", theirs: providerReference ?? sessionId ?? "" });
}

/** A disagreement that no fact can settle. */
function disagreement(fact: Fact, known: KnownPayment, error: FactDisagrees): Difference {
  const theirs = "amount" in fact ? `${fact.kind} ${printMoney(fact.amount)}` : fact.kind;
  return differ("AMOUNT_DIFFERS", {
    ours: `owes ${printMoney(known.payment.amount)}`,
    theirs,
    remedy: forPerson(`${error.message}.`),
  });
}

interface Rehearsal {
  readonly known: KnownPayment;
  readonly differences: readonly Difference[];
  /** Those that the payment agrees with. */
  readonly facts: readonly Fact[];
}

function rehearse(start: KnownPayment, facts: readonly Fact[], moment: Moment): Rehearsal {
  let known = start;
  const differences: Difference[] = [];
  const agreed: Fact[] = [];
  // Told one by one, they would not show what was told before.
  for (const fact of withoutToldAttempts(start.payment, facts)) {
    try {
      const movement = decideFacts(known, [fact], moment);
      agreed.push(fact);
      const moved = after(known, movement);
      const changed = movement.events.length + movement.refunds.length > 0 || fact.kind === "opened";
      const difference = changed ? differenceOf(fact, known, moved) : null;
      if (difference) differences.push(difference);
      known = moved;
    } catch (error) {
      if (!(error instanceof FactDisagrees)) throw error;
      differences.push(disagreement(fact, known, error));
    }
  }
  return { known, differences, facts: agreed };
}

function statusDifference(before: Payment, moved: Payment): Difference | null {
  if (before.status !== moved.status && !(before.capturedMinor > 0n && moved.capturedMinor > 0n))
    return differ("STATUS_DIFFERS", { ours: before.status, theirs: moved.status });
  if (before.capturedMinor === 0n && moved.capturedMinor > 0n) {
    const captured = { minor: moved.capturedMinor, currency: moved.amount.currency };
    return differ("STATUS_DIFFERS", { ours: before.status, theirs: `captured ${printMoney(captured)}` });
  }
  const [ours, theirs] = [before.declinedAttempts.length, moved.declinedAttempts.length];
  if (ours === theirs) return null;
  return differ("STATUS_DIFFERS", {
    ours: `${before.status}, ${ours} attempts declined`,
    theirs: `${theirs} attempts declined`,
  });
}

/** Where our books say more than the provider does. Its silence is no fact, so nothing is changed by it. */
function findAhead({ payment, refunds }: KnownPayment, facts: readonly Fact[]): Difference[] {
  const tells = (...kinds: Fact["kind"][]): boolean => facts.some((fact) => kinds.includes(fact.kind));
  const found: Difference[] = [];
  const { status, capturedMinor, amount } = payment;
  if (capturedMinor > 0n && !tells("captured")) {
    const remedy = forPerson("Money is recorded as captured, and the provider says that it took none.");
    const ours = `captured ${printMoney({ minor: capturedMinor, currency: amount.currency })}`;
    found.push(differ("AMOUNT_DIFFERS", { ours, theirs: "nothing captured", remedy }));
  }
  if (isClosed(status) && !tells("captured", "canceled", "expired")) {
    const remedy = forPerson("It has ended here and can still be paid at the provider: cancel it there.");
    found.push(differ("STATUS_DIFFERS", { ours: status, theirs: "open", remedy }));
  }
  const begun = status === "AUTHORIZED" || status === "PROCESSING";
  if (begun && !tells("authorized", "processing", "captured", "canceled", "expired", "declined")) {
    const remedy = forPerson("It has come further here than at the provider.");
    found.push(differ("STATUS_DIFFERS", { ours: status, theirs: "open", remedy }));
  }
  for (const fact of facts) {
    if (fact.kind !== "refund" || (fact.status !== "SUCCEEDED" && fact.status !== "PENDING")) continue;
    const refund = findRefund(refunds, fact);
    if (refund?.status !== "FAILED" && refund?.status !== "CANCELED") continue;
    const remedy = forPerson("A refund that ended here without money went through at the provider.");
    found.push(differ("STATUS_DIFFERS", { ours: describeRefund(refund), theirs: fact.status, remedy }));
  }
  return found;
}

/** Refunds that hold or count an amount here, and that the provider never made. Its books name all that it made, so they have failed. */
function findLostRefunds({ refunds }: KnownPayment, facts: readonly Fact[]): RefundFact[] {
  // Where the provider took no money it is a question of more than refunds.
  if (!facts.some((fact) => fact.kind === "captured")) return [];
  const told = facts.filter((fact) => fact.kind === "refund");
  return refunds
    .filter((refund) => refund.status === "PENDING" || refund.status === "SUCCEEDED")
    .filter((refund) => !told.some((fact) => findRefund([refund], fact)))
    .map((refund) => ({
      kind: "refund",
      refundId: refund.id,
      providerReference: refund.providerReference ?? "",
      status: "FAILED",
      amount: refund.amount,
      failure: { reason: "PROVIDER_ERROR", ...MISSING_FAILURE },
    }));
}

/** What the provider has no trace of. Where money is recorded, or it once named the payment, it may be another account: that is for a person. */
function compareWithNothing(
  { payment }: PaymentBooks,
  { lostBefore }: Terms,
): Pick<Comparison, "facts"> & { found: Difference[] } {
  const { status, capturedMinor, amount } = payment;
  const report = (ours: string, remedy?: Remedy) => [
    differ("MISSING_AT_PROVIDER", { ours, theirs: "none", ...(remedy && { remedy }) }),
  ];
  if (capturedMinor > 0n) {
    const remedy = forPerson("Money is recorded as captured by a payment that the provider does not know.");
    return {
      facts: [],
      found: report(`captured ${printMoney({ minor: capturedMinor, currency: amount.currency })}`, remedy),
    };
  }
  if (isClosed(status)) return { facts: [], found: [] };
  if (!isUnplaced(payment) || !isOpen(status)) {
    const remedy = forPerson("The provider once knew this payment and does not now: is it still the same account?");
    return { facts: [], found: report(status, remedy) };
  }
  if (payment.createdAt >= lostBefore) return { facts: [], found: [] };
  return {
    facts: [{ kind: "rejected", failure: { reason: "PROCESSING_ERROR", ...MISSING_FAILURE } }],
    found: report(status),
  };
}

function compareBooks(
  ours: PaymentBooks,
  theirs: ProviderBooks,
  { moment }: Terms,
): Pick<Comparison, "facts"> & { found: Difference[] } {
  const { payment } = ours;
  if (theirs.owed && !sameMoney(theirs.owed, payment.amount)) {
    const remedy = forPerson("The payment is about another amount at the provider.");
    const amounts = { ours: `owes ${printMoney(payment.amount)}`, theirs: `owes ${printMoney(theirs.owed)}` };
    return { facts: [], found: [differ("AMOUNT_DIFFERS", { ...amounts, remedy })] };
  }
  const reference = theirs.facts.find((fact) => fact.kind === "opened")?.providerReference ?? theirs.providerReference;
  for (const other of [reference, theirs.providerReference]) {
    if (other === null || payment.providerReference === null || other === payment.providerReference) continue;
    const remedy = forPerson("The provider holds another payment for this one: look which of the two was paid.");
    return {
      facts: [],
      found: [differ("REFERENCE_DIFFERS", { ours: payment.providerReference, theirs: other, remedy })],
    };
  }
  const correction = findCorrection(ours, theirs.facts);
  const lost = findLostRefunds(ours, theirs.facts);
  const first = rehearse(ours, [...(correction?.facts ?? []), ...lost], moment);
  const rehearsal = rehearse(first.known, theirs.facts, moment);
  const status = statusDifference(first.known.payment, rehearsal.known.payment);
  const lostDifferences = lost.map((fact) => {
    const refund = findRefund(ours.refunds, fact);
    return differ("REFUND_MISSING_AT_PROVIDER", { ours: refund ? describeRefund(refund) : "", theirs: "none" });
  });
  const disagreements = first.differences.filter(({ remedy }) => remedy.by === "person");
  return {
    facts: [...first.facts, ...rehearsal.facts],
    found: [
      ...(disagreements.length > 0 ? disagreements : (correction?.differences ?? [])),
      ...lostDifferences,
      ...rehearsal.differences,
      ...(status ? [status] : []),
      ...findAhead(ours, theirs.facts),
    ],
  };
}

/** Whether the payment is being worked on: its operation has yet to answer, or its time to pay has just run out. */
function isUnderWay({ payment, operations }: PaymentBooks, { moment, stuckBefore }: Terms): boolean {
  const { status, expiresAt } = payment;
  const isEnding = isOpen(status) && expiresAt !== null && expiresAt <= moment.now && expiresAt >= stuckBefore;
  return isEnding || operations.some((operation) => operation.createdAt >= stuckBefore);
}

/** Compares a payment with what the provider says of it; null where the provider has no trace of it. */
export function comparePayment(ours: PaymentBooks, theirs: ProviderBooks | null, terms: Terms): Comparison {
  const { payment, operations } = ours;
  const drift = (difference: Difference): Drift => ({
    ...difference,
    provider: payment.provider,
    paymentId: payment.id,
    providerReference: payment.providerReference ?? theirs?.providerReference ?? null,
  });
  if (isUnderWay(ours, terms)) return NOTHING;
  const stuck = operations.map((operation) =>
    drift(
      differ("STUCK_IN_FLIGHT", {
        ours: `${operation.kind} under way since ${operation.createdAt.toISOString()}`,
        theirs: "to be asked",
      }),
    ),
  );
  if (stuck.length > 0) return { drifts: stuck, facts: [], stuck: operations };
  const { found, facts } = theirs === null ? compareWithNothing(ours, terms) : compareBooks(ours, theirs, terms);
  const held =
    payment.activeOperationId === null
      ? []
      : [differ("STUCK_IN_FLIGHT", { ours: `${payment.status}, held by an operation that has ended`, theirs: "none" })];
  return { drifts: [...held, ...found].map(drift), facts, stuck: [] };
}
