// Webhooks come in any order, twice, and before the answers of the calls that caused them. Whatever the order, the same things happened, so the
// same row and the same events must come of it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import type { GatewayEvent } from "../../src/gateway/direct.ts";
import { answerOf, caller, createInput, TestService } from "./open-service.ts";
import { inParallel, storyOf } from "./stories.ts";

const TYPES = [
  "payment_intent.requires_action",
  "payment_intent.payment_failed",
  "payment_intent.succeeded",
  "checkout.session.completed",
  "charge.dispute.created",
  "refund.created",
  "charge.refunded",
];

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutationsOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/**
 * A checkout in which the customer refuses 3-D Secure, pays with a card that the bank asks about later, and gets a part back at the provider's
 * dashboard. Nothing of it is told to the service yet.
 */
async function livedThrough(): Promise<{ orderId: string; events: Map<string, GatewayEvent> }> {
  const input = createInput({ mode: "CHECKOUT", paymentMethod: null });
  const { payment } = answerOf(await createPayment(service.parts, caller, input));
  const session = payment.sessionId ?? "";
  const intent = payment.providerReference ?? "";
  await service.elsewhere({ operation: "pay_session", id: session, payment_method: "pm_card_authenticationRequired" });
  await service.elsewhere({ operation: "authenticate", id: intent, approve: false });
  await service.elsewhere({ operation: "pay_session", id: session, payment_method: "pm_card_createDisputeInquiry" });
  const params = { amount: 2_500n, reason: null, metadata: {} };
  await service.elsewhere({ operation: "create_refund", id: intent, params });
  return { orderId: input.orderId, events: new Map(service.eventsOf(intent).map((event) => [event.type, event])) };
}

describe("every order of one payment's seven webhook events ends in the same row and the same events, beginning with", () => {
  let expected: string;
  before(async () => {
    const { orderId, events } = await livedThrough();
    for (const type of TYPES) await service.deliver(events.get(type) as GatewayEvent);
    expected = await storyOf(service, orderId);
    const told = (JSON.parse(expected) as { events: { type: string }[] }).events.map((event) => event.type);
    assert.deepEqual(told, [
      "payment.created",
      "payment.requires_action",
      "payment.attempt_failed",
      "payment.succeeded",
      "payment.refunded",
      "payment.dispute_opened",
    ]);
  });

  for (const first of TYPES) {
    it(first, async () => {
      const orders = permutationsOf(TYPES.filter((type) => type !== first)).map((rest) => [first, ...rest]);
      assert.equal(orders.length, 720);
      await inParallel(orders, async (order) => {
        const { orderId, events } = await livedThrough();
        for (const type of order) await service.deliver(events.get(type) as GatewayEvent);
        assert.equal(await storyOf(service, orderId), expected, order.join(" → "));
      });
    });
  }
});
