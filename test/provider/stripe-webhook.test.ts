import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fact } from "../../src/domain/fact.ts";
import { money } from "../../src/domain/money.ts";
import type { WebhookMessage, WebhookParse } from "../../src/provider/provider.ts";
import { createStripeProvider } from "../../src/provider/stripe/stripe-provider.ts";
import { SECRET, signatureOf } from "./gateway-hands.ts";

const provider = createStripeProvider({
  secretKey: "sk_test_webhooks",
  webhookSecrets: [SECRET],
  apiUrl: null,
  timeoutMs: 1_000,
  defaultPaymentMethod: null,
  returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
});
const now = new Date("2026-03-01T10:00:00Z");
const seconds = now.getTime() / 1000;
const PAYMENT = "019ca90e-1d74-715c-8eaf-672b2b6cd8cb";
const REFUND = "019ca90e-1d74-715c-8eaf-672b2b6cd8cc";
const metadata = { payment_id: `payment_${PAYMENT}`, order_id: "order-1" };

function event(type: string, object: object, more: object = {}): string {
  const data = { object };
  return JSON.stringify({
    id: "evt_1",
    object: "event",
    type,
    created: seconds,
    livemode: false,
    api_version: "2026-10-28.endive",
    data,
    ...more,
  });
}

function parse(body: string): WebhookParse {
  return provider.parseWebhook(Buffer.from(body), { "stripe-signature": signatureOf(body, seconds) }, now);
}

function read(type: string, object: object, more: object = {}): WebhookMessage {
  const parsed = parse(event(type, object, more));
  assert.ok(parsed.ok, `${type} was refused`);
  return parsed.message;
}

