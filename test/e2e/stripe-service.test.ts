// The service with Stripe as its provider, end to end: the customer acts at the gateway, webhooks move the payments, and the stream tells of them. And
// what callers are told when Stripe refuses the key, is away, is slow or has too much to do.
import assert from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createProtocolClients, type Outcome, type Said, saidOf } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { StreamRecorder } from "../support/stream-recorder.ts";
import { openStripeService, STRIPE_KEY, stripeSettings } from "../support/stripe-service.ts";

const { createPayment, completePayment, cancelPayment, refundPayment, getPayment, getPaymentStatus } =
  PaymentService.method;
/** Odd, so that what one attempt may take is no whole number of milliseconds by itself. */
const PROVIDER_TIMEOUT_MS = 1_001;
const SETTINGS = {
  LOG_LEVEL: "trace",
  PROVIDER_TIMEOUT_MS: String(PROVIDER_TIMEOUT_MS),
  RECOVERY_DELAY_MS: "100",
  RECOVERY_INTERVAL_MS: "100",
};
const AMOUNT = { currency: "EUR", minor: 1999n };
/** Its code begins with a zero, as no number of a log does, and is looked for as a word of its own: an id may hold any three digits. */
const CARD = { number: "4242424242424242", exp_month: 12, exp_year: 2040, cvc: "073" };
const WRITTEN_CVC = new RegExp(`(?<![\\w.-])${CARD.cvc}(?![\\w-])`);
const ANSWERS_MAX = 50;
const AWAY = "stripe is away: calls to it are held back";
const FINDER_PAUSE_MS = 200;

const { gateway, service, webhookSecret, remove } = await openStripeService({ environment: SETTINGS });
const recorder = await StreamRecorder.open(await service.connectNats());
after(async () => {
  await recorder.close();
  await remove();
});

let orders = 0;
function newOrder(name: string): string {
  orders += 1;
  return `${name}-${orders}`;
}

function bodyOf({ answer, error }: Outcome): JsonObject {
  assert.ok(answer, JSON.stringify(error));
  return answer as JsonObject;
}

function paymentOf(outcome: Outcome): JsonObject {
  return bodyOf(outcome)["payment"] as JsonObject;
}

function textOf(object: JsonObject, field: string): string {
  const value = object[field];
  assert.ok(typeof value === "string", field);
  return value;
}

function refusedWith({ error }: Outcome): Pick<Said, "reason" | "outcome"> & { code: string } {
  assert.ok(error, "it was refused");
  const said = saidOf(error);
  assert.ok(said, JSON.stringify(error));
  return { code: error.code, reason: said.reason, outcome: said.outcome };
}

/** Each door in turn. */
function clientsOf(t: TestContext, ports = service): readonly [grpc: Client, connect: Client] {
  const [grpc, , connect] = createProtocolClients(t, ports);
  assert.ok(grpc && connect);
  return [grpc, connect];
}

function order(orderId: string) {
  return { case: "orderId", value: orderId } as const;
}

function create(client: Client, orderId: string, change: JsonObject = {}) {
  return client.call(createPayment, { orderId, amount: AMOUNT, requestId: `${orderId}-create`, ...change });
}

/** An intent that is paid at once. */
function pay(client: Client, orderId: string, change: JsonObject = {}): Promise<Outcome> {
  return create(client, orderId, { mode: PaymentMode.INTENT, paymentMethod: "pm_card_visa", ...change });
}

/** Repeats a request until the service no longer says that its outcome is being found out. A retry waits for REQUEST_WAIT_MS by itself. */
async function insist(call: () => Promise<Outcome>): Promise<JsonObject> {
  for (let answers = 0; answers < ANSWERS_MAX; answers += 1) {
    const outcome = await call();
    if (!outcome.error) return paymentOf(outcome);
    const { reason } = refusedWith(outcome);
    assert.ok(["PROVIDER_OUTCOME_UNKNOWN", "REQUEST_IN_FLIGHT"].includes(reason), reason);
  }
  throw new Error("the outcome was never found out");
}

interface StreamEvent {
  readonly type: string;
  readonly version: number;
  readonly status: string;
}

function eventsOf(orderId: string): StreamEvent[] {
  return recorder.messages.flatMap(({ subject, body }) => {
    const event = JSON.parse(body) as { orderId: string; version: number; status: string };
    return event.orderId === orderId ? [{ type: subject, version: event.version, status: event.status }] : [];
  });
}

