import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { PaymentHandlers } from "../../src/api/handlers.ts";
import type { Caller } from "../../src/app/parts.ts";
import { accept } from "../../src/domain/error.ts";
import {
  CompletePaymentRequestSchema,
  CompletePaymentResponseSchema,
  PaymentService,
} from "../../gen/payment/v1/payment_service_pb.ts";
import { connectGrpcJs, createClients } from "../support/clients.ts";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { openPorts } from "./ports.ts";

const request = { payment: { case: "orderId", value: "order-1" } } as const;

/** A handler that answers when its caller is gone, and tells of each call as it begins. */
function patient() {
  let begins = Promise.withResolvers<Caller>();
  let calls = 0;
  const completePayment: PaymentHandlers["completePayment"] = async (_request, caller) => {
    calls += 1;
    const { signal } = caller;
    begins.resolve(caller);
    if (!signal.aborted) await once(signal, "abort");
    return accept(create(CompletePaymentResponseSchema, {}));
  };
  return {
    handlers: { completePayment },
    calls: () => calls,
    nextCaller: async () => {
      const caller = await begins.promise;
      begins = Promise.withResolvers<Caller>();
      return caller;
    },
  };
}

/** Long enough for a busy machine to begin the call. */
const DEADLINE_MS = 400;

test("a deadline that passes aborts the caller's signal, through every client", async (t) => {
  const { handlers, nextCaller } = patient();
  const ports = await openPorts(t, { handlers });
  for (const client of createClients(t, ports)) {
    const [outcome, caller] = await Promise.all([
      client.call(PaymentService.method.completePayment, request, DEADLINE_MS),
      nextCaller(),
    ]);
    assert.ok(outcome.error, client.name);
    assert.equal(outcome.error.code, "deadline_exceeded", client.name);
    if (!caller.signal.aborted) await once(caller.signal, "abort");
  }
});

test("a deadline that passes is answered with details on both ports", async (t) => {
  const { handlers } = patient();
  const ports = await openPorts(t, { handlers });
  const path = "/payment.v1.PaymentService/CompletePayment";
  const message = frame(toBinary(CompletePaymentRequestSchema, create(CompletePaymentRequestSchema, request)));
  for (const { port } of [ports.grpc, ports.http]) {
    const { status, reason, outcome } = await callByHand(port, path, message, { "grpc-timeout": "40m" });
    assert.deepEqual({ status, reason, outcome }, { status: 4, reason: "SERVICE_UNAVAILABLE", outcome: "UNKNOWN" });
  }
});

test("a call whose deadline has passed is not begun", async (t) => {
  const { handlers, calls } = patient();
  const { http } = await openPorts(t, { handlers });
  const response = await fetch(`http://localhost:${http.port}/payment.v1.PaymentService/CompletePayment`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": "0" },
    body: JSON.stringify({ orderId: "order-1" }),
  });
  const { code, details } = (await response.json()) as { code: string; details: { debug: { metadata: unknown } }[] };
  assert.equal(code, "deadline_exceeded");
  assert.deepEqual(details[0]?.debug.metadata, { outcome: "NOT_ATTEMPTED" });
  assert.equal(calls(), 0);
});

test("a client that cancels aborts the caller's signal on either port", async (t) => {
  const { handlers, nextCaller } = patient();
  const ports = await openPorts(t, { handlers });
  const h2c = createGrpcTransport({ baseUrl: `http://localhost:${ports.http.port}` });
  const http1 = createConnectTransport({ baseUrl: `http://localhost:${ports.http.port}` });
  for (const transport of [h2c, http1]) {
    const cancel = new AbortController();
    const call = createClient(PaymentService, transport).completePayment(request, { signal: cancel.signal });
    const { signal } = await nextCaller();
    const aborted = once(signal, "abort");
    cancel.abort();
    await Promise.all([assert.rejects(call), aborted]);
  }
  const client = connectGrpcJs(t, ports.grpc.port);
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const method = client["CompletePayment"] as unknown as (
    request: unknown,
    done: (error: { code: number } | null) => void,
  ) => { cancel(): void };
  const call = method.call(client, { orderId: "order-1" }, (error) => resolve(error?.code));
  const { signal } = await nextCaller();
  const aborted = once(signal, "abort");
  call.cancel();
  await aborted;
  assert.equal(await promise, 1);
});

test("a handler that asks for the signal after the caller is gone gets an aborted one", async (t) => {
  const asked = Promise.withResolvers<Caller>();
  const answered = Promise.withResolvers<void>();
  const completePayment: PaymentHandlers["completePayment"] = async (_request, caller) => {
    asked.resolve(caller);
    await answered.promise;
    return accept(create(CompletePaymentResponseSchema, {}));
  };
  const ports = await openPorts(t, { handlers: { completePayment } });
  const [grpcJs] = createClients(t, ports);
  const call = grpcJs?.call(PaymentService.method.completePayment, request, 500);
  const caller = await asked.promise;
  answered.resolve();
  await call;
  assert.equal(caller.signal.aborted, true);
});
