// One trace for one call: from the door through the use case, SQL and the provider to the message on the stream.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { openTracing } from "../../src/telemetry/otlp-tracing.ts";
import type { Tracing } from "../../src/telemetry/tracing.ts";
import { connectGrpcJs } from "../support/clients.ts";
import { startNatsServer } from "../support/nats-server.ts";
import { StreamRecorder } from "../support/stream-recorder.ts";
import { openObserved } from "./open-observed.ts";
import { OtlpReceiver, type ReceivedSpan } from "./otlp-receiver.ts";

const CALLER = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const TRACEPARENT = `00-${CALLER.traceId}-${CALLER.spanId}-01`;

async function openCollector(t: TestContext): Promise<{ receiver: OtlpReceiver; tracing: Tracing }> {
  const receiver = new OtlpReceiver();
  const endpoint = await receiver.listen();
  t.after(() => receiver.close());
  const tracing = openTracing({ endpoint, serviceName: "payment-service", sampleRatio: 1, exportDelayMs: 50 });
  return { receiver, tracing };
}

/** The span of a name, which is one, and its parent's name. */
function find(spans: readonly ReceivedSpan[], name: string): ReceivedSpan & { readonly under: string | undefined } {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `there are ${found.length} spans ${name}`);
  const [span] = found as [ReceivedSpan];
  return { ...span, under: spans.find(({ spanId }) => spanId === span.parentSpanId)?.name };
}

test("a create over gRPC is one trace, from the caller's span to the event on the stream", async (t) => {
  const nats = await startNatsServer();
  t.after(() => nats.stop());
  const { receiver, tracing } = await openCollector(t);
  const observed = await openObserved(t, { tracing, natsUrl: nats.url });
  const client = connectGrpcJs(t, observed.grpc.port);
  const metadata = new Metadata();
  metadata.set("traceparent", TRACEPARENT);
  const answered = Promise.withResolvers<{ payment: { paymentId: string } }>();
  const createPayment = (client["CreatePayment"] as (...call: unknown[]) => unknown).bind(client);
  createPayment(
    {
      orderId: "order-1",
      amount: { currency: "EUR", minor: "1999" },
      mode: "PAYMENT_MODE_INTENT",
      paymentMethod: "pm_card_visa",
      customerEmail: "canary@example.com",
      requestId: "create-1",
    },
    metadata,
    (error: Error | null, answer: { payment: { paymentId: string } }) =>
      error ? answered.reject(error) : answered.resolve(answer),
  );
  const { payment } = await answered.promise;

  const wanted = ["rpc CreatePayment", "publish payment.created", "publish payment.succeeded"];
  const spans = await receiver.until((seen) => wanted.every((name) => seen.some((span) => span.name === name)));
  const trace = spans.filter(({ traceId }) => traceId === CALLER.traceId);
  const rpc = find(trace, "rpc CreatePayment");
  assert.equal(rpc.parentSpanId, CALLER.spanId);
  assert.equal(rpc.attributes["rpc.method"], "CreatePayment");
  assert.equal(rpc.attributes["rpc.response.status_code"], "ok");
  const action = find(trace, "payment create");
  assert.equal(action.under, "rpc CreatePayment");
  assert.equal(action.attributes["payment.outcome"], "ok");
  assert.equal(action.attributes["payment.id"], payment.paymentId);
  const begin = find(trace, "sql begin-create");
  assert.equal(begin.under, "payment create");
  assert.equal(begin.attributes["db.operation.batch.size"], 1);
  assert.equal(find(trace, "sql write-movement").under, "payment create");
  const provider = find(trace, "provider create");
  assert.equal(provider.under, "payment create");
  assert.equal(provider.attributes["payment.provider.outcome"], "done");
  assert.equal(find(trace, "publish payment.created").under, "payment create");
  assert.equal(find(trace, "publish payment.succeeded").under, "payment create");

  const recorder = await StreamRecorder.open(await nats.connect());
  t.after(() => recorder.close());
  const messages = await recorder.until((seen) => seen.length >= 2);
  const sent = find(trace, "publish payment.succeeded");
  const succeeded = messages.find(({ subject }) => subject === "payment.succeeded");
  assert.equal(succeeded?.headers.get("traceparent"), `00-${CALLER.traceId}-${sent.spanId}-01`);
  // The relay's own statements are nobody's call.
  assert.deepEqual(
    spans.filter(({ name }) => /sql (read-unpublished|mark-published)/.test(name)),
    [],
  );
  assert.doesNotMatch(receiver.text, /canary@example\.com|pm_card_visa/);
});

