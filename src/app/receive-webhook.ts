// What becomes of a message that a provider sends: verified, stored, acknowledged; and acted on at once, or later by the recovery worker.
//
// A message is a reason to look, not the news itself: messages come late, twice and in any order, and the provider's own account of the payment
// comes in the order of what happened. So a message that would move its payment has the provider asked, and what the provider says is
// applied. One that says by itself that it would move nothing costs no question. Any order of the same messages thereby ends in the same row
// and the same events.
import { DatabaseUnavailable } from "../db/named-query.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
import type { WebhookEvent, WebhookKey } from "../domain/webhook.ts";
import type { Provider, WebhookMessage, WebhookParse } from "../provider/provider.ts";
import { authorize } from "./access.ts";
import { actOnWebhook, findConcerned } from "./act-on-webhook.ts";
import { audited } from "./audit.ts";
import type { Caller, Parts } from "./parts.ts";

export interface IncomingWebhook {
  readonly rawBody: Uint8Array;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export type WebhookReceipt =
  /** Stored, now or before. */
  | { readonly received: true }
  | { readonly received: false; readonly problem: "signature" | "body"; readonly description: string };

/** Of a webhook's headers, those that are kept. */
const KEPT_HEADERS = ["stripe-signature", "content-type", "user-agent"] as const;

interface Authentic {
  readonly provider: Provider;
  readonly message: WebhookMessage;
}

type Verdict =
  | { readonly authentic: readonly Authentic[] }
  | { readonly problem: "signature" | "body"; readonly description: string };

/** Providers' own ids are a tenth of this. What is longer could be stored under no key. */
const NAME_LENGTH_MAX = 255;

function withBounds(parsed: WebhookParse): WebhookParse {
  if (!parsed.ok) return parsed;
  const { eventId, type } = parsed.message;
  if (eventId.length <= NAME_LENGTH_MAX && type.length <= NAME_LENGTH_MAX) return parsed;
  return { ok: false, problem: "body", description: "the event's id or type is too long" };
}

/** Has every provider look at the signature: several may share a secret, as providers do that share a gateway. */
function verify(parts: Parts, { rawBody, headers }: IncomingWebhook, now: Date): Verdict {
  const authentic: Authentic[] = [];
  let refused: Extract<Verdict, { problem: string }> | undefined;
  for (const provider of parts.providers.values()) {
    const parsed = withBounds(provider.parseWebhook(rawBody, headers, now));
    if (parsed.ok) authentic.push({ provider, message: parsed.message });
    else if (refused?.problem !== "body") refused = parsed;
  }
  if (authentic.length > 0) return { authentic };
  return refused ?? { problem: "signature", description: "no provider takes webhooks" };
}

/** Of the providers that know the signature, the one whose payment it speaks of. */
async function choose(parts: Parts, authentic: readonly Authentic[]): Promise<Authentic> {
  const [first] = authentic;
  if (first === undefined) throw new Error("nobody knows the signature");
  if (authentic.length === 1) return first;
  for (const candidate of authentic) {
    const payment = await findConcerned(parts, candidate.provider.name, candidate.message);
    if (payment?.provider === candidate.provider.name) return candidate;
  }
  return first;
}

function newEvent(parts: Parts, { provider, message }: Authentic, webhook: IncomingWebhook, now: Date): WebhookEvent {
  const { providerTimeoutMs, recoveryDelayMs } = parts.limits;
  return {
    provider: provider.name,
    eventId: message.eventId,
    type: message.type,
    body: new TextDecoder().decode(webhook.rawBody),
    headers: Object.fromEntries(
      KEPT_HEADERS.flatMap((name) => (webhook.headers[name] ? [[name, webhook.headers[name]]] : [])),
    ),
    state: "RECEIVED",
    note: null,
    paymentId: message.paymentId,
    attempts: 0,
    // For this process until then, and for the recovery worker once this process should have been done.
    nextAttemptAt: new Date(now.getTime() + providerTimeoutMs + recoveryDelayMs),
    receivedAt: now,
    updatedAt: now,
  };
}

/**
 * Takes a webhook. Once it is stored it is received, whatever becomes of it. Throws DatabaseUnavailable when it could not be stored, so that the
 * provider sends it again.
 */
export async function receiveWebhook(parts: Parts, webhook: IncomingWebhook): Promise<WebhookReceipt> {
  const now = parts.now();
  const verdict = verify(parts, webhook, now);
  if ("problem" in verdict) {
    parts.log.warn({ problem: verdict.problem, description: verdict.description }, "webhook refused");
    parts.observer?.webhookRefused();
    return { received: false, ...verdict };
  }
  const chosen = await choose(parts, verdict.authentic);
  const event = newEvent(parts, chosen, webhook, now);
  if ((await parts.inbox.store(event)) === "known") return { received: true };
  await actLater(parts, event, chosen.message);
  return { received: true };
}

/** Acts on a stored event. While the database is away it is left to the recovery worker. */
async function actLater(parts: Parts, event: WebhookEvent, message: WebhookMessage): Promise<void> {
  try {
    await actOnWebhook(parts, event, message);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    parts.log.warn({ err: error, eventId: event.eventId, type: event.type }, "webhook not acted on; it is tried again");
  }
}

/** Acts on an event that was stored before: one that is due, or that somebody wants to be acted on once more. */
export function resumeWebhook(parts: Parts, event: WebhookEvent): Promise<void> {
  return actOnWebhook(parts, event, parts.providers.get(event.provider)?.readWebhook(event.body) ?? null);
}

/** Has an event acted on once more, whatever became of it. Refuses with WEBHOOK_EVENT_NOT_FOUND. */
export function replayWebhook(parts: Parts, caller: Caller, key: WebhookKey): Promise<Result<null>> {
  const { provider, eventId } = key;
  const deed = { parts, caller, action: "replay webhook", on: { provider, eventId } };
  return audited(
    deed,
    () => replay(parts, caller, key),
    () => ({}),
  );
}

async function replay(parts: Parts, caller: Caller, key: WebhookKey): Promise<Result<null>> {
  const allowed = authorize(caller, "operate");
  if (!allowed.ok) return allowed;
  const { provider, eventId } = key;
  if (!(await parts.inbox.replay(key, parts.now())))
    return refuse("WEBHOOK_EVENT_NOT_FOUND", `${provider} has sent no event ${eventId}`, {
      metadata: { provider, eventId },
    });
  parts.wakeRecovery();
  return accept(null);
}