const intent = {
  id: "pi_1",
  object: "payment_intent",
  amount: 1999,
  amount_received: 0,
  amount_details: { tip: {} },
  currency: "eur",
  capture_method: "automatic_async",
  status: "requires_payment_method",
  created: seconds,
  canceled_at: null,
  cancellation_reason: null,
  client_secret: "pi_1_secret_2",
  latest_charge: null,
  last_payment_error: null,
  metadata,
};
const card = { type: "card", card: { brand: "visa", last4: "4242", three_d_secure: null } };
const charge = {
  id: "ch_1",
  object: "charge",
  amount: 1999,
  amount_captured: 1999,
  amount_refunded: 0,
  currency: "eur",
  status: "succeeded",
  disputed: false,
  failure_code: null,
  failure_message: null,
  outcome: { reason: null },
  payment_intent: "pi_1",
  payment_method_details: card,
};
const session = {
  id: "cs_test_1",
  object: "checkout.session",
  status: "complete",
  payment_status: "paid",
  amount_total: 1999,
  currency: "eur",
  created: seconds - 3600,
  expires_at: seconds + 3600,
  payment_intent: "pi_1",
  url: null,
  client_reference_id: `payment_${PAYMENT}`,
  metadata: {},
};
const refund = {
  id: "re_1",
  object: "refund",
  amount: 500,
  currency: "eur",
  status: "succeeded",
  payment_intent: "pi_1",
  metadata: { ...metadata, refund_id: `refund_${REFUND}` },
};
const dispute = {
  id: "du_1",
  object: "dispute",
  amount: 1999,
  currency: "eur",
  status: "needs_response",
  reason: "fraudulent",
  charge: "ch_1",
  payment_intent: "pi_1",
  metadata: {},
};
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
  it("name the payment by our id and by theirs, and say what it owes, in which mode and for whom", () => {
    const owed = money(1999n, "EUR");
    const names = ({ paymentId, providerReference, sessionId, owed: said }: WebhookMessage) => [
      paymentId,
      providerReference,
      sessionId,
      said,
    ];
    assert.deepEqual(names(read("payment_intent.processing", { ...intent, status: "processing" })), [
      PAYMENT,
      "pi_1",
      null,
      owed,
    ]);
    assert.deepEqual(names(read("checkout.session.completed", session)), [PAYMENT, "pi_1", "cs_test_1", owed]);
    const unpaid = { ...session, payment_intent: null, status: "expired" };
    assert.deepEqual(names(read("checkout.session.expired", unpaid)), [PAYMENT, null, "cs_test_1", owed]);
    assert.deepEqual(names(read("refund.created", refund)), [PAYMENT, "pi_1", null, null]);
    assert.deepEqual(names(read("charge.refunded", { ...charge, metadata })), [PAYMENT, "pi_1", null, null]);
    assert.deepEqual(names(read("charge.dispute.created", { ...dispute, payment_intent: intent })), [
      null,
      "pi_1",
      null,
      null,
    ]);
    const live = read("refund.created", refund, { livemode: true, account: "acct_1" });
    assert.deepEqual([live.live, live.account], [true, "acct_1"]);
    const isk = { ...intent, status: "processing", amount: 500, currency: "isk" };
    assert.deepEqual(read("payment_intent.processing", isk).owed, money(5n, "ISK"));
  });

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
      [],
      true,
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
      [],
      true,
    ],
    [
      "a decline whose charge is only named",
      "payment_intent.payment_failed",
      { ...intent, latest_charge: "ch_1", last_payment_error: lastError },
      [declinedFact],
      true,
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
      { ...session, status: "expired", expires_at: seconds },
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

  it("say nothing of what is not handled, whatever it holds", () => {
    for (const [type, object] of [
      ["payment_intent.created", intent],
      ["charge.succeeded", { status: 7 }],
      ["customer.created", []],
      ["v2.core.account.updated", {}],
      ["toString", {}],
      ["__proto__", {}],
    ] as const) {
      const message = read(type, object);
      assert.deepEqual([message.facts, message.incomplete, message.type], [[], false, type]);
    }
    const thin = JSON.stringify({ id: "evt_2", object: "v2.core.event", type: "v2.core.event_destination.ping" });
    assert.ok(parse(thin).ok);
  });

  it("are refused as bodies when what they are about makes no sense", () => {
    const nonsense: readonly (readonly [type: string, object: object])[] = [
      ["payment_intent.succeeded", {}],
      ["payment_intent.succeeded", { ...intent, status: "paid" }],
      ["payment_intent.succeeded", { ...intent, amount: "1999" }],
      ["payment_intent.succeeded", { ...intent, amount: 19.99 }],
      ["payment_intent.succeeded", { ...intent, amount: -1 }],
      ["payment_intent.succeeded", { ...intent, currency: "eurx" }],
      ["payment_intent.succeeded", { ...intent, created: "now" }],
      ["payment_intent.succeeded", { ...intent, created: 1e15 }],
      ["payment_intent.succeeded", { ...intent, status: "succeeded", latest_charge: null }],
      ["payment_intent.succeeded", { ...intent, status: "succeeded", latest_charge: { ...charge, status: "done" } }],
      ["payment_intent.processing", { ...intent, amount: 550, currency: "isk" }],
      ["checkout.session.expired", { ...session, expires_at: "soon" }],
      ["refund.created", { ...refund, status: "done" }],
      ["refund.created", { ...refund, status: "__proto__" }],
      ["charge.dispute.created", { ...dispute, status: "open" }],
    ];
    for (const [type, object] of nonsense) {
      const parsed = parse(event(type, object));
      assert.deepEqual([parsed.ok, !parsed.ok && parsed.problem], [false, "body"], JSON.stringify(object));
      assert.equal(provider.readWebhook(event(type, object)), null);
    }
    const withoutMode = JSON.stringify({
      id: "evt_1",
      type: "refund.created",
      created: seconds,
      data: { object: refund },
    });
    assert.equal(parse(withoutMode).ok, false);
  });

  it("keep every digit of an amount", () => {
    const body = event("payment_intent.processing", { ...intent, status: "processing" }).replaceAll(
      "1999",
      "9007199254740993",
    );
    const parsed = parse(body);
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.message.owed, money(9_007_199_254_740_993n, "EUR"));
  });
});
