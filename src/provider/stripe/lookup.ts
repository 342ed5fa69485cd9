// Asks Stripe what it knows: of one payment, and of all that were made within a span of time.
import { printPaymentId } from "../../domain/ids.ts";
import type { Payment } from "../../domain/payment.ts";
import type { ProviderPayment, TimeRange } from "../provider.ts";
import type { Asked } from "./calls.ts";
import {
  readCharge,
  readDispute,
  readIntent,
  readList,
  readOurPaymentId,
  readRefund,
  readSession,
  type StripeCharge,
  type StripeIntent,
  type StripeSession,
} from "./objects.ts";
import { BodyProblem, type Fields, readFlag, readText } from "./read.ts";
import type { StripeApi } from "./stripe-api.ts";
import { historyOf, type StripeLife } from "./translate.ts";
import { STRIPE_UNITS } from "./units.ts";

/** A call that did not come to an answer, on its way out of a lookup. */
export class NotAnswered extends Error {
  readonly asked: Extract<Asked<never>, { ok: false }>;

  constructor(asked: Extract<Asked<never>, { ok: false }>) {
    super(asked.message);
    this.name = "NotAnswered";
    this.asked = asked;
  }
}

export function answered<T>(asked: Asked<T>): T {
  if (asked.ok) return asked.value;
  throw new NotAnswered(asked);
}

const PAGE_SIZE = 100;
/** Of what belongs to one payment. */
const PAGES_MAX = 10;
/** Of a span of time: a million payments. */
const RANGE_PAGES_MAX = 10_000;
/** Payments of a list whose charges are asked for at once: well below what Stripe takes a second. */
const LIVES_AT_ONCE = 8;
/** Payments of one id that a search may find: one, save where something went very wrong. */
const FOUND_MAX = 10;
const SESSION_SECONDS_MAX = 24 * 3600;
/** How much earlier than our record of a payment Stripe's may have been made, by clocks that differ. */
const CLOCK_SKEW_SECONDS = 60;
/** How long after our record of a payment its session is made: at once, and at most a day later, for so long is a call repeated. */
const CREATED_WITHIN_SECONDS = [600, 25 * 3600];

interface Page {
  readonly limit: number;
  readonly starting_after?: string;
}

export interface Asking {
  readonly api: StripeApi;
  readonly signal: AbortSignal;
}

const intentOf = (body: Fields): StripeIntent => readIntent(body, STRIPE_UNITS);
const sessionOf = (body: Fields): StripeSession => readSession(body, STRIPE_UNITS);

/**
 * Reads one of many objects. Others than we may make objects in the account, of kinds that we never make: what cannot be read is passed over, save
 * where it bears our mark.
 */
function orNull<T>(read: (source: Fields) => T): (source: Fields) => T | null {
  return (source) => {
    try {
      return read(source);
    } catch (error) {
      if (error instanceof BodyProblem && readOurPaymentId(source) === null) return null;
      throw error;
    }
  };
}

/** Goes through a list, page by page, newest first as Stripe lists. Throws NotAnswered. */
async function* pages<T>(
  { api, signal }: Asking,
  call: (page: Page) => Promise<unknown>,
  reading: { readonly read: (source: Fields) => T; readonly pagesMax: number },
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  for (let count = 0; count < reading.pagesMax; count += 1) {
    const page: Page = { limit: PAGE_SIZE, ...(after !== undefined && { starting_after: after }) };
    const { items, lastId, more } = answered(
      await api.calls.ask(
        signal,
        () => call(page),
        (body) => readPage(body, reading.read),
      ),
    );
    yield items;
    if (!more || lastId === undefined) return;
    after = lastId;
  }
  throw new BodyProblem("the list does not end");
}

function readPage<T>(body: Fields, read: (source: Fields) => T) {
  const { data } = body;
  if (!Array.isArray(data)) throw new BodyProblem('there is no list "data"');
  const ids = readList(data, (source) => readText(source, "id"));
  return { items: readList(data, read), lastId: ids.at(-1), more: readFlag(body, "has_more") };
}

/** All of a short list, oldest first. */
async function all<T>(
  asking: Asking,
  call: (page: Page) => Promise<unknown>,
  read: (source: Fields) => T,
): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages(asking, call, { read, pagesMax: PAGES_MAX })) items.push(...page);
  return items.toReversed();
}

/** The lives that belong to a payment: one, or none where Stripe holds nothing. Throws NotAnswered. */
export async function findLives(asking: Asking, payment: Payment): Promise<StripeLife[]> {
  const { sessionId, providerReference } = payment;
  if (sessionId !== null) return [await lifeOfSession(asking, await askSession(asking, sessionId), providerReference)];
  if (providerReference !== null) return [await lifeOfIntent(asking, await askIntent(asking, providerReference))];
  const lives: StripeLife[] = [];
  if (payment.mode === "CHECKOUT") {
    for (const session of await searchSessions(asking, payment)) lives.push(await lifeOfSession(asking, session, null));
  } else {
    for (const intent of await searchIntents(asking, payment)) lives.push(await lifeOfIntent(asking, intent));
  }
  return lives;
}

export async function askSession({ api, signal }: Asking, id: string): Promise<StripeSession> {
  return answered(await api.calls.ask(signal, () => api.stripe.checkout.sessions.retrieve(id), sessionOf));
}

async function askIntent({ api, signal }: Asking, id: string): Promise<StripeIntent> {
  return answered(await api.calls.ask(signal, () => api.stripe.paymentIntents.retrieve(id), intentOf));
}

