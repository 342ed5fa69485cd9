// Our side of one payment, as the model has it: what the service has been told, and what it must therefore say. Written from DESIGN.md's table of states.
import type { Fact, RefundStatus, Terms } from "./model-there.ts";

export type Status =
  | "PENDING"
  | "REQUIRES_ACTION"
  | "AUTHORIZED"
  | "SUCCEEDED"
  | "PARTIALLY_REFUNDED"
  | "REFUNDED"
  | "FAILED"
  | "CANCELED"
  | "EXPIRED";

export interface RefundHere {
  readonly name: string;
  readonly minor: bigint;
  readonly status: RefundStatus;
  /** Whether the provider has named it. */
  readonly named: boolean;
  /** When it was last told of, or asked about. */
  readonly touchedAt: number;
}

/** What a telling makes necessary. */
export type Owed =
  | { readonly kind: "CANCEL" }
  | { readonly kind: "REFUND"; readonly name: string; readonly minor: bigint };

/** What was told does not fit: more was given back than is left. */
export class Disagreement extends Error {
  override readonly name = "Disagreement";
}

/** Everything about a payment that a caller can see, and that a test can compare. */
export interface Seen {
  readonly status: Status;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly pending: bigint;
  readonly declines: number;
  readonly cancelReason: string | null;
  readonly disputeStatus: string | null;
  readonly version: number;
}

export class Books {
  readonly terms: Terms;
  readonly attemptsMax: number;
  status: Status = "PENDING";
  captured = 0n;
  refunded = 0n;
  pending = 0n;
  cancelReason: string | null = null;
  dispute: "OPEN" | "CLOSED" | null = null;
  /** One for each change, in order: its event. */
  told: string[] = ["payment.created"];
  refunds: RefundHere[] = [];
  #declines: readonly number[] = [];

  constructor(terms: Terms, attemptsMax: number) {
    this.terms = terms;
    this.attemptsMax = attemptsMax;
  }

  get isOpen(): boolean {
    return this.status === "PENDING" || this.status === "REQUIRES_ACTION";
  }

  get isClosed(): boolean {
    return this.status === "FAILED" || this.status === "CANCELED" || this.status === "EXPIRED";
  }

  get isPaid(): boolean {
    return this.status === "SUCCEEDED" || this.status === "PARTIALLY_REFUNDED" || this.status === "REFUNDED";
  }

  get refundable(): bigint {
    return this.captured - this.refunded - this.pending;
  }

  get declines(): readonly number[] {
    return this.#declines;
  }

  copy(): Books {
    const copy = new Books(this.terms, this.attemptsMax);
    const { status, captured, refunded, pending, cancelReason, dispute } = this;
    Object.assign(copy, { status, captured, refunded, pending, cancelReason, dispute });
    copy.told = [...this.told];
    copy.refunds = [...this.refunds];
    copy.#declines = this.#declines;
    return copy;
  }

  /** Sets the amount aside before the provider is asked. */
  reserve(name: string, minor: bigint, now: number): void {
    this.pending += minor;
    this.refunds.push({ name, minor, status: "PENDING", named: false, touchedAt: now });
  }

  /** Somebody asks what became of the refunds. */
  touchRefunds(now: number): void {
    this.refunds = this.refunds.map((refund) => (refund.status === "PENDING" ? { ...refund, touchedAt: now } : refund));
  }

  /** Takes up what the provider said, in its order. Gives what is owed then. Throws Disagreement, and has taken up nothing then. */
  tell(facts: readonly Fact[], now: number): Owed[] {
    const { draft, owed } = this.#draft(facts, now);
    const { status, captured, refunded, pending, cancelReason, dispute, told, refunds } = draft;
    Object.assign(this, { status, captured, refunded, pending, cancelReason, dispute, told, refunds });
    this.#declines = draft.#declines;
    return owed;
  }

  /** Whether it would change anything, or make something necessary. That the provider has named a refund is no change by itself. */
  isNews(facts: readonly Fact[], now: number): boolean {
    const { draft, owed } = this.#draft(facts, now);
    return owed.length > 0 || draft.told.length > this.told.length || draft.refunds.length > this.refunds.length;
  }

  #draft(facts: readonly Fact[], now: number): { draft: Books; owed: Owed[] } {
    const draft = this.copy();
    const telling = new Telling(draft, now);
    const lastTold = facts.findLastIndex((fact) => fact.say === "declined" && this.#declines.includes(fact.attempt));
    // A challenge that led to a decline which is known is no news.
    for (const [index, fact] of facts.entries()) if (fact.say !== "asked" || index > lastTold) telling.tell(fact);
    return { draft, owed: telling.end() };
  }

