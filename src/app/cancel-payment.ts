import type { PaymentKey } from "../domain/query.ts";
import { decideCancel } from "../domain/decide-command.ts";
import { accept, type Result } from "../domain/error.ts";
import type { Answer } from "./answer.ts";
import { audited, nameAnswer, nameKey } from "./audit.ts";
import { changePayment } from "./change-payment.ts";
import type { Caller, Parts } from "./parts.ts";
import { identifyRequest } from "./request.ts";

export interface CancelPaymentInput {
  readonly find: PaymentKey;
  readonly reason: string;
  readonly requestId: string;
}

/** Cancels a payment that is not captured, and releases what is held. */
export function cancelPayment(parts: Parts, caller: Caller, input: CancelPaymentInput): Promise<Result<Answer>> {
  const deed = { parts, caller, action: "cancel", on: nameKey(input.find) };
  return audited(deed, () => cancel(parts, caller, input), nameAnswer);
}

function cancel(parts: Parts, caller: Caller, input: CancelPaymentInput): Promise<Result<Answer>> {
  const { find } = input;
  const reason = input.reason || "user_requested";
  return changePayment(parts, caller, {
    action: "cancel",
    request: identifyRequest(parts, caller, input.requestId, ["cancel", find, reason]),
    find,
    exclusive: true,
    decide(payment) {
      const decided = decideCancel(payment);
      if (!decided.ok) return decided;
      if (decided.value === "cancel") return accept({ do: "operate", intention: { kind: "CANCEL", reason } });
      const unchanged: Result<Answer> = accept({ payment, refund: null, checkout: null, clientSecret: null });
      return accept({ do: "answer", answer: () => Promise.resolve(unchanged) });
    },
  });
}
