import { decideCreateAgain } from "../domain/decide-command.ts";
import { describeEvent } from "../domain/event.ts";
import { type CreateInput, type CreateTerms, newPayment, parseCreate } from "../domain/create-payment.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import { printPaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import { type Answer, checkoutOf } from "./answer.ts";
import { carryOut } from "./carry-out.ts";
import { askAbout } from "./find-out.ts";
import { newOperation } from "./intention.ts";
import type { Caller, Parts } from "./parts.ts";
import { identifyRequest, keepAnswer, Patience, refuseBusy, refuseInFlight, replay, type Request } from "./request.ts";

export type CreatePaymentInput = CreateInput & { readonly requestId: string };

/** Providers count the end of a page in whole seconds. */
function checkoutEnd(now: Date, lifetimeMs: number): Date {
  return new Date(Math.floor((now.getTime() + lifetimeMs) / 1_000) * 1_000);
}

async function begin(
  parts: Parts,
  caller: Caller,
  terms: CreateTerms,
  request: Request,
): Promise<Result<Answer> | null> {
  const now = parts.now();
  const expiresAt = terms.mode === "CHECKOUT" ? checkoutEnd(now, parts.limits.checkoutLifetimeMs) : null;
  const born = newPayment(terms, {
    id: parts.mintPaymentId(now),
    principal: caller.principal,
    clientToken: parts.mintToken(),
    now,
    expiresAt,
  });
  const operation = newOperation(parts, born, { kind: "CREATE", paymentMethod: terms.paymentMethod }, request);
  const payment: Payment = { ...born, activeOperationId: operation.id };
  const event = describeEvent("payment.created", payment, {}, { id: parts.moment().mintEventId(), now });
  const outcome = await parts.store.beginCreate({
    request: request.key,
    fingerprint: request.fingerprint,
    payment,
    operation,
    event,
  });
  if (outcome !== "begun") return null;
  parts.wakeRelay();
  return carryOut(parts, { known: { payment, refunds: [], disputes: [] }, operation });
}

/** The client secret of an open intent is the provider's to tell; it is not kept with the payment. */
async function answerWithExisting(parts: Parts, caller: Caller, payment: Payment): Promise<Result<Answer>> {
  const found: Answer = {
    payment,
    refund: null,
    checkout: payment.mode === "CHECKOUT" ? checkoutOf(payment) : null,
    clientSecret: null,
  };
  if (payment.mode === "CHECKOUT") return accept(found);
  const answer = await askAbout(parts, payment, caller);
  if (answer.outcome === "done") {
    const opened = answer.facts.find((fact) => fact.kind === "opened");
    return accept({ ...found, clientSecret: opened?.clientSecret ?? null });
  }
  return refuse(
    "PROVIDER_ERROR",
    "the order has an open payment, whose provider cannot be asked for its client secret now",
    {
      metadata: { paymentId: printPaymentId(payment.id) },
      retryAfterMs: 1_000,
    },
  );
}

/** Creates a payment for an order, or gives the order's open payment of the same amount. */
export async function createPayment(parts: Parts, caller: Caller, input: CreatePaymentInput): Promise<Result<Answer>> {
  const parsed = parseCreate(input, parts.rules);
  if (!parsed.ok) return parsed;
  const terms = parsed.value;
  const request = identifyRequest(parts, caller, input.requestId, ["create", terms]);
  const patience = new Patience(parts, caller);
  for (;;) {
    const created = await begin(parts, caller, terms, request);
    if (created) return created;
    const { payment, request: known } = await parts.store.loadPayment({
      find: { orderId: terms.orderId },
      request: request.key,
    });
    if (known) {
      const answer = replay(request, known);
      if (answer !== "wait") return answer;
      if (!(await patience.pause())) return refuseInFlight(request);
      continue;
    }
    if (payment?.activeOperationId) {
      if (!(await patience.pause())) return refuseBusy(printPaymentId(payment.id));
      continue;
    }
    if (payment) {
      const again = decideCreateAgain(payment, terms);
      const kept = await keepAnswer(
        parts,
        request,
        again.ok ? await answerWithExisting(parts, caller, again.value) : again,
      );
      if (kept) return kept;
    }
    if (patience.isOver()) return refuseInFlight(request);
  }
}