/** Stripe's search knows metadata. It lags behind by up to a minute, so that finding nothing proves nothing about the last minute. */
async function searchIntents({ api, signal }: Asking, payment: Payment): Promise<StripeIntent[]> {
  const query = `metadata['payment_id']:'${printPaymentId(payment.id)}'`;
  const call = () => api.stripe.paymentIntents.search({ query, limit: FOUND_MAX });
  return answered(await api.calls.ask(signal, call, (body) => readPage(body, intentOf).items));
}

/** Sessions cannot be searched, so those are gone through that were made when ours may have been: soon after our record, and else later. */
async function searchSessions(asking: Asking, payment: Payment): Promise<StripeSession[]> {
  const { sessions } = asking.api.stripe.checkout;
  const recorded = Math.floor(payment.createdAt.getTime() / 1000);
  let from = recorded - CLOCK_SKEW_SECONDS;
  for (const within of CREATED_WITHIN_SECONDS) {
    const created = { gte: from, lt: recorded + within };
    const call = (page: Page) => sessions.list({ ...page, created });
    const found: StripeSession[] = [];
    for await (const page of pages(asking, call, { read: orNull(sessionOf), pagesMax: RANGE_PAGES_MAX }))
      found.push(...page.filter((session) => session?.paymentId === payment.id).filter((session) => session !== null));
    if (found.length > 0) return found;
    from = created.lt;
  }
  return [];
}

async function lifeOfSession(asking: Asking, session: StripeSession, intentId: string | null): Promise<StripeLife> {
  const id = session.intentId ?? intentId;
  if (id === null) return { intent: null, session, charges: [], refunds: [], disputes: [] };
  return { ...(await lifeOfIntent(asking, await askIntent(asking, id))), session };
}

/** An intent's life. What cannot be there is not asked for. */
async function lifeOfIntent(asking: Asking, intent: StripeIntent): Promise<StripeLife> {
  const { stripe } = asking.api;
  const of = { payment_intent: intent.id };
  const bare = { intent, session: null, charges: [], refunds: [], disputes: [] };
  if (intent.latestChargeId === null) return bare;
  const charges = await all(asking, (page) => stripe.charges.list({ ...page, ...of }), chargeOf);
  const taken = charges.some((charge) => charge.status === "succeeded" && charge.captured.minor > 0n);
  const disputed = charges.some((charge) => charge.disputed);
  const [refunds, disputes] = await Promise.all([
    taken
      ? all(
          asking,
          (page) => stripe.refunds.list({ ...page, ...of }),
          (body) => readRefund(body, STRIPE_UNITS),
        )
      : [],
    disputed
      ? all(
          asking,
          (page) => stripe.disputes.list({ ...page, ...of }),
          (body) => readDispute(body, STRIPE_UNITS),
        )
      : [],
  ]);
  return { ...bare, charges, refunds, disputes };
}

const chargeOf = (body: Fields): StripeCharge => readCharge(body, STRIPE_UNITS);

/**
 * All payments made within a span of time: first the checkouts, each with its intent whenever that was made, then the intents that belong to none.
 * Throws NotAnswered.
 */
export async function* listPayments(asking: Asking, range: TimeRange): AsyncGenerator<ProviderPayment> {
  const { stripe } = asking.api;
  const from = Math.ceil(range.from.getTime() / 1000);
  const created = { gte: from, lt: Math.ceil(range.to.getTime() / 1000) };
  const sessions = (span: { gte: number; lt: number }) =>
    pages(asking, (page) => stripe.checkout.sessions.list({ ...page, created: span }), {
      read: orNull(sessionOf),
      pagesMax: RANGE_PAGES_MAX,
    });
  // A checkout's intent is made when the customer first pays, which may be in the day after the checkout was. One that is made while this list is
  // read is known by our id alone.
  const ofCheckouts = new Set<string | null>();
  const note = ({ intentId, paymentId }: StripeSession): void => void ofCheckouts.add(intentId ?? paymentId);
  for await (const page of sessions({ gte: Math.max(0, from - SESSION_SECONDS_MAX), lt: from })) {
    for (const session of page) if (session !== null) note(session);
  }
  for await (const page of sessions(created)) {
    const made = page.filter((session) => session !== null);
    for (const session of made) note(session);
    yield* tellAll(asking, made, (session) => lifeOfSession(asking, session, null));
  }
  ofCheckouts.delete(null);
  const intents = pages(asking, (page) => stripe.paymentIntents.list({ ...page, created }), {
    read: orNull(intentOf),
    pagesMax: RANGE_PAGES_MAX,
  });
  for await (const page of intents) {
    const made = page.filter((intent) => intent !== null);
    const alone = made.filter(({ id, paymentId }) => !ofCheckouts.has(id) && !ofCheckouts.has(paymentId));
    yield* tellAll(asking, alone, (intent) => lifeOfIntent(asking, intent));
  }
}

/** Asks for the rest of each payment, of several at once. */
async function* tellAll<T extends StripeIntent | StripeSession>(
  { api }: Asking,
  made: readonly T[],
  lifeOf: (each: T) => Promise<StripeLife>,
): AsyncGenerator<ProviderPayment> {
  for (let begin = 0; begin < made.length; begin += LIVES_AT_ONCE) {
    const some = made.slice(begin, begin + LIVES_AT_ONCE);
    const told = await Promise.all(some.map(async (each) => tell(each, await lifeOf(each), api.now())));
    yield* told;
  }
}

/** `made` is the object that the payment was made as. */
function tell(made: StripeIntent | StripeSession, life: StripeLife, now: Date): ProviderPayment {
  return {
    paymentId: made.paymentId,
    orderId: made.orderId,
    providerReference: life.intent?.id ?? null,
    sessionId: life.session?.id ?? null,
    owed: made.owed,
    createdAt: made.createdAt,
    facts: historyOf(life, now),
  };
}
