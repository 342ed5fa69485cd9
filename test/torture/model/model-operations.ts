// The model of what the service has under way with the provider: how an operation is begun, what is found out about one whose
// outcome nobody knew, and how it is settled.
import { Disagreement, type Owed } from "./model-books.ts";
import {
  accept,
  type Fault,
  type Operation,
  type PaymentModel,
  refuse,
  type Request,
  type Verdict,
} from "./model-calls.ts";
import type { Fact, Result } from "./model-there.ts";

/** As the service under test is configured. */
export interface ModelLimits {
  readonly providerTimeoutMs: number;
  readonly recoveryDelayMs: number;
  readonly checkoutLifetimeMs: number;
}

interface Clock {
  readonly now: number;
}

type Step = Pick<Operation, "point"> & Partial<Pick<Operation, "card" | "minor" | "refund" | "reason">>;

const UNKNOWN_AGAIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** A provider keeps its keys for a day; an hour less is relied upon. */
const KEY_MS = 24 * 3_600_000;
const REPEATABLE_MS = 23 * 3_600_000;
export const DEFAULT_CARD = "pm_card_visa";

export class Operations {
  readonly #clock: Clock;
  readonly #limits: ModelLimits;
  readonly #underWay = new Set<Operation>();

  constructor(clock: Clock, limits: ModelLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get areSettled(): boolean {
    return this.#underWay.size === 0;
  }

  make(payment: PaymentModel, request: Request | null, step: Step): Operation {
    const { providerTimeoutMs, recoveryDelayMs } = this.#limits;
    const operation: Operation = {
      payment,
      request,
      card: DEFAULT_CARD,
      minor: payment.books.terms.minor,
      refund: "",
      reason: "",
      madeAt: this.#clock.now,
      declinesBefore: payment.books.declines,
      result: null,
      garbled: false,
      isPage: false,
      attempts: 0,
      dueAt: request === null ? this.#clock.now : this.#clock.now + providerTimeoutMs + recoveryDelayMs,
      ...step,
    };
    this.#underWay.add(operation);
    if (operation.point !== "refund") payment.active = operation;
    return operation;
  }

  /** The first call of the provider, with the fault in its way. */
  begin(operation: Operation, fault: Fault | null): Verdict {
    const { payment } = operation;
    if (fault === "error") {
      this.#settle(operation, this.#factsOfRefusal(operation));
      return refuse("PROVIDER_ERROR");
    }
    if (fault !== "lost_before") operation.result = this.#perform(operation);
    operation.garbled = fault === "error_after";
    if (fault !== null || operation.result === null) {
      operation.dueAt = this.#clock.now + UNKNOWN_AGAIN_MS;
      return refuse("PROVIDER_OUTCOME_UNKNOWN");
    }
    return this.#conclude(operation, operation.result) ?? accept(payment);
  }

  /** What is due is asked about once more. */
  recover(): void {
    const { now } = this.#clock;
    const backoffMs = this.#limits.providerTimeoutMs + this.#limits.recoveryDelayMs;
    for (const operation of [...this.#underWay].filter(({ dueAt }) => dueAt <= now)) {
      operation.dueAt = now + Math.min(BACKOFF_MAX_MS, backoffMs * 2 ** operation.attempts);
      operation.attempts += 1;
      const result = this.#findOut(operation);
      if (result !== null) this.#conclude(operation, result);
    }
  }

  owe(payment: PaymentModel, owed: readonly Owed[]): void {
    for (const each of owed) {
      if (each.kind === "REFUND") this.make(payment, null, { point: "refund", minor: each.minor, refund: each.name });
      else if (payment.active === null) this.make(payment, null, { point: "cancel", reason: "attempts_exhausted" });
    }
  }

  #perform(operation: Operation): Result {
    const { point, payment, card, minor, refund, reason } = operation;
    const { there } = payment;
    switch (point) {
      case "create": {
        const call = this.#createdBy(payment);
        return there.open(call, this.#clock.now);
      }
      case "confirm":
        return there.pay(card, this.#clock.now);
      case "capture":
        return there.capture(minor, this.#clock.now);
      case "cancel":
        operation.isPage = endsPage(payment);
        return there.cancel(operation.isPage ? "page" : "payment", reason, this.#clock.now);
      case "refund":
        return there.refund({ name: refund, ours: true, minor }, this.#clock.now);
    }
  }

  #createdBy(payment: PaymentModel) {
    const call = payment.active?.request?.call;
    return call?.do === "create" ? call.card : null;
  }

  /** What became of an operation that was begun before; null while that cannot be known. */
  #findOut(operation: Operation): Result | null {
    const ageMs = this.#clock.now - operation.madeAt;
    // To let go twice moves no money.
    const mayStillHappen = operation.point === "cancel" || ageMs < REPEATABLE_MS;
    if (ageMs >= KEY_MS) Object.assign(operation, { result: null, garbled: false });
    const { there } = operation.payment;
    // Under the same key something else is asked for now: the provider refuses that, and is asked how things are.
    if (mayStillHappen && operation.result && isAnother(operation)) return { done: false, facts: there.history() };
    if (mayStillHappen) {
      operation.result ??= this.#perform(operation);
      if (!operation.garbled) return operation.result;
    }
    const facts = there.stand === "absent" ? [] : there.history();
    const outcome = tellOutcome(operation, facts);
    return outcome === null && mayStillHappen ? null : { done: outcome === "done", facts };
  }

  #factsOfRefusal({ point, refund, minor }: Operation): Fact[] {
    if (point === "create") return [{ say: "rejected" }];
    return point === "refund" ? [{ say: "refund", name: refund, minor, status: "FAILED" }] : [];
  }

  /** Settles an operation with what is known of it, and gives its request's answer. */
  #conclude(operation: Operation, { done, facts }: Result): Verdict | null {
    const { payment, request, point } = operation;
    const isOpened = point === "create" && payment.there.stand !== "absent";
    if (isOpened) payment.placed = true;
    const refused = done || isOpened ? [] : this.#factsOfRefusal(operation);
    this.#settle(operation, [...refused, ...facts]);
    if (!request) return null;
    const status = payment.books.refunds.find(({ name }) => name === request.id)?.status ?? null;
    request.verdict = done || point === "create" ? accept(payment, status) : this.#refusal(operation);
    return request.verdict;
  }

  #refusal({ point, payment }: Operation): Verdict {
    const { books } = payment;
    if (point === "refund") return refuse("REFUND_NOT_ALLOWED");
    if (point === "cancel") {
      const isOver = books.status === "CANCELED" || books.status === "EXPIRED";
      return isOver ? accept(payment) : refuse("PAYMENT_NOT_CANCELABLE");
    }
    if (books.isPaid) return refuse("PAYMENT_ALREADY_COMPLETED");
    if (books.isClosed || point === "capture") return refuse("ORDER_NOT_PAYABLE");
    return books.isOpen ? refuse("INVALID_ARGUMENT") : accept(payment);
  }

  #settle(operation: Operation, facts: readonly Fact[]): void {
    const { payment, point } = operation;
    const wasFailed = payment.books.status === "FAILED";
    const owed = this.#tell(operation, rephrase(operation, facts));
    this.#underWay.delete(operation);
    const wasActive = payment.active === operation;
    if (wasActive) payment.active = null;
    // What it may have left open at the provider is ended.
    const endsNothing = wasActive && point !== "cancel" && wasFailed && !owed.some(({ kind }) => kind === "CANCEL");
    this.owe(payment, endsNothing ? [...owed, { kind: "CANCEL" }] : owed);
  }

