// Checkout sessions: open → complete (paid, or held) or expired. A declined attempt leaves the session open. When it expires, by request or by
// the clock, its intent is canceled with it, so that nothing can be paid afterwards.
import { attempt, type StepContext } from "./attempts.ts";
import { checkTerms, openLife, type Terms, withIntentCanceled } from "./intents.ts";
import { baseOf, type CheckoutSession, type Life, type LineItem, type Metadata, unixSeconds } from "./objects.ts";
import { type Changed, changed, type Forbidden, forbidden, type Invalid, invalid, type Step } from "./step.ts";

/** What is absent is null or empty. */
export interface CreateSessionParams extends Omit<Terms, "description"> {
  /** The intent's, where they are others than the session's. */
  readonly intent_metadata?: Metadata;
  readonly intent_description?: string | null;
  /** Unix seconds; null for the longest that a session lasts. */
  readonly expires_at: number | null;
  readonly success_url: string | null;
  readonly cancel_url: string | null;
  readonly line_items?: readonly LineItem[];
  /** What the page calls the purchase. */
  readonly description?: string | null;
  readonly customer_email?: string | null;
  readonly client_reference_id?: string | null;
}

const SESSION_ID_BEGINS = "cs_test_";
const SESSION_SECONDS_MIN = 30 * 60;
const SESSION_SECONDS_MAX = 24 * 60 * 60;

export function createSession(params: CreateSessionParams, now: Date): Step {
  const terms: Terms = {
    ...params,
    metadata: params.intent_metadata ?? params.metadata,
    description: params.intent_description ?? null,
  };
  const problem = checkTerms(terms) ?? checkExpiry(params.expires_at, now);
  if (problem) return problem;
  const life = openLife(terms, now);
  const created = life.intent.created;
  const session: CheckoutSession = {
    id: `${SESSION_ID_BEGINS}${baseOf(life.intent.id)}`,
    object: "checkout.session",
    status: "open",
    payment_status: "unpaid",
    amount_total: params.amount,
    currency: params.currency,
    payment_intent: life.intent.id,
    created,
    expires_at: params.expires_at ?? created + SESSION_SECONDS_MAX,
    success_url: params.success_url,
    cancel_url: params.cancel_url,
    line_items: params.line_items ?? [],
    description: params.description ?? null,
    customer_email: params.customer_email ?? null,
    client_reference_id: params.client_reference_id ?? null,
    metadata: params.metadata,
  };
  return changed({ ...life, session }, { name: "open" }, session.id);
}

export function isSessionId(id: string): boolean {
  return id.startsWith(SESSION_ID_BEGINS);
}

function checkExpiry(expiresAt: number | null, now: Date): Invalid | null {
  const seconds = (expiresAt ?? unixSeconds(now) + SESSION_SECONDS_MAX) - unixSeconds(now);
  if (seconds >= SESSION_SECONDS_MIN && seconds <= SESSION_SECONDS_MAX) return null;
  const bound =
    seconds > SESSION_SECONDS_MAX
      ? "less than 24 hours from Checkout Session creation"
      : "at least 30 minutes from Checkout Session creation";
  return invalid("parameter_invalid", `The \`expires_at\` timestamp must be ${bound}.`, { param: "expires_at" });
}

/** Pays the session, as its page does when the customer sends the form. */
export function paySession(life: Life, paymentMethod: string, context: StepContext): Step {
  if (life.session?.status !== "open") return notOpen(life);
  const step = attempt(life, paymentMethod, context);
  return step.kind === "changed" ? { ...step, life: withSessionSettled(step.life), id: life.session.id } : step;
}

/** Completes the session of an intent that was just paid or held. */
export function withSessionSettled(life: Life): Life {
  const { session, intent } = life;
  if (session === null || (intent.status !== "succeeded" && intent.status !== "requires_capture")) return life;
  const payment_status = intent.status === "succeeded" ? ("paid" as const) : ("unpaid" as const);
  return { ...life, session: { ...session, status: "complete", payment_status } };
}

export function expireSession(life: Life, now: Date): Changed | Forbidden {
  if (life.session?.status !== "open") return notOpen(life);
  const session = { ...life.session, status: "expired" as const };
  return changed({ ...withIntentCanceled(life, "abandoned", now), session }, { name: "expire" }, session.id);
}

function notOpen(life: Life): Forbidden {
  const status = life.session?.status ?? "missing";
  return forbidden(
    life,
    "checkout_session_not_open",
    `This Checkout Session is ${status}: only an open one can be paid or expired.`,
  );
}
