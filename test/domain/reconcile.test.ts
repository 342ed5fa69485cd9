import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decideFacts, FactDisagrees } from "../../src/domain/decide-fact.ts";
import type { Drift } from "../../src/domain/drift.ts";
import type { Fact, RefundFact } from "../../src/domain/fact.ts";
import { mintId, type OperationId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Operation } from "../../src/domain/operation.ts";
import { PAYMENT_STATUSES, type Payment, type PaymentStatus } from "../../src/domain/payment.ts";
import { comparePayment, type Comparison, type PaymentBooks } from "../../src/domain/reconcile.ts";
import { declined, momentAt, paid, paymentIn, paymentOf, refundFact, refundOf } from "../support/payments.ts";

const MINUTE_MS = 60_000;
const created = paymentOf().createdAt;
const now = new Date(created.getTime() + 120 * MINUTE_MS);
const terms = {
  moment: momentAt(now),
  stuckBefore: new Date(now.getTime() - 10 * MINUTE_MS),
  lostBefore: new Date(now.getTime() - 60 * MINUTE_MS),
};
const opened: Fact = { kind: "opened", providerReference: "pi_1", checkout: null, clientSecret: null };

function booksOf(payment: Payment, change: Partial<PaymentBooks> = {}): PaymentBooks {
  return { payment, refunds: [], disputes: [], operations: [], ...change };
}

function compare(ours: PaymentBooks, facts: readonly Fact[] | null): Comparison {
  const theirs = facts && { providerReference: "pi_1", owed: ours.payment.amount, facts: [opened, ...facts] };
  return comparePayment(ours, theirs, terms);
}

/** Each drift as `KIND by ours/theirs`. */
function told({ drifts }: Comparison): string[] {
  return drifts.map(({ kind, remedy }: Drift) => `${kind} ${remedy.by}`);
}

function operationOf(payment: Payment, change: Partial<Operation> = {}): Operation {
  return {
    id: mintId<OperationId>(created, crypto.randomUUID()),
    paymentId: payment.id,
    refundId: null,
    kind: "CONFIRM",
    state: "UNKNOWN",
    paymentMethod: null,
    amountMinor: null,
    reason: null,
    attemptsBefore: null,
    request: null,
    attempts: 0,
    nextAttemptAt: created,
    createdAt: created,
    ...change,
  };
}

/** The provider's word for a payment that stands in each status here. */
const AGREED: Readonly<Record<PaymentStatus, readonly Fact[]>> = {
  PENDING: [],
  REQUIRES_ACTION: [{ kind: "requires_action" }],
  PROCESSING: [{ kind: "processing" }],
  AUTHORIZED: [paid("authorized")],
  SUCCEEDED: [paid("authorized"), paid("captured")],
  PARTIALLY_REFUNDED: [paid("captured")],
  REFUNDED: [paid("captured")],
  FAILED: [{ kind: "canceled", reason: "abandoned" }],
  CANCELED: [paid("authorized"), { kind: "canceled", reason: "abandoned" }],
  EXPIRED: [{ kind: "expired" }],
};

/** Books in a status, with the refunds that its amounts speak of, and the provider's word that agrees with them. */
function agreeing(status: PaymentStatus): { ours: PaymentBooks; facts: readonly Fact[] } {
  const payment = paymentIn(status);
  const refunds =
    payment.refundedMinor === 0n ? [] : [refundOf(payment, payment.refundedMinor, { status: "SUCCEEDED" })];
  return {
    ours: booksOf(payment, { refunds }),
    facts: [...AGREED[status], ...refunds.map((refund) => refundFact(refund, "SUCCEEDED"))],
  };
}

/** What the books say after a comparison was applied. */
function applied(ours: PaymentBooks, { facts }: Comparison): PaymentBooks {
  const movement = decideFacts(ours, facts, terms.moment);
  const ids = new Set(movement.refunds.map(({ id }) => id));
  return {
    ...ours,
    payment: movement.payment,
    refunds: [...movement.refunds, ...ours.refunds.filter(({ id }) => !ids.has(id))],
    disputes: [...movement.disputes],
    operations: movement.followUps.map(({ kind }) => operationOf(ours.payment, { kind, createdAt: now })),
  };
}

describe("books that agree", () => {
  for (const status of PAYMENT_STATUSES) {
    it(`show no drift: ${status}`, () => {
      const { ours, facts } = agreeing(status);
      assert.deepEqual(told(compare(ours, facts)), []);
    });
  }
});

