// The provider's side of one payment, as the model has it: what the customer, the bank and the provider did, in the order in which it happened, and the
// webhooks that tell of it. Written from SEMANTICS.md; the real gateway is held against it.

export type Fact =
  | { readonly say: "asked" }
  | { readonly say: "declined"; readonly attempt: number }
  | { readonly say: "held" }
  | { readonly say: "taken"; readonly minor: bigint }
  | { readonly say: "ended"; readonly as: "CANCELED" | "EXPIRED"; readonly reason: string }
  /** The provider never had anything of the payment. */
  | { readonly say: "rejected" }
  | { readonly say: "refund"; readonly name: string; readonly minor: bigint; readonly status: RefundStatus }
  | { readonly say: "dispute"; readonly closed: boolean };

export type RefundStatus = "PENDING" | "SUCCEEDED" | "FAILED";

/** A webhook: what it says by itself, and whether the service has to ask before it knows. */
export interface Letter {
  readonly type: string;
  readonly facts: readonly Fact[];
  readonly incomplete: boolean;
  /** Whether it bears our id of the payment; otherwise it is found by the provider's, once that is known here. */
  readonly named: boolean;
}

/** What became of a call: done, and its answer tells these facts; or refused, and the answer tells of all that happened. */
export interface Result {
  readonly done: boolean;
  readonly facts: readonly Fact[];
}

export interface Terms {
  readonly mode: "CHECKOUT" | "INTENT";
  readonly manual: boolean;
  readonly minor: bigint;
}

interface CardManner {
  readonly challenge?: true;
  readonly decline?: true;
  readonly refund?: "later" | "bounces";
}

export const CARDS = {
  pm_card_visa: {},
  pm_card_chargeDeclined: { decline: true },
  pm_card_chargeDeclinedInsufficientFunds: { decline: true },
  pm_card_authenticationRequired: { challenge: true },
  pm_card_threeDSecureRequiredChargeDeclined: { challenge: true, decline: true },
  pm_card_pendingRefund: { refund: "later" },
  pm_card_refundFail: { refund: "bounces" },
} as const satisfies Readonly<Record<string, CardManner>>;
export type Card = keyof typeof CARDS;

interface RefundThere {
  /** Ours has the name of the request or of what owes it; one that was made elsewhere has a name of its own. */
  readonly name: string;
  readonly ours: boolean;
  readonly minor: bigint;
  readonly madeAt: number;
  status: RefundStatus;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HELD_MS = 7 * DAY_MS;
const ANSWER_MS = 7 * DAY_MS;
const PAGE_MS_MIN = HOUR_MS / 2;

/** The provider counts in whole seconds. */
function seconds(now: number): number {
  return Math.floor(now / SECOND_MS) * SECOND_MS;
}

function manner(card: Card): CardManner {
  return CARDS[card];
}

function letter(type: string, ...facts: Fact[]): Letter {
  return { type, facts, incomplete: false, named: true };
}

function question(type: string, named: boolean): Letter {
  return { type, facts: [], incomplete: true, named };
}

export class There {
  readonly terms: Terms;
  /** `absent` until the call that opens it was carried out. */
  stand: "absent" | "open" | "challenge" | "held" | "paid" | "ended" = "absent";
  captured = 0n;
  readonly refunds: RefundThere[] = [];
  /** There is one dispute at most. */
  dispute: { status: "open" | "won" | "lost"; readonly dueAt: number } | null = null;
  /** All webhooks, oldest first. */
  readonly mail: Letter[] = [];
  readonly #expiresAt: number | null;
  readonly #attempts: { readonly challenged: boolean; readonly declined: boolean }[] = [];
  #card: Card = "pm_card_visa";
  #heldAt = 0;
  #ending: Extract<Fact, { say: "ended" }> | null = null;

  constructor(terms: Terms, expiresAt: number | null) {
    this.terms = terms;
    this.#expiresAt = expiresAt;
  }

  get refundable(): bigint {
    return this.refunds.reduce((left, { minor, status }) => (status === "FAILED" ? left : left - minor), this.captured);
  }

