import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decideFacts, type Movement } from "../../src/domain/decide-fact.ts";
import type { Fact } from "../../src/domain/fact.ts";
import { PAYMENT_STATUSES, type Payment, type PaymentStatus, TRANSITIONS } from "../../src/domain/payment.ts";
import type { Refund } from "../../src/domain/refund.ts";
import { declined, momentAt, paid, paymentIn, paymentOf, refundFact, refundOf } from "../support/payments.ts";

const failure = { reason: "PROCESSING_ERROR", code: "x", message: "x" } as const;
const opened: Fact = { kind: "opened", providerReference: "pi_1", checkout: null, clientSecret: null };
const FACTS: Readonly<Record<string, Fact>> = {
  opened,
  requires_action: { kind: "requires_action" },
  processing: { kind: "processing" },
  authorized: paid("authorized"),
  captured: paid("captured"),
  declined: declined("ch_9"),
  canceled: { kind: "canceled", reason: "user_requested" },
  expired: { kind: "expired" },
  rejected: { kind: "rejected", failure },
};

/** Status × fact → status and event; what is not listed stays as it is, without an event. */
const MOVES: Readonly<Record<string, readonly [PaymentStatus, string]>> = {
  "PENDING requires_action": ["REQUIRES_ACTION", "payment.requires_action"],
  "PENDING processing": ["PROCESSING", "payment.processing"],
  "PENDING authorized": ["AUTHORIZED", "payment.authorized"],
  "PENDING captured": ["SUCCEEDED", "payment.succeeded"],
  "PENDING declined": ["PENDING", "payment.attempt_failed"],
  "PENDING canceled": ["CANCELED", "payment.cancelled"],
  "PENDING expired": ["EXPIRED", "payment.cancelled"],
  "PENDING rejected": ["FAILED", "payment.failed"],
  "REQUIRES_ACTION processing": ["PROCESSING", "payment.processing"],
  "REQUIRES_ACTION authorized": ["AUTHORIZED", "payment.authorized"],
  "REQUIRES_ACTION captured": ["SUCCEEDED", "payment.succeeded"],
  "REQUIRES_ACTION declined": ["PENDING", "payment.attempt_failed"],
  "REQUIRES_ACTION canceled": ["CANCELED", "payment.cancelled"],
  "REQUIRES_ACTION expired": ["EXPIRED", "payment.cancelled"],
  "REQUIRES_ACTION rejected": ["FAILED", "payment.failed"],
  "PROCESSING captured": ["SUCCEEDED", "payment.succeeded"],
  "PROCESSING declined": ["FAILED", "payment.failed"],
  "PROCESSING canceled": ["FAILED", "payment.failed"],
  "PROCESSING expired": ["FAILED", "payment.failed"],
  "AUTHORIZED captured": ["SUCCEEDED", "payment.succeeded"],
  "AUTHORIZED canceled": ["CANCELED", "payment.cancelled"],
  "AUTHORIZED expired": ["EXPIRED", "payment.cancelled"],
  "FAILED captured": ["FAILED", "payment.late"],
  "CANCELED captured": ["CANCELED", "payment.late"],
  "EXPIRED captured": ["EXPIRED", "payment.late"],
};

function apply(payment: Payment, facts: readonly Fact[], refunds: readonly Refund[] = []): Movement {
  return decideFacts({ payment, refunds, disputes: [] }, facts, momentAt());
}

describe("a history that is told again", () => {
  const steps: Fact[] = [{ kind: "requires_action" }, declined("ch_1"), { kind: "requires_action" }, declined("ch_2")];
  for (let told = 1; told <= steps.length; told += 1) {
    it(`after ${told} of its steps moves nothing`, () => {
      const { payment } = apply(paymentOf(), steps.slice(0, told));
      const again = apply(payment, steps.slice(0, told));
      assert.deepEqual([again.events, again.payment], [[], payment]);
    });
  }
});

