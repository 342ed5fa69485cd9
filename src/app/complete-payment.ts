import type { PaymentKey } from "../domain/query.ts";
import type { MoneyInput } from "../domain/create-payment.ts";
import { decideComplete } from "../domain/decide-command.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import { printPaymentId } from "../domain/ids.ts";
import { parseMoney } from "../domain/money.ts";
import { isPaid, type Payment } from "../domain/payment.ts";
import { authorize, refuseRole } from "./access.ts";
import type { Answer } from "./answer.ts";
import { applyFacts } from "./apply-fact.ts";
import { audited, nameAnswer, nameKey } from "./audit.ts";
import { changePayment, type Decision } from "./change-payment.ts";
import { askAbout } from "./find-out.ts";
import type { Caller, Parts } from "./parts.ts";
import { identifyRequest } from "./request.ts";

export interface CompletePaymentInput {
  readonly find: PaymentKey;
  readonly paymentMethod: string | null;
  readonly amount: MoneyInput | null;
  readonly requestId: string;
}

/** Asks the provider what became of a payment, and applies what it says. */
async function verify(parts: Parts, caller: Caller, payment: Payment): Promise<Result<Answer>> {
  const metadata = { paymentId: printPaymentId(payment.id), status: payment.status };
  const answer = await askAbout(parts, payment, caller);
  if (answer.outcome !== "done") {
    return refuse("PROVIDER_ERROR", "the provider cannot be asked whether the payment was paid; nothing was changed", {
      metadata,
      retryAfterMs: 1_000,
    });
  }
  const known = await parts.store.loadKnown(payment.id);
  const { payment: moved } = await applyFacts(parts, known, answer.facts, null);
  if (isPaid(moved.status) || moved.status === "AUTHORIZED" || moved.status === "PROCESSING") {
    return accept({ payment: moved, refund: null, checkout: null, clientSecret: null });
  }
  return refuse("PAYMENT_NOT_PAID", `the provider says that the payment is not paid; it is ${moved.status}`, {
    metadata: { ...metadata, status: moved.status },
  });
}

/** Confirms an open payment with a method, captures an authorized one, or asks the provider whether it was paid. */
export function completePayment(parts: Parts, caller: Caller, input: CompletePaymentInput): Promise<Result<Answer>> {
  const deed = { parts, caller, action: "complete", on: nameKey(input.find) };
  return audited(deed, () => complete(parts, caller, input), nameAnswer);
}

async function complete(parts: Parts, caller: Caller, input: CompletePaymentInput): Promise<Result<Answer>> {
  const allowed = authorize(caller, "complete");
  if (!allowed.ok) return allowed;
  const { find, paymentMethod, amount } = input;
  if (caller.role === "customer" && amount)
    return refuseRole(caller, "complete in part", "a customer pays what the payment owes; leave amount out");
  // What no payment can have is refused before anything is looked up or kept.
  const asked = amount && parseMoney(amount.minor, amount.currency, "amount");
  if (asked && !asked.ok) return asked;
  return changePayment(parts, caller, {
    action: "complete",
    request: identifyRequest(parts, caller, input.requestId, ["complete", find, paymentMethod, amount]),
    find,
    exclusive: true,
    decide(payment): Result<Decision> {
      const provider = parts.providers.get(payment.provider);
      const byCall = payment.mode === "INTENT" || provider?.confirmsCheckouts === true;
      const byDefault = byCall ? (provider?.defaultPaymentMethod ?? null) : null;
      const decided = decideComplete(payment, { paymentMethod: paymentMethod ?? byDefault, amount });
      if (!decided.ok) return decided;
      const step = decided.value;
      switch (step.step) {
        case "confirm":
          return accept({ do: "operate", intention: { kind: "CONFIRM", paymentMethod: step.paymentMethod } });
        case "capture":
          if (caller.role === "customer")
            return refuseRole(caller, "capture", "the money is held; the seller captures it, not the customer");
          return accept({ do: "operate", intention: { kind: "CAPTURE", amountMinor: step.amountMinor } });
        case "verify":
          return accept({ do: "answer", answer: () => verify(parts, caller, payment) });
      }
    },
  });
}
