import { decideCreateAgain } from "../domain/decide-command.ts";
import { describeEvent } from "../domain/event.ts";
import { type CreateInput, type CreateTerms, newPayment, parseAsked } from "../domain/create-payment.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import { printPaymentId } from "../domain/ids.ts";
import { isClosed, type Payment } from "../domain/payment.ts";
import { authorize, maySee } from "./access.ts";
import { type Answer, checkoutOf } from "./answer.ts";
import { audited, nameAnswer } from "./audit.ts";
import { carryOut } from "./carry-out.ts";
import { checkOrder, replayBeforeOrder } from "./check-order.ts";
import { askAbout } from "./find-out.ts";
import { newOperation } from "./intention.ts";
import { limitCustomer } from "./limit-customer.ts";
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

/** The order has a payment that the caller may not see, and of which the caller learns nothing. */
function refuseTaken(orderId: string): Result<never> {
  return refuse("ORDER_NOT_PAYABLE", `order ${orderId} cannot be paid by this caller`, { metadata: { orderId } });
}

/** Creates a payment for an order, or gives the order's open payment of the same amount. */
export function createPayment(parts: Parts, caller: Caller, input: CreatePaymentInput): Promise<Result<Answer>> {
  const deed = { parts, caller, action: "create", on: { orderId: input.orderId } };
  return audited(deed, () => create(parts, caller, input), nameAnswer);
}

async function create(parts: Parts, caller: Caller, input: CreatePaymentInput): Promise<Result<Answer>> {
  const allowed = authorize(caller, "create");
  if (!allowed.ok) return allowed;
  const limited = limitCustomer(parts, caller, input);
  if (!limited.ok) return limited;
  const asked = parseAsked(limited.value, parts.rules);
  if (!asked.ok) return asked;
  const request = identifyRequest(parts, caller, input.requestId, ["create", asked.value]);
  const replayed = await replayBeforeOrder(parts, caller, { orderId: asked.value.orderId, request });
  if (replayed) return replayed;
  const checked = await checkOrder(parts, caller, asked.value);
  if (!checked.ok) return checked;
  const terms = checked.value;
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
    const isShown = payment !== null && maySee(caller, payment);
    if (isShown && payment.activeOperationId) {
      if (!(await patience.pause())) return refuseBusy(printPaymentId(payment.id));
      continue;
    }
    // One that has ended since makes room for another: it is nobody's answer.
    if (payment && !isClosed(payment.status)) {
      const again = isShown ? decideCreateAgain(payment, terms) : refuseTaken(terms.orderId);
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
