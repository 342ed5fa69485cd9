// The gateway's webhooks: verified, then read, then translated. Only what the translation needs is read, and all of it is checked, since a good
// signature says who wrote a body and not that it makes sense.
import type { Fact } from "../../domain/fact.ts";
import { type GatewayEvent, parseWire } from "../../gateway/direct.ts";
import type { WebhookMessage, WebhookParse } from "../provider.ts";
import { findSignatureProblem, type SignedBody } from "./signature.ts";
import {
  type ChargeTold,
  expiredFact,
  type IntentTold,
  intentFacts,
  type RefundTold,
  refundFact,
  type SessionTold,
} from "./translate.ts";

type Fields = Readonly<Record<string, unknown>>;

class BodyProblem extends Error {}

const INTENT_STATUSES = [
  "requires_payment_method",
  "requires_action",
  "requires_capture",
  "succeeded",
  "canceled",
] as const;
const CHARGE_STATUSES = ["succeeded", "failed"] as const;
const REFUND_STATUSES = ["pending", "succeeded", "failed"] as const;
const CANCELLATION_REASONS = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"] as const;

/** The events that say how an intent stands. Of the others, `created` among them, only the id is taken. */
const INTENT_EVENTS: readonly GatewayEvent["type"][] = [
  "payment_intent.requires_action",
  "payment_intent.payment_failed",
  "payment_intent.amount_capturable_updated",
  "payment_intent.succeeded",
  "payment_intent.canceled",
];

export function parseWebhook(signed: SignedBody, secrets: readonly string[]): WebhookParse {
  const problem = findSignatureProblem(signed, secrets);
  if (problem !== undefined) return { ok: false, problem: "signature", description: problem };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(signed.rawBody);
    return { ok: true, message: readMessage(parseWire(text)) };
  } catch (error) {
    if (error instanceof BodyProblem) return { ok: false, problem: "body", description: error.message };
    if (error instanceof SyntaxError) return { ok: false, problem: "body", description: "the body is not JSON" };
    if (error instanceof TypeError) return { ok: false, problem: "body", description: "the body is not UTF-8" };
    throw error;
  }
}

function readMessage(body: unknown): WebhookMessage {
  const event = fields({ event: body }, "event");
  const object = fields(fields(event, "data"), "object");
  const type = text(event, "type");
  return {
    eventId: text(event, "id"),
    type,
    providerReference: readReference(object),
    facts: readFacts({ type, created: seconds(event, "created"), object }),
  };
}

/** The intent's id: the object's own, or the one that it names. */
function readReference(object: Fields): string | null {
  if (object["object"] === "payment_intent") return text(object, "id");
  return typeof object["payment_intent"] === "string" ? object["payment_intent"] : null;
}

function readFacts({ type, created, object }: { type: string; created: number; object: Fields }): Fact[] {
  if (INTENT_EVENTS.includes(type)) {
    return intentFacts(
      readIntent(object),
      object["latest_charge"] === null ? null : readCharge(fields(object, "latest_charge")),
    );
  }
  if (type.startsWith("refund.")) return [refundFact(readRefund(object))];
  if (type === "checkout.session.expired") return [expiredFact(readSession(object), created)];
  return [];
}

function readIntent(object: Fields): IntentTold {
  return {
    id: text(object, "id"),
    status: oneOf(object, "status", INTENT_STATUSES),
    currency: text(object, "currency"),
    amount_received: amount(object, "amount_received"),
    cancellation_reason:
      object["cancellation_reason"] === null ? null : oneOf(object, "cancellation_reason", CANCELLATION_REASONS),
  };
}

function readCharge(object: Fields): ChargeTold {
  const card = fields(fields(object, "payment_method_details"), "card");
  return {
    id: text(object, "id"),
    status: oneOf(object, "status", CHARGE_STATUSES),
    amount: amount(object, "amount"),
    currency: text(object, "currency"),
    payment_method_details: { card: { brand: text(card, "brand"), last4: text(card, "last4") } },
    failure_code: object["failure_code"] === null ? null : text(object, "failure_code"),
    failure_message: object["failure_message"] === null ? null : text(object, "failure_message"),
  };
}

function readRefund(object: Fields): RefundTold {
  const refundId = fields(object, "metadata")["refund_id"];
  return {
    id: text(object, "id"),
    status: oneOf(object, "status", REFUND_STATUSES),
    amount: amount(object, "amount"),
    currency: text(object, "currency"),
    failure_reason: object["failure_reason"] === null ? null : text(object, "failure_reason"),
    metadata: typeof refundId === "string" ? { refund_id: refundId } : {},
  };
}

function readSession(object: Fields): SessionTold {
  return { id: text(object, "id"), expires_at: seconds(object, "expires_at") };
}

function fields(source: Fields, key: string): Fields {
  const value = source[key];
  if (typeof value === "object" && value !== null) return value as Fields;
  throw new BodyProblem(`the body has no object "${key}"`);
}

function text(source: Fields, key: string): string {
  const value = source[key];
  if (typeof value === "string" && value !== "") return value;
  throw new BodyProblem(`the body has no text "${key}"`);
}

function amount(source: Fields, key: string): bigint {
  const value = source[key];
  if (typeof value === "bigint") return value;
  throw new BodyProblem(`the body has no amount "${key}"`);
}

function seconds(source: Fields, key: string): number {
  const value = source[key];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new BodyProblem(`the body has no time "${key}"`);
}

function oneOf<const T extends string>(source: Fields, key: string, known: readonly T[]): T {
  const found = known.find((each) => each === source[key]);
  if (found !== undefined) return found;
  throw new BodyProblem(`the body has no known "${key}"`);
}
