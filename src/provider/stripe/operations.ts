// The calls that change something at Stripe. Each makes one such request, under the operation's id, and answers with facts.
import type Stripe from "stripe";
import type { Fact } from "../../domain/fact.ts";
import { printDecimal } from "../../domain/money.ts";
import { letsGoOfHeld } from "../../domain/operation.ts";
import type { Payment } from "../../domain/payment.ts";
import type { ProviderAnswer, ProviderCall } from "../provider.ts";
import type { StripeRefusal } from "./errors.ts";
import { askSession, findLives, NotAnswered } from "./lookup.ts";
import { readFailedAttempt, readIntent, readRefund, readSession } from "./objects.ts";
import { BodyProblem, type Fields, readExpanded } from "./read.ts";
import {
  cancelParams,
  confirmParams,
  intentParams,
  type RequestRules,
  refundParams,
  sessionParams,
  wireAmount,
} from "./requests.ts";
import type { StripeApi } from "./stripe-api.ts";
import { attemptFailedFact, currentFacts, historyOf, openedFact, type StripeLife } from "./translate.ts";
import { STRIPE_UNITS } from "./units.ts";

type Refused = Extract<ProviderAnswer, { outcome: "refused" }>;

const NOT_OPENED = refuse("not_opened", "Stripe holds nothing for this payment that could be changed yet.");

export class Operations {
  readonly #api: StripeApi;
  readonly #rules: RequestRules;

  constructor(api: StripeApi, rules: RequestRules) {
    this.#api = api;
    this.#rules = rules;
  }

