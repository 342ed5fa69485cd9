// Two processes of the service on one database and one NATS, with the mock provider, share one gateway process: whatever one of them began, the other goes
// on with.
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createProtocolClients, type Outcome } from "../support/clients.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { StreamRecorder } from "../support/stream-recorder.ts";

const { createPayment, completePayment, refundPayment, getPaymentStatus } = PaymentService.method;
const AMOUNT = { currency: "EUR", minor: 4998n };

const gateway = await GatewayProcess.start();
after(() => gateway.remove());
const endpoint = await gateway.createEndpoint();
const shared = { GATEWAY_URL: gateway.url, GATEWAY_WEBHOOK_SECRET: endpoint.secret };
const first = await ServiceProcess.start(shared);
after(() => first.remove());
await first.awaitLog("relay leads");
const second = await ServiceProcess.start({ ...shared, DATABASE_URL: first.databaseUrl, NATS_URL: first.natsUrl });
after(() => second.remove());
const recorder = await StreamRecorder.open(await first.connectNats());
after(() => recorder.close());

/** A gRPC client of each process. */
function clientsOf(t: TestContext): readonly [first: Client, second: Client] {
  const [one, other] = [first, second].map((service) => createProtocolClients(t, service)[0]);
  assert.ok(one && other);
  return [one, other];
}

function paymentOf({ answer, error }: Outcome): JsonObject {
  assert.ok(answer, JSON.stringify(error));
  return (answer as { payment: JsonObject }).payment;
}

function order(orderId: string) {
  return { case: "orderId", value: orderId } as const;
}

async function movements(orderId: string) {
  const { charges, capturedMinor, refundedMinor } = (await gateway.journal()).orders.get(orderId) ?? {};
  return { charges, capturedMinor, refundedMinor };
}

test("a payment that one process created is completed and refunded through the other", async (t) => {
  const [one, other] = clientsOf(t);
  const orderId = "order-intent";
  const intent = { orderId, amount: AMOUNT, mode: PaymentMode.INTENT, requestId: "create" };
  const created = paymentOf(await one.call(createPayment, intent));
  // The same request through the other door of the same house.
  assert.equal(paymentOf(await other.call(createPayment, intent))["paymentId"], created["paymentId"]);
  const paid = paymentOf(await other.call(completePayment, { payment: order(orderId), requestId: "complete" }));
  assert.equal(paid["status"], "PAYMENT_STATUS_SUCCEEDED");
  const part = { payment: order(orderId), amount: { currency: "EUR", minor: 1998n }, requestId: "refund-part" };
  assert.equal(paymentOf(await other.call(refundPayment, part))["status"], "PAYMENT_STATUS_PARTIALLY_REFUNDED");
  const rest = { payment: order(orderId), requestId: "refund-rest" };
  assert.equal(paymentOf(await one.call(refundPayment, rest))["status"], "PAYMENT_STATUS_REFUNDED");
  assert.deepEqual(await movements(orderId), { charges: 1, capturedMinor: 4998n, refundedMinor: 4998n });
});

test("a checkout of one process is paid by a webhook that the other one gets", async (t) => {
  const [one, other] = clientsOf(t);
  await gateway.forward(endpoint, second);
  const orderId = "order-checkout";
  const created = await one.call(createPayment, { orderId, amount: AMOUNT });
  const { checkout } = created.answer as { checkout: { sessionId: string } };
  assert.equal(await gateway.pay(checkout.sessionId), true);
  await recorder.until((messages) =>
    messages.some(({ subject, body }) => subject === "payment.succeeded" && body.includes(orderId)),
  );
  const { answer } = await one.call(getPaymentStatus, { payment: order(orderId) });
  assert.equal((answer as JsonObject)["status"], "PAYMENT_STATUS_SUCCEEDED");
  const refunded = paymentOf(await other.call(refundPayment, { payment: order(orderId), requestId: "refund" }));
  assert.equal(refunded["status"], "PAYMENT_STATUS_REFUNDED");
  assert.deepEqual(await movements(orderId), { charges: 1, capturedMinor: 4998n, refundedMinor: 4998n });
});

test("what a process that is killed began is finished by the one that goes on", async (t) => {
  const [one, other] = clientsOf(t);
  const orderId = "order-killed";
  const pay = {
    orderId,
    amount: AMOUNT,
    mode: PaymentMode.INTENT,
    paymentMethod: "pm_card_visa",
    metadata: { gateway_fault: "create:delay=60000" },
    requestId: "killed",
  };
  const broken = other.call(createPayment, pay);
  await gateway.untilJournal(({ orders }) => orders.has(orderId));
  await second.kill();
  assert.ok((await broken).error);
  await gateway.forward(endpoint, first);
  // Its webhook, or else recovery; the caller only has to come back.
  await recorder.until((messages) =>
    messages.some(({ subject, body }) => subject === "payment.succeeded" && body.includes(orderId)),
  );
  const { answer } = await one.call(getPaymentStatus, { payment: order(orderId) });
  assert.equal((answer as JsonObject)["status"], "PAYMENT_STATUS_SUCCEEDED");
  assert.equal((await movements(orderId)).charges, 1);
});
