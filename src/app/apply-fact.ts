// The one door through which the state of a payment changes. Facts come in, from whatever direction; the payment, its refunds, the
// operation that they answer, the events and the caller's answer go out in one transaction.
import type { WriteMovement } from "../db/statements/write-movement.ts";
import { decideFacts, type FollowUp, type KnownPayment, type Movement } from "../domain/decide-fact.ts";
import type { Fact } from "../domain/fact.ts";
import type { OperationId } from "../domain/ids.ts";
import type { Operation, OperationState } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import type { Parts } from "./parts.ts";

export interface AppliedFacts extends KnownPayment {
  /** False when the operation is another writer's: settled by it, whose answer is the answer, or, for an `untakenOnly` settlement, taken up by it. */
  readonly first: boolean;
  /** Whether something changed. */
  readonly moved: boolean;
}

/** A payment after its facts, with all its refunds. */
export type MovedPayment = Pick<KnownPayment, "payment" | "refunds">;

/** The operation that the facts answer, and what its caller is to be told. */
export interface Settlement {
  readonly operation: Operation;
  readonly state: OperationState;
  readonly problem: string | null;
  /** It is true only while the recovery worker has not taken the operation up: nothing is settled then. */
  readonly untakenOnly?: boolean;
  /** The response to keep; null gives the request id back. */
  respond(moved: MovedPayment): unknown;
}

/** Times that a movement is decided anew because the payment moved meanwhile. Each time another writer got on, so it ends. */
const RACES_MAX = 50;

function settles(settlement: Settlement | null, payment: Payment): boolean {
  return settlement !== null && payment.activeOperationId === settlement.operation.id;
}

/** Whether a movement changes anything, or makes something necessary. */
export function changes(before: Payment, movement: Movement): boolean {
  return movement.followUps.length > 0 || changesBooks(before, movement);
}

/** That the provider has named a refund is no change by itself: the answer of the refund's own call, or of recovery, brings the name as well. */
function changesBooks(before: Payment, { payment, events }: Movement): boolean {
  return events.length > 0 || payment.refundPendingMinor !== before.refundPendingMinor || !samePlace(before, payment);
}

function samePlace(a: Payment, b: Payment): boolean {
  return (
    a.providerReference === b.providerReference &&
    a.sessionId === b.sessionId &&
    a.checkoutUrl === b.checkoutUrl &&
    a.expiresAt?.getTime() === b.expiresAt?.getTime()
  );
}

/** What the provider's word means under an operation of ours: a payment that we asked to end ends for our reason. */
function rephrase(operation: Operation | null, facts: readonly Fact[]): readonly Fact[] {
  if (operation?.kind !== "CANCEL") return facts;
  const ended: Fact =
    operation.reason === "expired" ? { kind: "expired" } : { kind: "canceled", reason: operation.reason ?? "" };
  return facts.map((fact) => (fact.kind === "canceled" || fact.kind === "expired" ? ended : fact));
}

/** The operation under way that facts may tell of before its answer does. */
async function operationUnderWay(
  parts: Parts,
  { activeOperationId }: Payment,
  settlement: Settlement | null,
): Promise<Operation | null> {
  if (settlement) return settlement.operation;
  return activeOperationId && parts.store.loadOperation(activeOperationId);
}

/**
 * What a movement makes necessary. A CANCEL is not owed while an operation on the payment is under way: it is owed when that one ends and
 * finds the payment failed meanwhile.
 */
function followUpsOf(before: Payment, movement: Movement, settled: Operation | null): readonly FollowUp[] {
  const mayStillBePaid = settled !== null && settled.kind !== "CANCEL" && before.status === "FAILED";
  const owed = movement.followUps.some((followUp) => followUp.kind === "CANCEL");
  if (!mayStillBePaid || owed) return movement.followUps;
  return [...movement.followUps, { kind: "CANCEL", reason: "attempts_exhausted" }];
}

