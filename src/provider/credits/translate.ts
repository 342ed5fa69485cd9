// From transfers of credits to facts.
import { printTransferId, type Transfer } from "../../domain/credit.ts";
import { CREDITS_METHOD } from "../../domain/credit-terms.ts";
import { CREDITS } from "../../domain/currency.ts";
import { unreachable } from "../../domain/error.ts";
import type { Fact } from "../../domain/fact.ts";
import type { Failure } from "../../domain/failure.ts";
import type { PaymentId } from "../../domain/ids.ts";
import { money } from "../../domain/money.ts";

const TOO_FEW: Failure = {
  reason: "INSUFFICIENT_FUNDS",
  code: "insufficient_credits",
  message: "There are not enough credits.",
};

/** What this provider calls a payment. */
export function referenceOf(paymentId: PaymentId): string {
  return `credits_${paymentId}`;
}

function paidFact(kind: "authorized" | "captured", transfer: Transfer, paymentId: PaymentId): Fact {
  return {
    kind,
    amount: money(transfer.credits, CREDITS),
    providerReference: referenceOf(paymentId),
    chargeReference: printTransferId(transfer.id),
    paymentMethod: CREDITS_METHOD,
  };
}

/** What a transfer did; nothing for one that only opened a payment, and for a grant. */
function effectOf(transfer: Transfer, paymentId: PaymentId): Fact | null {
  const { effect, id, credits, reason, refundId } = transfer;
  switch (effect) {
    case "DECLINED":
      return {
        kind: "declined",
        attemptReference: printTransferId(id),
        failure: TOO_FEW,
        paymentMethod: CREDITS_METHOD,
      };
    case "HELD":
      return paidFact("authorized", transfer, paymentId);
    case "CAPTURED":
      return paidFact("captured", transfer, paymentId);
    case "CANCELED":
      return { kind: "canceled", reason: reason ?? "" };
    case "REFUNDED": {
      const amount = money(credits, CREDITS);
      return {
        kind: "refund",
        refundId,
        providerReference: printTransferId(id),
        status: "SUCCEEDED",
        amount,
        failure: null,
      };
    }
    case "OPENED":
    case "GRANTED":
      return null;
    default:
      return unreachable(effect);
  }
}

/** What a transfer of a payment tells. */
export function factsOf(transfer: Transfer, paymentId: PaymentId): readonly Fact[] {
  const effect = effectOf(transfer, paymentId);
  const opened: Fact = {
    kind: "opened",
    providerReference: referenceOf(paymentId),
    checkout: null,
    clientSecret: null,
  };
  return [...(transfer.kind === "CREATE" ? [opened] : []), ...(effect ? [effect] : [])];
}
