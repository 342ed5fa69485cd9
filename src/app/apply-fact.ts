// The one door through which the state of a payment changes. Facts come in, from whatever direction; the payment, its refunds, the
// operation that they answer, the events and the caller's answer go out in one transaction.
import type { WriteMovement } from "../db/statements/write-movement.ts";
import { decideFacts, type FollowUp, type Movement } from "../domain/decide-fact.ts";
import type { Fact } from "../domain/fact.ts";
import type { OperationId } from "../domain/ids.ts";
import type { Operation, OperationState } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import type { Refund } from "../domain/refund.ts";
import type { Parts } from "./parts.ts";

export interface KnownPayment {
  readonly payment: Payment;
  /** Those that the facts may speak of. */
  readonly refunds: readonly Refund[];
}

export interface AppliedFacts extends KnownPayment {
  /** False when another writer settled the operation first: its answer is the answer. */
  readonly first: boolean;
}

/** The operation that the facts answer, and what its caller is to be told. */
export interface Settlement {
  readonly operation: Operation;
  readonly state: OperationState;
  readonly problem: string | null;
  /** The response to keep; null gives the request id back. */
  respond(moved: KnownPayment): unknown;
}

/** Times that a movement is decided anew because the payment moved meanwhile. Each time another writer got on, so it ends. */
const RACES_MAX = 50;

function settles(settlement: Settlement | null, payment: Payment): boolean {
  return settlement !== null && payment.activeOperationId === settlement.operation.id;
}

function changes(before: Payment, movement: Movement): boolean {
  return (
    movement.payment !== before &&
    (movement.events.length > 0 || movement.refunds.length > 0 || !samePlace(before, movement.payment))
  );
}

function samePlace(a: Payment, b: Payment): boolean {
  return (
    a.providerReference === b.providerReference &&
    a.sessionId === b.sessionId &&
    a.checkoutUrl === b.checkoutUrl &&
    a.expiresAt?.getTime() === b.expiresAt?.getTime()
  );
}

/** The operation that a follow-up is, due at once. A second CANCEL is not owed while an operation on the payment is under way. */
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
    request: null,
    attempts: 0,
    nextAttemptAt: now,
    createdAt: now,
  };
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
  let activeOperationId: OperationId | null = settles(settlement, before) ? null : before.activeOperationId;
  const owed: Operation[] = [];
  for (const followUp of movement.followUps) {
    if (followUp.kind === "CANCEL" && activeOperationId !== null) continue;
    const operation = operationOf(followUp, { ...movement.payment, updatedAt: moment.now }, parts);
    if (followUp.kind === "CANCEL") activeOperationId = operation.id;
    owed.push(operation);
  }
  const payment = { ...movement.payment, activeOperationId, revision: before.revision + 1, updatedAt: moment.now };
  const moved = { payment, refunds: movement.refunds };
  return {
    revision: before.revision,
    movement: { ...movement, payment },
    settled: settlement && { operation: settlement.operation, state: settlement.state, problem: settlement.problem },
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
    const write = plan(current, facts, settlement, parts);
    if (!write) return { ...current, first: true };
    if ((await parts.store.writeMovement(write)) === "written") {
      report(parts, current.payment, write);
      const { payment, refunds } = write.movement;
      return {
        payment,
        refunds: [...refunds, ...current.refunds.filter((old) => !refunds.some((changed) => changed.id === old.id))],
        first: true,
      };
    }
    const loaded = await parts.store.loadPayment({ find: { paymentId: known.payment.id }, request: null });
    if (!loaded.payment) throw new Error(`payment ${known.payment.id} is gone`);
    current = { payment: loaded.payment, refunds: await parts.store.loadRefunds(known.payment.id) };
    if (settlement) {
      const operation = await parts.store.loadOperation(settlement.operation.id);
      if (operation?.state === "SUCCEEDED" || operation?.state === "FAILED") return { ...current, first: false };
    }
  }
  throw new Error(`payment ${known.payment.id} moved ${RACES_MAX} times while a fact was applied`);
}
