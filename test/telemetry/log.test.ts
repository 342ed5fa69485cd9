// What the log has: one line for each decision with who, what, on what and what came of it; and what it never has: secrets, through whatever door they come.
import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";
import { Metadata } from "@grpc/grpc-js";
import { headers as newHeaders } from "@nats-io/transport-node";
import { CANONICAL } from "../../src/api/rest/canonical.ts";
import { createBookingDialect } from "../../src/api/rest/booking.ts";
import { ORDERS_DIALECT } from "../../src/api/rest/orders.ts";
import { createRest } from "../../src/api/rest/rest.ts";
import { authenticateByJwt } from "../../src/api/jwt.ts";
import { sharedSecret } from "../../src/api/auth/keys.ts";
import { startNatsDoor } from "../../src/api/nats/door.ts";
import { createOperations } from "../../src/api/nats/operations.ts";
import { connectNats } from "../../src/outbox/nats-connection.ts";
import { blot, logOptions, writeError } from "../../src/telemetry/log-options.ts";
import { connectGrpcJs } from "../support/clients.ts";
import { startNatsServer } from "../support/nats-server.ts";
import { AUDIENCE, ISSUER } from "../security/issuer.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { signToken } from "../support/shared-secret-token.ts";
import { openObserved } from "./open-observed.ts";

/** A card of which the gateway has never heard, and one that it knows. */
const CARDS = ["5105105105105100", "4242424242424242"];
const CVC = "7391";
const JWT_SECRET = "a secret of the issuer that is long enough to be none that is guessed";
const SHARED = { secret: JWT_SECRET, issuer: ISSUER, audience: AUDIENCE };
const WEBHOOK_SECRET = "whsec_canary";

