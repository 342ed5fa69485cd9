// Refunds: succeeded at once, or pending → succeeded, or succeeded → failed, as the card decides. What is pending or succeeded never
// exceeds what was captured; what failed is no longer counted.
import type { TestCard } from "./cards.ts";
import { findObstacle } from "./disputes.ts";
import {
  baseOf,
  type Charge,
  type Life,
  type Metadata,
  type Refund,
  type RefundReason,
  unixSeconds,
} from "./objects.ts";
import { findMethodCard } from "./payment-methods.ts";
import { changed, forbidden, invalid, invalidAmount, type Step, unexpectedState } from "./step.ts";

export interface CreateRefundParams {
  /** Null for all that is left. */
  readonly amount: bigint | null;
  readonly reason: RefundReason | null;
  readonly metadata: Metadata;
}

export function createRefund(life: Life, params: CreateRefundParams, now: Date): Step {
  const charge = life.charges.find((each) => each.id === life.intent.latest_charge);
  if (charge === undefined || !charge.captured) {
    return unexpectedState(life, "This PaymentIntent has no captured charge to refund.");
  }
  if (params.amount !== null && params.amount < 1n) return invalidAmount("amount");
  if (findObstacle(life, charge)) {
    return forbidden(life, "charge_disputed", `Charge ${charge.id} has been charged back; cannot issue a refund.`);
  }
  const left = charge.amount_captured - charge.amount_refunded;
  if (left === 0n) return forbidden(life, "charge_already_refunded", `Charge ${charge.id} has already been refunded.`);
  const amount = params.amount ?? left;
  if (amount > left) {
    return forbidden(
      life,
      "amount_too_large",
      `Refund amount (${amount}) is greater than unrefunded amount on charge (${left}).`,
    );
  }
  const refund: Refund = {
    id: `re_${baseOf(charge.id)}${life.refunds.length.toString(36)}`,
    object: "refund",
    status: refundManner(charge) === "succeeds_later" ? "pending" : "succeeded",
    amount,
    currency: charge.currency,
    charge: charge.id,
    payment_intent: charge.payment_intent,
    reason: params.reason,
    failure_reason: null,
    created: unixSeconds(now),
    metadata: params.metadata,
  };
  const refunded = { ...charge, amount_refunded: charge.amount_refunded + refund.amount };
  const next = { ...life, charges: withCharge(life, refunded), refunds: [...life.refunds, refund] };
  return changed(next, { name: "refund", amount: refund.amount, charge: charge.id, refund: refund.id }, refund.id);
}

/** What becomes of a refund of a charge, by its card. */
export function refundManner(charge: Charge): TestCard["refund"] {
  return findMethodCard(charge.payment_method)?.refund ?? "succeeds";
}

/** Brings a refund to its end: pending → succeeded or failed, succeeded → failed. Without `asked` the end is the one its card leads to. */
export function settleRefund(life: Life, refundId: string, asked?: "succeeded" | "failed"): Step {
  const refund = life.refunds.find((each) => each.id === refundId);
  const charge = life.charges.find((each) => each.id === refund?.charge);
  if (refund === undefined || charge === undefined) {
    return invalid("resource_missing", `No such refund: '${refundId}'`, { status: 404 });
  }
  const status = asked ?? (refundManner(charge) === "fails_later" ? "failed" : "succeeded");
  if (refund.status === "failed" || refund.status === status) {
    return forbidden(life, "refund_settled", `Refund ${refundId} is ${refund.status} for good.`);
  }
  const fails = status === "failed";
  const settled: Refund = { ...refund, status, failure_reason: fails ? "expired_or_canceled_card" : null };
  const refunds = life.refunds.map((each) => (each.id === refundId ? settled : each));
  const returned = fails ? refund.amount : 0n;
  const charges = withCharge(life, { ...charge, amount_refunded: charge.amount_refunded - returned });
  const effect = { name: "refund_settled" as const, amount: refund.amount, charge: charge.id, refund: refundId };
  return changed({ ...life, charges, refunds }, effect, refundId);
}

function withCharge(life: Life, changedCharge: Charge): readonly Charge[] {
  return life.charges.map((each) => (each.id === changedCharge.id ? changedCharge : each));
}