describe("a fact moves a payment as the table says", () => {
  for (const status of PAYMENT_STATUSES) {
    for (const [name, fact] of Object.entries(FACTS)) {
      it(`${status} × ${name}`, () => {
        const before = paymentIn(status);
        const { payment, events } = apply(before, [fact]);
        const [to, type] = MOVES[`${status} ${name}`] ?? [status, undefined];
        assert.equal(payment.status, to);
        assert.deepEqual(
          events.map((event) => event.type),
          type ? [type] : [],
        );
        assert.equal(payment.version, before.version + events.length);
      });
    }
  }
});

describe("a decline", () => {
  it("is counted once, however often it is told", () => {
    const { payment, events } = apply(paymentOf(), [declined("ch_1"), declined("ch_1"), declined("ch_1")]);
    assert.equal(payment.status, "PENDING");
    assert.deepEqual(payment.declinedAttempts, ["ch_1"]);
    assert.equal(events.length, 1);
  });

  it("ends the payment when the attempts are used up, and what is open at the provider is let go", () => {
    const { payment, events, followUps } = apply(paymentOf(), [
      declined("ch_1"),
      declined("ch_2"),
      declined("ch_3"),
      declined("ch_4"),
    ]);
    assert.equal(payment.status, "FAILED");
    assert.deepEqual(
      events.map((event) => event.type),
      ["payment.attempt_failed", "payment.attempt_failed", "payment.failed"],
    );
    assert.deepEqual(followUps, [{ kind: "CANCEL", reason: "attempts_exhausted" }]);
  });

  it("that comes late does not take back a payment that was made", () => {
    assert.equal(apply(paymentIn("SUCCEEDED"), [declined("ch_1")]).payment.status, "SUCCEEDED");
  });
});

describe("a late payment", () => {
  for (const status of ["FAILED", "CANCELED", "EXPIRED"] as const) {
    it(`on ${status} is recorded, told, and given back whole`, () => {
      const { payment, events, followUps, refunds } = apply(paymentIn(status), [paid("captured")]);
      assert.equal(payment.capturedMinor, 10_000n);
      assert.equal(payment.refundPendingMinor, 10_000n);
      assert.deepEqual(
        events.map((event) => event.type),
        ["payment.late"],
      );
      assert.deepEqual(followUps, [{ kind: "REFUND", refund: refunds[0] }]);
      const back = apply(payment, [refundFact(refunds[0] as Refund, "SUCCEEDED")], refunds);
      assert.equal(back.payment.refundedMinor, 10_000n);
      assert.equal(back.payment.status, status);
    });
  }

  it("that is told again is not given back again", () => {
    const first = apply(paymentIn("CANCELED"), [paid("captured")]);
    const again = apply(first.payment, [paid("captured")], first.refunds);
    assert.deepEqual([again.events, again.followUps, again.refunds], [[], [], []]);
  });

  it("that is only held is let go, unless the same facts say that it was", () => {
    assert.deepEqual(apply(paymentIn("CANCELED"), [paid("authorized")]).followUps, [
      { kind: "CANCEL", reason: "late_authorization" },
    ]);
    assert.deepEqual(
      apply(paymentIn("CANCELED"), [paid("authorized"), { kind: "canceled", reason: "x" }]).followUps,
      [],
    );
  });
});