interface Sent {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

test("each call that would change something has one audit line, whatever came of it", async (t) => {
  const observed = await openObserved(t);
  const url = `http://127.0.0.1:${observed.http.port}/payment.v1.PaymentService`;
  const call = async (method: string, request: object): Promise<void> => {
    const headers = { "content-type": "application/json" };
    await (await fetch(`${url}/${method}`, { method: "POST", headers, body: JSON.stringify(request) })).text();
  };
  const amount = { currency: "EUR", minor: "1999" };
  const create = { orderId: "order-1", amount, mode: "PAYMENT_MODE_INTENT", requestId: "create-1" };
  await call("CreatePayment", create);
  await call("CreatePayment", { ...create, requestId: "create-1", description: "other" });
  await call("CompletePayment", { orderId: "order-1", paymentMethod: "pm_card_visa", requestId: "complete-1" });
  await call("CancelPayment", { orderId: "order-1", requestId: "cancel-1" });
  await call("RefundPayment", { orderId: "order-1", requestId: "refund-1" });
  await call("RefundPayment", { orderId: "order-2", requestId: "refund-2" });
  await call("GetPaymentStatus", { orderId: "order-1" });
  const audit = observed.logged.filter(({ msg }) => msg === "audit");
  const told = audit.map(({ principal, role, action, orderId, outcome }) => [
    principal,
    role,
    action,
    orderId,
    outcome,
  ]);
  const who = ["anonymous", "admin"];
  assert.deepEqual(told, [
    [...who, "create", "order-1", "ok"],
    [...who, "create", "order-1", "REQUEST_ID_REUSED"],
    [...who, "complete", "order-1", "ok"],
    [...who, "cancel", "order-1", "PAYMENT_NOT_CANCELABLE"],
    [...who, "refund", "order-1", "ok"],
    [...who, "refund", "order-2", "ORDER_NOT_FOUND"],
  ]);
  assert.match(String(audit[0]?.["paymentId"]), /^payment_/);
  assert.match(String(audit[4]?.["refundId"]), /^refund_/);
});

test("a card number, its CVC, a bearer, a client token and a webhook's secret are in no line, whichever door they came by", async (t) => {
  const nats = await startNatsServer();
  t.after(() => nats.stop());
  const observed = await openObserved(t, {
    natsUrl: nats.url,
    authenticate: authenticateByJwt({
      keys: sharedSecret(JWT_SECRET),
      issuer: ISSUER,
      audience: AUDIENCE,
      log: pino({ level: "silent" }),
      now: () => new Date(),
    }),
    async openRoutes({ parts, log, authenticate }) {
      const rest = await createRest({
        parts,
        log,
        authenticate,
        provider: "mock",
        dialects: [CANONICAL, createBookingDialect({ currency: "USD" }), ORDERS_DIALECT],
        rateLimit: null,
        trustedHops: 0,
      });
      t.after(() => rest.close());
      return rest.findRoute;
    },
  });
  const { parts, authenticate, log } = observed.doors;
  const operations = createOperations({ parts, provider: "mock" });
  const link = connectNats(nats.url, log);
  t.after(() => link.close());
  const door = await startNatsDoor({ nats: link, operations, authenticate, log });
  t.after(() => door.stop());
  const bearers = [
    await signToken(SHARED, "ann", { roles: ["admin"] }),
    await signToken(SHARED, "carl", { roles: [] }),
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
  ];
  const url = `http://127.0.0.1:${observed.http.port}`;
  const send = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Sent> => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: text,
    });
    const answered = await answer.text();
    return { status: answer.status, body: answered.startsWith("{") ? JSON.parse(answered) : {} };
  };
  const grpc = connectGrpcJs(t, observed.grpc.port);
  const create = (grpc["CreatePayment"] as (...call: unknown[]) => unknown).bind(grpc);
  const callGrpc = (request: object, authorization: string): Promise<unknown> => {
    const metadata = new Metadata();
    metadata.set("authorization", authorization);
    const amount = { currency: "USD", minor: 1 };
    return new Promise((resolve) => create({ amount, mode: "PAYMENT_MODE_INTENT", ...request }, metadata, resolve));
  };
  const rpc = "/payment.v1.PaymentService";
  const created = await send(
    `${rpc}/CreatePayment`,
    { orderId: "order-1", amount: { currency: "USD", minor: "1999" }, customerId: "carl", requestId: "create-1" },
    { authorization: `Bearer ${bearers[0]}` },
  );
  assert.equal(created.status, 200);
  const clientToken = String(created.body["clientToken"]);
  assert.ok(clientToken.length > 20);
  const connection = await nats.connect();
  t.after(() => connection.close());
  for (const bearer of [...bearers, clientToken, "nonsense", ""]) {
    const headers = { authorization: `Bearer ${bearer}` };
    for (const card of CARDS) {
      const everywhere = { description: card, reason: `${card} ${CVC}`, metadata: { card, cvc: CVC, bearer } };
      await send(`${rpc}/CreatePayment`, { orderId: "o", paymentMethod: card, ...everywhere }, headers);
      await send(`${rpc}/CompletePayment`, { orderId: "order-1", paymentMethod: card, requestId: card }, headers);
      await send(`${rpc}/CancelPayment`, { orderId: "order-1", reason: `${card} ${CVC}`, requestId: bearer }, headers);
      await callGrpc({ orderId: "order-grpc", paymentMethod: card, ...everywhere }, headers.authorization);
      // The contract refuses a number; what it lets through says the rest.
      await callGrpc({ orderId: "order-grpc", paymentMethod: "pm_card_visa", ...everywhere }, headers.authorization);
      await send("/v1/payments/session", { orderId: "o2", ...everywhere, card, cvc: CVC }, headers);
      await send("/v1/payments/refund/order", { orderId: "order-1", reason: card, client_token: clientToken }, headers);
      await send(
        "/payment/process",
        {
          user_id: "carl",
          booking_id: `b-${card.slice(-4)}`,
          amount: 25.5,
          payment_method: "credit_card",
          card_details: { card_number: card, expiry_month: "12", expiry_year: "2030", cvv: CVC, cardholder_name: "C" },
        },
        headers,
      );
      await send("/payment/process", `{"card_number":"${card}","cvv":"${CVC}",`, headers);
      const natsHeaders = newHeaders();
      natsHeaders.set("authorization", headers.authorization);
      const payload = JSON.stringify({ orderId: "o3", amount: 1, currency: "usd", ...everywhere });
      await connection.request("create.payment.session", payload, { headers: natsHeaders, timeout: 5_000 });
      await connection.request("complete.payment", `{"paymentMethod":"${card}","cvc":"${CVC}"`, { timeout: 5_000 });
      connection.publish("complete.payment", JSON.stringify({ orderId: "order-1", paymentMethod: card }), {
        headers: natsHeaders,
      });
    }
  }
  await connection.flush();
  const body = JSON.stringify({ id: "evt_1", client_secret: "pi_1_secret_canary", number: CARDS[0] });
  const signature = stripeSignature(body, WEBHOOK_SECRET, new Date());
  await send("/v1/payments/webhook", body, { "stripe-signature": signature });
  await door.stop();

  const lines = observed.logged.map((line) => JSON.stringify(line));
  // Each door was heard: gRPC and Connect, the canonical dialect, the booking one, and NATS.
  const orders = new Set(observed.logged.filter(({ msg }) => msg === "audit").map(({ orderId }) => orderId));
  for (const orderId of ["order-1", "order-grpc", "o2", "b-4242", "o3"]) assert.ok(orders.has(orderId), orderId);
  const secrets = [...CARDS, ...bearers, clientToken, WEBHOOK_SECRET, signature, "pi_1_secret_canary", JWT_SECRET];
  for (const secret of secrets)
    assert.deepEqual(
      lines.filter((line) => line.includes(secret)),
      [],
    );
  const cvc = new RegExp(`(?<![\\w-])${CVC}(?![\\w-])`);
  assert.deepEqual(
    lines.filter((line) => cvc.test(line)),
    [],
  );
});

test("the net below: secret fields and secrets in errors are blotted out, and what hangs on an error is left out", () => {
  const lines: string[] = [];
  const log = pino(logOptions("info"), { write: (line: string) => lines.push(line) });
  const error = Object.assign(
    new Error("Invalid API Key provided: sk_test_abc, for card 4242 4242 4242 4242", {
      cause: Object.assign(new Error("inner eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.sig"), {
        detail: "Key (client_token)=(canary)",
      }),
    }),
    { code: "23505", detail: "canary", where: "canary", query: "canary", headers: { authorization: "canary" } },
  );
  log.error({ err: error }, "failed");
  log.info(
    {
      authorization: "canary",
      client_secret: "canary",
      request: { cookie: "canary", "stripe-signature": "canary", body: "canary", card: { number: "canary" } },
      payment: { clientToken: "canary", id: "payment_1" },
    },
    "careless",
  );
  const text = lines.join("");
  assert.doesNotMatch(text, /canary|sk_test_abc|4242 4242|eyJ/);
  assert.match(text, /23505/);
  assert.match(text, /"id":"payment_1"/);
  assert.equal(writeError("thrown text").message, "thrown text");
  assert.equal(blot("order 12345, 2026-11-03T10:20:30.000Z"), "order 12345, 2026-11-03T10:20:30.000Z");
});
