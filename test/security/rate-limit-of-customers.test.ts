// The threat "rate limit evasion" by those who do not come by REST: a customer is one client, whichever protocol, port, connection or token they come by.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { headers as newHeaders } from "@nats-io/transport-node";
import { connectGrpcJs, readGrpcError, saidOf } from "../support/clients.ts";
import { signToken } from "../support/shared-secret-token.ts";
import { ServiceProcess } from "../support/service-process.ts";

const SECRET = "a-secret-of-the-issuer-that-is-long-enough";
const ISSUER = "https://login.example";
const AUDIENCE = "payments";
const BURST = 4;
const REQUEST = { orderId: "none" };

const service = await ServiceProcess.start({
  AUTH_MODE: "jwt",
  AUTH_HS256_SECRET: SECRET,
  AUTH_ISSUER: ISSUER,
  AUTH_AUDIENCE: AUDIENCE,
  // No other window begins while the tests run.
  RATE_LIMIT_PER_MINUTE: String(BURST),
  RATE_LIMIT_BURST: String(BURST),
});
const grpc = connectGrpcJs({ after } as never, service.grpc.port);
const nats = await service.connectNats();
after(async () => {
  await nats.close();
  await service.remove();
});

let tokens = 0;
/** A new one each time. */
async function bearer(subject: string, roles: readonly string[] = []): Promise<string> {
  tokens += 1;
  const shared = { secret: SECRET, issuer: ISSUER, audience: AUDIENCE };
  return `Bearer ${await signToken(shared, subject, { roles, jti: `token-${tokens}` })}`;
}

/** Asks for the payment of an order that is not there; gives the reason. */
type Ask = (authorization: string) => Promise<string>;

async function askConnect(authorization: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${service.http.port}/payment.v1.PaymentService/GetPaymentStatus`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json", connection: "close" },
    body: JSON.stringify(REQUEST),
  });
  const { details } = (await answer.json()) as { details: { debug: { reason?: string } }[] };
  return details.find(({ debug }) => debug.reason !== undefined)?.debug.reason ?? `${answer.status}`;
}

async function askGrpc(authorization: string): Promise<string> {
  const metadata = new Metadata();
  metadata.set("authorization", authorization);
  const call = grpc["GetPaymentStatus"] as unknown as (...args: unknown[]) => unknown;
  const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
  call.call(grpc, REQUEST, metadata, resolve);
  const error = await promise;
  return error ? (saidOf(readGrpcError(error))?.reason ?? error.message) : "ok";
}

async function askNats(authorization: string): Promise<string> {
  const headers = newHeaders();
  headers.set("authorization", authorization);
  const reply = await nats.request("get.payment.status", JSON.stringify(REQUEST), { headers, timeout: 20_000 });
  return reply.json<{ error?: { reason: string } }>().error?.reason ?? "ok";
}

const DOORS: Readonly<Record<string, Ask>> = { Connect: askConnect, gRPC: askGrpc, NATS: askNats };

async function askOften(ask: Ask, times: number, write: () => Promise<string>): Promise<string[]> {
  const said: string[] = [];
  for (let n = 0; n < times; n += 1) said.push(await ask(await write()));
  return said;
}

describe("rate limit evasion by customers:", () => {
  for (const [name, ask] of Object.entries(DOORS)) {
    it(`${name} serves one as often as may be, with whatever token`, async () => {
      const said = await askOften(ask, BURST + 2, () => bearer(`customer-${name}`));
      const served = Array.from({ length: BURST }, () => "ORDER_NOT_FOUND");
      assert.deepEqual(said, [...served, "RATE_LIMITED", "RATE_LIMITED"]);
    });
  }

  it("who was counted at one door is counted at the others", async () => {
    const write = () => bearer("customer-of-all");
    const half = Math.ceil(BURST / 2);
    assert.deepEqual(new Set(await askOften(askGrpc, half, write)), new Set(["ORDER_NOT_FOUND"]));
    assert.deepEqual(new Set(await askOften(askConnect, half, write)), new Set(["ORDER_NOT_FOUND"]));
    for (const ask of Object.values(DOORS)) assert.equal(await ask(await write()), "RATE_LIMITED");
    assert.equal(await askConnect(await bearer("another-customer")), "ORDER_NOT_FOUND");
  });

  it("the services of the house are not counted", async () => {
    for (const ask of Object.values(DOORS)) {
      const said = await askOften(ask, BURST * 3, () => bearer("order-service", ["payment-service"]));
      assert.deepEqual(new Set(said), new Set(["ORDER_NOT_FOUND"]));
    }
  });

  it("the refusal is told in the form of its protocol, with when to come again, and is counted", async () => {
    const authorization = await bearer("customer-told");
    await askOften(askConnect, BURST, async () => authorization);
    const answer = await fetch(`http://127.0.0.1:${service.http.port}/payment.v1.PaymentService/GetPaymentStatus`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(REQUEST),
    });
    assert.equal(answer.status, 429);
    const { code, details } = (await answer.json()) as { code: string; details: { type: string }[] };
    assert.equal(code, "resource_exhausted");
    assert.deepEqual(
      details.map(({ type }) => type),
      ["google.rpc.ErrorInfo", "google.rpc.RetryInfo"],
    );
    const metrics = await (await fetch(`http://127.0.0.1:${service.http.port}/metrics`)).text();
    assert.match(metrics, /reason="RATE_LIMITED"[^\n]*\} [1-9]/);
  });
});
