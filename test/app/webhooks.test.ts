import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { getPayment } from "../../src/app/get-payment.ts";
import { receiveWebhook, replayWebhook } from "../../src/app/receive-webhook.ts";
import { recover } from "../../src/app/recover.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { PaymentId } from "../../src/domain/ids.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { type GatewayEvent, printEvent } from "../../src/gateway/direct.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { answerOf, caller, createInput, operator, TestService, verdictOf, WEBHOOK_SECRET } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

interface Stored {
  readonly state: string;
  readonly note: string | null;
  readonly payment_id: string | null;
}

async function storedEvent(event: GatewayEvent): Promise<Stored | undefined> {
  const [row] = await service.rows<Stored>("select state, note, payment_id from webhook_event where event_id = $1", [
    event.id,
  ]);
  return row;
}

async function stateOf(event: GatewayEvent): Promise<string | undefined> {
  return (await storedEvent(event))?.state;
}

async function historyOf(id: PaymentId): Promise<string[]> {
  const found = await getPayment(service.parts, caller, id);
  assert.ok(found.ok);
  return found.value.events.map((event) => event.type);
}

async function openCheckout(change: Parameters<typeof createInput>[0] = {}): Promise<Payment> {
  const input = createInput({ mode: "CHECKOUT", paymentMethod: null, ...change });
  return answerOf(await createPayment(service.parts, caller, input)).payment;
}

/** The customer pays on the page. */
async function payOnPage(payment: Payment, token = "pm_card_visa"): Promise<void> {
  await service.elsewhere({ operation: "pay_session", id: payment.sessionId ?? "", payment_method: token });
}

function eventOf(payment: Payment, type: string): GatewayEvent {
  const found = service.eventsOf(payment.providerReference).findLast((event) => event.type === type);
  assert.ok(found, `the gateway made ${type}`);
  return found;
}

/** The same event with other words in it, signed with the right secret all the same. */
function forged(event: GatewayEvent, change: (text: string) => string): string {
  return change(printEvent(event).replace(event.id, `${event.id}x`));
}

async function statusOf(payment: Payment): Promise<string> {
  const [row] = await service.rows<{ status: string }>("select status from payment where id = $1", [payment.id]);
  return row?.status ?? "";
}