/** Waits for an event of an order; gives the types of all of them, in the order of their versions. */
async function told(orderId: string, type: string): Promise<string[]> {
  await recorder.until(() => eventsOf(orderId).some((event) => event.type === type));
  const events = eventsOf(orderId);
  assert.deepEqual(
    events.map(({ version }) => version),
    events.map((_, index) => index + 1),
  );
  return events.map((event) => event.type);
}

function sessionOf(outcome: Outcome): string {
  return textOf(bodyOf(outcome)["checkout"] as JsonObject, "sessionId");
}

describe("a checkout on Stripe", () => {
  it("is paid on its page, and the webhook moves the payment; then it is refunded in parts", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("checkout");
    const created = await create(grpc, orderId);
    const { url } = bodyOf(created)["checkout"] as { url: string };
    assert.ok(url.startsWith(gateway.url.replace("127.0.0.1", "localhost")) || url.startsWith(gateway.url), url);
    // The page's own call, with a card's number as the customer types it.
    const paid = await fetch(`${url}/pay`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(CARD),
    });
    assert.equal(paid.status, 200);
    assert.deepEqual(await told(orderId, "payment.succeeded"), ["payment.created", "payment.succeeded"]);
    const part = { payment: order(orderId), amount: { currency: "EUR", minor: 1n } };
    const first = await connect.call(refundPayment, { ...part, requestId: `${orderId}-part` });
    assert.equal(paymentOf(first)["status"], "PAYMENT_STATUS_PARTIALLY_REFUNDED");
    const rest = await grpc.call(refundPayment, { payment: order(orderId), requestId: `${orderId}-rest` });
    assert.equal(paymentOf(rest)["status"], "PAYMENT_STATUS_REFUNDED");
    const more = await grpc.call(refundPayment, { ...part, requestId: `${orderId}-more` });
    assert.deepEqual(refusedWith(more), {
      code: "failed_precondition",
      reason: "REFUND_EXCEEDS_CAPTURED",
      outcome: "NOT_ATTEMPTED",
    });
    const { capturedMinor, refundedMinor, charges, refunds } = (await gateway.journal()).orders.get(orderId) ?? {};
    assert.deepEqual(
      { capturedMinor, refundedMinor, charges, refunds },
      { capturedMinor: 1999n, refundedMinor: 1999n, charges: 1, refunds: 2 },
    );
  });

  it("says that it is not paid while it is not, and cannot be paid once it is canceled", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("abandoned");
    const sessionId = sessionOf(await create(connect, orderId));
    const complete = { payment: order(orderId), requestId: `${orderId}-complete` };
    assert.equal(refusedWith(await grpc.call(completePayment, complete)).reason, "PAYMENT_NOT_PAID");
    const canceled = await connect.call(cancelPayment, { payment: order(orderId), requestId: `${orderId}-cancel` });
    assert.equal(paymentOf(canceled)["status"], "PAYMENT_STATUS_CANCELED");
    assert.equal(await gateway.pay(sessionId), false);
    assert.deepEqual(await told(orderId, "payment.cancelled"), ["payment.created", "payment.cancelled"]);
  });

  it("is declined on its page, and stays open for another card", async (t) => {
    const [grpc] = clientsOf(t);
    const orderId = newOrder("declined");
    const sessionId = sessionOf(await create(grpc, orderId));
    await gateway.pay(sessionId, "pm_card_chargeDeclinedInsufficientFunds");
    await told(orderId, "payment.attempt_failed");
    assert.equal(await gateway.pay(sessionId), true);
    const types = await told(orderId, "payment.succeeded");
    assert.deepEqual(types, ["payment.created", "payment.attempt_failed", "payment.succeeded"]);
  });
});