  async create(call: ProviderCall): Promise<ProviderAnswer> {
    const { stripe } = this.#api;
    const { amount: owed, mode } = call.payment;
    const amount = wireAmount(owed.minor, owed.currency);
    if (amount === undefined) return cannotHold(owed);
    if (mode === "CHECKOUT") {
      const params = sessionParams(call, amount, this.#rules);
      const open = (options: Stripe.RequestOptions) => stripe.checkout.sessions.create(params, options);
      return this.#change(call, open, (body) => [openedFact(sessionLife(body))]);
    }
    const params = intentParams(call, amount, this.#rules);
    const open = (options: Stripe.RequestOptions) => stripe.paymentIntents.create(params, options);
    return this.#change(call, open, (body) => {
      const life = intentLife(body);
      return [openedFact(life), ...currentFacts(life, this.#api.now())];
    });
  }

  /** A checkout is paid by its page alone: Stripe has no call that would. */
  async confirm(call: ProviderCall): Promise<ProviderAnswer> {
    const { mode, sessionId, providerReference: id } = call.payment;
    if (mode === "CHECKOUT" || sessionId !== null)
      return this.#withTruth(call, refuse("checkout_is_paid_by_its_page", "A checkout can only be paid on its page."));
    const { paymentMethod } = call.operation;
    if (id === null) return NOT_OPENED;
    if (paymentMethod === null) return refuse("payment_method_missing", "There is no payment method to pay with.");
    const params = confirmParams(call, paymentMethod, this.#rules);
    return this.#change(
      call,
      (options) => this.#api.stripe.paymentIntents.confirm(id, params, options),
      this.#currentOfIntent,
    );
  }

  async capture(call: ProviderCall): Promise<ProviderAnswer> {
    const { minor, currency } = call.payment.amount;
    const asked = { minor: call.operation.amountMinor ?? minor, currency };
    const amount = wireAmount(asked.minor, currency);
    if (amount === undefined) return cannotHold(asked);
    const id = await this.#intentId(call);
    if (id === null) return NOT_OPENED;
    const params = { amount_to_capture: amount, expand: ["latest_charge"] };
    return this.#change(
      call,
      (options) => this.#api.stripe.paymentIntents.capture(id, params, options),
      this.#currentOfIntent,
    );
  }

  /** An open session is expired, since its intent cannot be canceled; money that is held is let go by its intent. */
  async cancel(call: ProviderCall): Promise<ProviderAnswer> {
    const { stripe } = this.#api;
    const { sessionId } = call.payment;
    const canceled: Fact = { kind: "canceled", reason: call.operation.reason ?? "requested_by_customer" };
    if (sessionId !== null && !letsGoOfHeld(call.operation, call.payment)) {
      return this.#change(
        call,
        (options) => stripe.checkout.sessions.expire(sessionId, {}, options),
        (body) => (readSession(body, STRIPE_UNITS).status === "expired" ? [canceled] : notDone()),
      );
    }
    const id = await this.#intentId(call);
    if (id === null) return NOT_OPENED;
    return this.#change(
      call,
      (options) => stripe.paymentIntents.cancel(id, cancelParams(call), options),
      (body) => (readIntent(body, STRIPE_UNITS).status === "canceled" ? [canceled] : notDone()),
    );
  }

  async refund(call: ProviderCall): Promise<ProviderAnswer> {
    const { payment, operation } = call;
    const asked = { minor: operation.amountMinor ?? payment.capturedMinor, currency: payment.amount.currency };
    const amount = wireAmount(asked.minor, asked.currency);
    if (amount === undefined) return cannotHold(asked);
    const id = await this.#intentId(call);
    if (id === null) return NOT_OPENED;
    return this.#change(
      call,
      (options) => this.#api.stripe.refunds.create(refundParams(call, id, amount), options),
      (body) => [readRefund(body, STRIPE_UNITS)],
    );
  }

  /** All that Stripe knows of a payment. Throws NotAnswered. */
  async look(payment: Payment, signal: AbortSignal): Promise<Fact[]> {
    const lives = await findLives({ api: this.#api, signal }, payment);
    return lives.flatMap((life) => historyOf(life, this.#api.now()));
  }

  /** The intent that a later call works on: a checkout's is known to its session first. Throws NotAnswered. */
  async #intentId({ payment, signal }: ProviderCall): Promise<string | null> {
    const { providerReference, sessionId } = payment;
    if (providerReference !== null || sessionId === null) return providerReference;
    return (await askSession({ api: this.#api, signal }, sessionId)).intentId;
  }

  readonly #currentOfIntent = (body: Fields): Fact[] => currentFacts(intentLife(body), this.#api.now());

  async #change(
    call: ProviderCall,
    request: (options: Stripe.RequestOptions) => Promise<unknown>,
    read: (body: Fields) => Fact[],
  ): Promise<ProviderAnswer> {
    const options = { idempotencyKey: call.operation.id };
    const asked = await this.#api.calls.ask(call.signal, () => request(options), read);
    if (asked.ok) return { outcome: "done", facts: asked.value };
    if (asked.outcome !== "refused") return { outcome: asked.outcome, message: asked.message };
    const { refusal } = asked;
    const { kind } = call.operation;
    if (refusal.type === "card_error" && (kind === "CREATE" || kind === "CONFIRM")) return declined(call, refusal);
    const no = refuse(refusal.code, refusal.message);
    // What was not opened has no truth to look for, unless another call was made under this operation's id.
    return kind === "CREATE" && refusal.type !== "idempotency_error" ? no : this.#withTruth(call, no);
  }

  /** What Stripe will not do is told together with how things are; where that cannot be found out, the whole is tried again later. */
  async #withTruth({ payment, signal }: ProviderCall, no: Refused): Promise<ProviderAnswer> {
    try {
      return { ...no, facts: await this.look(payment, signal) };
    } catch (error) {
      if (error instanceof NotAnswered || error instanceof BodyProblem)
        return { outcome: "unknown", message: `${no.message} (${error.message})` };
      throw error;
    }
  }
}

export function refuse(code: string, message: string): Refused {
  return { outcome: "refused", code, message, facts: [] };
}

/** A decline is something that happened, and the error tells it. */
function declined({ payment, operation }: ProviderCall, { code, message, error }: StripeRefusal): ProviderAnswer {
  const body = readExpanded(error, "payment_intent");
  const intent = body && readIntent(body, STRIPE_UNITS);
  const id = intent?.id ?? payment.providerReference;
  if (id === null) return refuse(code, message);
  const opened = intent !== null && operation.kind === "CREATE" ? [openedFact(lifeOf(intent))] : [];
  return { outcome: "done", facts: [...opened, attemptFailedFact(id, readFailedAttempt(error))] };
}

function cannotHold(amount: { minor: bigint; currency: string }): ProviderAnswer {
  const { currency } = amount;
  return refuse("amount_not_representable", `Stripe cannot take exactly ${printDecimal(amount)} ${currency}.`);
}

function notDone(): never {
  throw new BodyProblem("it was asked to end the payment, and did not");
}

function intentLife(body: Fields): StripeLife {
  return lifeOf(readIntent(body, STRIPE_UNITS));
}

function lifeOf(intent: NonNullable<StripeLife["intent"]>): StripeLife {
  const charges = intent.latestCharge === null ? [] : [intent.latestCharge];
  return { intent, session: null, charges, refunds: [], disputes: [] };
}

function sessionLife(body: Fields): StripeLife {
  return { intent: null, session: readSession(body, STRIPE_UNITS), charges: [], refunds: [], disputes: [] };
}
