// A payment that the provider holds for us and that has no row here: its row was lost, as by a database that was restored. It is made again from what
// the provider knows, as a new payment that the provider's facts then move. What only we knew, such as the customer and the items, is gone.
import { describeEvent } from "../domain/event.ts";
import { newPayment } from "../domain/create-payment.ts";
import type { PaymentId } from "../domain/ids.ts";
import { isClosed, type Payment } from "../domain/payment.ts";
import type { ProviderPayment } from "../provider/provider.ts";
import { applyFacts } from "./apply-fact.ts";
import type { ReconcileParts } from "./reconcile-payment.ts";

export interface LostPayment {
  readonly provider: string;
  /** Who may see it from now on. */
  readonly principal: string;
  readonly paymentId: PaymentId;
  readonly orderId: string;
  readonly theirs: ProviderPayment;
}

/** As many as the payment may have had: what the provider holds open must not be ended by being written down. */
function attemptsMaxOf({ theirs }: LostPayment): number {
  const declined = theirs.facts.filter((fact) => fact.kind === "declined").length;
  const ended = theirs.facts.some((fact) => fact.kind === "canceled" || fact.kind === "expired");
  const usual = theirs.sessionId === null ? 1 : 5;
  return ended ? usual : Math.max(usual, declined + 1);
}

function rebuild(parts: ReconcileParts, lost: LostPayment): Payment {
  const { theirs, provider, principal, paymentId, orderId } = lost;
  const opened = theirs.facts.find((fact) => fact.kind === "opened");
  const terms = {
    orderId,
    customerId: null,
    customerEmail: null,
    mode: theirs.sessionId === null ? ("INTENT" as const) : ("CHECKOUT" as const),
    provider,
    captureMethod: theirs.facts.some((fact) => fact.kind === "authorized")
      ? ("MANUAL" as const)
      : ("AUTOMATIC" as const),
    paymentMethod: null,
    amount: theirs.owed,
    items: [],
    description: null,
    metadata: {},
    successUrl: null,
    cancelUrl: null,
    attemptsMax: attemptsMaxOf(lost),
  };
  const expiresAt = opened?.checkout?.expiresAt ?? null;
  const born = newPayment(terms, {
    id: paymentId,
    principal,
    clientToken: parts.mintToken(),
    now: theirs.createdAt,
    expiresAt,
  });
  return { ...born, updatedAt: parts.now() };
}

/** False when it cannot be adopted: the order has another payment that is live. */
export async function adoptPayment(parts: ReconcileParts, lost: LostPayment): Promise<boolean> {
  const payment = rebuild(parts, lost);
  const moment = parts.moment();
  const event = describeEvent("payment.created", payment, {}, { id: moment.mintEventId(), now: moment.now });
  if (!(await parts.books.adopt(payment, event))) return false;
  parts.wakeRelay();
  await applyFacts(parts, { payment, refunds: [], disputes: [] }, lost.theirs.facts, null);
  return true;
}

/** Whether the order has a payment that is live, beside which there cannot be another. */
export async function isOrderTaken(parts: ReconcileParts, orderId: string): Promise<boolean> {
  const { payment } = await parts.store.loadPayment({ find: { orderId }, request: null });
  return payment !== null && !isClosed(payment.status);
}
