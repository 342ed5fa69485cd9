// The provider that takes the customer's credits. Its books are in the service's own database, and still it is a provider as every other one: it knows
// nothing of the payment's rows, is called outside of their transactions, and a call that nobody heard the answer of is made again under the same
// id. A crash between the two leaves an operation that recovery repeats.
//
// It moves no real money, so it is not live, also beside a provider that is. It has no pages, and sends no webhooks.
import {
  decideCredits,
  isWished,
  type CreditWish,
  type Leg,
  type OpenedPlace,
  type Transfer,
  type TransferEffect,
} from "../../domain/credit.ts";
import { CREDITS_METHOD, CREDITS_PROVIDER } from "../../domain/credit-terms.ts";
import { CREDITS } from "../../domain/currency.ts";
import type { CreditAccountId, PaymentId } from "../../domain/ids.ts";
import { money } from "../../domain/money.ts";
import type { Provider, ProviderAnswer, ProviderCall, ProviderPayment, TimeRange } from "../provider.ts";
import { factsOf, referenceOf } from "./translate.ts";

/**
 * The books. What they throw with `mayBeWritten` false had certainly no effect; of everything else that they throw nobody knows.
 */
export interface CreditBooks {
  /** The account of a customer, which is opened when there is none. */
  openAccount(customerId: string): Promise<CreditAccountId>;
  /** The transfers of some payments, in their order. */
  loadTransfers(paymentIds: readonly PaymentId[]): Promise<readonly Transfer[]>;
  /**
   * Writes a transfer, its entries and the new balances, all or nothing. Where the customer has too few credits it is written as DECLINED and moves
   * nothing. `moved`: there is such a transfer, or the payment has another of this sequence; nothing was written.
   */
  transfer(transfer: Transfer, legs: readonly Leg[]): Promise<TransferEffect | "moved">;
  /** The payments that were opened within a span of time, oldest first, those after `after` where it is given. */
  listOpened(
    range: TimeRange,
    page: { readonly after: OpenedPlace | null; readonly limit: number },
  ): Promise<readonly Transfer[]>;
}

/** Another call on the same payment gets on each time. */
const RACES_MAX = 20;
const PAGE_MAX = 100;
/** As Stripe calls what it does not have; the use cases know the word. */
const UNKNOWN_METHOD = "resource_missing";

type Refused = Extract<ProviderAnswer, { outcome: "refused" }>;

function refuse(code: string, message: string, facts: Refused["facts"] = []): Refused {
  return { outcome: "refused", code, message, facts };
}

function unavailable(message: string): ProviderAnswer {
  return { outcome: "unavailable", message };
}

function isWithoutEffect(error: unknown): boolean {
  return (error as { mayBeWritten?: unknown } | null)?.mayBeWritten === false;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Waits no longer than the caller. */
function orLeave<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const leave = (): void => reject(new Error("the caller stopped waiting"));
  signal.addEventListener("abort", leave, { once: true });
  void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  if (signal.aborted) leave();
  return promise;
}

function wishOf({ operation, payment }: ProviderCall, accountId: CreditAccountId): CreditWish {
  const { kind, amountMinor, paymentMethod } = operation;
  const pays = kind === "CONFIRM" || (kind === "CREATE" && paymentMethod !== null);
  const all = kind === "REFUND" ? payment.capturedMinor : payment.amount.minor;
  return { kind, pays, credits: amountMinor ?? all, captureMethod: payment.captureMethod, accountId };
}

/** What cannot be asked of credits at all; null for what can. */
function refuseCall({ payment, operation }: ProviderCall): Refused | null {
  if (operation.kind !== "CREATE" && operation.kind !== "CONFIRM") return null;
  if (payment.amount.currency !== CREDITS)
    return refuse("wrong_currency", `Credits are counted in ${CREDITS}, not in ${payment.amount.currency}.`);
  if (payment.mode !== "INTENT") return refuse("no_page", "A payment with credits has no hosted page.");
  if (payment.customerId === null) return refuse("no_customer", "A payment with credits needs a customer.");
  if (operation.paymentMethod !== null && operation.paymentMethod !== CREDITS_METHOD)
    return refuse(UNKNOWN_METHOD, `Credits are paid with the payment method ${CREDITS_METHOD}.`);
  return null;
}

function everything(transfers: readonly Transfer[], paymentId: PaymentId): Refused["facts"] {
  return transfers.flatMap((transfer) => factsOf(transfer, paymentId));
}

