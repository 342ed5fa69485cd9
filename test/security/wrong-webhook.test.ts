// The threat "authentic but wrong webhook": signed by the provider, and not about this payment, this money or this account. Each is kept, put aside for a person, and
// moves nothing; and the honest one is believed afterwards.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { printEvent } from "../../src/gateway/direct.ts";
import { answerOf, caller, createInput, TestService } from "../app/open-service.ts";
import { openWebhookDoor } from "./webhook-door.ts";
import { openWebhookShop } from "./webhook-shop.ts";

/** 2,000.00. */
const OWED = 200_000n;
const ORDER = { amount: { minor: OWED, currency: "USD" } };

const { shop, door, close } = await openWebhookShop();
after(close);

type Change = (text: string, payment: Payment) => string;

function withAmounts(minor: string): Change {
  return (text) => text.replaceAll(/"(amount\w*)":\s*200000\b/g, `"$1":${minor}`);
}

const CHANGES: Readonly<Record<string, Change>> = {
  "a $1 event for a $2,000 order": withAmounts("100"),
  "a cent less": withAmounts("199999"),
  "a cent more": withAmounts("200001"),
  "a hundred times as much": withAmounts("20000000"),
  "another currency of the same digits": (text) => text.replaceAll(`"usd"`, `"eur"`),
  "a currency without decimals": (text) => text.replaceAll(`"usd"`, `"jpy"`),
  "a live event in test mode": (text) => text.replaceAll(`"livemode":false`, `"livemode":true`),
  "another account's event": (text) => text.replace(`"object":"event"`, `"object":"event","account":"acct_other"`),
  "another intent with our id in its metadata": (text, { providerReference }) =>
    text.replaceAll(providerReference ?? "", "pi_other"),
};

let copies = 0;

describe("authentic but wrong webhook:", () => {
  for (const [what, change] of Object.entries(CHANGES)) {
    it(`${what} is put aside, and the payment is not moved`, async () => {
      const { payment, event } = await shop.payUnheard(ORDER);
      copies += 1;
      const id = `${event.id}_${copies}`;
      const honest = printEvent(event).replace(event.id, id);
      const wrong = change(honest, payment);
      assert.notEqual(wrong, honest);
      assert.equal(await door.deliver(event, wrong), 200);
      assert.deepEqual(await shop.judged({ ...event, id }), { state: "QUARANTINED", due: false });
      await shop.service.recoverAfter(600_000);
      assert.equal((await shop.judged({ ...event, id }))?.state, "QUARANTINED");
      const unmoved = { status: "PENDING", captured: "0", refunded: "0", pending: "0", version: 1 };
      assert.deepEqual(await shop.books(payment), unmoved);
      assert.equal(await door.deliver(event), 200);
      assert.equal((await shop.books(payment)).captured, String(OWED));
    });
  }

  it("the event of one payment says nothing of another, whatever it calls itself", async () => {
    const { payment: paid, event } = await shop.payUnheard(ORDER);
    const open = await shop.openCheckout(ORDER);
    const swap = (text: string): string => text.replaceAll(paid.id, open.id).replaceAll(paid.orderId, open.orderId);
    const body = swap(printEvent(event));
    assert.notEqual(body, printEvent(event));
    assert.equal(await door.deliver(event, body), 200);
    assert.deepEqual(await shop.judged(event), { state: "QUARANTINED", due: false });
    assert.equal((await shop.books(open)).status, "PENDING");
  });

  it("a success that the provider does not know of is not believed, though it is signed", async () => {
    const payment = await shop.openCheckout(ORDER);
    const { payment: paid, event } = await shop.payUnheard(ORDER);
    const swap = (text: string): string =>
      text
        .replaceAll(paid.id, payment.id)
        .replaceAll(paid.orderId, payment.orderId)
        .replaceAll(paid.providerReference ?? "", payment.providerReference ?? "");
    assert.equal(await door.deliver(event, swap(printEvent(event))), 200);
    await shop.service.recoverAfter(600_000);
    const { status, captured } = await shop.books(payment);
    assert.deepEqual([status, captured], ["PENDING", "0"]);
  });

  it("a test event in live mode is put aside", async (t) => {
    const live = await TestService.open({ wrap: (provider) => Object.assign(Object.create(provider), { live: true }) });
    t.after(() => live.close());
    const liveDoor = await openWebhookDoor(live);
    t.after(() => liveDoor.close());
    const input = createInput({ mode: "CHECKOUT", paymentMethod: null });
    const { payment } = answerOf(await createPayment(live.parts, caller, input));
    const id = payment.sessionId ?? "";
    await live.elsewhere({ operation: "pay_session", id, payment_method: "pm_card_visa" });
    const event = live.events.findLast(({ type }) => type === "payment_intent.succeeded");
    assert.ok(event);
    const body = printEvent(event);
    assert.match(body, /"livemode":false/);
    assert.equal(await liveDoor.deliver(event), 200);
    const rows = await live.rows("select w.state, p.status from webhook_event w, payment p where event_id = $1", [
      event.id,
    ]);
    assert.deepEqual(rows, [{ state: "QUARANTINED", status: "PENDING" }]);
  });
});
