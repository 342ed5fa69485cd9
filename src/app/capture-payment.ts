import type { MoneyInput } from "../domain/create-payment.ts";
import { decideComplete } from "../domain/decide-command.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import { printPaymentId } from "../domain/ids.ts";
import { parseMoney } from "../domain/money.ts";
import { isClosed, isPaid, type Payment } from "../domain/payment.ts";
import type { PaymentKey } from "../domain/query.ts";
import { authorize, refuseRole } from "./access.ts";
import type { Answer } from "./answer.ts";
import { audited, nameAnswer, nameKey } from "./audit.ts";
import { changePayment, type Decision } from "./change-payment.ts";
import type { Caller, Parts } from "./parts.ts";
import { identifyRequest } from "./request.ts";

export interface CapturePaymentInput {
  readonly find: PaymentKey;
  /** Null: all that is held. */
  readonly amount: MoneyInput | null;
  readonly requestId: string;
}

function decide(payment: Payment, amount: MoneyInput | null): Result<Decision> {
  const { status } = payment;
  if (status !== "AUTHORIZED" && !isPaid(status) && !isClosed(status)) {
    return refuse("PAYMENT_NOT_PAID", `the payment is ${status}; only an AUTHORIZED one is captured`, {
      metadata: { paymentId: printPaymentId(payment.id), status },
    });
  }
  const decided = decideComplete(payment, { paymentMethod: null, amount });
  if (!decided.ok) return decided;
  if (decided.value.step !== "capture")
    throw new Error(`an AUTHORIZED payment is captured, not: ${decided.value.step}`);
  return accept({ do: "operate", intention: { kind: "CAPTURE", amountMinor: decided.value.amountMinor } });
}

/**
 * Captures what an AUTHORIZED payment holds, all of it or a part, and does nothing else: no other payment is confirmed or asked about. Under one
 * request id it is the same request as to complete the payment. Customers may not.
 */
export function capturePayment(parts: Parts, caller: Caller, input: CapturePaymentInput): Promise<Result<Answer>> {
  const deed = { parts, caller, action: "capture", on: nameKey(input.find) };
  return audited(deed, () => capture(parts, caller, input), nameAnswer);
}

async function capture(parts: Parts, caller: Caller, input: CapturePaymentInput): Promise<Result<Answer>> {
  const allowed = authorize(caller, "complete");
  if (!allowed.ok) return allowed;
  const { find, amount, requestId } = input;
  if (caller.role === "customer")
    return refuseRole(caller, "capture", "the money is held; the seller captures it, not the customer");
  // What no payment can have is refused before anything is looked up or kept.
  const asked = amount && parseMoney(amount.minor, amount.currency, "amount");
  if (asked && !asked.ok) return asked;
  return changePayment(parts, caller, {
    action: "complete",
    request: identifyRequest(parts, caller, requestId, ["complete", find, null, amount]),
    find,
    exclusive: true,
    decide: (payment) => decide(payment, amount),
  });
}
