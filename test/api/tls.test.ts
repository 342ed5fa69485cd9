import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { connectGrpcJs } from "../support/clients.ts";
import { openPorts } from "./ports.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
const cert = readFileSync(join(FIXTURES, "localhost.cert.pem"));
const key = readFileSync(join(FIXTURES, "localhost.key.pem"));
const request = { payment: { case: "orderId", value: "order-1" } } as const;

test("both ports serve over TLS, the HTTP port either version of HTTP", async (t) => {
  const ports = await openPorts(t, { tls: { key, cert } });
  const baseUrl = `https://localhost:${ports.http.port}`;
  const nodeOptions = { ca: cert };
  const transports = [
    createGrpcTransport({ baseUrl: `https://localhost:${ports.grpc.port}`, nodeOptions }),
    createGrpcTransport({ baseUrl, nodeOptions }),
    createConnectTransport({ baseUrl, httpVersion: "2", nodeOptions }),
    createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions }),
  ];
  for (const transport of transports) {
    const { version } = await createClient(PaymentService, transport).getPaymentStatus(request);
    assert.equal(version, 5);
  }
  const client = connectGrpcJs(t, ports.grpc.port, grpc.credentials.createSsl(cert));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const method = client["GetPaymentStatus"] as unknown as (
    request: unknown,
    done: (error: unknown, answer: { version: number }) => void,
  ) => void;
  method.call(client, { orderId: "order-1" }, (error, answer) => resolve(error ?? answer.version));
  assert.equal(await promise, 5);
});

test("a client of HTTPS without ALPN is served as HTTP/1.1", async (t) => {
  const { http } = await openPorts(t, { tls: { key, cert } });
  const socket = connectTls({ port: http.port, host: "localhost", ca: cert });
  await once(socket, "secureConnect");
  assert.equal(socket.alpnProtocol, false);
  const asked = httpsRequest({ createConnection: () => socket, host: "localhost", path: "/health/live" });
  asked.end();
  const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
  assert.deepEqual(await json(response), { status: "live" });
});

test("cleartext on a port with TLS gets no answer, and the port goes on", async (t) => {
  const { http } = await openPorts(t, { tls: { key, cert } });
  await assert.rejects(fetch(`http://localhost:${http.port}/health/live`));
  const transport = createConnectTransport({
    baseUrl: `https://localhost:${http.port}`,
    httpVersion: "1.1",
    nodeOptions: { ca: cert },
  });
  assert.equal((await createClient(PaymentService, transport).getPaymentStatus(request)).version, 5);
});
