// Finds out what became of an operation: by making its call, by making it again under the same key, and by asking.
import { unreachable } from "../domain/error.ts";
import type { KnownPayment } from "../domain/decide-fact.ts";
import type { Fact } from "../domain/fact.ts";
import type { Operation } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "../provider/provider.ts";
import type { Caller, Parts } from "./parts.ts";

/** Providers keep idempotency keys for 24 hours (Stripe, idempotent requests); an hour is left for clocks that differ. */
const REPEATABLE_MS = 23 * 3_600_000;

export interface CarryOut {
  readonly known: KnownPayment;
  readonly operation: Operation;
}

function callProvider(provider: Provider, call: ProviderCall): Promise<ProviderAnswer> {
  switch (call.operation.kind) {
    case "CREATE":
      return provider.create(call);
    case "CONFIRM":
      return provider.confirm(call);
    case "CAPTURE":
      return provider.capture(call);
    case "CANCEL":
      return provider.cancel(call);
    case "REFUND":
      return provider.refund(call);
    default:
      return unreachable(call.operation.kind);
  }
}

/** Asks the provider, for as long as it may take. Whatever goes wrong on the way is an unknown outcome. */
async function ask(
  parts: Parts,
  payment: Payment,
  question: (provider: Provider, signal: AbortSignal) => Promise<ProviderAnswer>,
): Promise<ProviderAnswer> {
  const provider = parts.providers.get(payment.provider);
  if (!provider) return { outcome: "unknown", message: `provider ${payment.provider} is not configured` };
  try {
    return await question(provider, AbortSignal.timeout(parts.limits.providerTimeoutMs));
  } catch (error) {
    parts.log.error({ err: error, paymentId: payment.id }, "provider call broke");
    return { outcome: "unknown", message: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks for all that the provider knows of a payment, for no longer than a provider may take, nor than the caller waits. */
export function askAbout(parts: Parts, payment: Payment, caller: Caller): Promise<ProviderAnswer> {
  return ask(parts, payment, (provider, signal) =>
    provider.retrieve(payment, AbortSignal.any([signal, caller.signal])),
  );
}

/** Asks for all that the provider knows of a payment, for no longer than a provider may take. */
export function askFor(parts: Parts, payment: Payment): Promise<ProviderAnswer> {
  return ask(parts, payment, (provider, signal) => provider.retrieve(payment, signal));
}

/** What happened to the customer's attempts after those that had been declined when an operation was decided. */
function attemptsAfter({ operation }: CarryOut, facts: readonly Fact[]): readonly Fact[] {
  const before = operation.attemptsBefore ?? [];
  const last = facts.findLastIndex((fact) => fact.kind === "declined" && before.includes(fact.attemptReference));
  return facts
    .slice(last + 1)
    .filter((fact) => fact.kind !== "opened" && fact.kind !== "refund" && fact.kind !== "dispute");
}

/** What facts that the provider was asked for tell of an operation: that it was done, that it came too late, or nothing. */
function tellOutcome(work: CarryOut, facts: readonly Fact[]): "done" | "overtaken" | null {
  const { operation } = work;
  const captured = facts.some((fact) => fact.kind === "captured");
  const ended = facts.some((fact) => fact.kind === "canceled" || fact.kind === "expired");
  switch (operation.kind) {
    case "CREATE":
      return facts.length > 0 ? "done" : null;
    case "CONFIRM":
      if (ended) return "overtaken";
      return attemptsAfter(work, facts).length > 0 ? "done" : null;
    case "CAPTURE":
      return captured ? "done" : ended ? "overtaken" : null;
    case "CANCEL":
      return ended ? "done" : captured ? "overtaken" : null;
    case "REFUND":
      return facts.some((fact) => fact.kind === "refund" && fact.refundId === operation.refundId) ? "done" : null;
    default:
      return unreachable(operation.kind);
  }
}

/** Asks for all that the provider knows of the payment, and reads in it what became of the operation; null where it does not tell. */
async function look(parts: Parts, work: CarryOut, mayStillHappen: boolean): Promise<ProviderAnswer | null> {
  const { payment } = work.known;
  const seen = await askFor(parts, payment);
  if (seen.outcome !== "done") return null;
  const { facts } = seen;
  switch (tellOutcome(work, facts)) {
    case "done":
      return seen;
    case "overtaken":
      return { outcome: "refused", code: "overtaken", message: "Something else happened first.", facts };
    case null:
      if (mayStillHappen) return null;
      return { outcome: "refused", code: "not_carried_out", message: "The provider has no trace of it.", facts };
  }
}

/** While the provider keeps the key; and a cancel always, since to let go twice moves no money, and never to let go would leave a payment open. */
function isRepeatable(parts: Parts, { kind, createdAt }: Operation): boolean {
  return kind === "CANCEL" || parts.now().getTime() - createdAt.getTime() < REPEATABLE_MS;
}

/**
 * Makes the call. One that may have been made before is made again under the same key, while that is safe, and what that does not tell is asked
 * for. It is never made under another key, and never taken for a failure while it may still have happened.
 */
export async function findOut(parts: Parts, work: CarryOut): Promise<ProviderAnswer> {
  const { operation, known } = work;
  const repeatable = isRepeatable(parts, operation);
  const answer: ProviderAnswer = repeatable
    ? await ask(parts, known.payment, (provider, signal) =>
        callProvider(provider, { payment: known.payment, operation, signal }),
      )
    : { outcome: "unknown", message: "the provider may have forgotten the key" };
  if (answer.outcome !== "unknown" || operation.attempts === 0) return answer;
  return (await look(parts, work, repeatable)) ?? answer;
}
