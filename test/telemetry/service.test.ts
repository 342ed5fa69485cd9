// Metrics and traces of the service as it is run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { OtlpReceiver } from "./otlp-receiver.ts";

const CALLER = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

test("a payment that is created over REST is in /metrics, and is one trace to the event; stopping sends what is left", async (t) => {
  const receiver = new OtlpReceiver();
  const endpoint = await receiver.listen();
  t.after(() => receiver.close());
  const service = await ServiceProcess.start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  t.after(() => service.remove());
  const url = `http://127.0.0.1:${service.http.port}`;
  const answer = await fetch(`${url}/v1/payments/session`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01` },
    body: JSON.stringify({
      orderId: "order-1",
      currency: "usd",
      customerId: "customer-1",
      items: [{ name: "Book", price: 19.99, quantity: 1 }],
    }),
  });
  assert.equal(answer.status, 201, await answer.text());
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^payment_payments_total\{provider="mock",outcome="created"\} 1$/m);
  assert.match(metrics, /^payment_http_seconds_count\{method="POST",status="201"\} 1$/m);
  assert.match(metrics, /^payment_outbox_lag_seconds /m);
  assert.equal((await service.stop()).code, 0);
  const trace = receiver.spans.filter(({ traceId }) => traceId === CALLER.traceId);
  const parents = new Map(trace.map(({ spanId, name }) => [spanId, name]));
  const under = new Map(trace.map(({ name, parentSpanId }) => [name, parents.get(parentSpanId ?? "")]));
  assert.equal(under.get("payment create"), "http POST");
  assert.equal(under.get("sql begin-create"), "payment create");
  assert.equal(under.get("provider create"), "payment create");
  assert.equal(under.get("publish payment.created"), "payment create");
});