describe("a webhook", () => {
  it("moves its payment, once, however often it comes", async () => {
    const payment = await openCheckout();
    await payOnPage(payment);
    const event = eventOf(payment, "payment_intent.succeeded");
    const receipts = await Promise.all([1, 2, 3].map(() => service.deliver(event)));
    assert.deepEqual(receipts, [{ received: true }, { received: true }, { received: true }]);
    assert.equal(await stateOf(event), "APPLIED");
    assert.equal(await statusOf(payment), "SUCCEEDED");
    await service.deliver(eventOf(payment, "checkout.session.completed"));
    assert.deepEqual(await historyOf(payment.id), ["payment.created", "payment.succeeded"]);
  });

  it("without a good signature is refused and leaves no trace", async () => {
    const payment = await openCheckout();
    await payOnPage(payment);
    const event = eventOf(payment, "payment_intent.succeeded");
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
    assert.equal(await storedEvent(event), undefined);
    assert.equal(await statusOf(payment), "PENDING");
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
    const payment = await openCheckout();
    const event = eventOf(payment, "payment_intent.created");
    await service.deliver(event);
    assert.equal(await stateOf(event), "INERT");
    const body = forged(event, (text) => text.replace("payment_intent.created", "customer.created"));
    await service.deliver(event, body);
    assert.equal(await stateOf({ ...event, id: `${event.id}x` }), "INERT");
    await payOnPage(payment);
    const paid = eventOf(payment, "payment_intent.succeeded");
    const intent = payment.providerReference ?? "";
    const strange = (text: string): string => text.replaceAll(intent, "pi_strange").replaceAll("payment_id", "shop");
    await service.deliver(paid, forged(paid, strange));
    assert.deepEqual(await storedEvent({ ...paid, id: `${paid.id}x` }), {
      state: "INERT",
      note: "it is of another system's payment",
      payment_id: null,
    });
    assert.deepEqual(await historyOf(payment.id), ["payment.created"]);
  });

  it("that is stored before a crash is acted on afterwards", async () => {
    const payment = await openCheckout();
    await payOnPage(payment);
    const event = eventOf(payment, "payment_intent.succeeded");
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
    assert.equal(await statusOf(payment), "PENDING", "it is left to the process that stored it");
    await service.recoverAfter(providerTimeoutMs + recoveryDelayMs);
    assert.equal(await statusOf(payment), "SUCCEEDED");
    assert.equal(await stateOf(event), "APPLIED");
  });

  it("that comes while the provider cannot be asked is acted on once it can", async () => {
    const payment = await openCheckout();
    await payOnPage(payment);
    service.gateway.script({ operation: "retrieve", fault: "error", times: 2 });
    const event = eventOf(payment, "payment_intent.succeeded");
    assert.deepEqual(await service.deliver(event), { received: true });
    assert.equal(await stateOf(event), "RECEIVED");
    await service.recoverAfter(60_000);
    assert.equal(await stateOf(event), "RECEIVED");
    await service.recoverAfter(600_000);
    assert.equal(await stateOf(event), "APPLIED");
    assert.equal(await statusOf(payment), "SUCCEEDED");
  });

  it("that comes before its payment knows the provider's id is parked, and acted on later", async () => {
    const input = createInput({
      paymentMethod: "pm_card_createDispute",
      metadata: { gateway_fault: "create:lost_after" },
    });
    assert.equal(verdictOf(await createPayment(service.parts, caller, input)), "PROVIDER_OUTCOME_UNKNOWN");
    const event = service.events.findLast(({ type }) => type === "charge.dispute.created");
    assert.ok(event);
    // A dispute has no metadata of ours: its payment is found by the provider's id alone.
    await service.deliver(event);
    assert.equal(await stateOf(event), "PARKED");
    await service.recoverAfter(2_000);
    await service.recoverAfter(600_000);
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    assert.deepEqual(await historyOf(payment.id), ["payment.created", "payment.succeeded", "payment.dispute_opened"]);
    assert.notEqual(await stateOf(event), "PARKED");
  });

  it("that cannot be acted on, whatever the reason, is tried for three days, kept, and can be replayed", async () => {
    const payment = await openCheckout();
    await payOnPage(payment);
    const event = eventOf(payment, "payment_intent.succeeded");
    const working = service.parts.moment.bind(service.parts);
    service.parts.moment = () => {
      throw new Error("a fault of ours");
    };
    await service.deliver(event);
    assert.equal(await stateOf(event), "RECEIVED");
    await service.recoverAfter(73 * 3_600_000);
    assert.equal(await stateOf(event), "PARKED");
    service.parts.moment = working;
    await service.parts.inbox.replay({ provider: "mock", eventId: event.id }, new Date(service.time));
    await recover(service.parts);
    assert.equal(await stateOf(event), "APPLIED");
  });

  it("whose payment never comes is given up after three days, kept, and can be replayed", async () => {
    const payment = await openCheckout();
    await payOnPage(payment);
    const body = forged(eventOf(payment, "payment_intent.succeeded"), (text) =>
      text
        .replaceAll(payment.providerReference ?? "", "pi_unknown")
        .replaceAll(/payment_[0-9a-f-]{36}/g, `payment_${randomUUID()}`),
    );
    const event = {
      ...eventOf(payment, "payment_intent.succeeded"),
      id: `${eventOf(payment, "payment_intent.succeeded").id}x`,
    };
    await service.deliver(event, body);
    assert.equal(await stateOf(event), "PARKED");
    await service.recoverAfter(73 * 3_600_000);
    const [row] = await service.rows("select state, next_attempt_at from webhook_event where event_id = $1", [
      event.id,
    ]);
    assert.deepEqual(row, { state: "PARKED", next_attempt_at: null });
    assert.equal(
      verdictOf(await replayWebhook(service.parts, operator, { provider: "mock", eventId: event.id })),
      "ok",
    );
    assert.equal(await stateOf(event), "RECEIVED");
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
      const payment = await openCheckout();
      await payOnPage(payment);
      const event = eventOf(payment, "payment_intent.succeeded");
      const body = forged(event, (text) => change(text, payment));
      assert.notEqual(
        body,
        forged(event, (text) => text),
      );
      assert.deepEqual(await service.deliver(event, body), { received: true });
      assert.equal(await stateOf({ ...event, id: `${event.id}x` }), "QUARANTINED");
      assert.equal(await statusOf(payment), "PENDING");
      assert.deepEqual(await historyOf(payment.id), ["payment.created"]);
    });
  }
});

