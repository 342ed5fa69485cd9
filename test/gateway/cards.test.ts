import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Answer, LOST } from "../../src/gateway/gateway.ts";
import type { Life } from "../../src/gateway/objects.ts";
import { errorOf, GatewayBench, intent, session } from "./open-gateway.ts";

const PAID = ["4242424242424242", "5555555555554444", "378282246310005", "4111111111111111"];
const PAID_WITH_SEQUEL = [
  "4000000000000259",
  "4000000000002685",
  "4000000000001976",
  "4000000000007726",
  "4000000000005126",
];
const CHALLENGED = ["4000002500003155", "4000002760003184", "4000000000003220", "4000008400001629"];
const DECLINED: Readonly<Record<string, string>> = {
  "4000000000000002": "generic_decline",
  "4000000000009995": "insufficient_funds",
  "4000000000009987": "lost_card",
  "4000000000009979": "stolen_card",
  "4000000000000069": "expired_card",
  "4000000000000127": "incorrect_cvc",
  "4000000000000119": "processing_error",
  "4242424242424241": "incorrect_number",
};

describe("test cards at a checkout", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  async function pay(card: string): Promise<{ answer: Answer | typeof LOST; life: Life }> {
    const opened = await bench.life(session());
    const request = { operation: "pay_session", id: opened.session?.id ?? "", payment_method: card } as const;
    return { answer: await bench.call(request), life: await bench.look(opened.intent.id) };
  }

  for (const card of [...PAID, ...PAID_WITH_SEQUEL]) {
    it(`${card} pays`, async () => {
      const { life } = await pay(card);
      assert.deepEqual([life.session?.status, life.session?.payment_status], ["complete", "paid"]);
      assert.equal(life.charges[0]?.payment_method_details.card.last4, card.slice(-4));
    });
  }

  for (const card of CHALLENGED) {
    it(`${card} waits for the cardholder`, async () => {
      const { life } = await pay(card);
      assert.deepEqual([life.intent.status, life.session?.status], ["requires_action", "open"]);
      await bench.call({ operation: "authenticate", id: life.intent.id, approve: true });
      const paid = card !== "4000008400001629";
      assert.equal((await bench.look(life.intent.id)).session?.status, paid ? "complete" : "open");
    });
  }

  for (const [card, code] of Object.entries(DECLINED)) {
    it(`${card} is declined as ${code}, and the checkout stays open`, async () => {
      const { answer, life } = await pay(card);
      assert.equal(errorOf(answer).status, 402);
      assert.equal(life.charges[0]?.failure_code, code);
      assert.deepEqual([life.session?.status, life.intent.status], ["open", "requires_payment_method"]);
    });
  }

  it("numbers are never kept, and an unknown one is not told back", async () => {
    const { life } = await pay("4242424242424242");
    assert.equal(life.intent.payment_method, "pm_card_visa");
    const { code, message } = errorOf(await bench.call(intent({ payment_method: "4999999999999999" })));
    assert.equal(code, "resource_missing");
    assert.doesNotMatch(message, /4999/);
  });
});
