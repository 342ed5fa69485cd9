// The audit log: one line for each call that would change something, at whichever door it came in, with who, what, on what, and what came of it. Every
// use case that changes something goes through here. Amounts, tokens, payment methods and reasons of callers are not in it.
//
// What providers tell, and what the service does by itself, has lines of its own: "webhook judged", "payment moved", "reconciled".
import type { Result } from "../domain/error.ts";
import { printPaymentId, printRefundId } from "../domain/ids.ts";
import type { PaymentKey } from "../domain/query.ts";
import type { Identity } from "./access.ts";
import type { Answer } from "./answer.ts";
import type { Parts } from "./parts.ts";
import { refuseUnavailable } from "./unavailable.ts";

/** What a call is about, by names that callers know: ids, and nothing else. */
type Subject = Readonly<Record<string, string | undefined>>;

export interface Deed {
  readonly parts: Pick<Parts, "log" | "observer">;
  readonly caller: Identity;
  readonly action: string;
  readonly on: Subject;
}

/** Ids that the contract allows are shorter; a line is written of what it does not allow, too. */
const NAME_LENGTH_MAX = 255;

function shorten(subject: Subject): Subject {
  for (const name in subject) {
    const id = subject[name];
    if (id !== undefined && id.length > NAME_LENGTH_MAX)
      return Object.fromEntries(Object.entries(subject).map(([key, each]) => [key, each?.slice(0, NAME_LENGTH_MAX)]));
  }
  return subject;
}

/** A key as the audit log has it. */
export function nameKey(find: PaymentKey): Subject {
  return "orderId" in find ? { orderId: find.orderId } : { paymentId: printPaymentId(find.paymentId) };
}

/** What an answer about a payment names besides. */
export function nameAnswer({ payment, refund }: Answer): Subject {
  return {
    orderId: payment.orderId,
    paymentId: printPaymentId(payment.id),
    ...(refund && { refundId: printRefundId(refund.id) }),
    status: payment.status,
  };
}

/** What is thrown becomes a refusal at the door; the log has its cause. */
function reasonOfFault(error: unknown): string {
  return refuseUnavailable(error)?.reason ?? "INTERNAL";
}

/** Does a deed, and writes down who did it and what came of it. `name` says what its answer is about. */
export async function audited<T>(
  { parts, caller, action, on }: Deed,
  run: () => Promise<Result<T>>,
  name: (value: T) => Subject,
): Promise<Result<T>> {
  const { role, principal } = caller;
  const write = (outcome: string, about: Subject): void =>
    parts.log.info({ principal, role, action, ...shorten(on), ...about, outcome }, "audit");
  let result: Result<T>;
  try {
    result = await observed(parts, action, run);
  } catch (error) {
    write(reasonOfFault(error), {});
    throw error;
  }
  if (result.ok) write("ok", name(result.value));
  else write(result.error.reason, {});
  return result;
}

/** Runs a use case that changes nothing, for metrics and traces. */
export function observed<T>(
  { observer }: Pick<Parts, "observer">,
  action: string,
  run: () => Promise<Result<T>>,
): Promise<Result<T>> {
  return observer ? observer.around(action, run) : run();
}
