// What becomes of a webhook: it is stored before it is acted on, acted on once, tried again while it cannot be, and put aside
// where it is wrong for its payment.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, it } from "node:test";
import { onProviderBack } from "../../src/app/provider-back.ts";
import { receiveWebhook, replayWebhook } from "../../src/app/receive-webhook.ts";
import { recover } from "../../src/app/recover.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { type GatewayEvent, printEvent } from "../../src/gateway/direct.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { answerOf, createInput, operator, verdictOf, WEBHOOK_SECRET } from "./open-service.ts";
import { Shop } from "./shop.ts";

const shop = await Shop.open();
const { service } = shop;
after(() => shop.close());

/** The same event with other words in it, signed with the right secret all the same. */
function forged(event: GatewayEvent, change: (text: string) => string): string {
  return change(printEvent(event).replace(event.id, `${event.id}x`));
}

/** The event's body as Stripe sends it: of the intent's charge the id alone. */
function withChargeNamed(event: GatewayEvent): string {
  const body = JSON.parse(printEvent(event)) as { data: { object: { latest_charge: { id: string } | string } } };
  const { object } = body.data;
  assert.ok(typeof object.latest_charge === "object");
  object.latest_charge = object.latest_charge.id;
  return JSON.stringify(body);
}

describe("a webhook", () => {
  it("moves its payment, once, however often it comes", async () => {
    const { payment, event } = await shop.payUnheard();
    const receipts = await Promise.all([1, 2, 3].map(() => service.deliver(event)));
    assert.deepEqual(receipts, [{ received: true }, { received: true }, { received: true }]);
    assert.equal((await shop.judged(event))?.state, "APPLIED");
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
    await service.deliver(shop.eventOf(payment, "checkout.session.completed"));
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded"]);
  });

  it("without a good signature is refused and leaves no trace", async () => {
    const { payment, event } = await shop.payUnheard();
    const rawBody = Buffer.from(printEvent(event));
    const at = new Date(service.time);
    const signatures = [
      undefined,
      "",
      "t=,v1=",
      stripeSignature(rawBody, "whsec_other", at),
      stripeSignature(rawBody, WEBHOOK_SECRET, new Date(service.time - 301_000)),
      stripeSignature(rawBody, WEBHOOK_SECRET, new Date(service.time + 301_000)),
      stripeSignature(`${rawBody.toString()} `, WEBHOOK_SECRET, at),
    ];
    for (const signature of signatures) {
      const receipt = await receiveWebhook(service.parts, { rawBody, headers: { "stripe-signature": signature } });
      assert.equal(!receipt.received && receipt.problem, "signature", `${signature}`);
    }
    assert.equal(await shop.judged(event), undefined);
    assert.equal((await shop.books(payment)).status, "PENDING");
  });

  it("that is signed and cannot be read is refused, without blame for the signature", async () => {
    for (const body of ["", "not json", "[]", "null", `{"id":"evt_1"}`]) {
      const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(service.time));
      const receipt = await receiveWebhook(service.parts, {
        rawBody: Buffer.from(body),
        headers: { "stripe-signature": signature },
      });
      assert.equal(!receipt.received && receipt.problem, "body", body);
    }
  });

  it("of a type that says nothing of payments, or of another system's payment, is kept and inert", async () => {
    const payment = await shop.openCheckout();
    const event = shop.eventOf(payment, "payment_intent.created");
    await service.deliver(event);
    assert.equal((await shop.judged(event))?.state, "INERT");
    const body = forged(event, (text) => text.replace("payment_intent.created", "customer.created"));
    await service.deliver(event, body);
    assert.equal((await shop.judged({ ...event, id: `${event.id}x` }))?.state, "INERT");
    await shop.payOnPage(payment);
    const paid = shop.eventOf(payment, "payment_intent.succeeded");
    const intent = payment.providerReference ?? "";
    const strange = (text: string): string => text.replaceAll(intent, "pi_strange").replaceAll("payment_id", "shop");
    await service.deliver(paid, forged(paid, strange));
    const [row] = await service.rows("select state, note, payment_id from webhook_event where event_id = $1", [
      `${paid.id}x`,
    ]);
    assert.deepEqual(row, { state: "INERT", note: "it is of another system's payment", payment_id: null });
    assert.deepEqual(await shop.history(payment), ["payment.created"]);
  });

  it("that is stored before a crash is acted on afterwards", async () => {
    const { payment, event } = await shop.payUnheard();
    const { providerTimeoutMs, recoveryDelayMs } = service.parts.limits;
    const now = new Date(service.time);
    const left = { state: "RECEIVED", note: null, attempts: 0, receivedAt: now, updatedAt: now } as const;
    await service.parts.inbox.store({
      ...left,
      provider: "mock",
      eventId: event.id,
      type: event.type,
      body: printEvent(event),
      headers: {},
      paymentId: null,
      nextAttemptAt: new Date(service.time + providerTimeoutMs + recoveryDelayMs),
    });
    await recover(service.parts);
    assert.equal((await shop.books(payment)).status, "PENDING", "it is left to the process that stored it");
    await service.recoverAfter(providerTimeoutMs + recoveryDelayMs);
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
    assert.equal((await shop.judged(event))?.state, "APPLIED");
  });

  it("that comes while the provider cannot be asked is acted on once it can", async () => {
    const { payment, event } = await shop.payUnheard();
    service.gateway.script({ operation: "retrieve", fault: "error", times: 2 });
    assert.deepEqual(await service.deliver(event), { received: true });
    assert.equal((await shop.judged(event))?.state, "RECEIVED");
    await service.recoverAfter(60_000);
    assert.equal((await shop.judged(event))?.state, "RECEIVED");
    await service.recoverAfter(600_000);
    assert.equal((await shop.judged(event))?.state, "APPLIED");
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
  });

  it("that was tried in vain for long is acted on within a minute once the provider can be asked", async () => {
    const { payment, event } = await shop.payUnheard();
    const inVain = 10;
    service.gateway.script({ operation: "retrieve", fault: "error", times: inVain });
    await service.deliver(event);
    for (let tried = 1; tried < inVain; tried += 1) await service.recoverAfter(60_000);
    assert.equal((await shop.judged(event))?.state, "RECEIVED");
    await service.recoverAfter(60_000);
    assert.equal((await shop.judged(event))?.state, "APPLIED");
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
  });

  it("that waits for a provider is acted on as soon as that one is known to be back", async () => {
    const { payment, event } = await shop.payUnheard();
    service.gateway.script({ operation: "retrieve", fault: "error", times: 2 });
    const stateAfterWord = async (of: string) => {
      await onProviderBack(service.parts, of);
      await service.recoverAfter(1);
      return (await shop.judged(event))?.state;
    };
    await service.deliver(event);
    // Whoever received it may still be at it: this does not use up the second fault.
    assert.equal(await stateAfterWord("mock"), "RECEIVED");
    await service.recoverAfter(60_000);
    assert.equal(await stateAfterWord("another"), "RECEIVED");
    assert.equal(await stateAfterWord("mock"), "APPLIED");
    assert.equal((await shop.books(payment)).status, "SUCCEEDED");
  });

  it("that comes before its payment knows the provider's id is parked, and acted on later", async () => {
    const input = createInput({
      paymentMethod: "pm_card_createDispute",
      metadata: { gateway_fault: "create:lost_after" },
    });
    assert.equal(verdictOf(await shop.create(input)), "PROVIDER_OUTCOME_UNKNOWN");
    const event = service.events.findLast(({ type }) => type === "charge.dispute.created");
    assert.ok(event);
    // A dispute has no metadata of ours: its payment is found by the provider's id alone.
    await service.deliver(event);
    assert.equal((await shop.judged(event))?.state, "PARKED");
    await service.recoverAfter(2_000);
    await service.recoverAfter(600_000);
    const { payment } = answerOf(await shop.create(input));
    assert.deepEqual(await shop.history(payment), ["payment.created", "payment.succeeded", "payment.dispute_opened"]);
    assert.notEqual((await shop.judged(event))?.state, "PARKED");
  });

  it("that names a charge that is known here, as Stripe's do, costs no question", async () => {
    for (const [captureMethod, type] of [
      ["AUTOMATIC", "payment_intent.succeeded"],
      ["MANUAL", "payment_intent.amount_capturable_updated"],
    ] as const) {
      const event = shop.eventOf(await shop.pay({ captureMethod }), type);
      shop.setProviderSilent(true);
      await service.deliver(event, withChargeNamed(event));
      shop.setProviderSilent(false);
      assert.equal((await shop.judged(event))?.state, "INERT", type);
    }
  });

  it("that names a charge that is not known has it looked up", async () => {
    const { payment, event } = await shop.payUnheard();
    await service.deliver(event, withChargeNamed(event));
    const [row] = await service.rows("select status, payment_method from payment where id = $1", [payment.id]);
    assert.deepEqual(row, { status: "SUCCEEDED", payment_method: "visa ending 4242" });
  });

  it("that cannot be acted on, whatever the reason, is tried for three days, kept, and can be replayed", async () => {
    const { event } = await shop.payUnheard();
    const working = service.parts.moment.bind(service.parts);
    service.parts.moment = () => {
      throw new Error("a fault of ours");
    };
    await service.deliver(event);
    assert.equal((await shop.judged(event))?.state, "RECEIVED");
    await service.recoverAfter(73 * 3_600_000);
    assert.equal((await shop.judged(event))?.state, "PARKED");
    service.parts.moment = working;
    await service.parts.inbox.replay({ provider: "mock", eventId: event.id }, new Date(service.time));
    await recover(service.parts);
    assert.equal((await shop.judged(event))?.state, "APPLIED");
  });

  it("whose payment never comes is given up after three days, kept, and can be replayed", async () => {
    const { payment, event: paid } = await shop.payUnheard();
    const body = forged(paid, (text) =>
      text
        .replaceAll(payment.providerReference ?? "", "pi_unknown")
        .replaceAll(/payment_[0-9a-f-]{36}/g, `payment_${randomUUID()}`),
    );
    const event = { ...paid, id: `${paid.id}x` };
    await service.deliver(event, body);
    assert.equal((await shop.judged(event))?.state, "PARKED");
    await service.recoverAfter(73 * 3_600_000);
    const [row] = await service.rows("select state, next_attempt_at from webhook_event where event_id = $1", [
      event.id,
    ]);
    assert.deepEqual(row, { state: "PARKED", next_attempt_at: null });
    assert.equal(
      verdictOf(await replayWebhook(service.parts, operator, { provider: "mock", eventId: event.id })),
      "ok",
    );
    assert.equal((await shop.judged(event))?.state, "RECEIVED");
    assert.equal(
      verdictOf(await replayWebhook(service.parts, operator, { provider: "mock", eventId: "evt_none" })),
      "WEBHOOK_EVENT_NOT_FOUND",
    );
  });
});

