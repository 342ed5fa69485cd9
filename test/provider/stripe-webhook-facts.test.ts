// What Stripe's webhooks tell: the facts of each state of an intent, a session, a refund and a dispute, and where the rest has to be asked for.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fact } from "../../src/domain/fact.ts";
import { money } from "../../src/domain/money.ts";
import { read } from "./stripe-events.ts";
import { card, charge, dispute, intent, REFUND, refund, SECONDS, session } from "./stripe-objects.ts";

const paidFact = {
  amount: money(1999n, "EUR"),
  providerReference: "pi_1",
  chargeReference: "ch_1",
  paymentMethod: "visa ending 4242",
};
const declinedFact: Fact = {
  kind: "declined",
  attemptReference: "ch_1",
  failure: { reason: "INSUFFICIENT_FUNDS", code: "insufficient_funds", message: "Your card has insufficient funds." },
  paymentMethod: "visa ending 4242",
};
const lastError = {
  type: "card_error",
  code: "card_declined",
  decline_code: "insufficient_funds",
  message: "Your card has insufficient funds.",
  charge: "ch_1",
  payment_method: { id: "pm_1", object: "payment_method", ...card },
};

describe("Stripe's webhooks", () => {
  const told: readonly (readonly [
    what: string,
    type: string,
    object: object,
    facts: readonly Fact[],
    incomplete: boolean,
  ])[] = [
    [
      "an intent that waits for the customer",
      "payment_intent.requires_action",
      { ...intent, status: "requires_action" },
      [{ kind: "requires_action" }],
      false,
    ],
    [
      "an intent under way",
      "payment_intent.processing",
      { ...intent, status: "processing" },
      [{ kind: "processing" }],
      false,
    ],
    [
      "a paid intent whose charge is only named",
      "payment_intent.succeeded",
      { ...intent, status: "succeeded", amount_received: 1999, latest_charge: "ch_1" },
      [{ kind: "captured", ...paidFact, paymentMethod: "" }],
      false,
    ],
    [
      "a paid intent with its charge",
      "payment_intent.succeeded",
      { ...intent, status: "succeeded", amount_received: 1999, latest_charge: charge },
      [{ kind: "captured", ...paidFact }],
      false,
    ],
    [
      "a paid intent that was challenged and held first",
      "payment_intent.succeeded",
      {
        ...intent,
        capture_method: "manual",
        status: "succeeded",
        amount_received: 1500,
        latest_charge: {
          ...charge,
          amount_captured: 1500,
          payment_method_details: {
            type: "card",
            card: { ...card.card, three_d_secure: { result: "authenticated", authentication_flow: "challenge" } },
          },
        },
      },
      [
        { kind: "requires_action" },
        { kind: "authorized", ...paidFact },
        { kind: "captured", ...paidFact, amount: money(1500n, "EUR") },
      ],
      false,
    ],
    [
      "a held intent whose charge is only named",
      "payment_intent.amount_capturable_updated",
      { ...intent, capture_method: "manual", status: "requires_capture", latest_charge: "ch_1" },
      [{ kind: "authorized", ...paidFact, paymentMethod: "" }],
      false,
    ],
    [
      "a decline whose charge is only named",
      "payment_intent.payment_failed",
      { ...intent, latest_charge: "ch_1", last_payment_error: lastError },
      [declinedFact],
      false,
    ],
    [
      "a decline with its charge",
      "payment_intent.payment_failed",
      {
        ...intent,
        latest_charge: {
          ...charge,
          status: "failed",
          amount_captured: 0,
          failure_code: "card_declined",
          failure_message: lastError.message,
          outcome: { reason: "insufficient_funds" },
        },
      },
      [declinedFact],
      false,
    ],
    [
      "a customer who could not be authenticated, so that there is no charge",
      "payment_intent.payment_failed",
      {
        ...intent,
        last_payment_error: {
          type: "card_error",
          code: "payment_intent_authentication_failure",
          payment_method: { id: "pm_1", ...card },
        },
      },
      [
        { kind: "requires_action" },
        {
          kind: "declined",
          attemptReference: "pi_1:pm_1:payment_intent_authentication_failure",
          failure: {
            reason: "AUTHENTICATION_REQUIRED",
            code: "payment_intent_authentication_failure",
            message: "Your card was declined.",
          },
          paymentMethod: "visa ending 4242",
        },
      ],
      false,
    ],
    [
      "a canceled intent",
      "payment_intent.canceled",
      { ...intent, status: "canceled", cancellation_reason: "duplicate" },
      [{ kind: "canceled", reason: "duplicate" }],
      false,
    ],
    [
      "an intent that nobody captured in time",
      "payment_intent.canceled",
      { ...intent, status: "canceled", cancellation_reason: "automatic" },
      [{ kind: "expired" }],
      false,
    ],
    ["a completed session", "checkout.session.completed", session, [], true],
    [
      "a completed session that is not paid yet",
      "checkout.session.completed",
      { ...session, payment_status: "unpaid" },
      [],
      true,
    ],
    ["a late success", "checkout.session.async_payment_succeeded", session, [], true],
    ["a late failure", "checkout.session.async_payment_failed", { ...session, payment_status: "unpaid" }, [], true],
    [
      "a session expired by request",
      "checkout.session.expired",
      { ...session, status: "expired" },
      [{ kind: "canceled", reason: "requested_by_customer" }],
      false,
    ],
    [
      "a session whose time ran out",
      "checkout.session.expired",
      { ...session, status: "expired", expires_at: SECONDS },
      [{ kind: "expired" }],
      false,
    ],
    [
      "a session that saves a card, which is not ours",
      "checkout.session.completed",
      { ...session, mode: "setup", amount_total: null, currency: null, payment_intent: null },
      [],
      false,
    ],
    ["a refund of somebody else's", "refund.created", { ...refund, metadata: {} }, [], true],
    ["a charge of which something was given back", "charge.refunded", charge, [], true],
  ];
  for (const [what, type, object, facts, incomplete] of told) {
    it(`tell of ${what}`, () => {
      const message = read(type, object);
      assert.deepEqual([message.facts, message.incomplete], [facts, incomplete]);
    });
  }

  it("tell of our refunds in all their states", () => {
    const failure = {
      reason: "PROVIDER_ERROR",
      code: "lost_or_stolen_card",
      message: "The refund could not be paid out to the card.",
    };
    for (const [status, ours] of Object.entries({
      pending: "PENDING",
      requires_action: "PENDING",
      succeeded: "SUCCEEDED",
      failed: "FAILED",
      canceled: "CANCELED",
    })) {
      const bad = ours === "FAILED" || ours === "CANCELED";
      const { facts, incomplete } = read("refund.updated", {
        ...refund,
        status,
        ...(bad && { failure_reason: failure.code }),
      });
      const fact = {
        kind: "refund",
        refundId: REFUND,
        providerReference: "re_1",
        status: ours,
        amount: money(500n, "EUR"),
      };
      assert.deepEqual([facts, incomplete], [[{ ...fact, failure: bad ? failure : null }], false]);
    }
  });

  it("tell of disputes in all their states", () => {
    for (const [status, ours] of Object.entries({
      needs_response: "OPEN",
      under_review: "OPEN",
      warning_needs_response: "OPEN",
      warning_under_review: "OPEN",
      won: "WON",
      lost: "LOST",
      warning_closed: "CLOSED",
      prevented: "CLOSED",
    })) {
      const { facts } = read("charge.dispute.updated", { ...dispute, status });
      const fact = {
        kind: "dispute",
        providerReference: "du_1",
        status: ours,
        amount: money(1999n, "EUR"),
        reason: "fraudulent",
      };
      assert.deepEqual(facts, [fact]);
    }
  });
});
