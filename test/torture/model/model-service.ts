// The model of the service: what it must answer to every call, and what it must come to know. It is small since it does one thing at a time, and knows both sides:
// what the provider did, and what the service was told of it.
import { Books, Disagreement, type Owed } from "./model-books.ts";
import type { Call, Fault, Operation, PaymentModel, Point, Request, Verdict } from "./model-calls.ts";
import { type Fact, type Letter, type Result, There } from "./model-there.ts";

/** As the service under test is configured. */
export interface ModelLimits {
  readonly providerTimeoutMs: number;
  readonly recoveryDelayMs: number;
  readonly checkoutLifetimeMs: number;
}

export interface Expected {
  readonly verdict: Verdict;
  readonly request: Request;
  /** The call of the provider that it makes, whose fault has to be laid beforehand. */
  readonly point: Point | null;
}

/** A letter that is read again later. */
interface Parked {
  readonly payment: PaymentModel;
  readonly letter: Letter;
  readonly dueAt: number;
  readonly attempts: number;
}

type Step = Pick<Operation, "point"> & Partial<Pick<Operation, "card" | "minor" | "refund" | "reason">>;

const UNKNOWN_AGAIN_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
const PARKED_MS = 1_000;
const REFUND_CHECK_MS = 3_600_000;
/** A provider keeps its keys for a day; an hour less is relied upon. */
const KEY_MS = 24 * 3_600_000;
const REPEATABLE_MS = 23 * 3_600_000;
const DEFAULT_CARD = "pm_card_visa";
const ATTEMPTS_DEFAULT = { CHECKOUT: 5, INTENT: 1 } as const;

function refuse(say: string): Verdict {
  return { say, seen: null, refund: null };
}

