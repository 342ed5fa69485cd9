// Webhooks in Stripe's format, which the mock gateway speaks too: verified, then read, then translated. Of an event that is not handled only the
// envelope is read, and whatever it holds is no problem.
import type { Fact } from "../../domain/fact.ts";
import type { Money } from "../../domain/money.ts";
import type { WebhookMessage, WebhookParse } from "../provider.ts";
import { readDispute, readIntent, readOurPaymentId, readRefund, readSession, type StripeIntent } from "./objects.ts";
import {
  asFields,
  BodyProblem,
  type Fields,
  readFields,
  readFlag,
  readIdOf,
  readSeconds,
  readText,
  readTextOrNull,
} from "./read.ts";
import { findSignatureProblem, type SignedBody } from "./signature.ts";
import {
  attemptFacts,
  attemptFailedFact,
  failureWithoutCharge,
  paidFacts,
  sessionEndFact,
  standFacts,
} from "./translate.ts";
import type { Units } from "./units.ts";
import { parseStripeJson } from "./wire-json.ts";

export interface WebhookTrust {
  /** Any of them may have signed: there are several while they are changed. */
  readonly secrets: readonly string[];
  readonly units: Units;
}

/** What an event says by itself, and whether that is too little to tell if it is news. */
interface Told {
  readonly facts: readonly Fact[];
  readonly owed: Money | null;
  readonly incomplete: boolean;
}

interface Event {
  readonly object: Fields;
  /** Unix seconds. */
  readonly created: number;
}

type Reader = (event: Event, units: Units) => Told;

/** The events that are handled (SEMANTICS of Stripe's events); all others say nothing. */
const READERS: Readonly<Record<string, Reader>> = {
  "payment_intent.processing": readIntentEvent,
  "payment_intent.requires_action": readIntentEvent,
  "payment_intent.amount_capturable_updated": readIntentEvent,
  "payment_intent.succeeded": readIntentEvent,
  "payment_intent.payment_failed": readIntentEvent,
  "payment_intent.canceled": readIntentEvent,
  "checkout.session.completed": readSessionEvent,
  "checkout.session.async_payment_succeeded": readSessionEvent,
  "checkout.session.async_payment_failed": readSessionEvent,
  "checkout.session.expired": readSessionEvent,
  "refund.created": readRefundEvent,
  "refund.updated": readRefundEvent,
  "refund.failed": readRefundEvent,
  // It says how much of the charge was given back, and not by which refunds.
  "charge.refunded": () => ({ facts: [], owed: null, incomplete: true }),
  "charge.dispute.created": readDisputeEvent,
  "charge.dispute.updated": readDisputeEvent,
  "charge.dispute.closed": readDisputeEvent,
};

/** Throws when a secret is empty, since anybody could then sign. */
export function checkWebhookSecrets(providerName: string, secrets: readonly string[]): void {
  if (secrets.includes(""))
    throw new Error(`a webhook secret of the ${providerName} provider is empty: set it, or leave it out`);
}

export function parseWebhook(signed: SignedBody, trust: WebhookTrust): WebhookParse {
  const problem = findSignatureProblem(signed, trust.secrets);
  if (problem !== undefined) return { ok: false, problem: "signature", description: problem };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(signed.rawBody);
    return { ok: true, message: readMessage(parseStripeJson(text), trust.units) };
  } catch (error) {
    return { ok: false, problem: "body", description: describeProblem(error) };
  }
}

/** Reads a body that was found authentic before; null when nothing can be read in it. */
export function readWebhook(body: string, units: Units): WebhookMessage | null {
  try {
    return readMessage(parseStripeJson(body), units);
  } catch (error) {
    describeProblem(error);
    return null;
  }
}

/** What is wrong with a body. Throws what is not the body's fault. */
function describeProblem(error: unknown): string {
  if (error instanceof BodyProblem) return error.message;
  if (error instanceof SyntaxError) return "the body is not JSON";
  if (error instanceof TypeError && "code" in error) return "the body is not UTF-8";
  throw error;
}

