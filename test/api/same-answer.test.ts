import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DatabaseUnavailable } from "../../src/db/named-query.ts";
import { REASONS, type Reason, refuse } from "../../src/domain/error.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { createClients } from "../support/clients.ts";
import { openPorts } from "./ports.ts";

const { createPayment, getPaymentStatus, completePayment, listPayments } = PaymentService.method;

test("an answer is the same through every client, on either port, and exact beyond 2^53", async (t) => {
  const clients = createClients(t, await openPorts(t));
  const request = { orderId: "order-1", amount: { currency: "EUR", minor: 9_007_199_254_740_993n } };
  const expected = { payment: { orderId: "order-1", amount: { currency: "EUR", minor: "9007199254740993" } } };
  for (const client of clients) {
    assert.deepEqual(await client.call(createPayment, request), { answer: expected }, client.name);
    const status = await client.call(getPaymentStatus, { payment: { case: "orderId", value: "order-1" } });
    assert.deepEqual(status, { answer: { orderId: "order-1", version: 5 } }, client.name);
    assert.deepEqual(await client.call(listPayments, {}), { answer: { nextPageToken: "after-0" } }, client.name);
  }
});

test("a refusal is the same through every client, with each detail at most once", async (t) => {
  const violations = [{ field: "amount.minor", description: "must be at most 500; send less" }];
  const metadata = { payment_id: "payment_1", amount_max: "500" };
  const refused = refuse("REFUND_EXCEEDS_CAPTURED", "nur 500 übrig: 100 % ✓", {
    metadata,
    violations,
    retryAfterMs: 1_500,
  });
  const clients = createClients(t, await openPorts(t, { handlers: { completePayment: async () => refused } }));
  const info = {
    domain: "payment.v1",
    reason: "REFUND_EXCEEDS_CAPTURED",
    metadata: { ...metadata, outcome: "NOT_ATTEMPTED" },
  };
  const expected = {
    code: "failed_precondition",
    message: "nur 500 übrig: 100 % ✓",
    details: [
      ["ErrorInfo", info],
      ["BadRequest", { fieldViolations: violations }],
      ["RetryInfo", { retryDelay: "1.500s" }],
    ],
  };
  for (const client of clients) {
    const outcome = await client.call(completePayment, { payment: { case: "orderId", value: "order-1" } });
    assert.deepEqual(outcome, { error: expected }, client.name);
  }
});

test("details that a refusal does not have are not sent", async (t) => {
  const refused = refuse("PAYMENT_NOT_FOUND", "There is no such payment.");
  const clients = createClients(t, await openPorts(t, { handlers: { completePayment: async () => refused } }));
  const info = { domain: "payment.v1", reason: "PAYMENT_NOT_FOUND", metadata: { outcome: "NOT_ATTEMPTED" } };
  for (const client of clients) {
    const outcome = await client.call(completePayment, { payment: { case: "orderId", value: "order-1" } });
    const expected = { code: "not_found", message: "There is no such payment.", details: [["ErrorInfo", info]] };
    assert.deepEqual(outcome, { error: expected }, client.name);
  }
});

for (const [mayBeWritten, outcome] of [
  [false, "NOT_ATTEMPTED"],
  [true, "UNKNOWN"],
] as const) {
  test(`a database that is away is ${outcome} with a time to come back, through every client`, async (t) => {
    const completePayment = async () => {
      throw new DatabaseUnavailable("connect ECONNREFUSED", mayBeWritten, null);
    };
    const ports = await openPorts(t, { handlers: { completePayment } });
    for (const client of createClients(t, ports)) {
      const result = await client.call(PaymentService.method.completePayment, {
        payment: { case: "orderId", value: "order-1" },
      });
      assert.ok(result.error, client.name);
      assert.equal(result.error.code, "unavailable", client.name);
      const info = { domain: "payment.v1", reason: "SERVICE_UNAVAILABLE", metadata: { outcome } };
      assert.deepEqual(
        result.error.details,
        [
          ["ErrorInfo", info],
          ["RetryInfo", { retryDelay: "1s" }],
        ],
        client.name,
      );
    }
  });
}

/** The Connect code that the comment of each reason begins with. */
function readContract(): Map<string, string> {
  const text = readFileSync(join(import.meta.dirname, "../../proto/payment/v1/error.proto"), "utf8");
  const found = text.matchAll(/\/\/ (\w+), \d{3}\.[^\n]*\n(?:\s*\/\/[^\n]*\n)*\s*ERROR_REASON_(\w+) =/g);
  return new Map([...found].map(([, code = "", reason = ""]) => [reason, code]));
}

test("every reason has the code that its comment in the contract names", async (t) => {
  const asked: { reason: Reason } = { reason: "INTERNAL" };
  const ports = await openPorts(t, { handlers: { completePayment: async () => refuse(asked.reason, "no") } });
  const [client] = createClients(t, ports);
  const codes = new Map<string, string>();
  for (const reason of Object.keys(REASONS) as Reason[]) {
    asked.reason = reason;
    const outcome = await client?.call(completePayment, { payment: { case: "orderId", value: "order-1" } });
    assert.ok(outcome?.error);
    codes.set(reason, outcome.error.code);
  }
  assert.deepEqual(codes, readContract());
});