function sameCall(a: Call, b: Call): boolean {
  const print = (call: Call): string =>
    JSON.stringify(call, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
  return print(a) === print(b);
}

export class ServiceModel {
  now: number;
  readonly payments: PaymentModel[] = [];
  readonly requests: Request[] = [];
  readonly #limits: ModelLimits;
  readonly #operations = new Set<Operation>();
  readonly #parked: Parked[] = [];

  constructor(now: number, limits: ModelLimits) {
    this.now = now;
    this.#limits = limits;
  }

  /** Nothing is owed, unknown or put aside. */
  get isQuiet(): boolean {
    return this.#operations.size === 0 && this.#parked.length === 0;
  }

  get isAllDelivered(): boolean {
    return this.payments.every(({ there, arrived }) => arrived.size === there.mail.length);
  }

  latest(order: number): PaymentModel | undefined {
    return this.payments.findLast((payment) => payment.order === order);
  }

  /** Decides a call, and does at the provider what it comes to, unless the fault is in the way. */
  ask(id: string, call: Call, fault: Fault | null): Expected {
    // What no payment can have is refused before anything is looked up.
    if ("minor" in call && call.minor !== null && call.minor <= 0n)
      return this.#answer({ id, call, verdict: null, answer: null }, refuse("INVALID_AMOUNT"));
    const known = this.requests.find((request) => request.id === id);
    if (known && !sameCall(known.call, call)) return this.#answer(known, refuse("REQUEST_ID_REUSED"));
    if (known) return this.#answer(known, known.verdict ?? refuse("REQUEST_IN_FLIGHT"));
    const request: Request = { id, call, verdict: null, answer: null };
    const decided = call.do === "create" ? this.#create(call, request) : this.#change(call, request);
    if ("say" in decided) return this.#answer(request, decided, !isAboutInput(decided));
    const verdict = this.#begin(decided, fault);
    return { verdict, request, point: decided.point };
  }

  /** A webhook arrives; a second time it is nothing. */
  deliver(payment: PaymentModel, index: number): void {
    const letter = payment.there.mail[index];
    if (letter === undefined || payment.arrived.has(index)) return;
    payment.arrived.add(index);
    if (letter.facts.length === 0 && !letter.incomplete) return;
    if (!this.#read(payment, letter)) this.#parked.push({ payment, letter, dueAt: this.now + PARKED_MS, attempts: 0 });
  }

  pass(ms: number): void {
    this.now += ms;
    for (const { there } of this.payments) there.pass(this.now);
  }

  /** One round of the recovery worker. */
  recover(): void {
    const { now } = this;
    const backoffMs = this.#limits.providerTimeoutMs + this.#limits.recoveryDelayMs;
    for (const operation of [...this.#operations].filter(({ dueAt }) => dueAt <= now)) {
      operation.dueAt = now + Math.min(BACKOFF_MAX_MS, backoffMs * 2 ** operation.attempts);
      operation.attempts += 1;
      const result = this.#findOut(operation);
      if (result !== null) this.#conclude(operation, result);
    }
    for (const parked of this.#parked.splice(0)) this.#unpark(parked);
    for (const payment of this.payments) this.#expire(payment);
    for (const payment of this.payments) this.#checkRefunds(payment);
  }

  #answer(request: Request, verdict: Verdict, keep = false): Expected {
    if (keep) {
      request.verdict = verdict;
      this.requests.push(request);
    }
    return { verdict, request, point: null };
  }

  #ok({ books }: PaymentModel, refund: string | null = null): Verdict {
    return { say: "ok", seen: books.see(), refund };
  }

  #create(call: Extract<Call, { do: "create" }>, request: Request): Verdict | Operation {
    const latest = this.latest(call.order);
    if (latest && !latest.books.isClosed) {
      if (latest.active) return refuse("REQUEST_IN_FLIGHT");
      if (latest.books.isPaid) return refuse("PAYMENT_ALREADY_COMPLETED");
      return latest.there.terms.minor === call.terms.minor ? this.#ok(latest) : refuse("ORDER_HAS_OPEN_PAYMENT");
    }
    const { mode } = call.terms;
    const end = Math.floor((this.now + this.#limits.checkoutLifetimeMs) / 1_000) * 1_000;
    const expiresAt = mode === "CHECKOUT" ? end : null;
    const books = new Books(call.terms, call.attemptsMax ?? ATTEMPTS_DEFAULT[mode]);
    const there = new There(call.terms, expiresAt);
    const payment: PaymentModel = {
      order: call.order,
      there,
      books,
      expiresAt,
      active: null,
      placed: false,
      arrived: new Set(),
    };
    this.payments.push(payment);
    return this.#operation(payment, request, { point: "create", ...(call.card && { card: call.card }) });
  }

  #change(call: Exclude<Call, { do: "create" }>, request: Request): Verdict | Operation {
    const payment = this.latest(call.order);
    if (!payment) return refuse("ORDER_NOT_FOUND");
    if (call.do === "refund") return this.#refund(call.minor, payment, request);
    const { books } = payment;
    if (payment.active && !books.isClosed) return refuse("REQUEST_IN_FLIGHT");
    if (call.do === "complete") return this.#complete(call, payment, request);
    if (books.status === "CANCELED") return this.#ok(payment);
    if (!books.isOpen && books.status !== "AUTHORIZED") return refuse("PAYMENT_NOT_CANCELABLE");
    return this.#operation(payment, request, { point: "cancel", reason: call.reason });
  }

  #complete(call: Extract<Call, { do: "complete" }>, payment: PaymentModel, request: Request): Verdict | Operation {
    const { books } = payment;
    const owed = books.terms.minor;
    const minor = call.minor ?? owed;
    if (books.isPaid) return refuse("PAYMENT_ALREADY_COMPLETED");
    if (books.isClosed) return refuse("ORDER_NOT_PAYABLE");
    if (minor > owed) return refuse("INVALID_AMOUNT");
    if (books.status === "AUTHORIZED") return this.#operation(payment, request, { point: "capture", minor });
    if (minor !== owed) return refuse("INVALID_AMOUNT");
    return this.#operation(payment, request, { point: "confirm", card: call.card ?? DEFAULT_CARD });
  }

  #refund(asked: bigint | null, payment: PaymentModel, request: Request): Verdict | Operation {
    const { books } = payment;
    const isHeldLate = books.isClosed && books.refundable > 0n;
    if (!books.isPaid && !isHeldLate) return refuse("PAYMENT_NOT_PAID");
    const minor = asked ?? books.refundable;
    if (minor > books.refundable || minor === 0n) return refuse("REFUND_EXCEEDS_CAPTURED");
    books.reserve(request.id, minor, this.now);
    return this.#operation(payment, request, { point: "refund", minor, refund: request.id });
  }

  #operation(payment: PaymentModel, request: Request | null, step: Step): Operation {
    const { providerTimeoutMs, recoveryDelayMs } = this.#limits;
    const operation: Operation = {
      payment,
      request,
      card: DEFAULT_CARD,
      minor: payment.books.terms.minor,
      refund: "",
      reason: "",
      madeAt: this.now,
      declinesBefore: payment.books.declines,
      result: null,
      garbled: false,
      isPage: false,
      attempts: 0,
      dueAt: request === null ? this.now : this.now + providerTimeoutMs + recoveryDelayMs,
      ...step,
    };
    this.#operations.add(operation);
    if (operation.point !== "refund") payment.active = operation;
    if (request) this.requests.push(request);
    return operation;
  }

  /** The first call of the provider, with the fault in its way. */
  #begin(operation: Operation, fault: Fault | null): Verdict {
    const { payment, request } = operation;
    if (fault === "error") {
      this.#settle(operation, this.#factsOfRefusal(operation));
      // Nothing was attempted under it, and the id is free again.
      if (request) this.requests.splice(this.requests.indexOf(request), 1);
      return refuse("PROVIDER_ERROR");
    }
    if (fault !== "lost_before") operation.result = this.#perform(operation);
    operation.garbled = fault === "error_after";
    if (fault !== null || operation.result === null) {
      operation.dueAt = this.now + UNKNOWN_AGAIN_MS;
      return refuse("PROVIDER_OUTCOME_UNKNOWN");
    }
    return this.#conclude(operation, operation.result) ?? this.#ok(payment);
  }

  #perform(operation: Operation): Result {
    const { point, payment, card, minor, refund, reason } = operation;
    const { there } = payment;
    switch (point) {
      case "create": {
        const call = this.#createdBy(payment);
        return there.open(call, this.now);
      }
      case "confirm":
        return there.pay(card, this.now);
      case "capture":
        return there.capture(minor, this.now);
      case "cancel":
        operation.isPage = endsPage(payment);
        return there.cancel(operation.isPage ? "page" : "payment", reason, this.now);
      case "refund":
        return there.refund({ name: refund, ours: true, minor }, this.now);
    }
  }

  #createdBy(payment: PaymentModel) {
    const call = payment.active?.request?.call;
    return call?.do === "create" ? call.card : null;
  }

  /** What became of an operation that was begun before; null while that cannot be known. */
  #findOut(operation: Operation): Result | null {
    const ageMs = this.now - operation.madeAt;
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
    request.verdict = done || point === "create" ? this.#ok(payment, status) : this.#refusal(operation);
    return request.verdict;
  }

  #refusal({ point, payment }: Operation): Verdict {
    const { books } = payment;
    if (point === "refund") return refuse("REFUND_NOT_ALLOWED");
    if (point === "cancel") {
      const isOver = books.status === "CANCELED" || books.status === "EXPIRED";
      return isOver ? this.#ok(payment) : refuse("PAYMENT_NOT_CANCELABLE");
    }
    if (books.isPaid) return refuse("PAYMENT_ALREADY_COMPLETED");
    return refuse(books.isClosed ? "ORDER_NOT_PAYABLE" : "INVALID_ARGUMENT");
  }

  #settle(operation: Operation, facts: readonly Fact[]): void {
    const { payment, point } = operation;
    const wasFailed = payment.books.status === "FAILED";
    const owed = this.#tell(operation, rephrase(operation, facts));
    this.#operations.delete(operation);
    const wasActive = payment.active === operation;
    if (wasActive) payment.active = null;
    // What it may have left open at the provider is ended.
    const endsNothing = wasActive && point !== "cancel" && wasFailed && !owed.some(({ kind }) => kind === "CANCEL");
    this.#owe(payment, endsNothing ? [...owed, { kind: "CANCEL" }] : owed);
  }

  /** What was given back elsewhere and does not fit yet is left to its letter. */
  #tell({ payment, refund }: Operation, facts: readonly Fact[]): Owed[] {
    try {
      return payment.books.tell(facts, this.now);
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
      const own = facts.filter((fact) => (fact.say === "refund" ? fact.name === refund : fact.say !== "dispute"));
      return payment.books.tell(own, this.now);
    }
  }

  #owe(payment: PaymentModel, owed: readonly Owed[]): void {
    for (const each of owed) {
      if (each.kind === "REFUND")
        this.#operation(payment, null, { point: "refund", minor: each.minor, refund: each.name });
      else if (payment.active === null)
        this.#operation(payment, null, { point: "cancel", reason: "attempts_exhausted" });
    }
  }

  /** The service asks, and takes up all that happened. */
  #sync(payment: PaymentModel): void {
    payment.placed = true;
    const facts = rephrase(payment.active, payment.there.history());
    if (payment.books.isNews(facts, this.now)) this.#owe(payment, payment.books.tell(facts, this.now));
  }

  /** Gives whether a letter could be read: of a payment that is known, and fitting what is known of it. */
  #read(payment: PaymentModel, { named, incomplete, facts }: Letter): boolean {
    if (!named && !payment.placed) return false;
    try {
      if (incomplete || payment.books.isNews(facts, this.now)) this.#sync(payment);
      return true;
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
      return false;
    }
  }

  #unpark(parked: Parked): void {
    const { payment, letter, dueAt, attempts } = parked;
    const isDue = dueAt <= this.now;
    if (isDue && this.#read(payment, letter)) return;
    const again = isDue ? { dueAt: this.now + PARKED_MS * 2 ** (attempts + 1), attempts: attempts + 1 } : {};
    this.#parked.push({ ...parked, ...again });
  }

  #expire(payment: PaymentModel): void {
    const { books, active, expiresAt } = payment;
    if (!books.isOpen || active !== null || expiresAt === null || expiresAt > this.now) return;
    const operation = this.#operation(payment, null, { point: "cancel", reason: "expired" });
    this.#conclude(operation, this.#perform(operation));
  }

  #checkRefunds(payment: PaymentModel): void {
    const { books } = payment;
    const due = books.refunds.filter(
      ({ status, touchedAt }) => status === "PENDING" && touchedAt <= this.now - REFUND_CHECK_MS,
    );
    if (due.length === 0) return;
    books.touchRefunds(this.now);
    try {
      this.#sync(payment);
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
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

/** Bad input, and what a retry can change, is not kept. */
function isAboutInput({ say }: Verdict): boolean {
  return say === "INVALID_AMOUNT" || say === "ORDER_NOT_FOUND" || say === "REQUEST_IN_FLIGHT";
}

/** A payment that we asked to end ends for our reason, whoever tells of it. */
function rephrase(operation: Operation | null, facts: readonly Fact[]): Fact[] {
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