describe("a webhook beside a call", () => {
  it("that comes before the call's own answer changes nothing of the answer, and adds no event", async () => {
    const input = createInput({ metadata: { gateway_fault: "create:lost_after" } });
    await createPayment(service.parts, caller, input);
    for (const event of service.events.filter(({ data }) =>
      JSON.stringify(data, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value)).includes(
        input.orderId,
      ),
    ))
      await service.deliver(event);
    await service.recoverAfter(2_000);
    const answer = answerOf(await createPayment(service.parts, caller, input));
    assert.equal(answer.payment.status, "SUCCEEDED");
    assert.deepEqual(await historyOf(answer.payment.id), ["payment.created", "payment.succeeded"]);
  });

  it("of a cancel keeps the caller's reason when it comes before the cancel's answer", async () => {
    const payment = await openCheckout({ metadata: { gateway_fault: "cancel:lost_after" } });
    const cancel = () =>
      cancelPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        reason: "out of stock",
        requestId: `cancel-${payment.id}`,
      });
    assert.equal(verdictOf(await cancel()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(eventOf(payment, "checkout.session.expired"));
    const [row] = await service.rows("select status, cancel_reason from payment where id = $1", [payment.id]);
    assert.deepEqual(row, { status: "CANCELED", cancel_reason: "out of stock" });
    await service.recoverAfter(2_000);
    assert.equal(answerOf(await cancel()).payment.cancelReason, "out of stock");
    assert.deepEqual(await historyOf(payment.id), ["payment.created", "payment.cancelled"]);
  });

  it("of a decline does not hide from recovery what became of the call whose answer nobody knew", async () => {
    const payment = await openCheckout({ attemptsMax: 3 });
    await payOnPage(payment, "pm_card_authenticationRequired");
    await service.elsewhere({ operation: "authenticate", id: payment.providerReference ?? "", approve: false });
    await service.deliver(eventOf(payment, "payment_intent.payment_failed"));
    service.gateway.script({ operation: "confirm", fault: "error_after" });
    const confirm = () =>
      completePayment(service.parts, caller, {
        find: { paymentId: payment.id },
        paymentMethod: "pm_card_chargeDeclinedInsufficientFunds",
        amount: null,
        requestId: `confirm-${payment.id}`,
      });
    assert.equal(verdictOf(await confirm()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(eventOf(payment, "payment_intent.payment_failed"));
    await service.recoverAfter(2_000);
    const told = answerOf(await confirm()).payment;
    assert.deepEqual([told.status, told.failure?.reason], ["PENDING", "INSUFFICIENT_FUNDS"]);
    assert.deepEqual(await historyOf(payment.id), [
      "payment.created",
      "payment.requires_action",
      "payment.attempt_failed",
      "payment.attempt_failed",
    ]);
  });

  it("of an earlier attempt is not taken for the outcome of a call that did not arrive", async () => {
    const payment = await openCheckout({ attemptsMax: 3 });
    await payOnPage(payment, "pm_card_authenticationRequired");
    await service.elsewhere({ operation: "authenticate", id: payment.providerReference ?? "", approve: false });
    await service.deliver(eventOf(payment, "payment_intent.payment_failed"));
    service.gateway.script({ operation: "confirm", fault: "lost_before", times: 2 });
    const confirm = () =>
      completePayment(service.parts, caller, {
        find: { paymentId: payment.id },
        paymentMethod: "pm_card_visa",
        amount: null,
        requestId: `confirm-${payment.id}`,
      });
    assert.equal(verdictOf(await confirm()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.recoverAfter(2_000);
    assert.equal(await statusOf(payment), "PENDING");
    await service.recoverAfter(60_000);
    assert.equal(answerOf(await confirm()).payment.status, "SUCCEEDED");
  });

  it("of the last decline lets go of the payment at the provider once the call under way has ended", async () => {
    const payment = await openCheckout({ attemptsMax: 1, metadata: { gateway_fault: "confirm:lost_after" } });
    const confirmed = await completePayment(service.parts, caller, {
      find: { paymentId: payment.id },
      paymentMethod: "pm_card_chargeDeclined",
      amount: null,
      requestId: `confirm-${payment.id}`,
    });
    assert.equal(verdictOf(confirmed), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(eventOf(payment, "payment_intent.payment_failed"));
    assert.equal(await statusOf(payment), "FAILED");
    await service.recoverAfter(2_000);
    await service.recoverAfter(2_000);
    eventOf(payment, "checkout.session.expired");
    assert.deepEqual(await historyOf(payment.id), ["payment.created", "payment.failed"]);
  });

  it("of a refund leaves the refund in its call's answer when it comes first, also while the answer is late", async () => {
    const { payment } = answerOf(
      await createPayment(service.parts, caller, createInput({ metadata: { gateway_fault: "refund:lost_after" } })),
    );
    const refund = () =>
      refundPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: "returned",
        requestId: `refund-${payment.id}`,
      });
    assert.equal(verdictOf(await refund()), "PROVIDER_OUTCOME_UNKNOWN");
    await service.deliver(eventOf(payment, "refund.created"));
    assert.equal(await statusOf(payment), "REFUNDED");
    await service.recoverAfter(2_000);
    const told = answerOf(await refund());
    assert.deepEqual([told.refund?.status, told.refund?.amount.minor], ["SUCCEEDED", 10_000n]);
  });

  it("of a refund made elsewhere, while ours that it makes impossible is under way, is applied once ours has ended", async () => {
    const { payment } = answerOf(
      await createPayment(service.parts, caller, createInput({ metadata: { gateway_fault: "refund:lost_before" } })),
    );
    const refund = () =>
      refundPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: null,
        requestId: `refund-${payment.id}`,
      });
    assert.equal(verdictOf(await refund()), "PROVIDER_OUTCOME_UNKNOWN");
    const params = { amount: 10_000n, reason: null, metadata: {} };
    await service.elsewhere({ operation: "create_refund", id: payment.providerReference ?? "", params });
    const event = eventOf(payment, "refund.created");
    await service.deliver(event);
    assert.equal(await stateOf(event), "PARKED");
    await service.recoverAfter(2_000);
    await service.recoverAfter(600_000);
    assert.equal(verdictOf(await refund()), "REFUND_NOT_ALLOWED");
    assert.equal(await statusOf(payment), "REFUNDED");
    assert.deepEqual(await historyOf(payment.id), [
      "payment.created",
      "payment.succeeded",
      "payment.refund_failed",
      "payment.refunded",
    ]);
  });
});