describe("drift", () => {
  const succeeded = agreeing("SUCCEEDED");
  const partial = agreeing("PARTIALLY_REFUNDED");
  const [made] = partial.ours.refunds;
  assert.ok(made);
  const elsewhere: RefundFact = {
    ...refundFact(made, "SUCCEEDED"),
    refundId: null,
    providerReference: "re_9",
    amount: money(500n, "EUR"),
  };
  const dispute = {
    kind: "dispute",
    providerReference: "du_1",
    status: "LOST",
    amount: money(10_000n, "EUR"),
    reason: "fraudulent",
  } as const;
  const pending = refundOf(succeeded.ours.payment, 700n);
  const reserved = booksOf({ ...succeeded.ours.payment, refundPendingMinor: 700n }, { refunds: [pending] });
  const unplaced = { ...paymentIn("PENDING"), providerReference: null };
  const cases: readonly [string, PaymentBooks, readonly Fact[] | null, readonly string[]][] = [
    [
      "a payment that was captured unheard",
      booksOf(paymentIn("PENDING")),
      [paid("captured")],
      ["STATUS_DIFFERS apply"],
    ],
    ["a decline that was not heard of", booksOf(paymentIn("PENDING")), [declined("ch_9")], ["STATUS_DIFFERS apply"]],
    ["late money", booksOf(paymentIn("EXPIRED")), [paid("captured")], ["STATUS_DIFFERS apply"]],
    ["a refund of the dashboard", succeeded.ours, [...succeeded.facts, elsewhere], ["REFUND_MISSING_HERE apply"]],
    ["a refund row that was lost", { ...partial.ours, refunds: [] }, partial.facts, ["REFUND_MISSING_HERE apply"]],
    ["a refund that was never made", reserved, succeeded.facts, ["REFUND_MISSING_AT_PROVIDER apply"]],
    [
      "a refund that is recorded and was never made",
      partial.ours,
      AGREED.PARTIALLY_REFUNDED,
      ["REFUND_MISSING_AT_PROVIDER apply"],
    ],
    [
      "a refund that settled unheard",
      reserved,
      [...succeeded.facts, refundFact(pending, "SUCCEEDED")],
      ["STUCK_IN_FLIGHT apply"],
    ],
    [
      "a refund that failed unheard",
      partial.ours,
      [...AGREED.PARTIALLY_REFUNDED, refundFact(made, "FAILED")],
      ["STATUS_DIFFERS apply"],
    ],
    ["a dispute and its end", succeeded.ours, [...succeeded.facts, dispute], ["DISPUTE_UNSEEN apply"]],
    ["another captured amount", succeeded.ours, [paid("captured", 9_999n)], ["AMOUNT_DIFFERS apply"]],
    ["a payment that was never opened", booksOf(unplaced), null, ["MISSING_AT_PROVIDER apply"]],
    ["a payment whose place was not noted", booksOf(unplaced), [], ["REFERENCE_DIFFERS apply"]],
    ["a payment that the provider forgot", booksOf(paymentIn("PENDING")), null, ["MISSING_AT_PROVIDER person"]],
    ["held money that the provider forgot", booksOf(paymentIn("AUTHORIZED")), null, ["MISSING_AT_PROVIDER person"]],
    ["captured money that the provider forgot", succeeded.ours, null, ["MISSING_AT_PROVIDER person"]],
    ["captured money that the provider did not take", succeeded.ours, [], ["AMOUNT_DIFFERS person"]],
    ["more money than is owed", booksOf(paymentIn("PENDING")), [paid("captured", 10_001n)], ["AMOUNT_DIFFERS person"]],
    [
      "more given back than captured",
      succeeded.ours,
      [...succeeded.facts, { ...elsewhere, amount: money(10_001n, "EUR") }],
      ["AMOUNT_DIFFERS person"],
    ],
    [
      "less captured than given back",
      partial.ours,
      [paid("captured", 3_000n), ...partial.facts.slice(1)],
      ["AMOUNT_DIFFERS person"],
    ],
    ["an end that the provider has not heard of", booksOf(paymentIn("CANCELED")), [], ["STATUS_DIFFERS person"]],
    ["a hold that the provider has not heard of", booksOf(paymentIn("AUTHORIZED")), [], ["STATUS_DIFFERS person"]],
    ["a closed payment that never was there", booksOf({ ...paymentIn("FAILED"), providerReference: null }), null, []],
  ];
  for (const [name, ours, facts, expected] of cases) {
    it(`is told as what it is: ${name}`, () => {
      const comparison = compare(ours, facts);
      assert.deepEqual(told(comparison), expected);
      const person = comparison.drifts.filter(({ remedy }) => remedy.by === "person");
      assert.ok(person.every(({ remedy }) => remedy.by === "person" && /^[A-Za-z].+[.?]$/.test(remedy.why)));
    });
  }

  for (const [name, ours, facts, expected] of cases.filter(([, , , kinds]) =>
    kinds.some((kind) => kind.endsWith("apply")),
  )) {
    it(`is gone once it is applied: ${name}`, () => {
      const right = applied(ours, compare(ours, facts));
      assert.deepEqual(told(compare(right, facts)), [], expected.join());
    });
  }

  it("of a lost refund row puts the row back and moves no amount", () => {
    const lost = { ...partial.ours, refunds: [] };
    const { payment, refunds, events } = decideFacts(lost, compare(lost, partial.facts).facts, terms.moment);
    assert.deepEqual([payment.refundedMinor, payment.status], [4_000n, "PARTIALLY_REFUNDED"]);
    assert.deepEqual(
      refunds.map(({ id, status }) => [id, status]),
      [[made.id, "SUCCEEDED"]],
    );
    assert.deepEqual(
      events.map(({ type }) => type),
      ["payment.corrected"],
    );
  });

  it("of a young payment that the provider does not know yet is none", () => {
    const young = booksOf({ ...unplaced, createdAt: new Date(now.getTime() - 30 * MINUTE_MS) });
    assert.deepEqual(told(compare(young, null)), []);
  });
});