  see(): Seen {
    const { status, captured, refunded, pending, cancelReason, dispute } = this;
    const disputeStatus = dispute === "CLOSED" ? "CLOSED" : dispute;
    return {
      status,
      captured,
      refunded,
      pending,
      declines: this.#declines.length,
      cancelReason,
      disputeStatus,
      version: this.told.length,
    };
  }

  decline(attempt: number): void {
    this.#declines = [...this.#declines, attempt];
  }
}

/** One telling of several facts. */
class Telling {
  readonly #books: Books;
  readonly #now: number;
  readonly #owed: Owed[] = [];
  /** A closed payment holds money at the provider. */
  #heldLate = false;
  /** Money came for a closed payment. */
  #takenLate = false;

  constructor(books: Books, now: number) {
    this.#books = books;
    this.#now = now;
  }

  /** What is left of late money is given back, once all that was told is taken up. */
  end(): Owed[] {
    const left = this.#books.refundable;
    if (this.#takenLate && left > 0n) {
      this.#books.reserve("late", left, this.#now);
      this.#owed.push({ kind: "REFUND", name: "late", minor: left });
    }
    return this.#heldLate ? [...this.#owed, { kind: "CANCEL" }] : this.#owed;
  }

  tell(fact: Fact): void {
    const books = this.#books;
    switch (fact.say) {
      case "asked":
        if (books.status === "PENDING") this.#move("payment.requires_action", "REQUIRES_ACTION");
        return;
      case "declined":
        return this.#decline(fact.attempt);
      case "held":
        if (books.isOpen) this.#move("payment.authorized", "AUTHORIZED");
        else if (books.isClosed) this.#heldLate = true;
        return;
      case "taken":
        return this.#take(fact.minor);
      case "ended":
        this.#heldLate = false;
        if (!books.isOpen && books.status !== "AUTHORIZED") return;
        books.cancelReason = fact.reason;
        return this.#move("payment.cancelled", fact.as);
      case "rejected":
        if (books.isOpen) this.#move("payment.failed", "FAILED");
        return;
      case "refund":
        return this.#refund(fact);
      case "dispute":
        return this.#dispute(fact.closed);
    }
  }

  #move(event: string, status: Status): void {
    this.#books.status = status;
    this.#books.told.push(event);
  }

  #decline(attempt: number): void {
    const books = this.#books;
    if (!books.isOpen || books.declines.includes(attempt)) return;
    books.decline(attempt);
    if (books.declines.length < books.attemptsMax) return this.#move("payment.attempt_failed", "PENDING");
    this.#move("payment.failed", "FAILED");
    this.#owed.push({ kind: "CANCEL" });
  }

  #take(minor: bigint): void {
    const books = this.#books;
    this.#heldLate = false;
    if (books.captured > 0n) return;
    books.captured = minor;
    if (!books.isClosed) return this.#move("payment.succeeded", "SUCCEEDED");
    books.told.push("payment.late");
    this.#takenLate = true;
  }

  #refund({ name, minor, status }: Extract<Fact, { say: "refund" }>): void {
    const books = this.#books;
    if (!books.refunds.some((each) => each.name === name)) {
      if (status === "FAILED" || books.captured === 0n) return;
      if (minor > books.refundable) throw new Disagreement(`${minor} of ${books.refundable} given back`);
      books.reserve(name, minor, this.#now);
    }
    const known = books.refunds.find((each) => each.name === name);
    if (known === undefined || known.status === "FAILED") return;
    const next = known.status === "SUCCEEDED" && status === "PENDING" ? "SUCCEEDED" : status;
    if (next === known.status && known.named) return;
    const put = { ...known, status: next, named: true, touchedAt: this.#now };
    books.refunds = books.refunds.map((each) => (each === known ? put : each));
    if (next === known.status) return;
    if (known.status === "PENDING") books.pending -= minor;
    if (known.status === "SUCCEEDED") books.refunded -= minor;
    if (next === "SUCCEEDED") books.refunded += minor;
    if (books.isPaid) books.status = this.#paidStatus();
    books.told.push(next === "SUCCEEDED" ? "payment.refunded" : "payment.refund_failed");
  }

  #paidStatus(): Status {
    const { refunded, captured } = this.#books;
    if (refunded === 0n) return "SUCCEEDED";
    return refunded === captured ? "REFUNDED" : "PARTIALLY_REFUNDED";
  }

  #dispute(closed: boolean): void {
    const books = this.#books;
    if (books.captured === 0n) return;
    if (books.dispute === null) {
      books.dispute = "OPEN";
      books.told.push("payment.dispute_opened");
    }
    if (!closed || books.dispute === "CLOSED") return;
    books.dispute = "CLOSED";
    books.told.push("payment.dispute_closed");
  }
}