describe("what happens after the payment", () => {
  it("a refund that fails days later gives its amount back, and says so", async () => {
    const input = createInput({ paymentMethod: "pm_card_refundFail" });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const refunded = answerOf(
      await refundPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: null,
        requestId: `refund-${payment.id}`,
      }),
    );
    await service.elsewhere({ operation: "settle_refund", id: refunded.refund?.providerReference ?? "" });
    await service.deliver(eventOf(payment, "refund.failed"));
    assert.equal(await statusOf(payment), "SUCCEEDED");
    assert.equal((await historyOf(payment.id)).at(-1), "payment.refund_failed");
  });

  it("a refund that stays open at the provider is asked about, also without a webhook", async () => {
    const input = createInput({ paymentMethod: "pm_card_pendingRefund" });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const refunded = answerOf(
      await refundPayment(service.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: null,
        requestId: `refund-${payment.id}`,
      }),
    );
    assert.equal(refunded.refund?.status, "PENDING");
    await service.elsewhere({ operation: "settle_refund", id: refunded.refund?.providerReference ?? "" });
    await recover(service.parts);
    assert.equal(await statusOf(payment), "SUCCEEDED");
    await service.recoverAfter(3_600_000);
    assert.equal(await statusOf(payment), "REFUNDED");
  });

  it("a dispute is shown with its payment, opened and lost, and leaves the status as it is", async () => {
    const input = createInput({ paymentMethod: "pm_card_createDispute" });
    const { payment } = answerOf(await createPayment(service.parts, caller, input));
    const opened = eventOf(payment, "charge.dispute.created");
    await service.deliver(opened);
    await service.elsewhere({ operation: "close_dispute", id: (opened.data.object as { id: string }).id });
    await service.deliver(eventOf(payment, "charge.dispute.closed"));
    const found = await getPayment(service.parts, caller, payment.id);
    assert.ok(found.ok);
    const [dispute] = found.value.disputes;
    assert.deepEqual(
      [
        found.value.payment.status,
        found.value.payment.disputeStatus,
        dispute?.status,
        dispute?.amount,
        dispute?.reason,
      ],
      ["SUCCEEDED", "LOST", "LOST", payment.amount, "fraudulent"],
    );
    assert.deepEqual((await historyOf(payment.id)).slice(2), ["payment.dispute_opened", "payment.dispute_closed"]);
  });
});