  /** Whether a customer, or a call, may try to pay. */
  get payable(): boolean {
    return this.stand === "open" || this.stand === "challenge";
  }

  /** All that happened, as the provider tells it when it is asked. */
  history(): Fact[] {
    const tried = this.#attempts.flatMap((_, attempt) => this.#attemptFacts(attempt));
    return [...tried, ...this.#standing(), ...this.refunds.map(tellRefund), ...this.#disputeFacts()];
  }

  /** How it stands after the latest of it, refunds and disputes aside. */
  current(): Fact[] {
    const tried = this.#attemptFacts(this.#attempts.length - 1);
    return this.stand === "challenge" || this.stand === "ended" ? this.#standing() : tried.slice(-1);
  }

  /** A page that would end too soon is not opened. */
  open(card: Card | null, now: number): Result {
    if (this.#expiresAt !== null && this.#expiresAt - seconds(now) < PAGE_MS_MIN) return { done: false, facts: [] };
    this.stand = "open";
    this.mail.push(letter("payment_intent.created"));
    if (card !== null) this.#attempt(card, now);
    return { done: true, facts: this.current() };
  }

  pay(card: Card, now: number): Result {
    this.pass(now);
    if (!this.payable) return this.#refused();
    this.#attempt(card, now);
    return { done: true, facts: this.current() };
  }

  authenticate(approve: boolean, now: number): void {
    this.pass(now);
    if (this.stand !== "challenge") return;
    this.#settle(!approve || manner(this.#card).decline === true, { challenged: true, now });
  }

  capture(minor: bigint, now: number): Result {
    this.pass(now);
    if (this.stand !== "held") return this.#refused();
    this.stand = "paid";
    this.captured = minor;
    this.mail.push(letter("charge.captured"), letter("payment_intent.succeeded", ...this.#lastAttempt()));
    return { done: true, facts: this.current() };
  }

  /** An open checkout is ended by its page; what is held, and what has no page, by itself. */
  cancel(by: "page" | "payment", reason: string, now: number): Result {
    this.pass(now);
    const isIntent = this.terms.mode === "INTENT";
    const possible = by === "page" ? this.payable : this.stand === "held" || (isIntent && this.payable);
    if (!possible) return this.#refused();
    this.#end("CANCELED", reason);
    const type = by === "page" ? "checkout.session.expired" : "payment_intent.canceled";
    this.mail.push(letter(type, ...this.#standing()));
    return { done: true, facts: this.current() };
  }

  refund({ name, ours, minor }: Pick<RefundThere, "name" | "ours" | "minor">, now: number): Result {
    this.pass(now);
    const obstructed = this.dispute !== null && this.dispute.status !== "won";
    if (this.stand !== "paid" || obstructed || this.refundable < minor || minor === 0n) return this.#refused();
    const status = manner(this.#card).refund === "later" ? "PENDING" : "SUCCEEDED";
    const made = { name, ours, minor, status, madeAt: seconds(now) } as const;
    this.refunds.push({ ...made });
    this.mail.push(this.#refundLetter("refund.created", made), question("charge.refunded", false));
    return { done: true, facts: [tellRefund(made)] };
  }

  openDispute(now: number): void {
    this.pass(now);
    if (this.stand !== "paid" || this.dispute !== null || this.refundable === 0n) return;
    this.dispute = { status: "open", dueAt: seconds(now) + ANSWER_MS };
    this.mail.push(question("charge.dispute.created", false), letter("charge.dispute.funds_withdrawn"));
  }

  settleDispute(won: boolean, now: number): void {
    this.pass(now);
    if (this.dispute?.status !== "open") return;
    this.dispute.status = won ? "won" : "lost";
    this.mail.push(question("charge.dispute.closed", false));
    if (won) this.mail.push(letter("charge.dispute.funds_reinstated"));
  }

  /** What happens by the clock alone. */
  pass(now: number): void {
    if (this.terms.mode === "CHECKOUT" && this.payable && (this.#expiresAt ?? now) <= now) {
      this.#end("EXPIRED", "expired");
      this.mail.push(letter("checkout.session.expired", ...this.#standing()));
    }
    if (this.stand === "held" && this.#heldAt + HELD_MS <= now) {
      this.#end("EXPIRED", "expired");
      this.mail.push(letter("charge.expired"), letter("payment_intent.canceled", ...this.#standing()));
    }
    for (let due = this.#firstDue(now); due !== undefined; due = this.#firstDue(now)) due.act();
  }

  #firstDue(now: number): { readonly at: number; act(): void } | undefined {
    const dues = this.refunds.flatMap((refund) => {
      const { status, madeAt } = refund;
      const later = manner(this.#card).refund;
      if (later === "later" && status === "PENDING")
        return [{ at: madeAt + HOUR_MS, act: () => this.#settleRefund(refund, "SUCCEEDED") }];
      if (later === "bounces" && status === "SUCCEEDED")
        return [{ at: madeAt + 2 * DAY_MS, act: () => this.#settleRefund(refund, "FAILED") }];
      return [];
    });
    const { dispute } = this;
    if (dispute?.status === "open") dues.push({ at: dispute.dueAt, act: () => this.settleDispute(false, 0) });
    return dues.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)[0];
  }

  #settleRefund(refund: RefundThere, status: RefundStatus): void {
    refund.status = status;
    const type = status === "FAILED" ? "refund.failed" : "refund.updated";
    this.mail.push(letter("charge.refund.updated"), this.#refundLetter(type, refund));
  }

  /** One that does not bear our name makes the service ask. */
  #refundLetter(type: string, refund: RefundThere): Letter {
    return refund.ours ? letter(type, tellRefund(refund)) : question(type, false);
  }

  #attempt(card: Card, now: number): void {
    this.#card = card;
    if (manner(card).challenge) {
      this.stand = "challenge";
      this.mail.push(letter("payment_intent.requires_action", { say: "asked" }));
      return;
    }
    this.#settle(manner(card).decline === true, { challenged: false, now });
  }

  #settle(declined: boolean, { challenged, now }: { challenged: boolean; now: number }): void {
    this.#attempts.push({ challenged, declined });
    if (declined) {
      this.stand = "open";
      this.mail.push(letter("charge.failed"), letter("payment_intent.payment_failed", ...this.#lastAttempt()));
      return;
    }
    const { manual, minor, mode } = this.terms;
    this.stand = manual ? "held" : "paid";
    this.#heldAt = seconds(now);
    if (!manual) this.captured = minor;
    const type = manual ? "amount_capturable_updated" : "succeeded";
    this.mail.push(letter("charge.succeeded"), letter(`payment_intent.${type}`, ...this.#lastAttempt()));
    if (mode === "CHECKOUT") this.mail.push(question("checkout.session.completed", true));
  }

  #end(as: "CANCELED" | "EXPIRED", reason: string): void {
    this.stand = "ended";
    this.#ending = { say: "ended", as, reason };
  }

  #refused(): Result {
    return { done: false, facts: this.history() };
  }

  #lastAttempt(): Fact[] {
    return this.#attemptFacts(this.#attempts.length - 1);
  }

  #attemptFacts(index: number): Fact[] {
    const attempt = this.#attempts[index];
    if (attempt === undefined) return [];
    const asked: Fact[] = attempt.challenged ? [{ say: "asked" }] : [];
    if (attempt.declined) return [...asked, { say: "declined", attempt: index }];
    const held: Fact[] = this.terms.manual ? [{ say: "held" }] : [];
    const taken: Fact[] = this.stand === "paid" ? [{ say: "taken", minor: this.captured }] : [];
    return [...asked, ...held, ...taken];
  }

  #standing(): Fact[] {
    if (this.stand === "challenge") return [{ say: "asked" }];
    return this.#ending === null ? [] : [this.#ending];
  }

  #disputeFacts(): Fact[] {
    return this.dispute === null ? [] : [{ say: "dispute", closed: this.dispute.status !== "open" }];
  }
}

function tellRefund({ name, minor, status }: Pick<RefundThere, "name" | "minor" | "status">): Fact {
  return { say: "refund", name, minor, status };
}
