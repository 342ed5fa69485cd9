// Refunds: succeeded at once, or pending → succeeded, or succeeded → failed, as the card decides. What is pending or succeeded never
// exceeds what was captured; what failed is no longer counted.
import { findCard } from "./cards.ts";
import {
  baseOf,
  type Charge,
  type Life,
  type Metadata,
  type Refund,
  type RefundReason,
  unixSeconds,
} from "./objects.ts";
import { changed, forbidden, invalid, type Step } from "./step.ts";

export interface CreateRefundParams {
  readonly amount: bigint;
  readonly reason: RefundReason | null;
  readonly metadata: Metadata;
}

export function createRefund(life: Life, params: CreateRefundParams, now: Date): Step {
  const charge = life.charges.find((each) => each.id === life.intent.latest_charge);
  if (charge === undefined || !charge.captured) {
    return forbidden(life, "payment_intent_unexpected_state", "This PaymentIntent has no captured charge to refund.");
  }
  if (params.amount < 1n) return invalid("parameter_invalid_integer", "This value must be greater than or equal to 1.");
  const left = charge.amount_captured - charge.amount_refunded;
  if (left === 0n) return forbidden(life, "charge_already_refunded", `Charge ${charge.id} has already been refunded.`);
  if (params.amount > left) {
    return forbidden(
      life,
      "amount_too_large",
      `Refund amount (${params.amount}) is greater than unrefunded amount on charge (${left}).`,
    );
  }
  const refund: Refund = {
    id: `re_${baseOf(charge.id)}${life.refunds.length.toString(36)}`,
    object: "refund",
    status: findCard(charge.payment_method)?.refund === "succeeds_later" ? "pending" : "succeeded",
    amount: params.amount,
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

/** Lets the later half of a refund happen: pending → succeeded, or succeeded → failed, for the cards that do so. */
export function settleRefund(life: Life, refundId: string): Step {
  const refund = life.refunds.find((each) => each.id === refundId);
  const charge = life.charges.find((each) => each.id === refund?.charge);
  if (refund === undefined || charge === undefined)
    return invalid("resource_missing", `No such refund: '${refundId}'`, 404);
  const fails = findCard(charge.payment_method)?.refund === "fails_later";
  if (refund.status !== (fails ? "succeeded" : "pending")) {
    return forbidden(life, "refund_settled", `Refund ${refundId} is ${refund.status} for good.`);
  }
  const settled: Refund = fails
    ? { ...refund, status: "failed", failure_reason: "expired_or_canceled_card" }
    : { ...refund, status: "succeeded" };
  const refunds = life.refunds.map((each) => (each.id === refundId ? settled : each));
  const returned = fails ? refund.amount : 0n;
  const charges = withCharge(life, { ...charge, amount_refunded: charge.amount_refunded - returned });
  const effect = { name: "refund_settled" as const, amount: refund.amount, charge: charge.id, refund: refundId };
  return changed({ ...life, charges, refunds }, effect, refundId);
}

function withCharge(life: Life, changedCharge: Charge): readonly Charge[] {
  return life.charges.map((each) => (each.id === changedCharge.id ? changedCharge : each));
}