/** `now` is the clock of this process; the system's when absent. */
export function createCreditsProvider(books: CreditBooks, now = (): Date => new Date()): Provider {
  /** The customer's account: for a payment that was opened, the one that it was opened for. */
  async function accountOf({ payment }: ProviderCall, [first]: readonly Transfer[]): Promise<CreditAccountId | null> {
    if (first) return first.accountId;
    return payment.customerId === null ? null : books.openAccount(payment.customerId);
  }

  /** Decides on what is known and writes it down; null when another transfer of the payment came in between. */
  async function attempt(call: ProviderCall): Promise<ProviderAnswer | null> {
    const { operation, payment, signal } = call;
    const transfers = await books.loadTransfers([payment.id]);
    const accountId = await accountOf(call, transfers);
    if (accountId === null) return refuse("not_opened", "There is no such payment with credits.");
    const wish = wishOf(call, accountId);
    const before = transfers.find(({ id }) => id === operation.id);
    if (before && isWished(before, wish)) return { outcome: "done", facts: factsOf(before, payment.id) };
    const truth = everything(transfers, payment.id);
    if (before) return refuse("key_reused", "Something else was asked for under this operation before.", truth);
    const decision = decideCredits(transfers, wish);
    if (!decision.move) return refuse(decision.code, decision.message, truth);
    if (signal.aborted) return unavailable("the caller had stopped waiting");
    const transfer: Transfer = {
      id: operation.id,
      kind: operation.kind,
      effect: decision.effect,
      accountId,
      credits: decision.credits,
      paymentId: payment.id,
      sequence: transfers.length + 1,
      orderId: operation.kind === "CREATE" ? payment.orderId : null,
      refundId: operation.refundId,
      reason: operation.reason,
      createdAt: now(),
    };
    const effect = await books.transfer(transfer, decision.legs);
    return effect === "moved" ? null : { outcome: "done", facts: factsOf({ ...transfer, effect }, payment.id) };
  }

  async function race(call: ProviderCall): Promise<ProviderAnswer> {
    for (let races = 0; races < RACES_MAX; races += 1) {
      const answer = await attempt(call);
      if (answer) return answer;
    }
    return unavailable(`the payment moved ${RACES_MAX} times meanwhile`);
  }

  async function perform(call: ProviderCall): Promise<ProviderAnswer> {
    const refused = refuseCall(call);
    if (refused) return refused;
    if (call.signal.aborted) return unavailable("the caller had stopped waiting");
    try {
      return await orLeave(race(call), call.signal);
    } catch (error) {
      return { outcome: isWithoutEffect(error) ? "unavailable" : "unknown", message: messageOf(error) };
    }
  }

  function tell(opened: Transfer, transfers: readonly Transfer[]): ProviderPayment[] {
    const { paymentId, orderId, credits, createdAt } = opened;
    if (paymentId === null) return [];
    const owed = money(credits, CREDITS);
    const facts = everything(transfers, paymentId);
    return [{ paymentId, orderId, providerReference: referenceOf(paymentId), sessionId: null, owed, createdAt, facts }];
  }

  async function* list(range: TimeRange, signal: AbortSignal): AsyncGenerator<ProviderPayment> {
    let after: OpenedPlace | null = null;
    for (;;) {
      signal.throwIfAborted();
      const opened: readonly Transfer[] = await books.listOpened(range, { after, limit: PAGE_MAX });
      const ids = opened.flatMap(({ paymentId }) => (paymentId === null ? [] : [paymentId]));
      const byPayment = Map.groupBy(await books.loadTransfers(ids), ({ paymentId }) => paymentId);
      for (const each of opened) yield* tell(each, byPayment.get(each.paymentId) ?? []);
      const last = opened.at(-1);
      if (opened.length < PAGE_MAX || !last?.paymentId) return;
      after = { createdAt: last.createdAt, paymentId: last.paymentId };
    }
  }

  return {
    name: CREDITS_PROVIDER,
    live: false,
    defaultPaymentMethod: CREDITS_METHOD,
    confirmsCheckouts: false,
    create: perform,
    confirm: perform,
    capture: perform,
    cancel: perform,
    refund: perform,

    async retrieve(payment, signal) {
      if (signal.aborted) return unavailable("the caller had stopped waiting");
      try {
        const transfers = await orLeave(books.loadTransfers([payment.id]), signal);
        return { outcome: "done", facts: everything(transfers, payment.id) };
      } catch (error) {
        return unavailable(messageOf(error));
      }
    },

    list,

    async check(signal) {
      await orLeave(books.loadTransfers([]), signal);
    },

    parseWebhook: () => ({ ok: false, problem: "signature", description: "credits send no webhooks" }),
    readWebhook: () => null,
  };
}
