// Checkout sessions: open → complete (paid, or held) or expired. A declined attempt leaves the session open. When it expires, by request or by
// the clock, its intent is canceled with it, so that nothing can be paid afterwards.
import { attempt, checkTerms, openLife, type StepContext, withIntentCanceled } from "./intents.ts";
import { baseOf, type CaptureMethod, type CheckoutSession, type Life, type Metadata, unixSeconds } from "./objects.ts";
import { type Changed, changed, type Forbidden, forbidden, type Step } from "./step.ts";

export interface CreateSessionParams {
  readonly amount: bigint;
  readonly currency: string;
  readonly capture_method: CaptureMethod;
  readonly metadata: Metadata;
  /** Unix seconds; null for the longest that a session lasts. */
  readonly expires_at: number | null;
  readonly success_url: string | null;
  readonly cancel_url: string | null;
}

const SESSION_SECONDS_MAX = 24 * 60 * 60;

export function createSession(params: CreateSessionParams, now: Date): Step {
  const problem = checkTerms(params);
  if (problem) return problem;
  const life = openLife(params, now);
  const created = life.intent.created;
  const session: CheckoutSession = {
    id: `cs_test_${baseOf(life.intent.id)}`,
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
    metadata: params.metadata,
  };
  return changed({ ...life, session }, { name: "open" }, session.id);
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

/** What the clock does to a life: expires its session when the time has come. */
export function decideByClock(life: Life, now: Date): Changed | Forbidden | undefined {
  const overdue = life.session?.status === "open" && unixSeconds(now) >= life.session.expires_at;
  return overdue ? expireSession(life, now) : undefined;
}

function notOpen(life: Life): Forbidden {
  const status = life.session?.status ?? "missing";
  return forbidden(
    life,
    "checkout_session_not_open",
    `This Checkout Session is ${status}: only an open one can be paid or expired.`,
  );
}