describe("a payment with an operation under way", () => {
  const payment = paymentIn("PENDING");

  it("is not compared while its answer may come", () => {
    const operations = [operationOf(payment, { createdAt: new Date(now.getTime() - MINUTE_MS) })];
    assert.deepEqual(compare(booksOf(payment, { operations }), [paid("captured")]), {
      drifts: [],
      facts: [],
      stuck: [],
    });
  });

  it("is stuck when it should have ended, and nothing else is told of it", () => {
    const operations = [operationOf(payment)];
    const comparison = compare(booksOf(payment, { operations }), [paid("captured")]);
    assert.deepEqual(told(comparison), ["STUCK_IN_FLIGHT apply"]);
    assert.deepEqual([comparison.stuck, comparison.facts], [operations, []]);
  });

  it("that is gone is stuck, beside what else there is", () => {
    const held = booksOf({ ...payment, activeOperationId: operationOf(payment).id });
    assert.deepEqual(told(compare(held, [paid("captured")])), ["STUCK_IN_FLIGHT apply", "STATUS_DIFFERS apply"]);
  });

  it("or whose time to pay has just run out is left to those who end it", () => {
    const ending = booksOf({ ...payment, expiresAt: new Date(now.getTime() - MINUTE_MS) });
    assert.deepEqual(told(compare(ending, [{ kind: "expired" }])), []);
    const forgotten = booksOf({ ...payment, expiresAt: new Date(now.getTime() - 11 * MINUTE_MS) });
    assert.deepEqual(told(compare(forgotten, [{ kind: "expired" }])), ["STATUS_DIFFERS apply"]);
  });
});

describe("a correction", () => {
  const payment = paymentIn("PARTIALLY_REFUNDED");
  const corrected = {
    kind: "corrected",
    version: payment.version,
    capturedMinor: 9_000n,
    refundedMinor: 4_000n,
    refundPendingMinor: 0n,
    restored: [],
  } as const;

  it("says nothing of a payment that has moved since", () => {
    const known = booksOf({ ...payment, version: payment.version + 1 });
    assert.deepEqual(decideFacts(known, [corrected], terms.moment).events, []);
  });

  it("never records more than is owed, nor less than is given back", () => {
    for (const capturedMinor of [10_001n, 3_999n])
      assert.throws(
        () => decideFacts(booksOf(payment), [{ ...corrected, capturedMinor }], terms.moment),
        FactDisagrees,
      );
  });

  it("moves the status along the table, whatever the amounts were", () => {
    const amounts = fc.tuple(fc.bigInt(1n, 100n), fc.bigInt(0n, 100n), fc.bigInt(0n, 100n));
    const fits = ([captured, refunded, pending]: readonly [bigint, bigint, bigint]): boolean =>
      refunded + pending <= captured;
    fc.assert(
      fc.property(amounts.filter(fits), amounts.filter(fits), ([captured, refunded, pending], [after, back, open]) => {
        const status = refunded === 0n ? "SUCCEEDED" : refunded === captured ? "REFUNDED" : "PARTIALLY_REFUNDED";
        const before = {
          ...paymentIn("SUCCEEDED"),
          status,
          capturedMinor: captured,
          refundedMinor: refunded,
          refundPendingMinor: pending,
        } as const;
        const fact = { ...corrected, capturedMinor: after, refundedMinor: back, refundPendingMinor: open };
        const moved = decideFacts(booksOf(before), [fact], terms.moment).payment;
        assert.deepEqual([moved.capturedMinor, moved.refundedMinor, moved.refundPendingMinor], [after, back, open]);
        assert.equal(moved.version, before.version + 1);
      }),
    );
  });
});
