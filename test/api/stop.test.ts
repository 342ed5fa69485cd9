import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { PaymentHandlers } from "../../src/api/handlers.ts";
import { accept } from "../../src/domain/error.ts";
import { CompletePaymentResponseSchema, PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createClients } from "../support/clients.ts";
import { openPorts } from "./ports.ts";

const request = { payment: { case: "orderId", value: "order-1" } } as const;

const NAMES = [
  "grpc-js, the gRPC port",
  "connect-node gRPC, h2c",
  "connect-node Connect, h2c",
  "connect-web Connect",
  "connect-web gRPC-Web",
];

/** A handler that begins, and answers when the test says so. */
function held() {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const completePayment: PaymentHandlers["completePayment"] = async () => {
    begun.resolve();
    await release.promise;
    return accept(create(CompletePaymentResponseSchema, { payment: { version: 2 } }));
  };
  return { begun: begun.promise, release: release.resolve, handlers: { completePayment } };
}

for (const name of NAMES) {
  test(`a call in flight finishes after the stop has begun, and nothing new is taken: ${name}`, async (t) => {
    const { begun, release, handlers } = held();
    const ports = await openPorts(t, { handlers, stopTimeoutMs: 20_000 });
    const client = createClients(t, ports).find((each) => each.name === name) as Client;
    const call = client.call(PaymentService.method.completePayment, request);
    await begun;
    const stopped = Promise.all([ports.grpc.stop(), ports.http.stop()]);
    for (const { port } of [ports.grpc, ports.http]) {
      const socket = connect({ port, host: "127.0.0.1" });
      const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
      assert.equal(error.code, "ECONNREFUSED");
    }
    release();
    assert.deepEqual(await call, { answer: { payment: { version: 2 } } });
    await stopped;
  });
}

test("a call that does not finish is cut when the time is over", async (t) => {
  const { begun, release, handlers } = held();
  t.after(() => release());
  const ports = await openPorts(t, { handlers, stopTimeoutMs: 50 });
  const [client] = createClients(t, ports);
  const call = client?.call(PaymentService.method.completePayment, request);
  await begun;
  await Promise.all([ports.grpc.stop(), ports.http.stop()]);
  const outcome = await call;
  assert.ok(outcome?.error);
});

test("connections that say nothing do not hold the stop up", async (t) => {
  const ports = await openPorts(t, { stopTimeoutMs: 20_000 });
  const silent = connect({ port: ports.http.port, host: "127.0.0.1" });
  await once(silent, "connect");
  const idle = connect({ port: ports.http.port, host: "127.0.0.1" });
  idle.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  await once(idle, "data");
  const closed = [silent, idle].map((socket) => once(socket.resume(), "close"));
  await Promise.all([ports.http.stop(), ...closed]);
  assert.ok(silent.destroyed && idle.destroyed);
});