describe("an intent on Stripe", () => {
  it("waits for the cardholder, who approves", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("approved");
    const created = paymentOf(await pay(grpc, orderId, { paymentMethod: "pm_card_authenticationRequired" }));
    assert.equal(created["status"], "PAYMENT_STATUS_REQUIRES_ACTION");
    await gateway.authenticate(textOf(created, "providerReference"), true);
    assert.deepEqual(await told(orderId, "payment.succeeded"), [
      "payment.created",
      "payment.requires_action",
      "payment.succeeded",
    ]);
    const status = bodyOf(await connect.call(getPaymentStatus, { payment: order(orderId) }));
    assert.equal(status["status"], "PAYMENT_STATUS_SUCCEEDED");
  });

  it("waits for the cardholder, who refuses, and fails", async (t) => {
    const [grpc] = clientsOf(t);
    const orderId = newOrder("refused");
    const created = paymentOf(await pay(grpc, orderId, { paymentMethod: "pm_card_authenticationRequired" }));
    await gateway.authenticate(textOf(created, "providerReference"), false);
    assert.deepEqual(await told(orderId, "payment.failed"), [
      "payment.created",
      "payment.requires_action",
      "payment.failed",
    ]);
  });

  it("is disputed, and the dispute is lost", async (t) => {
    const [grpc] = clientsOf(t);
    const orderId = newOrder("disputed");
    const intent = textOf(paymentOf(await pay(grpc, orderId)), "providerReference");
    await gateway.control(`payment_intents/${intent}/dispute`, {});
    await told(orderId, "payment.dispute_opened");
    const [dispute] = (await gateway.stripe.disputes.list({ payment_intent: intent })).data;
    await gateway.control(`disputes/${dispute?.id}/settle`, { status: "lost" });
    assert.deepEqual(await told(orderId, "payment.dispute_closed"), [
      "payment.created",
      "payment.succeeded",
      "payment.dispute_opened",
      "payment.dispute_closed",
    ]);
    const [row] = await service.query<{ id: string }>("select id from payment where order_id = $1", [orderId]);
    const payment = paymentOf(await grpc.call(getPayment, { paymentId: `payment_${row?.id}` }));
    assert.equal(payment["disputeStatus"], "DISPUTE_STATUS_LOST");
    assert.equal(payment["status"], "PAYMENT_STATUS_SUCCEEDED");
  });
});

