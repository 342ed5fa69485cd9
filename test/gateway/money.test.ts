import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LOST } from "../../src/gateway/gateway.ts";
import type { Life } from "../../src/gateway/objects.ts";
import type { GatewayRequest } from "../../src/gateway/requests.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { GatewayBench, intent, refund, session } from "./open-gateway.ts";

const TOKENS = ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_refundFail"];
const amounts = fc.bigInt({ min: 0n, max: 2n ** 63n });
const tokens = fc.constantFrom(
  ...TOKENS,
  "pm_card_pendingRefund",
  "pm_card_threeDSecureRequiredChargeDeclined",
  "pm_card_createDispute",
  "pm_card_createDisputeInquiry",
);
const EVIDENCE = ["winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "other"];
const statuses = fc.constantFrom("won", "lost", "warning_closed", "needs_response", "under_review");

/** A request about the payment at hand, whatever its state. */
const requests = fc.oneof(
  fc.record({ operation: fc.constant("confirm_intent" as const), payment_method: tokens }),
  fc.record({ operation: fc.constant("pay_session" as const), payment_method: tokens }),
  fc.record({ operation: fc.constant("capture_intent" as const), part: fc.bigInt({ min: 0n, max: 3n }) }),
  fc.record({
    operation: fc.constant("cancel_intent" as const),
    cancellation_reason: fc.constant("duplicate" as const),
  }),
  fc.record({ operation: fc.constant("expire_session" as const) }),
  fc.record({ operation: fc.constant("authenticate" as const), approve: fc.boolean() }),
  fc.record({ operation: fc.constant("create_refund" as const), part: fc.bigInt({ min: 0n, max: 5n }) }),
  fc.record({ operation: fc.constant("settle_refund" as const) }),
  fc.record({
    operation: fc.constant("update_dispute" as const),
    text: fc.constantFrom(...EVIDENCE),
    submit: fc.boolean(),
  }),
  fc.record({ operation: fc.constant("close_dispute" as const) }),
  fc.record({ operation: fc.constant("settle_dispute" as const), status: statuses }),
  fc.record({
    operation: fc.constant("open_dispute" as const),
    params: fc.record({ reason: fc.constant("duplicate"), inquiry: fc.boolean() }),
  }),
  fc.record({ operation: fc.constant("update_intent" as const), params: fc.record({ payment_method: tokens }) }),
  fc.record({ operation: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 20 * 60 * 60 * 1000 }) }),
  fc.record({ operation: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 4 * 24 * 60 * 60 * 1000 }) }),
);
type Command = typeof requests extends fc.Arbitrary<infer T> ? T : never;

function requestFor(command: Exclude<Command, { operation: "wait" | "advance" }>, life: Life): GatewayRequest {
  const { id } = life.intent;
  switch (command.operation) {
    case "pay_session":
    case "expire_session":
      return { ...command, id: life.session?.id ?? "none" };
    case "capture_intent":
      return { operation: "capture_intent", id, amount_to_capture: partOf(life.intent.amount, command.part) };
    case "create_refund":
      return refund(id, partOf(life.intent.amount, command.part));
    case "update_dispute": {
      const evidence = { uncategorized_text: command.text };
      const params = { evidence, submit: command.submit, metadata: null };
      return { operation: "update_dispute", id: life.disputes[0]?.id ?? "none", params };
    }
    case "close_dispute":
    case "settle_dispute":
      return { ...command, id: life.disputes[0]?.id ?? "none" };
    case "settle_refund":
      return { ...command, id: life.refunds.at(-1)?.id ?? "none" };
    default:
      return { ...command, id };
  }
}

/** One of several parts; 0 parts make more than there is. */
function partOf(amount: bigint, parts: bigint): bigint {
  return parts === 0n ? amount + 1n : amount / parts;
}

function assertConserved(life: Life): void {
  const {
    intent: { amount, amount_received: received, amount_capturable: held, status },
    charges,
    refunds,
    disputes,
  } = life;
  const sum = (parts: readonly bigint[]): bigint => parts.reduce((total, part) => total + part, 0n);
  const given = sum(refunds.filter((each) => each.status !== "failed").map((each) => each.amount));
  assert.equal(sum(charges.map((charge) => charge.amount_captured)), received);
  assert.equal(sum(charges.map((charge) => charge.amount_refunded)), given);
  assert.ok(received <= amount && given <= received && given >= 0n);
  assert.ok(received === 0n || status === "succeeded");
  assert.ok(held === 0n || (status === "requires_capture" && received === 0n));
  assert.ok(charges.filter((charge) => charge.status === "succeeded").length <= 1);
  assert.ok(disputes.length <= 1 && disputes.every((each) => each.amount > 0n && each.amount <= received));
  assert.deepEqual(
    charges.map((charge) => charge.disputed),
    charges.map(({ id }) => disputes.some((each) => each.charge === id)),
  );
  assert.ok(life.session?.status !== "open" || (received === 0n && held === 0n));
}

describe("money at the gateway", () => {
  it("is conserved whatever is asked in whatever order, and the journal gives the same state again", async () => {
    const bench = await GatewayBench.make();
    const created = fc.record({
      amount: amounts,
      capture_method: fc.constantFrom("automatic" as const, "manual" as const),
    });
    let order = 0;
    const property = fc.asyncProperty(
      created,
      fc.boolean(),
      fc.array(requests, { maxLength: 12 }),
      async (params, hosted, commands) => {
        fc.pre(params.amount > 0n);
        order += 1;
        const metadata = { order_id: `order-${order}` };
        const make = hosted ? session({ ...params, metadata }) : intent({ ...params, metadata, payment_method: null });
        let life = await bench.life(make);
        for (const command of commands) {
          if (command.operation === "wait") bench.advance(command.ms);
          else if (command.operation === "advance") await bench.gateway.advance(command.ms);
          else await bench.call(requestFor(command, life));
          life = await bench.look(life.intent.id);
          assertConserved(life);
        }
        await bench.restart();
        assert.deepEqual(await bench.look(life.intent.id), life);
        const totals = (await readJournal(bench.journalPath)).orders.get(metadata.order_id);
        assert.equal(totals?.capturedMinor ?? 0n, life.intent.amount_received);
        assert.equal(
          totals?.refundedMinor ?? 0n,
          life.charges.reduce((sum, charge) => sum + charge.amount_refunded, 0n),
        );
      },
    );
    try {
      await fc.assert(property, { numRuns: 150 });
    } finally {
      await bench.dispose();
    }
  });

  it("is given back at most once for each unit, when many ask at the same time", async () => {
    const bench = await GatewayBench.make();
    const { intent: paid } = await bench.life(intent({ amount: 1000n }));
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => bench.call(refund(paid.id, 70n), `key-${index}`)),
    );
    assert.equal(answers.filter((answer) => answer !== LOST && answer.ok).length, 14);
    assert.equal((await readJournal(bench.journalPath)).orders.get("order-1")?.refundedMinor, 980n);
    await bench.dispose();
  });
});
