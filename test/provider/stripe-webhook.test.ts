// What Stripe's webhooks are about: which payment, what is owed, and in which mode. What makes no sense is refused.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { money } from "../../src/domain/money.ts";
import type { WebhookMessage } from "../../src/provider/provider.ts";
import { event, parse, provider, read } from "./stripe-events.ts";
import { charge, dispute, intent, metadata, PAYMENT, refund, SECONDS, session } from "./stripe-objects.ts";

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
      created: SECONDS,
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
