// The threat "leaks": what the service tells strangers and logs about itself, its secrets and its customers. It runs as in production, with secrets that are found wherever
// they come out, and a database that fails with a telling message. Cards are in test/telemetry/log.test.ts and test/api/rest/booking-cards.test.ts.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { headers as newHeaders } from "@nats-io/transport-node";
import { connectGrpcJs } from "../support/clients.ts";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { signToken } from "../support/shared-secret-token.ts";
import { openStripeService, STRIPE_KEY } from "../support/stripe-service.ts";

const AUTH_SECRET = "canary-secret-of-the-issuer-that-is-long-enough";
const FAULT = "canary: relation secret_table at 10.1.2.3";
const CUSTOMER = "canary-customer";
const EMAIL = "canary@mail.example";
const ORDER = "canary-order";
const CREATE = {
  orderId: "canary-other-order",
  customerId: CUSTOMER,
  customerEmail: EMAIL,
  amount: { currency: "EUR", minor: "1234" },
  requestId: "request-0",
};
const RPC = "/payment.v1.PaymentService";
/** What a stack, a path, a statement or a driver's message looks like. */
const INNARDS =
  /\n\s+at |node:internal|node_modules|\/src\/|\.[jt]s:\d|\b(select|insert|update) .* (from|into|set) |ECONN|PostgresError|MikroORM|fastify|undici|127\.0\.0\.1:\d/i;
const TELLING_HEADERS = ["server", "x-powered-by", "via", "x-aspnet-version", "x-runtime"];

const stack = await openStripeService({
  environment: {
    NODE_ENV: "production",
    AUTH_MODE: "jwt",
    AUTH_HS256_SECRET: AUTH_SECRET,
    AUTH_ISSUER: "https://login.example",
    AUTH_AUDIENCE: "payments",
    RATE_LIMIT_PER_MINUTE: "0",
  },
});
const { service, webhookSecret } = stack;
after(() => stack.remove());

function secrets(): string[] {
  const passwords = [service.databaseUrl, service.natsUrl].map((url) => new URL(url).password);
  assert.ok(passwords.every((password) => password.length > 8));
  return [AUTH_SECRET, STRIPE_KEY, webhookSecret, ...passwords];
}

let authorization: string;
/** Without its prefix. */
let paymentId: string;
before(async () => {
  const shared = { secret: AUTH_SECRET, issuer: "https://login.example", audience: "payments" };
  const token = await signToken(shared, "canary-admin", { roles: ["admin"] });
  authorization = `Bearer ${token}`;
  const created = await ask(
    "POST",
    `${RPC}/CreatePayment`,
    JSON.stringify({ ...CREATE, orderId: ORDER, requestId: "" }),
  );
  assert.equal(created.status, 200, created.body);
  const { payment } = JSON.parse(created.body) as { payment: { paymentId: string } };
  paymentId = payment.paymentId.replace("payment_", "");
});

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Told> {
  const answer = await fetch(`http://127.0.0.1:${service.http.port}${path}`, {
    method,
    headers: { authorization, ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body }),
  });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

/** Holds what was told against what nobody may be told. */
function assertKept({ headers, body }: Pick<Told, "headers" | "body">, what: string): void {
  const all = `${body}\n${JSON.stringify([...headers])}`;
  assert.doesNotMatch(all, INNARDS, what);
  for (const secret of secrets()) assert.equal(all.includes(secret), false, what);
  assert.equal(all.includes(authorization.slice("Bearer ".length)), false, what);
  for (const name of TELLING_HEADERS) assert.equal(headers.get(name), null, `${what}: ${name}`);
}

async function callGrpc(request: object): Promise<ServiceError> {
  const closing: (() => void)[] = [];
  const client = connectGrpcJs({ after: (close: () => void) => closing.push(close) } as never, service.grpc.port);
  const metadata = new Metadata();
  metadata.set("authorization", authorization);
  const call = client["CancelPayment"] as unknown as (...args: unknown[]) => unknown;
  const error = await new Promise<ServiceError | null>((resolve) => call.call(client, request, metadata, resolve));
  for (const close of closing) close();
  return error ?? assert.fail("it was accepted");
}

/** Every write to a table of the database fails, with a message that tells too much. */
async function breakDatabase(table: string): Promise<void> {
  await service.query(`create or replace function leak() returns trigger language plpgsql as
    $$ begin raise exception '${FAULT}' using detail = '${FAULT}', hint = '${FAULT}'; end $$`);
  await service.query(`create trigger leak before insert or update on ${table} execute function leak()`);
}

async function repairDatabase(): Promise<void> {
  await service.query("drop function if exists leak cascade");
}

