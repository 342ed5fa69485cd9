// What Prometheus is told, after calls at real doors on a real database.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { refuse } from "../../src/domain/error.ts";
import { printEvent } from "../../src/gateway/direct.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { Count, Times } from "../../src/telemetry/series.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { noTracing } from "../../src/telemetry/tracing.ts";
import { WEBHOOK_SECRET } from "../app/open-service.ts";
import { createProtocolClients, type Outcome } from "../support/clients.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { type Observed, openObserved } from "./open-observed.ts";

const { createPayment, refundPayment, getPayment } = PaymentService.method;

/** Above 2^53 in all: 9,007,199,254,740,993 is the first number that a double cannot hold. */
const LARGE = 9_007_199_254_740_993n;

function create(orderId: string, paymentMethod: string, minor = 1_999n) {
  return {
    orderId,
    amount: { currency: "EUR", minor },
    mode: PaymentMode.INTENT,
    paymentMethod,
    requestId: `create-${orderId}`,
  };
}

function valueOf(lines: readonly string[], ...labels: string[]): number | undefined {
  const line = lines.find((each) => labels.every((label) => each.includes(label)));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

function clientOf(observed: Observed, t: Parameters<typeof createProtocolClients>[0]) {
  const [grpc] = createProtocolClients(t, observed);
  if (!grpc) throw new Error("there is no client of gRPC");
  return grpc;
}

function assertAnswered(outcome: Outcome): void {
  assert.equal(outcome.error, undefined, JSON.stringify(outcome.error));
}

test("payments, money, refusals, calls and the gateway are counted by what became of them", async (t) => {
  const observed = await openObserved(t);
  const client = clientOf(observed, t);
  assertAnswered(await client.call(createPayment, create("order-1", "pm_card_visa")));
  assertAnswered(await client.call(createPayment, create("order-2", "pm_card_visa_chargeDeclined")));
  const refund = { amount: { currency: "EUR", minor: 500n }, requestId: "refund-1" };
  assertAnswered(await client.call(refundPayment, { payment: { case: "orderId", value: "order-1" }, ...refund }));
  const refused = await client.call(refundPayment, {
    payment: { case: "orderId", value: "order-1" },
    amount: { currency: "EUR", minor: 5_000n },
    requestId: "refund-2",
  });
  assert.equal(refused.error?.code, "failed_precondition");
  const invalid = await client.call(getPayment, { paymentId: "no id" });
  assert.equal(invalid.error?.code, "invalid_argument");

  const payments = await observed.samples("payment_payments_total");
  assert.equal(valueOf(payments, 'outcome="created"'), 2);
  assert.equal(valueOf(payments, 'outcome="succeeded"', 'provider="mock"'), 1);
  assert.equal(valueOf(payments, 'outcome="failed"'), 1);
  assert.equal(valueOf(await observed.samples("payment_success_ratio")), 0.5);
  const volume = await observed.samples("payment_volume_minor_total");
  assert.equal(valueOf(volume, 'currency="EUR"', 'kind="captured"'), 1_999);
  assert.equal(valueOf(volume, 'currency="EUR"', 'kind="refunded"'), 500);
  const errors = await observed.samples("payment_errors_total");
  assert.equal(valueOf(errors, 'reason="CARD_DECLINED"'), 1);
  assert.equal(valueOf(errors, 'reason="REFUND_EXCEEDS_CAPTURED"'), 1);
  assert.equal(valueOf(errors, 'reason="INVALID_ARGUMENT"'), 1);
  const calls = await observed.samples("payment_rpc_seconds_count");
  assert.equal(valueOf(calls, 'method="CreatePayment"', 'code="ok"', 'door="grpc"'), 2);
  assert.equal(valueOf(calls, 'method="RefundPayment"', 'code="failed_precondition"'), 1);
  const gateway = await observed.samples("payment_gateway_seconds_count");
  assert.equal(valueOf(gateway, 'provider="mock"', 'operation="create"', 'outcome="done"'), 2);
  assert.equal(valueOf(gateway, 'operation="refund"'), 1);
  const actions = await observed.samples("payment_processing_seconds_count");
  assert.equal(valueOf(actions, 'action="refund"', 'outcome="ok"'), 1);
  assert.equal(valueOf(actions, 'action="refund"', 'outcome="REFUND_EXCEEDS_CAPTURED"'), 1);
});

test("webhooks are counted by state, and those that nobody signed as refused", async (t) => {
  const observed = await openObserved(t);
  const client = clientOf(observed, t);
  assertAnswered(await client.call(createPayment, create("order-1", "pm_card_visa")));
  const event = observed.service.events.find(({ type }) => type === "payment_intent.succeeded");
  assert.ok(event);
  const url = `http://127.0.0.1:${observed.http.port}/v1/payments/webhook`;
  const body = printEvent(event);
  const headers = { "stripe-signature": stripeSignature(body, WEBHOOK_SECRET, new Date(observed.service.time)) };
  assert.equal((await fetch(url, { method: "POST", body, headers })).status, 200);
  assert.equal((await fetch(url, { method: "POST", body, headers: { "stripe-signature": "t=1,v1=00" } })).status, 400);
  const webhooks = await observed.samples("payment_webhooks_total");
  assert.equal(valueOf(webhooks, 'provider="mock"', 'state="inert"'), 1);
  assert.equal(valueOf(webhooks, 'state="refused"'), 1);
  const requests = await observed.samples("payment_http_seconds_count");
  assert.equal(valueOf(requests, 'method="POST"', 'status="400"'), 1);
});

test("each of the five that document 002 wants watched is named by a HELP line, and the process is watched, too", async (t) => {
  const observed = await openObserved(t);
  const answer = await fetch(`http://127.0.0.1:${observed.http.port}/metrics`);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  const names = [
    "Payment success rate",
    "Average processing time",
    "Error rates by type",
    "Transaction volume",
    "Gateway response times",
  ];
  for (const name of names) assert.match(text, new RegExp(`^# HELP \\w+ ${name}`, "m"));
  assert.match(text, /^nodejs_eventloop_lag_seconds /m);
  assert.equal((await fetch(`http://127.0.0.1:${observed.http.port}/metrics`, { method: "POST" })).status, 405);
});

test("the outbox is looked at when somebody asks, and an outbox that is away keeps nobody waiting", async () => {
  const now = new Date("2026-11-01T12:00:00Z");
  const metrics = new Metrics({ process: false, now: () => now });
  const oldestCreatedAt = new Date("2026-11-01T11:59:30Z");
  const looks = [
    async () => ({ events: 7, oldestCreatedAt, leads: true }),
    (): Promise<never> => new Promise(() => {}),
    async () => ({ events: 0, oldestCreatedAt: null, leads: false }),
  ];
  metrics.watchOutbox(() => looks.shift()?.() ?? Promise.reject(new Error("looked at too often")));
  const first = await metrics.registry.metrics();
  assert.match(first, /^payment_outbox_events 7$/m);
  assert.match(first, /^payment_outbox_lag_seconds 30$/m);
  assert.match(first, /^payment_relay_leads 1$/m);
  const away = await metrics.registry.metrics();
  assert.match(away, /^payment_outbox_seen 0$/m);
  assert.match(away, /^payment_outbox_events 7$/m);
  assert.match(await metrics.registry.metrics(), /^payment_outbox_lag_seconds 0$/m);
});

test("amounts are added exactly, above 2^53 as well", async () => {
  const registry = new Registry();
  const volume = new Count(registry, { name: "volume", help: "of money", labels: ["currency"] });
  volume.addAmount(["JPY"], LARGE);
  // One by one: as doubles, the large one would swallow each of them.
  for (let each = 0; each < 1_000; each += 1) volume.addAmount(["JPY"], 1n);
  const rounded = Number(LARGE + 1_000n);
  assert.match(await registry.metrics(), new RegExp(`^volume\\{currency="JPY"\\} ${rounded}$`, "m"));
});

test("a metric has a bounded number of series: what is beyond counts as other", async () => {
  const registry = new Registry();
  const times = new Times(registry, { name: "times", help: "of calls", labels: ["who", "what"] }, [1, 10]);
  for (let each = 0; each < 1_500; each += 1) times.observe([`caller-${each}`, "read"], 5);
  const text = await registry.metrics();
  assert.equal(text.match(/^times_count/gm)?.length, 1_001);
  assert.match(text, /^times_count\{who="other",what="other"\} 500$/m);
  assert.match(text, /^times_bucket\{who="caller-0",what="read",le="0.001"\} 0$/m);
  assert.match(text, /^times_bucket\{who="caller-0",what="read",le="0.01"\} 1$/m);
  assert.match(text, /^times_bucket\{who="caller-0",what="read",le="\+Inf"\} 1$/m);
  assert.match(text, /^times_sum\{who="caller-0",what="read"\} 0.005$/m);
});

test("a refusal that several pass on is counted once", async () => {
  const telemetry = new Telemetry(new Metrics({ process: false, now: () => new Date() }), noTracing);
  const { error } = refuse("PAYMENT_NOT_FOUND", "there is none");
  telemetry.countRefusal(error);
  telemetry.countRefusal(error);
  assert.match(await telemetry.metrics.registry.metrics(), /payment_errors_total\{reason="PAYMENT_NOT_FOUND"\} 1$/m);
});
