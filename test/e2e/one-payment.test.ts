// One payment through four doors: created over REST, completed over NATS, given back over gRPC, read over Connect-Web; and each of these calls made at
// all four doors at once, under one key, has one effect and one answer.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createClients } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";

const { createPayment, completePayment, refundPayment, getPaymentStatus } = PaymentService.method;
const ORDER = "123e4567-e89b-12d3-a456-426614174000";

type Body = Record<string, unknown>;
interface Answered {
  readonly payment: Record<string, unknown>;
  readonly checkout: { readonly sessionId: string };
  readonly refund: { readonly refundId: string };
}

let service: ServiceProcess;
let nats: NatsConnection | undefined;
before(async () => {
  service = await ServiceProcess.start();
  nats = await service.connectNats();
});
after(async () => {
  await nats?.close();
  await service.remove();
});

async function overRest(path: string, body: Body | null, key: string): Promise<Body> {
  const response = await fetch(`http://localhost:${service.http.port}/v1/payments/${path}`, {
    method: "POST",
    headers: { "idempotency-key": key, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${path} ${response.status}`);
  return (await response.json()) as Body;
}

async function overNats(subject: string, body: Body, requestId: string): Promise<Body> {
  const reply = await (nats as NatsConnection).request(subject, JSON.stringify({ ...body, requestId }), {
    timeout: 10_000,
  });
  return reply.json<Body>();
}

function answerOf(outcome: Awaited<ReturnType<Client["call"]>>): Answered {
  assert.ok(outcome.answer, JSON.stringify(outcome.error));
  return outcome.answer as unknown as Answered;
}

describe("one payment, each call at four doors at once under one key,", () => {
  it("is created once, completed once, given back once, and told alike", async (t) => {
    const clients = createClients(t, service);
    const grpc = clients.find(({ name }) => name.includes("grpc-js")) as Client;
    const web = clients.find(({ name }) => name.includes("connect-web")) as Client;
    const session = {
      orderId: ORDER,
      currency: "usd",
      items: [{ name: "Premium T-shirt", price: 25.99, quantity: 2 }],
    };
    const items = [{ name: "Premium T-shirt", unitPrice: { currency: "USD", minor: 2_599n }, quantity: 2 }];
    const creation = { orderId: ORDER, items, requestId: "create-1" };
    const [rest, message, call, page] = await Promise.all([
      overRest("session", session, "create-1"),
      overNats("create.payment.session", session, "create-1"),
      grpc.call(createPayment, creation),
      web.call(createPayment, creation),
    ]);
    assert.deepEqual(message, rest);
    assert.deepEqual(answerOf(page), answerOf(call));
    assert.equal(answerOf(call).checkout.sessionId, rest["paymentSessionId"]);

    const key = { payment: { case: "orderId", value: ORDER } } as const;
    const [completedNats, completedRest, completedGrpc, completedWeb] = await Promise.all([
      overNats("complete.payment", { orderId: ORDER }, "complete-1"),
      overRest(`complete/order/${ORDER}`, null, "complete-1"),
      grpc.call(completePayment, { ...key, requestId: "complete-1" }),
      web.call(completePayment, { ...key, requestId: "complete-1" }),
    ]);
    assert.deepEqual(completedNats, completedRest);
    assert.deepEqual(answerOf(completedWeb), answerOf(completedGrpc));
    assert.equal(answerOf(completedGrpc).payment["paymentId"], completedRest["paymentId"]);

    const refund = { orderId: ORDER, amount: 50.0, reason: "customer_request" };
    const asked = {
      ...key,
      amount: { currency: "USD", minor: 5_000n },
      reason: "customer_request",
      requestId: "refund-1",
    };
    const [backGrpc, backRest, backNats, backWeb] = await Promise.all([
      grpc.call(refundPayment, asked),
      overRest("refund/order", refund, "refund-1"),
      overNats("process.refund.by.order", refund, "refund-1"),
      web.call(refundPayment, asked),
    ]);
    assert.deepEqual(backNats, backRest);
    assert.deepEqual(answerOf(backWeb), answerOf(backGrpc));
    assert.equal(answerOf(backGrpc).refund.refundId, backRest["refundId"]);

    const read = (await web.call(getPaymentStatus, key)).answer as Body;
    assert.equal(read["status"], "PAYMENT_STATUS_PARTIALLY_REFUNDED");
    const totals = (await service.journal()).orders.get(ORDER);
    assert.deepEqual(
      [totals?.charges, totals?.capturedMinor, totals?.refunds, totals?.refundedMinor],
      [1, 5_198n, 1, 5_000n],
    );
    const events = await service.query<{ type: string }>("select type from payment_event order by version");
    assert.deepEqual(
      events.map(({ type }) => type),
      ["payment.created", "payment.succeeded", "payment.refunded"],
    );
  });
});
