// One request id is one request, however many times and through whichever doors it comes.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createProtocolClients, type Outcome, saidOf } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";

const { createPayment } = PaymentService.method;
const COPIES = 100;
/** Shorter than the gateway's delay, so that copies are told to come back. */
const WAIT_MS = 200;
const GATEWAY_DELAY_MS = 1_000;
const PAUSE_MS = 50;

const service = await ServiceProcess.start({ REQUEST_WAIT_MS: String(WAIT_MS) });
after(() => service.remove());

interface Request {
  readonly orderId: string;
  readonly amount: { readonly currency: string; readonly minor: bigint };
  readonly mode: PaymentMode;
  readonly paymentMethod: string;
  readonly metadata: Record<string, string>;
  readonly requestId: string;
}

interface Answered {
  readonly outcome: Outcome;
  /** How often the caller was told that the first call is under way. */
  readonly toldInFlight: number;
}

/** Comes back for as long as the first call is under way. */
async function callUntilAnswered(client: Client, request: Request): Promise<Answered> {
  for (let toldInFlight = 0; ; toldInFlight += 1) {
    const outcome = await client.call(createPayment, request);
    if (!outcome.error || saidOf(outcome.error)?.reason !== "REQUEST_IN_FLIGHT") return { outcome, toldInFlight };
    assert.equal(outcome.error.code, "aborted");
    assert.deepEqual(
      outcome.error.details.map(([type]) => type),
      ["ErrorInfo", "RetryInfo"],
    );
    await delay(PAUSE_MS);
  }
}

function copiesOf(request: Request, clients: readonly Client[]): Promise<Answered[]> {
  const calls = Array.from({ length: COPIES }, (_, index) => clients[index % clients.length] as Client);
  return Promise.all(calls.map((client) => callUntilAnswered(client, request)));
}

async function assertTakenOnce(orderId: string, answered: readonly Answered[]): Promise<void> {
  const [first] = answered;
  assert.ok(first?.outcome.answer, JSON.stringify(first?.outcome.error));
  assert.equal(answered.length, COPIES);
  for (const { outcome } of answered) assert.deepEqual(outcome, first.outcome);
  const payments = await service.query("select status, captured_minor from payment where order_id = $1", [orderId]);
  assert.deepEqual(payments, [{ status: "SUCCEEDED", captured_minor: "1999" }]);
  const { orders, lines } = await service.journal();
  assert.partialDeepStrictEqual(orders.get(orderId), { charges: 1, capturedMinor: 1999n, refunds: 0 });
  const intents = lines.filter(({ metadata }) => metadata["order_id"] === orderId).map(({ intent }) => intent);
  assert.equal(new Set(intents).size, 1);
}

function requestOf(orderId: string, metadata: Record<string, string> = {}): Request {
  return {
    orderId,
    amount: { currency: "EUR", minor: 1999n },
    mode: PaymentMode.INTENT,
    paymentMethod: "pm_card_visa",
    metadata,
    requestId: `${orderId}-create`,
  };
}

test("100 copies of a request at once, over gRPC, gRPC-Web and Connect, take money once and get one answer", async (t) => {
  const clients = createProtocolClients(t, service);
  await assertTakenOnce("order-quick", await copiesOf(requestOf("order-quick"), clients));
});

test("copies that come while the first is long under way are told so, come back, and get its answer", async (t) => {
  const clients = createProtocolClients(t, service);
  const request = requestOf("order-slow", { gateway_fault: `create:delay=${GATEWAY_DELAY_MS}` });
  const answered = await copiesOf(request, clients);
  await assertTakenOnce("order-slow", answered);
  // All but the first and, on a machine that is busy, those that were sent after its answer.
  assert.ok(answered.filter(({ toldInFlight }) => toldInFlight > 0).length > COPIES / 2);
});

test("a request id with other parameters is refused through every door, and takes nothing", async (t) => {
  const clients = createProtocolClients(t, service);
  const request = requestOf("order-reused");
  const { outcome } = await callUntilAnswered(clients[0] as Client, request);
  const others: Request[] = [
    { ...request, amount: { currency: "EUR", minor: 2000n } },
    { ...request, orderId: "order-other" },
    { ...request, paymentMethod: "pm_card_mastercard" },
    { ...request, metadata: { note: "other" } },
  ];
  for (const client of clients) {
    for (const other of others) {
      const { error } = await client.call(createPayment, other);
      assert.equal(error?.code, "failed_precondition", client.name);
      const said = { reason: "REQUEST_ID_REUSED", outcome: "NOT_ATTEMPTED", domain: "payment.v1" };
      assert.deepEqual(error && saidOf(error), said, client.name);
    }
    assert.deepEqual(await client.call(createPayment, request), outcome, client.name);
  }
  const { orders } = await service.journal();
  assert.equal(orders.get("order-reused")?.charges, 1);
  assert.equal(orders.has("order-other"), false);
  assert.deepEqual(await service.query("select id from payment where order_id = 'order-other'"), []);
});
