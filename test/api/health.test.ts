import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { loadPackage, type Ports } from "../support/clients.ts";
import { openPorts } from "./ports.ts";

const SERVICE = "payment.v1.PaymentService";

function transports(ports: Ports): Transport[] {
  return [ports.grpc, ports.http].map(({ port }) => createGrpcTransport({ baseUrl: `http://localhost:${port}` }));
}

test("both ports say whether the service may be called, and for what they do not know, so", async (t) => {
  const ports = await openPorts(t);
  for (const transport of transports(ports)) {
    const client = createClient(Health, transport);
    for (const service of ["", SERVICE]) assert.equal((await client.check({ service })).status, Status.SERVING);
    await assert.rejects(client.check({ service: "other" }), { code: 5 });
    ports.health.setServing(false);
    assert.equal((await client.check({ service: SERVICE })).status, Status.NOT_SERVING);
    assert.deepEqual(Object.keys((await client.list({})).statuses), ["", SERVICE]);
    ports.health.setServing(true);
  }
});

test("a watcher on either port hears each change, and is let go when the port stops", async (t) => {
  const ports = await openPorts(t, { stopTimeoutMs: 20_000 });
  for (const [index, transport] of transports(ports).entries()) {
    const watch = createClient(Health, transport).watch({ service: SERVICE })[Symbol.asyncIterator]();
    const next = async () => ((await watch.next()) as { value?: { status: Status } }).value?.status;
    assert.equal(await next(), Status.SERVING);
    ports.health.setServing(false);
    assert.equal(await next(), Status.NOT_SERVING);
    ports.health.setServing(true);
    assert.equal(await next(), Status.SERVING);
    const ended = watch.next();
    await [ports.grpc, ports.http][index]?.stop();
    assert.equal((await ended).done, true);
  }
});

test("a watcher made from the .proto file of health hears of the stop", async (t) => {
  const { grpc: port, health } = await openPorts(t, { stopTimeoutMs: 20_000 });
  const loaded = loadPackage("grpc/health/v1/health.proto") as never as {
    grpc: { health: { v1: { Health: grpc.ServiceClientConstructor } } };
  };
  const client = new loaded.grpc.health.v1.Health(`localhost:${port.port}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const watch = client["Watch"] as unknown as (request: unknown) => grpc.ClientReadableStream<{ status: string }>;
  const stream = watch.call(client, { service: "" });
  assert.equal(((await once(stream, "data")) as [{ status: string }])[0].status, "SERVING");
  health.setServing(false);
  assert.equal(((await once(stream, "data")) as [{ status: string }])[0].status, "NOT_SERVING");
  const ended = once(stream, "end");
  stream.resume();
  await Promise.all([port.stop(), ended]);
});

async function get(port: number, path: string) {
  const response = await fetch(`http://localhost:${port}${path}`);
  return {
    status: response.status,
    body: (await response.json()) as { status: string; checks: Record<string, { status: string; latencyMs: number }> },
  };
}

test("readiness names each check with its latency, and fails with a required one, without saying why", async (t) => {
  const state = { isDown: false, natsIsDown: false };
  const database = async () => {
    if (state.isDown) throw new Error("postgres://user:hunter2@db");
  };
  const nats = async () => {
    if (state.natsIsDown) throw new Error("no route to nats");
  };
  const ports = await openPorts(t, {
    checks: [
      { name: "database", required: true, check: database },
      { name: "nats", required: false, check: nats },
    ],
  });
  for (const [path, word] of [
    ["/health", "healthy"],
    ["/health/ready", "ready"],
  ] as const) {
    const { status, body } = await get(ports.http.port, path);
    assert.equal(status, 200);
    assert.equal(body.status, word);
    assert.deepEqual(Object.keys(body.checks), ["database", "nats"]);
    assert.ok(Number(body.checks["database"]?.latencyMs) >= 0);
  }
  state.natsIsDown = true;
  const degraded = await get(ports.http.port, "/health/ready");
  assert.deepEqual([degraded.status, degraded.body.checks["nats"]?.status], [200, "failing"], "calls go on without it");
  state.natsIsDown = false;
  state.isDown = true;
  const { status, body } = await get(ports.http.port, "/health/ready");
  assert.equal(status, 503);
  assert.equal(body.checks["database"]?.status, "failing");
  assert.equal(body.checks["nats"]?.status, "ok");
  assert.doesNotMatch(JSON.stringify(body), /hunter2/);
  assert.equal((await get(ports.http.port, "/health/live")).status, 200);
});

test("a check that hangs fails in bounded time, and is not started again while it runs", async (t) => {
  let runs = 0;
  const hang = async () => {
    runs += 1;
    await new Promise<never>(() => {});
  };
  const { http } = await openPorts(t, { checks: [{ name: "database", required: true, check: hang }] });
  const answers = await Promise.all([1, 2, 3].map(() => get(http.port, "/health/ready")));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 503, 503],
  );
  assert.equal(runs, 1);
});

test("a service that is starting or stopping is not ready, but lives", async (t) => {
  const { http, health } = await openPorts(t);
  health.setServing(false);
  const { status, body } = await get(http.port, "/health/ready");
  assert.equal(status, 503);
  assert.equal(body.status, "not_serving");
  assert.equal((await get(http.port, "/health/live")).status, 200);
});