function readMessage(body: unknown, units: Units): WebhookMessage {
  const event = asFields(body, "event");
  const type = readText(event, "type");
  const envelope = { eventId: readText(event, "id"), type, account: readTextOrNull(event, "account") };
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (reader === undefined) return { ...envelope, live: event["livemode"] === true, ...NOTHING };
  const object = readFields(readFields(event, "data"), "object");
  const paymentId = readOurPaymentId(object);
  return {
    ...envelope,
    live: readFlag(event, "livemode"),
    paymentId,
    // What we make bears our id; refunds and disputes may be made by others.
    foreign: paymentId === null && MADE_BY_US.has(object["object"]),
    providerReference:
      object["object"] === "payment_intent" ? readText(object, "id") : readIdOf(object, "payment_intent"),
    sessionId: object["object"] === "checkout.session" ? readText(object, "id") : null,
    ...reader({ object, created: readSeconds(event, "created") }, units),
  };
}

const MADE_BY_US: ReadonlySet<unknown> = new Set(["payment_intent", "checkout.session"]);

const NOTHING = {
  paymentId: null,
  foreign: false,
  providerReference: null,
  sessionId: null,
  owed: null,
  facts: [],
  incomplete: false,
} as const;

function readIntentEvent({ object }: Event, units: Units): Told {
  const intent = readIntent(object, units);
  return { ...tellIntent(intent), owed: intent.owed };
}

/** Stripe sends the id of the charge alone. That tells whether it is news; the card and the steps before are told when Stripe is asked. */
function tellIntent(intent: StripeIntent): Pick<Told, "facts" | "incomplete"> {
  const { latestCharge, latestChargeId, lastError } = intent;
  switch (intent.status) {
    case "requires_payment_method":
      if (latestCharge !== null) return all(attemptFacts(intent, latestCharge));
      if (lastError === null) return { facts: [], incomplete: true };
      if (lastError.chargeId === null) return all(failureWithoutCharge(intent));
      return all([attemptFailedFact(intent.id, lastError)]);
    case "requires_capture":
    case "succeeded":
      if (latestCharge !== null) return all(attemptFacts(intent, latestCharge));
      if (latestChargeId !== null)
        return all(paidFacts(intent, { id: latestChargeId, amount: intent.owed, paymentMethod: "" }));
      throw new BodyProblem('there is no "latest_charge"');
    case "requires_confirmation":
    case "requires_action":
    case "processing":
    case "canceled":
      return all(standFacts({ intent, session: null }, new Date(0)));
  }
}

function all(facts: readonly Fact[]): Pick<Told, "facts" | "incomplete"> {
  return { facts, incomplete: false };
}

function readSessionEvent({ object, created }: Event, units: Units): Told {
  // One that saves a card or sells a subscription is somebody else's.
  if (object["mode"] === "setup" || object["mode"] === "subscription")
    return { facts: [], owed: null, incomplete: false };
  const session = readSession(object, units);
  // A session never tells of the charge that paid it.
  if (session.status !== "expired") return { facts: [], owed: session.owed, incomplete: true };
  return { facts: [sessionEndFact(session, created)], owed: session.owed, incomplete: false };
}

/** A refund that does not bear our id was made by somebody else, or is how Stripe lets go of what was held and not captured: only asking tells. */
function readRefundEvent({ object }: Event, units: Units): Told {
  const refund = readRefund(object, units);
  const ours = refund.refundId !== null;
  return { facts: ours ? [refund] : [], owed: null, incomplete: !ours };
}

/** Where the answer of the charge was lost, its dispute may be the first that is heard of the payment's success: asking tells of both. */
function readDisputeEvent({ object }: Event, units: Units): Told {
  return { facts: [readDispute(object, units)], owed: null, incomplete: true };
}