describe("money that arrives for a payment that has ended", () => {
  /** Money comes for a payment that was ended here without the provider's knowing, as a race between the two would have it. */
  async function paidLate(late: TestService): Promise<Payment> {
    const input = createInput({ paymentMethod: null });
    const { payment } = answerOf(await createPayment(late.parts, caller, input));
    await late.rows(
      "update payment set status = 'CANCELED', live = false, version = version + 1, revision = revision + 2 where id = $1",
      [payment.id],
    );
    await late.rows(
      `insert into payment_event (id, payment_id, version, type, status, data, created_at)
        values (gen_random_uuid(), $1, 2, 'payment.cancelled', 'CANCELED', '{}', now())`,
      [payment.id],
    );
    await late.elsewhere({
      operation: "confirm_intent",
      id: payment.providerReference ?? "",
      payment_method: "pm_card_visa",
    });
    const event = late.eventsOf(payment.providerReference).findLast(({ type }) => type === "payment_intent.succeeded");
    assert.ok(event);
    await late.deliver(event);
    return payment;
  }

  it("is given back at once by the policy refund", async () => {
    const payment = await paidLate(service);
    await service.recoverAfter(0);
    const [row] = await service.rows("select status, captured_minor, refunded_minor from payment where id = $1", [
      payment.id,
    ]);
    assert.deepEqual(row, { status: "CANCELED", captured_minor: "10000", refunded_minor: "10000" });
    assert.deepEqual((await historyOf(payment.id)).slice(2), ["payment.late", "payment.refunded"]);
  });

  it("is put aside by the policy hold, told as such, and given back when a person says so", async () => {
    const holding = await TestService.open({ latePolicy: "hold" });
    try {
      const payment = await paidLate(holding);
      await holding.recoverAfter(0);
      const [told] = await holding.rows(
        "select data ->> 'resolution' as resolution from payment_event where type = 'payment.late'",
      );
      assert.deepEqual(told, { resolution: "hold" });
      const refund = await refundPayment(holding.parts, caller, {
        find: { paymentId: payment.id },
        amount: null,
        reason: "requested_by_customer",
        requestId: "give-back",
      });
      const { payment: after } = answerOf(refund);
      assert.deepEqual([after.status, after.capturedMinor, after.refundedMinor], ["CANCELED", 10_000n, 10_000n]);
    } finally {
      await holding.close();
    }
  });
});
