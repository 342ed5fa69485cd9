import type { PaymentKey } from "../domain/query.ts";
import type { MoneyInput } from "../domain/create-payment.ts";
import { decideRefund } from "../domain/decide-command.ts";
import { accept, type Result } from "../domain/error.ts";
import { parseMoney } from "../domain/money.ts";
import { authorize } from "./access.ts";
import type { Answer } from "./answer.ts";
import { audited, nameAnswer, nameKey } from "./audit.ts";
import { changePayment } from "./change-payment.ts";
import type { Caller, Parts } from "./parts.ts";
import { identifyRequest } from "./request.ts";

export interface RefundPaymentInput {
  readonly find: PaymentKey;
  /** Null: all that is left. */
  readonly amount: MoneyInput | null;
  readonly reason: string | null;
  readonly requestId: string;
}

/** Gives captured money back. The amount is reserved before the provider is asked, so that no two refunds can share it. */
export function refundPayment(parts: Parts, caller: Caller, input: RefundPaymentInput): Promise<Result<Answer>> {
  const deed = { parts, caller, action: "refund", on: nameKey(input.find) };
  return audited(deed, () => refund(parts, caller, input), nameAnswer);
}

async function refund(parts: Parts, caller: Caller, input: RefundPaymentInput): Promise<Result<Answer>> {
  const allowed = authorize(caller, "refund");
  if (!allowed.ok) return allowed;
  const { find, reason } = input;
  // What no payment can have is refused before anything is looked up or kept.
  const asked = input.amount && parseMoney(input.amount.minor, input.amount.currency, "amount");
  if (asked && !asked.ok) return asked;
  return changePayment(parts, caller, {
    action: "refund",
    request: identifyRequest(parts, caller, input.requestId, ["refund", find, input.amount, reason]),
    find,
    exclusive: false,
    decide(payment) {
      const amount = decideRefund(payment, input.amount);
      if (!amount.ok) return amount;
      const moment = parts.moment();
      const refund = {
        id: moment.mintRefundId(),
        paymentId: payment.id,
        amount: amount.value,
        status: "PENDING",
        reason,
        providerReference: null,
        failure: null,
        createdAt: moment.now,
        updatedAt: moment.now,
      } as const;
      return accept({ do: "operate", intention: { kind: "REFUND", amountMinor: amount.value.minor, reason, refund } });
    },
  });
}
