// Settles one payment: makes sure that a difference is one, and puts it right where facts can.
//
// The two sides are never read at the same moment, so a difference counts only if the payment did not move while the provider was asked.
import { comparePayment, type Comparison, type PaymentBooks, type ProviderBooks } from "../domain/reconcile.ts";
import { FactDisagrees } from "../domain/decide-fact.ts";
import type { Drift } from "../domain/drift.ts";
import type { PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import type { Books } from "../db/books.ts";
import { applyFacts, type Settlement } from "./apply-fact.ts";
import { carryOut } from "./carry-out.ts";
import { askFor } from "./find-out.ts";
import { newOperation } from "./intention.ts";
import type { Parts } from "./parts.ts";

export interface ReconcileParts extends Parts {
  readonly books: Books;
}

/** The provider could not be asked, so nothing can be said of what it has. */
export class ProviderUnheard extends Error {
  override readonly name = "ProviderUnheard";
}

export interface SettledDrift extends Drift {
  /** Whether it was put right. */
  readonly applied: boolean;
}

/** What the provider's list said of a payment; null where it did not name it. */
export type Listed = Pick<ProviderBooks, "providerReference" | "owed"> | null;

/** Times that a payment which moves while it is looked at is looked at again. It is left to the next run then: it is being worked on. */
const LOOKS_MAX = 3;
/** What is put right can uncover more, such as an operation that ends. */
const ROUNDS_MAX = 3;
/** An operation that is still open after so long was left behind: recovery tries each within minutes. */
const STUCK_AFTER_MS = 10 * 60_000;
/** A payment that the provider has not heard of after so long was never told to it; until then its list may lag behind. */
const LOST_AFTER_MS = 60 * 60_000;
/** The provider's code for what it does not have (Stripe, error codes). */
const NO_TRACE = "resource_missing";

export function compare(parts: Parts, ours: PaymentBooks, theirs: ProviderBooks | null): Comparison {
  const now = parts.now().getTime();
  return comparePayment(ours, theirs, {
    moment: parts.moment(),
    stuckBefore: new Date(now - STUCK_AFTER_MS),
    lostBefore: new Date(now - LOST_AFTER_MS),
  });
}

/** Asks for all that the provider knows of a payment; null when it has no trace of it. */
async function askProvider(parts: Parts, payment: Payment, listed: Listed): Promise<ProviderBooks | null> {
  const answer = await askFor(parts, payment);
  switch (answer.outcome) {
    case "done":
      if (answer.facts.length === 0) return null;
      return { providerReference: listed?.providerReference ?? null, owed: listed?.owed ?? null, facts: answer.facts };
    case "refused":
      if (answer.code === NO_TRACE) return null;
      throw new ProviderUnheard(`${payment.provider} would not tell of a payment: ${answer.message}`);
    case "unavailable":
    case "unknown":
      throw new ProviderUnheard(`${payment.provider} could not be asked: ${answer.message}`);
  }
}

interface Look extends Comparison {
  readonly ours: PaymentBooks;
}

/**
 * Looks at both sides until ours has not moved meanwhile; null when it moves on and on. Every change of a payment, its refunds, its disputes or its
 * operations counts its revision up, so that all that was read between two sights of the same revision belongs together.
 */
async function look(parts: ReconcileParts, id: PaymentId, listed: Listed): Promise<Look | null> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const [ours] = await parts.books.load([id]);
    if (!ours) return null;
    const theirs = await askProvider(parts, ours.payment, listed);
    const { payment } = await parts.store.loadPayment({ find: { paymentId: id }, request: null });
    if (payment?.revision === ours.payment.revision) return { ours, ...compare(parts, ours, theirs) };
  }
  return null;
}

/** A payment whose operation has ended, or is gone, and that is held by it all the same: the facts are its answer. */
async function release(parts: Parts, payment: Payment): Promise<Settlement | null> {
  if (payment.activeOperationId === null) return null;
  const stored = await parts.store.loadOperation(payment.activeOperationId);
  const operation = stored ?? {
    ...newOperation(parts, payment, { kind: "CREATE" }, null),
    id: payment.activeOperationId,
  };
  const state = stored?.state === "SUCCEEDED" ? "SUCCEEDED" : "FAILED";
  return {
    operation: { ...operation, request: null },
    state,
    problem: "its end was found by reconciliation",
    respond: () => null,
  };
}

async function apply(parts: ReconcileParts, { ours, facts, stuck }: Look): Promise<void> {
  for (const operation of stuck) {
    // As recovery does: made again under its key while the provider keeps that, and asked for afterwards.
    await carryOut(parts, { known: ours, operation: { ...operation, attempts: operation.attempts + 1 } });
  }
  if (stuck.length > 0) return;
  const held = await release(parts, ours.payment);
  if (facts.length > 0 || held) await applyFacts(parts, ours, facts, held);
}

/** False when something came in between that does not agree with the facts: that is for the next look. */
async function applied(parts: ReconcileParts, seen: Look): Promise<boolean> {
  try {
    await apply(parts, seen);
    return true;
  } catch (error) {
    if (!(error instanceof FactDisagrees)) throw error;
    parts.log.warn({ paymentId: seen.ours.payment.id, problem: error.message }, "drift not put right");
    return false;
  }
}

function sameDrift(a: Drift, b: Drift): boolean {
  return a.kind === b.kind && a.ours === b.ours && a.theirs === b.theirs;
}

/** Gives the drift of a payment that seemed to differ. With `mayApply` it is put right where that is possible without a person. */
export async function reconcilePayment(
  parts: ReconcileParts,
  suspect: { readonly id: PaymentId; readonly listed: Listed },
  mayApply: boolean,
): Promise<SettledDrift[]> {
  const found: Drift[] = [];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const seen = await look(parts, suspect.id, suspect.listed);
    found.push(...(seen?.drifts ?? []).filter((drift) => !found.some((known) => sameDrift(known, drift))));
    const curable = seen?.drifts.some((drift) => drift.remedy.by === "apply");
    if (!seen || !curable || !mayApply) return settled(found, mayApply ? (seen?.drifts ?? []) : found);
    if (!(await applied(parts, seen))) break;
  }
  const last = await look(parts, suspect.id, suspect.listed);
  return settled(found, last?.drifts ?? []);
}

function settled(found: readonly Drift[], left: readonly Drift[]): SettledDrift[] {
  return found.map((drift) => ({ ...drift, applied: !left.some((still) => sameDrift(still, drift)) }));
}
