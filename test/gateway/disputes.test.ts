import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Dispute, Life } from "../../src/gateway/objects.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { errorOf, GatewayBench, HOUR_MS, intent, refund } from "./open-gateway.ts";

const FRAUD = "pm_card_createDispute";
const INQUIRY = "pm_card_createDisputeInquiry";

describe("disputes", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  async function disputed(token: string): Promise<{ life: Life; dispute: Dispute }> {
    const { intent: paid } = await bench.life(intent({ payment_method: token }), `pay-${token}`);
    const life = await bench.look(paid.id);
    const [dispute] = life.disputes;
    assert.ok(dispute);
    return { life, dispute };
  }
  const types = (): string[] => bench.gateway.events().map((event) => event.type);
  const answer = (id: string, text: string) =>
    bench.life({
      operation: "update_dispute",
      id,
      params: { evidence: { uncategorized_text: text }, submit: true, metadata: null },
    });

  for (const [token, status, reason] of [
    [FRAUD, "needs_response", "fraudulent"],
    ["pm_card_createDisputeProductNotReceived", "needs_response", "product_not_received"],
    [INQUIRY, "warning_needs_response", "fraudulent"],
  ] as const) {
    it(`${token} opens one, ${status}, as soon as the money is taken`, async () => {
      const { life, dispute } = await disputed(token);
      assert.deepEqual(
        [dispute.status, dispute.reason, dispute.amount, dispute.charge],
        [status, reason, 1000n, life.intent.latest_charge],
      );
      assert.equal(life.charges[0]?.disputed, true);
      assert.equal(dispute.is_charge_refundable, token === INQUIRY);
      const { lines } = await readJournal(bench.journalPath);
      assert.deepEqual(
        lines.map(({ effect, key }) => [effect, key]),
        [
          ["charge", `pay-${token}`],
          ["dispute", null],
        ],
      );
      assert.ok(types().includes("charge.dispute.created"));
    });
  }

  it("wait for the capture of what is only held", async () => {
    const held = await bench.life(intent({ payment_method: FRAUD, capture_method: "manual" }));
    assert.equal((await bench.look(held.intent.id)).disputes.length, 0);
    await bench.life({ operation: "capture_intent", id: held.intent.id, amount_to_capture: 400n });
    assert.equal((await bench.look(held.intent.id)).disputes[0]?.amount, 400n);
  });

  it("are won and lost by Stripe's words for evidence", async () => {
    const won = await disputed(FRAUD);
    const after = await answer(won.dispute.id, "winning_evidence");
    assert.equal(after.disputes[0]?.status, "won");
    assert.deepEqual(types().slice(-3), [
      "charge.dispute.updated",
      "charge.dispute.closed",
      "charge.dispute.funds_reinstated",
    ]);
    const lost = await disputed("pm_card_createDisputeProductNotReceived");
    assert.equal((await answer(lost.dispute.id, "losing_evidence")).disputes[0]?.status, "lost");
    const again = { operation: "close_dispute", id: lost.dispute.id } as const;
    assert.equal(errorOf(await bench.call(again)).code, "dispute_already_closed");
  });

  it("are staged, submitted, and then under review until somebody decides", async () => {
    const { dispute } = await disputed(FRAUD);
    const staged = await bench.life({
      operation: "update_dispute",
      id: dispute.id,
      params: { evidence: { customer_name: "Ada" }, submit: false, metadata: { case: "7" } },
    });
    assert.deepEqual(
      [staged.disputes[0]?.status, staged.disputes[0]?.evidence_details.submission_count, staged.disputes[0]?.metadata],
      ["needs_response", 0, { case: "7" }],
    );
    assert.equal((await answer(dispute.id, "a receipt")).disputes[0]?.status, "under_review");
    const settled = await bench.life({ operation: "settle_dispute", id: dispute.id, status: "won" });
    assert.deepEqual(settled.disputes[0]?.evidence, { customer_name: "Ada", uncategorized_text: "a receipt" });
    assert.equal(settled.disputes[0]?.status, "won");
  });

  it("keep their charge from being refunded, unless it is an inquiry or they are won", async () => {
    const { life, dispute } = await disputed(FRAUD);
    const { id } = life.intent;
    assert.equal(errorOf(await bench.call(refund(id, 1n))).code, "charge_disputed");
    await answer(dispute.id, "winning_evidence");
    await bench.life(refund(id, 1n));
    const inquiry = await disputed(INQUIRY);
    await bench.life(refund(inquiry.life.intent.id, 1n));
  });

  it("an inquiry closes, or becomes a dispute", async () => {
    const { dispute } = await disputed(INQUIRY);
    const escalated = await answer(dispute.id, "escalate_inquiry_evidence");
    assert.equal(escalated.disputes[0]?.status, "needs_response");
    assert.equal(escalated.disputes[0]?.payment_method_details.card.case_type, "chargeback");
    const closed = await bench.life({ operation: "close_dispute", id: dispute.id });
    assert.equal(closed.disputes[0]?.status, "lost");
  });

  it("are lost when nobody answers in time, and an inquiry closes", async () => {
    const { dispute } = await disputed(FRAUD);
    const inquiry = await disputed(INQUIRY);
    await bench.gateway.advance(7 * 24 * HOUR_MS);
    assert.equal((await bench.look(dispute.id)).disputes[0]?.status, "lost");
    assert.equal((await bench.look(inquiry.dispute.id)).disputes[0]?.status, "warning_closed");
  });

  it("can be opened for any captured charge, once", async () => {
    const { intent: paid } = await bench.life(intent());
    const open = {
      operation: "open_dispute",
      id: paid.latest_charge ?? "",
      params: { reason: "duplicate", inquiry: false },
    } as const;
    assert.equal((await bench.life(open)).disputes[0]?.reason, "duplicate");
    assert.equal(errorOf(await bench.call(open)).code, "charge_disputed");
    const declined = await bench.call(intent({ payment_method: "pm_card_chargeDeclined" }));
    assert.ok(typeof declined === "object" && declined.life);
    const never = { ...open, id: declined.life.intent.id };
    assert.equal(errorOf(await bench.call(never)).code, "payment_intent_unexpected_state");
  });

  it("are as they were after a restart, and what was cut off between the charge and its dispute is made up for", async () => {
    const { life, dispute } = await disputed(FRAUD);
    await bench.restart();
    assert.deepEqual(await bench.look(dispute.id), life);
    await bench.cutLastLine();
    const [again] = (await bench.look(life.intent.id)).disputes;
    assert.deepEqual(again, dispute);
  });
});