describe("a refund", () => {
  const reserved = (payment: Payment, minor: bigint): Payment => ({
    ...payment,
    refundPendingMinor: payment.refundPendingMinor + minor,
  });

  it("in parts ends in REFUNDED with the last part", () => {
    const start = paymentIn("SUCCEEDED");
    const [a, b] = [refundOf(start, 6_000n), refundOf(start, 4_000n)];
    const first = apply(reserved(reserved(start, 6_000n), 4_000n), [refundFact(a, "SUCCEEDED")], [a, b]);
    assert.deepEqual(
      [first.payment.status, first.payment.refundedMinor, first.payment.refundPendingMinor],
      ["PARTIALLY_REFUNDED", 6_000n, 4_000n],
    );
    const second = apply(first.payment, [refundFact(b, "SUCCEEDED")], [a, b]);
    assert.deepEqual(
      [second.payment.status, second.payment.refundedMinor, second.payment.refundPendingMinor],
      ["REFUNDED", 10_000n, 0n],
    );
  });

  it("that fails days after it succeeded gives its amount back to the payment, and says so", () => {
    const start = paymentIn("SUCCEEDED");
    const refund = refundOf(start, 10_000n);
    const done = apply(reserved(start, 10_000n), [refundFact(refund, "SUCCEEDED")], [refund]);
    const failed = apply(done.payment, [refundFact(refund, "FAILED")], done.refunds);
    assert.deepEqual([failed.payment.status, failed.payment.refundedMinor], ["SUCCEEDED", 0n]);
    assert.deepEqual(
      failed.events.map((event) => event.type),
      ["payment.refund_failed"],
    );
    const again = apply(
      failed.payment,
      [refundFact(refund, "SUCCEEDED"), refundFact(refund, "FAILED")],
      failed.refunds,
    );
    assert.deepEqual(again.events, []);
  });

  it("made at the provider is adopted once, and not when it is more than is left", () => {
    const start = paymentIn("SUCCEEDED");
    const foreign: Fact = { ...refundFact(refundOf(start, 3_000n), "SUCCEEDED"), refundId: null };
    const { payment, refunds } = apply(start, [foreign, foreign]);
    assert.deepEqual([payment.refundedMinor, refunds.length], [3_000n, 1]);
    assert.throws(
      () =>
        apply(
          payment,
          [{ ...foreign, providerReference: "re_2", amount: { minor: 7_001n, currency: "EUR" } }],
          refunds,
        ),
      /more than is left/,
    );
  });
});

it("a fact for another currency, or for more than is owed, is nobody's to apply", () => {
  assert.throws(
    () => apply(paymentOf(), [{ ...paid("captured"), amount: { minor: 100n, currency: "USD" } }]),
    /does not owe/,
  );
  assert.throws(() => apply(paymentOf(), [paid("captured", 10_001n)]), /does not owe/);
});

describe("any sequence of facts", () => {
  const anyFact = fc.oneof(
    fc.constantFrom(...Object.values(FACTS)),
    fc.integer({ min: 1, max: 5 }).map((n) => declined(`ch_${n}`)),
    fc.bigInt({ min: 1n, max: 10_000n }).map((minor) => paid("captured", minor)),
    fc.record({
      n: fc.integer({ min: 0, max: 3 }),
      status: fc.constantFrom("PENDING", "SUCCEEDED", "FAILED", "CANCELED"),
    }),
  );

  it("keeps the law of transitions, one event a version, and never more given back than was taken", () => {
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 30 }), (sequence) => {
        let payment = paymentOf();
        const ours = new Map<string, Refund>();
        for (const step of sequence) {
          let facts: readonly Fact[];
          if ("n" in step) {
            // As the use case does it: a refund is reserved, within what is left, before a provider can speak of it.
            const left = payment.capturedMinor - payment.refundedMinor - payment.refundPendingMinor;
            const known = [...ours.values()][step.n];
            if (!known && left > 0n) {
              const refund = refundOf(payment, left > 1n ? left / 2n : left);
              ours.set(refund.id, refund);
              payment = { ...payment, refundPendingMinor: payment.refundPendingMinor + refund.amount.minor };
            }
            facts = known ? [refundFact(known, step.status)] : [];
          } else facts = [step];
          const before = payment;
          const movement = apply(before, facts, [...ours.values()]);
          payment = movement.payment;
          for (const refund of movement.refunds) ours.set(refund.id, refund);
          const legal = payment.status === before.status || TRANSITIONS[before.status].includes(payment.status);
          assert.ok(legal, `${before.status} → ${payment.status}`);
          assert.deepEqual(
            movement.events.map((event) => event.version),
            movement.events.map((_, index) => before.version + 1 + index),
          );
          assert.equal(payment.version, before.version + movement.events.length);
          assert.ok(payment.refundedMinor >= 0n && payment.refundPendingMinor >= 0n);
          assert.ok(payment.refundedMinor + payment.refundPendingMinor <= payment.capturedMinor);
          assert.ok(payment.capturedMinor <= payment.amount.minor);
          assert.ok(payment.declinedAttempts.length <= payment.attemptsMax);
          assert.deepEqual(apply(payment, facts, [...ours.values()]).events, [], "the same facts again move nothing");
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
