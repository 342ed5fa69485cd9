// The model of the service: what it must answer to every call, and what it must come to know. It is small since it does one thing at a time, and knows both sides:
// what the provider did, and what the service was told of it.
import { Books, Disagreement } from "./model-books.ts";
import {
  accept,
  type Call,
  type Fault,
  type Operation,
  type PaymentModel,
  type Point,
  refuse,
  type Request,
  type Verdict,
} from "./model-calls.ts";
import { DEFAULT_CARD, type ModelLimits, Operations, rephrase } from "./model-operations.ts";
import { type Letter, There } from "./model-there.ts";

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

const PARKED_MS = 1_000;
const REFUND_CHECK_MS = 3_600_000;
const ATTEMPTS_DEFAULT = { CHECKOUT: 5, INTENT: 1 } as const;

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
  readonly #operations: Operations;
  readonly #parked: Parked[] = [];

  constructor(now: number, limits: ModelLimits) {
    this.now = now;
    this.#limits = limits;
    this.#operations = new Operations(this, limits);
  }

  /** Nothing is owed, unknown or put aside. */
  get isQuiet(): boolean {
    return this.#operations.areSettled && this.#parked.length === 0;
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
    const verdict = this.#operations.begin(decided, fault);
    // After an error nothing was attempted under the id, and it is free again.
    if (fault !== "error") this.requests.push(request);
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
    this.#operations.recover();
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

  #create(call: Extract<Call, { do: "create" }>, request: Request): Verdict | Operation {
    const latest = this.latest(call.order);
    if (latest && !latest.books.isClosed) {
      if (latest.active) return refuse("REQUEST_IN_FLIGHT");
      if (latest.books.isPaid) return refuse("PAYMENT_ALREADY_COMPLETED");
      return latest.there.terms.minor === call.terms.minor ? accept(latest) : refuse("ORDER_HAS_OPEN_PAYMENT");
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
    return this.#operations.make(payment, request, { point: "create", ...(call.card && { card: call.card }) });
  }

  #change(call: Exclude<Call, { do: "create" }>, request: Request): Verdict | Operation {
    const payment = this.latest(call.order);
    if (!payment) return refuse("ORDER_NOT_FOUND");
    if (call.do === "refund") return this.#refund(call.minor, payment, request);
    const { books } = payment;
    if (payment.active && !books.isClosed) return refuse("REQUEST_IN_FLIGHT");
    if (call.do === "complete") return this.#complete(call, payment, request);
    if (books.status === "CANCELED") return accept(payment);
    if (!books.isOpen && books.status !== "AUTHORIZED") return refuse("PAYMENT_NOT_CANCELABLE");
    return this.#operations.make(payment, request, { point: "cancel", reason: call.reason });
  }

  #complete(call: Extract<Call, { do: "complete" }>, payment: PaymentModel, request: Request): Verdict | Operation {
    const { books } = payment;
    const owed = books.terms.minor;
    const minor = call.minor ?? owed;
    if (books.isPaid) return refuse("PAYMENT_ALREADY_COMPLETED");
    if (books.isClosed) return refuse("ORDER_NOT_PAYABLE");
    if (minor > owed) return refuse("INVALID_AMOUNT");
    if (books.status === "AUTHORIZED") return this.#operations.make(payment, request, { point: "capture", minor });
    if (minor !== owed) return refuse("INVALID_AMOUNT");
    return this.#operations.make(payment, request, { point: "confirm", card: call.card ?? DEFAULT_CARD });
  }

  #refund(asked: bigint | null, payment: PaymentModel, request: Request): Verdict | Operation {
    const { books } = payment;
    const isHeldLate = books.isClosed && books.refundable > 0n;
    if (!books.isPaid && !isHeldLate) return refuse("PAYMENT_NOT_PAID");
    const minor = asked ?? books.refundable;
    if (minor > books.refundable || minor === 0n) return refuse("REFUND_EXCEEDS_CAPTURED");
    books.reserve(request.id, minor, this.now);
    return this.#operations.make(payment, request, { point: "refund", minor, refund: request.id });
  }

  /** The service asks, and takes up all that happened. */
  #sync(payment: PaymentModel): void {
    payment.placed = true;
    const facts = rephrase(payment.active, payment.there.history());
    if (payment.books.isNews(facts, this.now)) this.#operations.owe(payment, payment.books.tell(facts, this.now));
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
    const operation = this.#operations.make(payment, null, { point: "cancel", reason: "expired" });
    this.#operations.begin(operation, null);
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

/** Bad input, and what a retry can change, is not kept. */
function isAboutInput({ say }: Verdict): boolean {
  return say === "INVALID_AMOUNT" || say === "ORDER_NOT_FOUND" || say === "REQUEST_IN_FLIGHT";
}