describe("leaks:", () => {
  it("a fault is told by a generic sentence at every door, and its cause is in the log", async (t) => {
    await breakDatabase("request");
    t.after(repairDatabase);
    const named = { orderId: ORDER, requestId: "request-1" };
    const calls: readonly (readonly [string, string, Record<string, string>?])[] = [
      [`${RPC}/CancelPayment`, JSON.stringify(named)],
      [`${RPC}/CreatePayment`, JSON.stringify(CREATE)],
      [`/v1/payments/cancel/order/${ORDER}`, "{}", { "idempotency-key": "request-1" }],
      [`/api/payments/${paymentId}/confirm`, "{}", { "idempotency-key": "request-2" }],
      ["/payments/create-session", `{"orderId":"${ORDER}"}`, { "idempotency-key": "request-3" }],
    ];
    let faults = 0;
    for (const [path, body, headers] of calls) {
      const told = await ask("POST", path, body, headers);
      assertKept(told, path);
      assert.equal(told.body.includes("canary:"), false, path);
      if (told.status === 500) faults += 1;
    }
    const error = await callGrpc(named);
    assert.equal(error.code, 13);
    assert.equal(`${error.details} ${JSON.stringify(error.metadata.getMap())}`.includes("canary:"), false);
    const connection = await service.connectNats();
    t.after(() => connection.close());
    const headers = newHeaders();
    headers.set("Authorization", authorization);
    const reply = await connection.request("cancel.payment", JSON.stringify(named), { headers, timeout: 20_000 });
    assert.match(reply.string(), /"reason":"INTERNAL"/);
    assert.equal(reply.string().includes("canary:"), false);
    t.diagnostic(`${faults} faults`);
    assert.ok(faults >= 3, "something was broken");
    assert.ok(service.said.includes("canary: relation"), "the cause is in the log");
  });

  it("pages of errors tell nothing of what is behind them", async () => {
    const asked: readonly (readonly [method: string, path: string, body?: string, headers?: Record<string, string>])[] =
      [
        ["GET", "/nowhere"],
        ["GET", "/../../etc/passwd"],
        ["GET", "/%2e%2e/%2e%2e/etc/passwd"],
        ["GET", "/%"],
        ["GET", "/v1/payments/%00"],
        ["GET", "/v1/payments/%ff%fe"],
        ["GET", "/v1/payments?pageToken=%25%25"],
        ["GET", "/v1/payments?pageSize=x"],
        ["PUT", "/v1/payments/session"],
        ["POST", "/v1/payments/session", "{"],
        ["POST", "/v1/payments/session", "[[[[[[[["],
        ["POST", "/v1/payments/session", `{"__proto__":{"x":1},"constructor":{}}`],
        ["POST", "/v1/payments/session", "{}", { "content-type": "text/html" }],
        ["POST", "/v1/payments/session", "{}", { "content-encoding": "made-up" }],
        ["POST", "/v1/payments/webhook", "{}", { "stripe-signature": "t=1,v1=00" }],
        ["POST", "/payment/process", "{}"],
        ["POST", "/api/v1/payment/create-payment-intent", "{}"],
        ["POST", "/api/payments", "{}"],
        ["POST", `${RPC}/CreatePayment`, "{"],
        ["POST", `${RPC}/Steal`, "{}"],
        ["GET", `${RPC}/GetPayment?connect=v1&encoding=json&message=%7B`],
        ["POST", "/v1/payments/session", "{}", { authorization: "Bearer eyJ.eyJ.x" }],
        ["POST", "/v1/payments/session", "{}", { authorization: `Bearer ${STRIPE_KEY}` }],
        ["GET", "/metrics?x=../../etc"],
        ["GET", "/docs/../package.json"],
        ["GET", "/docs/static/../../package.json"],
        ["GET", "/docs/static/%2e%2e%2findex.js"],
        ["GET", "/.env"],
        ["GET", "/package.json"],
      ];
    for (const [method, path, body, headers] of asked) {
      const told = await ask(method, path, body, headers);
      assert.ok(told.status < 500 || told.status === 503, `${method} ${path}: ${told.status}`);
      assertKept(told, `${method} ${path}`);
    }
  });

  it("reflection is off in production, on both ports", async () => {
    for (const { port } of [service.grpc, service.http]) {
      for (const version of ["v1", "v1alpha"]) {
        const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
        assert.equal((await callByHand(port, path, frame(Buffer.from([0x3a, 0])))).status, 12, `${version} ${port}`);
      }
    }
  });

  it("the pages for machines name no customer, no payment, no secret and no address", async () => {
    for (const path of ["/metrics", "/health", "/health/live", "/health/ready", "/docs/", "/openapi.json"]) {
      const told = await ask("GET", path);
      assert.ok(told.status === 200 || told.status === 503, `${path}: ${told.status}`);
      for (const secret of [...secrets(), CUSTOMER, EMAIL, ORDER, paymentId, "canary-admin"])
        assert.equal(told.body.includes(secret), false, path);
      assert.doesNotMatch(told.body, /\n\s+at |node:internal/, path);
    }
  });

  it("the log names no secret, after all of this", () => {
    assert.ok(service.logged.length > 10);
    for (const secret of secrets()) assert.equal(service.said.includes(secret), false);
    assert.equal(service.said.includes(authorization.slice("Bearer ".length)), false);
  });
});