describe("an authentic webhook that is wrong for its payment is quarantined, and moves nothing:", () => {
  const CHANGES: Record<string, (text: string, payment: Payment) => string> = {
    "another amount": (text) =>
      text.replaceAll(/"amount(_received|_capturable)?":10000/g, (part) => part.replace("10000", "100")),
    "another currency": (text) => text.replaceAll(`"eur"`, `"usd"`),
    "live mode": (text) => text.replaceAll(`"livemode":false`, `"livemode":true`),
    "a connected account": (text) => text.replace(`"object":"event"`, `"object":"event","account":"acct_1"`),
    "another intent": (text, payment) => text.replaceAll(payment.providerReference ?? "", "pi_other"),
  };
  for (const [what, change] of Object.entries(CHANGES)) {
    it(what, async () => {
      const { payment, event } = await shop.payUnheard();
      const body = forged(event, (text) => change(text, payment));
      assert.notEqual(
        body,
        forged(event, (text) => text),
      );
      assert.deepEqual(await service.deliver(event, body), { received: true });
      assert.equal((await shop.judged({ ...event, id: `${event.id}x` }))?.state, "QUARANTINED");
      assert.equal((await shop.books(payment)).status, "PENDING");
      assert.deepEqual(await shop.history(payment), ["payment.created"]);
    });
  }
});