test("calls that share one statement each have it in their own trace", async (t) => {
  const { receiver, tracing } = await openCollector(t);
  const observed = await openObserved(t, { tracing });
  const url = `http://127.0.0.1:${observed.http.port}/payment.v1.PaymentService/CreatePayment`;
  const count = 12;
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          orderId: `order-${index}`,
          amount: { currency: "EUR", minor: "1999" },
          mode: "PAYMENT_MODE_INTENT",
          requestId: `create-${index}`,
        }),
      }),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const spans = await receiver.until(
    (seen) => seen.filter(({ name }) => name === "rpc CreatePayment").length === count,
  );
  const traces = Map.groupBy(spans, ({ traceId }) => traceId);
  assert.equal(traces.size, count);
  for (const trace of traces.values()) assert.equal(find(trace, "sql begin-create").under, "payment create");
  const sizes = spans
    .filter(({ name }) => name === "sql begin-create")
    .map(({ attributes }) => attributes["db.operation.batch.size"]);
  assert.ok(
    sizes.some((size) => Number(size) > 1),
    `no statement was shared: ${sizes.join()}`,
  );
});

test("a request over HTTP goes on in the caller's trace, also behind a body that is read by events", async (t) => {
  const { receiver, tracing } = await openCollector(t);
  const observed = await openObserved(t, {
    tracing,
    openRoutes: async () => (path) =>
      path === "/read"
        ? (request, response) => {
            request.on("data", () => {});
            // As frameworks read bodies.
            request.on("end", () => {
              void tracing.run("inside", { kind: "internal", attributes: {} }, async () => {
                response.writeHead(204);
                response.end();
              });
            });
          }
        : undefined,
  });
  const headers = { traceparent: TRACEPARENT };
  const answer = await fetch(`http://127.0.0.1:${observed.http.port}/read`, { method: "POST", body: "{}", headers });
  assert.equal(answer.status, 204);
  const spans = await receiver.until((seen) => seen.some(({ name }) => name === "http POST"));
  assert.equal(find(spans, "http POST").parentSpanId, CALLER.spanId);
  assert.equal(find(spans, "http POST").attributes["http.response.status_code"], 204);
  assert.equal(find(spans, "inside").under, "http POST");
});

test("requests that are made under a span bear its traceparent, and others none", async (t) => {
  const { receiver, tracing } = await openCollector(t);
  t.after(() => tracing.stop());
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers["traceparent"] as string | undefined);
    response.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await fetch(url);
  await tracing.run("provider create", { kind: "client", attributes: {} }, async () => {
    await fetch(url);
    await getByHttp(url);
  });
  const [span] = await receiver.until((spans) => spans.length === 1);
  const traceparent = `00-${span?.traceId}-${span?.spanId}-01`;
  assert.deepEqual(seen, [undefined, traceparent, traceparent]);
});

test("a span that has ended has no more children, whoever still carries it along", async (t) => {
  const { receiver, tracing } = await openCollector(t);
  t.after(() => tracing.stop());
  const later = Promise.withResolvers<void>();
  const left = Promise.withResolvers<string | null>();
  await tracing.run("call", { kind: "server", attributes: {}, traceparent: null }, async () => {
    void later.promise.then(() => {
      tracing.record("sql late", { attributes: {}, startedAt: Date.now(), endedAt: Date.now(), failed: false });
      left.resolve(tracing.traceparent());
    });
  });
  later.resolve();
  assert.equal(await left.promise, null);
  await tracing.stop();
  assert.deepEqual(
    receiver.spans.map(({ name }) => name),
    ["call"],
  );
});

test("a traceparent that cannot be read begins a trace of its own, and a collector that is away stops nobody", async () => {
  const tracing = openTracing({ endpoint: "http://127.0.0.1:9", serviceName: "x", sampleRatio: 1 });
  for (const traceparent of ["", "nonsense", `ff${TRACEPARENT.slice(2)}`, `00-${"0".repeat(32)}-${CALLER.spanId}-01`]) {
    const inside = await tracing.run("call", { kind: "server", attributes: {}, traceparent }, async () =>
      tracing.traceparent(),
    );
    assert.match(inside ?? "", /^00-[\da-f]{32}-[\da-f]{16}-01$/);
    assert.ok(!inside?.includes(CALLER.traceId));
  }
  await tracing.stop();
});

async function getByHttp(url: string): Promise<void> {
  const sent = httpRequest(url);
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
}
