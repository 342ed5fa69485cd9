// Before a payment is created its order is looked at, where an order service is configured: it must be there, be the caller's, may still be paid,
// and says the amount. Nothing is written until then.
import { type AskedTerms, type CreateTerms, withOwnAmount } from "../domain/create-payment.ts";
import { refuse, type Result } from "../domain/error.ts";
import { decideTerms } from "../domain/order.ts";
import type { Answer } from "./answer.ts";
import type { Caller, Parts } from "./parts.ts";
import { Patience, refuseInFlight, replay, type Request } from "./request.ts";

const RETRY_AFTER_MS = 1_000;

/**
 * The answer of a request that was seen before, whatever has become of its order since, and whether or not the order service is there. Null for a
 * new one.
 */
export async function replayBeforeOrder(
  parts: Parts,
  caller: Caller,
  { orderId, request }: { readonly orderId: string; readonly request: Request },
): Promise<Result<Answer> | null> {
  if (parts.orders === null || !request.repeatable) return null;
  const patience = new Patience(parts, caller);
  for (;;) {
    const { request: known } = await parts.store.loadPayment({ find: { orderId }, request: request.key });
    if (!known) return null;
    const answer = replay(request, known);
    if (answer !== "wait") return answer;
    if (!(await patience.pause())) return refuseInFlight(request);
  }
}

/** What to create, with the order's amount. Refuses as decideTerms does, and with SERVICE_UNAVAILABLE while the order service is away. */
export async function checkOrder(parts: Parts, caller: Caller, asked: AskedTerms): Promise<Result<CreateTerms>> {
  if (parts.orders === null) return withOwnAmount(asked);
  const { orderId } = asked;
  const lookup = await parts.orders.find(orderId, { signal: caller.signal });
  if ("unavailable" in lookup) {
    parts.log.warn({ orderId, problem: lookup.unavailable }, "order not found out; nothing is created");
    return refuse("SERVICE_UNAVAILABLE", `order ${orderId} cannot be looked at now; repeat the call`, {
      metadata: { orderId },
      outcome: "NOT_ATTEMPTED",
      retryAfterMs: RETRY_AFTER_MS,
    });
  }
  return decideTerms(asked, lookup.found, caller.role === "customer" ? { customerId: caller.customerId } : null);
}
