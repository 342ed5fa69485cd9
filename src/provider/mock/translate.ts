// From the gateway's objects to facts. Amounts pass unchanged: the direct face is given ISO 4217 minor units.
import type { DeclinedFact, Fact, OpenedFact, PaidFact, RefundFact } from "../../domain/fact.ts";
import { type Failure, translateDecline } from "../../domain/failure.ts";
import { parseRefundId } from "../../domain/ids.ts";
import { type Money, money } from "../../domain/money.ts";
import type { RefundStatus } from "../../domain/refund.ts";
import type { Charge, CheckoutSession, Life, PaymentIntent, Refund } from "../../gateway/direct.ts";

export type IntentTold = Pick<PaymentIntent, "id" | "status" | "currency" | "amount_received" | "cancellation_reason">;
export type ChargeTold = Pick<
  Charge,
  "id" | "status" | "amount" | "currency" | "payment_method_details" | "failure_code" | "failure_message"
>;
export type SessionTold = Pick<CheckoutSession, "id" | "expires_at">;
export type RefundTold = Pick<Refund, "id" | "status" | "amount" | "currency" | "failure_reason" | "metadata">;

const REFUND_STATUS: Readonly<Record<Refund["status"], RefundStatus>> = {
  pending: "PENDING",
  succeeded: "SUCCEEDED",
  failed: "FAILED",
};

/** Everything that the gateway knows of a payment, in the order in which it came about. */
export function factsOfLife(life: Life, checkoutBaseUrl: string): Fact[] {
  const { intent, charges, refunds } = life;
  const declines = charges.filter((charge) => charge.status === "failed").map(declinedFact);
  const held = charges.filter((charge) => charge.status === "succeeded" && intent.capture_method === "manual");
  const authorized = held.map((charge) => paidFact("authorized", intent, charge));
  const before = intent.status === "requires_capture" || intent.status === "requires_payment_method";
  return [
    openedFact(life, checkoutBaseUrl),
    ...declines,
    ...authorized,
    ...(before ? [] : currentFacts(life)),
    ...refunds.map(refundFact),
  ];
}

/** How a payment stands after the latest thing that happened to it, refunds aside. */
export function currentFacts(life: Life): Fact[] {
  const { intent, session, charges } = life;
  if (intent.status === "canceled" && session?.status === "expired")
    return [expiredFact(session, intent.canceled_at ?? 0)];
  return intentFacts(intent, charges.find((charge) => charge.id === intent.latest_charge) ?? null);
}

/** How an intent stands, given its latest charge. */
export function intentFacts(intent: IntentTold, charge: ChargeTold | null): Fact[] {
  switch (intent.status) {
    case "requires_payment_method":
      return charge === null ? [] : [declinedFact(charge)];
    case "requires_action":
      return [{ kind: "requires_action" }];
    case "requires_capture":
      return charge === null ? [] : [paidFact("authorized", intent, charge)];
    case "succeeded":
      return charge === null ? [] : [paidFact("captured", intent, charge)];
    case "canceled":
      return [{ kind: "canceled", reason: intent.cancellation_reason ?? "abandoned" }];
  }
}

export function openedFact({ intent, session }: Life, checkoutBaseUrl: string): OpenedFact {
  return {
    kind: "opened",
    providerReference: intent.id,
    checkout: session && {
      sessionId: session.id,
      url: `${checkoutBaseUrl}/checkout/${session.id}`,
      expiresAt: new Date(session.expires_at * 1000),
    },
    clientSecret: session ? null : intent.client_secret,
  };
}

/** A session that ended before its time was expired by request, which is how a checkout is canceled. Times are Unix seconds. */
export function expiredFact(session: SessionTold, endedAt: number): Fact {
  if (endedAt < session.expires_at) return { kind: "canceled", reason: "requested_by_customer" };
  return { kind: "expired" };
}

export function refundFact(refund: RefundTold): RefundFact {
  return {
    kind: "refund",
    refundId: parseRefundId(refund.metadata["refund_id"] ?? "") ?? null,
    providerReference: refund.id,
    status: REFUND_STATUS[refund.status],
    amount: told(refund.amount, refund.currency),
    failure: refund.status === "failed" ? refundFailure(refund.failure_reason) : null,
  };
}

function declinedFact(charge: ChargeTold): DeclinedFact {
  return {
    kind: "declined",
    attemptReference: charge.id,
    failure: translateDecline(
      charge.failure_code ?? "card_declined",
      charge.failure_message ?? "Your card was declined.",
    ),
    paymentMethod: describeCard(charge),
  };
}

function paidFact(kind: PaidFact["kind"], intent: IntentTold, charge: ChargeTold): PaidFact {
  return {
    kind,
    amount: told(kind === "captured" ? intent.amount_received : charge.amount, intent.currency),
    providerReference: intent.id,
    chargeReference: charge.id,
    paymentMethod: describeCard(charge),
  };
}

function describeCard({ payment_method_details: { card } }: ChargeTold): string {
  return `${card.brand} ending ${card.last4}`;
}

function refundFailure(reason: string | null): Failure {
  return {
    reason: "PROVIDER_ERROR",
    code: reason ?? "unknown",
    message: "The refund could not be paid out to the card.",
  };
}

function told(amount: bigint, currency: string): Money {
  return money(amount, currency.toUpperCase());
}