  /** What was given back elsewhere and does not fit yet is left to its letter. */
  #tell({ payment, refund }: Operation, facts: readonly Fact[]): Owed[] {
    try {
      return payment.books.tell(facts, this.#clock.now);
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
      const own = facts.filter((fact) => (fact.say === "refund" ? fact.name === refund : fact.say !== "dispute"));
      return payment.books.tell(own, this.#clock.now);
    }
  }
}

/** An open checkout is ended by its page. What is held has none any more. */
function endsPage({ expiresAt, books, there }: PaymentModel): boolean {
  return expiresAt !== null && (books.isOpen || there.stand !== "held");
}

/** Whether the call has become another one since: the end of something else, or a page whose end is no longer known. */
function isAnother({ point, payment, isPage }: Operation): boolean {
  if (point === "create") return payment.expiresAt !== null && !payment.books.isOpen;
  return point === "cancel" && isPage !== endsPage(payment);
}

/** A payment that we asked to end ends for our reason, whoever tells of it. */
export function rephrase(operation: Operation | null, facts: readonly Fact[]): Fact[] {
  if (operation?.point !== "cancel") return [...facts];
  const { reason } = operation;
  const as = reason === "expired" ? "EXPIRED" : "CANCELED";
  return facts.map((fact) => (fact.say === "ended" ? { say: "ended", as, reason } : fact));
}

/** What all that happened tells of one operation. */
function tellOutcome(
  { point, refund, declinesBefore, payment }: Operation,
  facts: readonly Fact[],
): "done" | "overtaken" | null {
  const taken = facts.some(({ say }) => say === "taken");
  const ended = facts.some(({ say }) => say === "ended");
  switch (point) {
    case "create":
      return payment.there.stand === "absent" ? null : "done";
    case "confirm": {
      if (ended) return "overtaken";
      const last = facts.findLastIndex((fact) => fact.say === "declined" && declinesBefore.includes(fact.attempt));
      return facts.slice(last + 1).some(({ say }) => say !== "refund" && say !== "dispute") ? "done" : null;
    }
    case "capture":
      return taken ? "done" : ended ? "overtaken" : null;
    case "cancel":
      return ended ? "done" : taken ? "overtaken" : null;
    case "refund":
      return facts.some((fact) => fact.say === "refund" && fact.name === refund) ? "done" : null;
  }
}