/** The operation that a follow-up is, due at once. */
function operationOf(followUp: FollowUp, payment: Payment, parts: Parts): Operation {
  const now = payment.updatedAt;
  return {
    id: parts.mintOperationId(now),
    paymentId: payment.id,
    refundId: followUp.kind === "REFUND" ? followUp.refund.id : null,
    kind: followUp.kind,
    state: "IN_FLIGHT",
    paymentMethod: null,
    amountMinor: followUp.kind === "REFUND" ? followUp.refund.amount.minor : null,
    reason: followUp.kind === "CANCEL" ? followUp.reason : followUp.refund.reason,
    attemptsBefore: null,
    request: null,
    attempts: 0,
    nextAttemptAt: now,
    createdAt: now,
  };
}

/** All refunds of a payment after a movement: also those that another messenger told of before. */
function refundsAfter({ refunds }: KnownPayment, movement: Movement): KnownPayment["refunds"] {
  const changed = new Set(movement.refunds.map((refund) => refund.id));
  return [...movement.refunds, ...refunds.filter((refund) => !changed.has(refund.id))];
}

function plan(
  known: KnownPayment,
  facts: readonly Fact[],
  settlement: Settlement | null,
  parts: Parts,
): WriteMovement | null {
  const moment = parts.moment();
  const before = known.payment;
  const movement = decideFacts(known, facts, moment);
  if (!settlement && !changes(before, movement)) return null;
  const settled = settlement && settles(settlement, before) ? settlement.operation : null;
  let activeOperationId: OperationId | null = settled ? null : before.activeOperationId;
  const owed: Operation[] = [];
  for (const followUp of followUpsOf(before, movement, settled)) {
    if (followUp.kind === "CANCEL" && activeOperationId !== null) continue;
    const operation = operationOf(followUp, { ...movement.payment, updatedAt: moment.now }, parts);
    if (followUp.kind === "CANCEL") activeOperationId = operation.id;
    owed.push(operation);
  }
  // What is necessary may be under way already.
  if (!settlement && owed.length === 0 && !changesBooks(before, movement)) return null;
  // A revision is never behind the version, and a movement may hold several changes.
  const revision = before.revision + Math.max(1, movement.events.length);
  const payment = { ...movement.payment, activeOperationId, revision, updatedAt: moment.now };
  const moved = { payment, refunds: refundsAfter(known, movement) };
  return {
    revision: before.revision,
    movement: { ...movement, payment },
    settled: settlement && {
      operation: settlement.operation,
      state: settlement.state,
      problem: settlement.problem,
      untakenOnly: settlement.untakenOnly ?? false,
    },
    owed,
    request: settlement?.operation.request
      ? { key: settlement.operation.request, response: settlement.respond(moved) }
      : null,
  };
}

function report(parts: Parts, before: Payment, write: WriteMovement): void {
  const { payment, events } = write.movement;
  for (const event of events) {
    parts.log.info(
      { paymentId: payment.id, from: before.status, to: event.status, event: event.type, version: event.version },
      "payment moved",
    );
  }
  if (events.length > 0) parts.wakeRelay();
  if (write.owed.length > 0) parts.wakeRecovery();
}

/**
 * Applies facts, in the order in which they came about, to a payment, and settles the operation that they answer. Told again, they change
 * nothing. `known` may be stale: a movement that was decided on an old state is decided anew.
 */
export async function applyFacts(
  parts: Parts,
  known: KnownPayment,
  facts: readonly Fact[],
  settlement: Settlement | null,
): Promise<AppliedFacts> {
  let current = known;
  for (let race = 0; race < RACES_MAX; race += 1) {
    const operation = await operationUnderWay(parts, current.payment, settlement);
    const write = plan(current, rephrase(operation, facts), settlement, parts);
    if (!write) return { ...current, first: true, moved: false };
    if ((await parts.store.writeMovement(write)) === "written") {
      report(parts, current.payment, write);
      const { payment, disputes } = write.movement;
      return { payment, refunds: refundsAfter(current, write.movement), disputes, first: true, moved: true };
    }
    current = await parts.store.loadKnown(known.payment.id);
    if (settlement) {
      const stored = await parts.store.loadOperation(settlement.operation.id);
      const isTaken = settlement.untakenOnly && stored !== null && stored.attempts > 0;
      if (isTaken || stored?.state === "SUCCEEDED" || stored?.state === "FAILED")
        return { ...current, first: false, moved: false };
    }
  }
  throw new Error(`payment ${known.payment.id} moved ${RACES_MAX} times while a fact was applied`);
}