describe("trouble with Stripe", () => {
  it("that answers too late is asked again under the same key, and pays once", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("slow");
    const metadata = { gateway_fault: `create:delay=${PROVIDER_TIMEOUT_MS * 5}` };
    const answers = await Promise.all([grpc, connect].map((client) => pay(client, orderId, { metadata })));
    for (const answer of answers) assert.equal(paymentOf(answer)["status"], "PAYMENT_STATUS_SUCCEEDED");
    assert.equal((await gateway.journal()).orders.get(orderId)?.charges, 1);
  });

  it("that fails after it charged is unknown, is found out, and the retry gets the answer", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("failing");
    const metadata = { gateway_fault: "create:error_after" };
    assert.deepEqual(refusedWith(await pay(grpc, orderId, { metadata })), {
      code: "unavailable",
      reason: "PROVIDER_OUTCOME_UNKNOWN",
      outcome: "UNKNOWN",
    });
    const payment = await insist(() => pay(connect, orderId, { metadata }));
    assert.equal(payment["status"], "PAYMENT_STATUS_SUCCEEDED");
    assert.equal((await gateway.journal()).orders.get(orderId)?.charges, 1);
  });

  it("that has too much to do is an error that says that nothing was done, and the retry pays", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("busy");
    // As often as one call tries.
    await gateway.control("faults", { operation: "create", fault: "error", times: 3 });
    assert.deepEqual(refusedWith(await pay(connect, orderId)), {
      code: "unavailable",
      reason: "PROVIDER_ERROR",
      outcome: "NOT_ATTEMPTED",
    });
    assert.equal(paymentOf(await pay(grpc, orderId))["status"], "PAYMENT_STATUS_SUCCEEDED");
  });

  it("that is away is an error that says that nothing was done, and the retry pays once it is back", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("away");
    await gateway.kill();
    assert.deepEqual(refusedWith(await pay(grpc, orderId)), {
      code: "unavailable",
      reason: "PROVIDER_ERROR",
      outcome: "NOT_ATTEMPTED",
    });
    await gateway.start();
    assert.equal(paymentOf(await pay(connect, orderId))["status"], "PAYMENT_STATUS_SUCCEEDED");
  });

  it("that stops in the middle of a call leaves the outcome unknown until it goes on", async (t) => {
    const [grpc, connect] = clientsOf(t);
    const orderId = newOrder("stopped");
    // A call before it, so that a connection is open: whether the next request arrived cannot be known then.
    await pay(grpc, newOrder("before"));
    gateway.signal("SIGSTOP");
    const first = await pay(connect, orderId);
    gateway.signal("SIGCONT");
    assert.equal(refusedWith(first).reason, "PROVIDER_OUTCOME_UNKNOWN");
    const payment = await insist(() => pay(grpc, orderId));
    assert.equal(payment["status"], "PAYMENT_STATUS_SUCCEEDED");
    assert.equal((await gateway.journal()).orders.get(orderId)?.charges, 1);
  });

  it("that was away is asked about all that waits for it as soon as one call finds it back", async (t) => {
    const [grpc, connect] = clientsOf(t);
    await pay(grpc, newOrder("before"));
    const timesAway = service.logged.filter(({ msg }) => msg === AWAY).length;
    gateway.signal("SIGSTOP");
    const orders = Array.from({ length: 6 }, () => newOrder("waiting"));
    const first = await Promise.all(orders.map((orderId) => pay(connect, orderId)));
    assert.ok(first.map((each) => refusedWith(each).reason).includes("PROVIDER_OUTCOME_UNKNOWN"));
    await service.awaitLog(AWAY, timesAway + 1);
    // As after hours in vain, and longer than this test could wait.
    const waiting = await service.query<{ order: string }>(`
      update provider_operation o set next_attempt_at = now() + interval '1 hour', attempts = o.attempts + 5
      from payment p where p.id = o.payment_id and o.state = 'UNKNOWN' returning p.order_id as "order"`);
    assert.ok(waiting.length > 0);
    gateway.signal("SIGCONT");
    while ((await pay(grpc, newOrder("finder"))).error) await delay(FINDER_PAUSE_MS);
    for (const { order: orderId } of waiting) {
      const payment = await insist(() => pay(connect, orderId));
      assert.equal(payment["status"], "PAYMENT_STATUS_SUCCEEDED");
      assert.equal((await gateway.journal()).orders.get(orderId)?.charges, 1);
    }
  });

  for (const [what, key] of [
    ["does not know", `sk_test_${"unknown".repeat(40)}`],
    ["no longer takes", "sk_test_revokedCanary7dc"],
  ] as const) {
    it(`that ${what} the key is an error that tells neither the key nor an internal fault`, async (t) => {
      const mistaken = await ServiceProcess.start({
        ...stripeSettings(gateway.url, webhookSecret),
        ...SETTINGS,
        STRIPE_SECRET_KEY: key,
        DATABASE_URL: service.databaseUrl,
        NATS_URL: service.natsUrl,
      });
      t.after(() => mistaken.remove());
      for (const client of clientsOf(t, mistaken)) {
        const outcome = await pay(client, newOrder("key"));
        assert.deepEqual(refusedWith(outcome), {
          code: "unavailable",
          reason: "PROVIDER_ERROR",
          outcome: "NOT_ATTEMPTED",
        });
        assert.ok(!JSON.stringify(outcome).includes(key.slice(8, -4)), outcome.error?.message ?? "");
      }
      assert.equal(mistaken.logged.filter(({ msg }) => msg === "stripe refuses the key").length, 1);
      assert.ok(!mistaken.said.includes(key.slice(8, -4)));
    });
  }
});

describe("the service's log", () => {
  it("holds no key, no signing secret, no client secret, no signature and no card", () => {
    const secrets = [STRIPE_KEY, webhookSecret, CARD.number, "_secret_", "v1="];
    // Parts of them as well: a masked key or the middle of one would tell too much.
    const parts = [STRIPE_KEY.slice(8, 24), webhookSecret.slice(6, 22), CARD.number.slice(0, 12)];
    const lines = service.said.split("\n");
    assert.ok(lines.length > 50, "the log was kept");
    for (const secret of [...secrets, ...parts]) {
      const found = lines.find((line) => line.replaceAll(/"time":\d+/g, "").includes(secret));
      assert.equal(found, undefined, `${secret} is in the log`);
    }
    assert.equal(
      lines.find((line) => WRITTEN_CVC.test(line)),
      undefined,
      "the card's code is in the log",
    );
    assert.deepEqual(
      service.logged.filter(({ level }) => level >= 50).map(({ msg }) => msg),
      [],
    );
  });
});
