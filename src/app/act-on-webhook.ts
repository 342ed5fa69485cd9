// What a stored webhook means for its payment: nothing, a look at the provider, or a place where a person finds it.
import { DatabaseUnavailable } from "../db/named-query.ts";
import { decideFacts, FactDisagrees, type KnownPayment } from "../domain/decide-fact.ts";
import type { Payment } from "../domain/payment.ts";
import type { WebhookEvent, WebhookState } from "../domain/webhook.ts";
import type { WebhookMessage } from "../provider/provider.ts";
import { applyFacts, changes } from "./apply-fact.ts";
import { BACKOFF_MAX_MS } from "./backoff.ts";
import { askFor } from "./find-out.ts";
import type { Parts } from "./parts.ts";

/** How long an event is tried again by itself: what has not come right by then is for a person. Stripe sends for three days, too. */
const TRIED_FOR_MS = 72 * 3_600_000;
const BACKOFF_BASE_MS = 1_000;
/** A payment that is not there after minutes will hardly come soon. */
const PARKED_BACKOFF_MAX_MS = 3_600_000;

interface Verdict {
  readonly state: WebhookState;
  readonly note: string | null;
  readonly payment: Payment | null;
}

function backoffMs(state: WebhookState, attempts: number): number {
  const longest = state === "PARKED" ? PARKED_BACKOFF_MAX_MS : BACKOFF_MAX_MS;
  return Math.min(longest, BACKOFF_BASE_MS * 2 ** Math.min(attempts, 20));
}

/** The payment that a message speaks of: by our own id where the provider echoes it, else by the provider's. */
export async function findConcerned(parts: Parts, provider: string, message: WebhookMessage): Promise<Payment | null> {
  const { paymentId, providerReference, sessionId } = message;
  if (paymentId !== null) {
    return (await parts.store.loadPayment({ find: { paymentId }, request: null })).payment;
  }
  const byReference = providerReference && (await parts.store.findByReference(provider, providerReference));
  return byReference || (sessionId ? parts.store.findBySession(sessionId) : null);
}

function differ(ours: string | null, theirs: string | null): boolean {
  return ours !== null && theirs !== null && ours !== theirs;
}

/** Says what is wrong with an authentic message for this payment; null when it fits. */
function findMismatch(payment: Payment, provider: string, message: WebhookMessage): string | null {
  const { amount } = payment;
  const { owed } = message;
  if (payment.provider !== provider) return `the payment is carried by ${payment.provider}`;
  if (differ(payment.providerReference, message.providerReference))
    return `it speaks of ${message.providerReference}, the payment is ${payment.providerReference}`;
  if (differ(payment.sessionId, message.sessionId))
    return `it speaks of ${message.sessionId}, the payment's checkout is ${payment.sessionId}`;
  if (owed !== null && (owed.minor !== amount.minor || owed.currency !== amount.currency))
    return `it speaks of ${owed.minor} ${owed.currency}, the payment owes ${amount.minor} ${amount.currency}`;
  return null;
}

/** Whether facts would change anything. Throws FactDisagrees. */
function wouldMove(parts: Parts, known: KnownPayment, message: WebhookMessage): boolean {
  return changes(known.payment, decideFacts(known, message.facts, parts.moment()));
}

/** Asks the provider and applies what it says. */
async function look(parts: Parts, known: KnownPayment, message: WebhookMessage): Promise<Verdict> {
  const { payment } = known;
  if (!message.incomplete && !wouldMove(parts, known, message))
    return { state: "INERT", note: "known already", payment };
  const answer = await askFor(parts, payment);
  if (answer.outcome === "refused") {
    return { state: "QUARANTINED", note: `the provider denies it: ${answer.message}`, payment };
  }
  if (answer.outcome !== "done") return { state: "RECEIVED", note: answer.message, payment };
  const { moved } = await applyFacts(parts, known, answer.facts, null);
  return moved ? { state: "APPLIED", note: null, payment } : { state: "INERT", note: "known already", payment };
}

async function judge(parts: Parts, event: WebhookEvent, message: WebhookMessage): Promise<Verdict> {
  const provider = parts.providers.get(event.provider);
  const quarantine = (note: string, payment: Payment | null = null): Verdict => ({
    state: "QUARANTINED",
    note,
    payment,
  });
  if (message.live !== provider?.live)
    return quarantine(`it is of ${message.live ? "live" : "test"} mode, and we are not`);
  if (message.account !== null) return quarantine(`it is of the account ${message.account}, which is not ours`);
  if (message.facts.length === 0 && !message.incomplete)
    return { state: "INERT", note: "it says nothing of payments", payment: null };
  const payment = await findConcerned(parts, event.provider, message);
  if (!payment) {
    if (message.foreign) return { state: "INERT", note: "it is of another system's payment", payment: null };
    const named = message.paymentId ?? message.providerReference ?? message.sessionId;
    if (named === null) return { state: "INERT", note: "it names no payment", payment: null };
    return { state: "PARKED", note: `there is no payment for ${named} yet`, payment: null };
  }
  const mismatch = findMismatch(payment, event.provider, message);
  if (mismatch !== null) return quarantine(mismatch, payment);
  try {
    return await look(parts, await parts.store.knownOf(payment), message);
  } catch (error) {
    if (!(error instanceof FactDisagrees)) throw error;
    return error.mayPass ? { state: "PARKED", note: error.message, payment } : quarantine(error.message, payment);
  }
}

/** A failure of ours is written down as well, so that it is not tried for ever. While the database is away nothing can be. */
async function judgeOrFail(parts: Parts, event: WebhookEvent, message: WebhookMessage | null): Promise<Verdict> {
  if (message === null)
    return { state: "RECEIVED", note: `provider ${event.provider} is not configured`, payment: null };
  try {
    return await judge(parts, event, message);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error;
    parts.log.error(
      { err: error, eventId: event.eventId, type: event.type },
      "webhook not acted on; it is tried again",
    );
    return { state: "RECEIVED", note: "acting on it failed; the log says why", payment: null };
  }
}

/** Acts on a stored event, and writes down what became of it. `message` is null when its provider is not there to read it. */
export async function actOnWebhook(parts: Parts, event: WebhookEvent, message: WebhookMessage | null): Promise<void> {
  const { state, note, payment } = await judgeOrFail(parts, event, message);
  const now = parts.now();
  const again = state === "RECEIVED" || state === "PARKED";
  const givenUp = now.getTime() - event.receivedAt.getTime() > TRIED_FOR_MS;
  const { provider, eventId, type } = event;
  await parts.inbox.settle({
    provider,
    eventId,
    // What was never acted on is for a person once it is given up.
    state: again && givenUp ? "PARKED" : state,
    note,
    paymentId: payment?.id ?? null,
    nextAttemptAt: again && !givenUp ? new Date(now.getTime() + backoffMs(state, event.attempts)) : null,
    now,
  });
  if (again && !givenUp) parts.wakeRecovery();
  const log = state === "QUARANTINED" || givenUp ? "warn" : "info";
  parts.log[log]({ provider, eventId, type, state, note, paymentId: payment?.id }, "webhook judged");
}
