// Webhooks come in any order, twice, and before the answers of the calls that caused them. Whatever the order, the same things happened, so the
// same row and the same events must come of it.
import assert from "node:assert/strict";
import { createPayment } from "../../src/app/create-payment.ts";
import type { GatewayEvent } from "../../src/gateway/direct.ts";
import { answerOf, caller, createInput, TestService } from "../app/open-service.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";
import { inParallel } from "../support/in-parallel.ts";
import { ABREAST, storyOf } from "./webhooks/stories.ts";

const TYPES = [
  "payment_intent.requires_action",
  "payment_intent.payment_failed",
  "payment_intent.succeeded",
  "checkout.session.completed",
  "charge.dispute.created",
  "refund.created",
  "charge.refunded",
];

const PROGRAMME = {
  id: "T7b",
  name: "the seven webhooks of a payment in every order",
  unit: "orders",
  cases: 5_040,
  share: 500,
  caseMs: 200,
};

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutationsOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/** As many of them, each once. */
function choose<T>(items: readonly T[], count: number, random: Random): T[] {
  const left = [...items];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(random.below(left.length), 1)).flat();
}

/**
 * A checkout in which the customer refuses 3-D Secure, pays with a card that the bank asks about later, and gets a part back at the provider's
 * dashboard. Nothing of it is told to the service yet.
 */
async function livedThrough(service: TestService): Promise<{ orderId: string; events: Map<string, GatewayEvent> }> {
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

async function deliverInOrder(service: TestService, order: readonly string[]): Promise<string> {
  const { orderId, events } = await livedThrough(service);
  for (const type of order) await service.deliver(events.get(type) as GatewayEvent);
  return storyOf(service, orderId);
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const service = await TestService.open();
  t.after(() => service.close());
  const expected = await deliverInOrder(service, TYPES);
  const told = (JSON.parse(expected) as { events: { type: string }[] }).events.map((event) => event.type);
  assert.deepEqual(told, [
    "payment.created",
    "payment.requires_action",
    "payment.attempt_failed",
    "payment.succeeded",
    "payment.refunded",
    "payment.dispute_opened",
  ]);
  const orders = choose(permutationsOf(TYPES), cases, random);
  const violations: string[] = [];
  await inParallel(orders, ABREAST, async (order) => {
    const story = await deliverInOrder(service, order);
    if (story !== expected) violations.push(`${order.join(", ")}: ${story}; it should be ${expected}`);
  });
  return { cases: orders.length, violations, shown: true };
});
