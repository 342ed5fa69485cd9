// What other payment services lived through with webhooks. Each of these lost an event, acted on it twice, or believed a stale one.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { answerOf, createInput, verdictOf } from "../app/open-service.ts";
import { openWebhookShop } from "./webhook-shop.ts";

const RACES = 20;
const COPIES = 3;

const { shop, door, close } = await openWebhookShop();
after(close);

/** Statuses of answers that were not 200. */
async function deliverAll(reference: string | null): Promise<number[]> {
  const statuses = await Promise.all(shop.service.eventsOf(reference).map((event) => door.deliver(event)));
  return statuses.filter((status) => status !== 200);
}

describe("peers:", () => {
  it("webhook against confirm race", async () => {
    const payments = await Promise.all(
      Array.from({ length: RACES }, () => shop.pay({ paymentMethod: null, attemptsMax: 3 })),
    );
    for (const payment of payments) {
      const confirming = Promise.withResolvers<void>();
      shop.beforeAnswer("confirm", async () => {
        confirming.resolve();
        // Its answer comes after one of its webhooks, and beside the others.
        await door.deliver(shop.eventOf(payment, "payment_intent.succeeded"));
      });
      const [answer] = await Promise.all([
        shop.complete(payment, `race-${payment.id}`),
        confirming.promise.then(() => deliverAll(payment.providerReference)),
      ]);
      assert.equal(answerOf(answer).payment.status, "SUCCEEDED");
      assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded"]);
      assert.equal((await shop.totals(payment)).charges, 1);
    }
  });

  it("three identical webhooks, three settlements", async () => {
    const { payment, event } = await shop.payUnheard();
    const statuses = await Promise.all(Array.from({ length: COPIES }, () => door.deliver(event)));
    assert.deepEqual(statuses, [200, 200, 200]);
    assert.equal(await door.deliver(event), 200);
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded"]);
    const rows = await shop.service.rows("select state from webhook_event where event_id = $1", [event.id]);
    assert.deepEqual(rows, [{ state: "APPLIED" }]);
  });

  it("a late webhook on a final payment answered 500 and retried for ever", async () => {
    const canceled = await shop.openCheckout();
    answerOf(await shop.cancel(canceled, "cancel-final"));
    const failed = await shop.openCheckout({ attemptsMax: 1 });
    await shop.payOnPage(failed, "pm_card_chargeDeclined");
    await door.deliver(shop.eventOf(failed, "payment_intent.payment_failed"));
    const expired = await shop.openCheckout();
    await shop.service.recoverAfter(3_600_001);
    const refunded = await shop.pay();
    answerOf(await shop.refund(refunded, "refund-final"));
    const payments = [canceled, failed, expired, refunded];
    const books = await Promise.all(payments.map((payment) => shop.books(payment)));
    assert.deepEqual(
      books.map(({ status }) => status),
      ["CANCELED", "FAILED", "EXPIRED", "REFUNDED"],
    );
    for (const payment of payments) {
      assert.deepEqual(await deliverAll(payment.providerReference), []);
      for (const event of shop.service.eventsOf(payment.providerReference)) {
        const judged = await shop.judged(event);
        assert.equal(judged?.due, false, `${event.type}: ${judged?.state}`);
      }
    }
    assert.deepEqual(await Promise.all(payments.map((payment) => shop.books(payment))), books);
  });

  it("a dedupe row written before the handler failed", async () => {
    const { payment, event } = await shop.payUnheard();
    const working = shop.service.parts.moment.bind(shop.service.parts);
    shop.service.parts.moment = () => {
      throw new Error("the handler fails");
    };
    assert.equal(await door.deliver(event), 200);
    shop.service.parts.moment = working;
    assert.equal((await shop.books(payment)).status, "PENDING");
    assert.deepEqual(await shop.judged(event), { state: "RECEIVED", due: true });
    // The sender's next copy finds the row there; the event is acted on all the same.
    assert.equal(await door.deliver(event), 200);
    await shop.service.recoverAfter(60_000);
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
    assert.deepEqual(await shop.judged(event), { state: "APPLIED", due: false });
  });

  it("2xx despite a failed write", async (t) => {
    const { payment, event } = await shop.payUnheard();
    await shop.service.rows(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'the disk is full' using errcode = '53100'; end $$`);
    t.after(() => shop.service.rows("drop function if exists refuse cascade"));
    await shop.service.rows("create trigger refuse before insert on webhook_event execute function refuse()");
    const status = await door.deliver(event);
    assert.ok(status >= 500, `${status}`);
    assert.equal(await shop.judged(event), undefined);
    await shop.service.rows("drop function refuse cascade");
    assert.equal(await door.deliver(event), 200);
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
  });

  it("an event before its row", async () => {
    const input = createInput({ paymentMethod: "pm_card_createDispute" });
    const early: (string | undefined)[] = [];
    // The provider has the payment, and our row does not know the provider's id yet. A dispute says nothing of ours, and comes first.
    shop.beforeAnswer("create", async () => {
      const dispute = shop.service.events.findLast(({ type }) => type === "charge.dispute.created");
      const paid = shop.service.events.findLast(({ type }) => type === "payment_intent.succeeded");
      for (const event of [dispute, paid]) {
        assert.ok(event);
        assert.equal(await door.deliver(event), 200);
        early.push((await shop.judged(event))?.state);
      }
    });
    const { payment } = answerOf(await shop.create(input));
    assert.deepEqual(early, ["PARKED", "APPLIED"]);
    await shop.service.recoverAfter(600_000);
    await shop.service.recoverAfter(600_000);
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded", "payment.dispute_opened"]);
    assert.deepEqual(await deliverAll(payment.providerReference), []);
    for (const event of shop.service.eventsOf(payment.providerReference))
      assert.match((await shop.judged(event))?.state ?? "", /^(APPLIED|INERT)$/, event.type);
  });

  it("a late failure that downgrades a paid payment", async () => {
    const payment = await shop.openCheckout({ attemptsMax: 2 });
    await shop.payOnPage(payment, "pm_card_chargeDeclined");
    await shop.payOnPage(payment);
    assert.equal(await door.deliver(shop.eventOf(payment, "payment_intent.succeeded")), 200);
    const books = await shop.books(payment);
    assert.equal(books.status, "SUCCEEDED");
    assert.equal(await door.deliver(shop.eventOf(payment, "payment_intent.payment_failed")), 200);
    assert.deepEqual(await deliverAll(payment.providerReference), []);
    await shop.service.recoverAfter(600_000);
    assert.deepEqual(await shop.books(payment), books);
    assert.equal((await shop.history(payment)).includes("payment.failed"), false);
    assert.equal(verdictOf(await shop.complete(payment, "pay-twice")), "PAYMENT_ALREADY_COMPLETED");
    assert.equal((await shop.totals(payment)).charges, 1);
  });
});
