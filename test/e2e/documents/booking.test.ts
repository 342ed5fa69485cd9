// Document 002: its own examples, sent as they are printed there, get the answers that are printed there, ids and times aside.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBookingDialect } from "../../../src/api/rest/booking.ts";
import { openPorts } from "../../api/ports.ts";
import { openRest } from "../../api/rest/open-rest.ts";
import { assertPrinted, assertPrintedExactly, runCurl } from "./printed.ts";

const PROCESS = `curl -X POST http://localhost:8003/payment/process \\
  -H "Content-Type: application/json" \\
  -d '{
    "user_id": "user_123",
    "booking_id": "BOOK-789012",
    "amount": 25.50,
    "payment_method": "credit_card",
    "card_details": {
      "card_number": "4111111111111111",
      "expiry_month": "12",
      "expiry_year": "2025",
      "cvv": "123",
      "cardholder_name": "John Doe"
    }
  }'`;
const REFUND = `curl -X POST http://localhost:8003/payment/refund \\
  -H "Content-Type: application/json" \\
  -d '{
    "booking_id": "BOOK-789012",
    "original_transaction_id": "TXN-456789",
    "refund_amount": 25.50,
    "reason": "Customer cancellation",
    "user_id": "user_123"
  }'`;
const STATUS = "curl http://localhost:8003/payment/status/TXN-456789";
const HEALTH = "curl http://localhost:8003/health";
const METHODS = "curl http://localhost:8003/payment/methods";
const WITHOUT_CARD = `curl -X POST http://localhost:8003/payment/process \\
  -H "Content-Type: application/json" \\
  -d '{"user_id":"test","booking_id":"TEST-123","amount":10.00,"payment_method":"credit_card"}'`;

const dialects = [createBookingDialect({ currency: "USD" })];

test("a card pays, its transaction is found, and is given back", async (t) => {
  const { url } = await openRest(t, { dialects });
  const paid = await runCurl(PROCESS, url);
  assert.equal(paid.status, 200);
  assertPrintedExactly(
    paid.body,
    {
      status: "success",
      transaction_id: "TXN-456789",
      booking_id: "BOOK-789012",
      amount: 25.5,
      payment_method: "credit_card",
      processed_at: "2024-12-15T10:30:45Z",
      message: "Payment processed successfully",
    },
    ["transaction_id", "processed_at"],
  );
  const id = paid.body.transaction_id as string;
  const found = await runCurl(STATUS.replace("TXN-456789", id), url);
  assert.equal(found.status, 200);
  assertPrintedExactly(
    found.body,
    {
      transaction_id: id,
      status: "completed",
      booking_id: "BOOK-789012",
      amount: 25.5,
      payment_method: "credit_card",
      created_at: "2024-12-15T10:30:45Z",
      processed_at: "2024-12-15T10:30:47Z",
    },
    ["created_at", "processed_at"],
  );
  const refunded = await runCurl(REFUND.replace("TXN-456789", id), url);
  assert.equal(refunded.status, 200);
  assertPrintedExactly(
    refunded.body,
    {
      status: "success",
      refund_transaction_id: "REF-123456",
      original_transaction_id: id,
      booking_id: "BOOK-789012",
      refund_amount: 25.5,
      processed_at: "2024-12-15T10:35:00Z",
      message: "Refund processed successfully",
    },
    ["refund_transaction_id", "processed_at"],
  );
});

test("a transaction that there is not is not found, and its refund neither", async (t) => {
  const { url } = await openRest(t, { dialects });
  assert.equal((await runCurl(STATUS, url)).status, 404);
  const refused = await runCurl(REFUND, url);
  assert.equal(refused.status, 404);
  assert.equal(refused.body.error.details.reason, "Original transaction not found");
});

test("a card without money fails as it is printed, and the test that must fail does", async (t) => {
  const { url } = await openRest(t, { dialects });
  const poor = await runCurl(PROCESS.replace("4111111111111111", "4000000000009995"), url);
  assert.equal(poor.status, 400);
  assertPrinted(
    poor.body,
    {
      status: "failed",
      booking_id: "BOOK-789012",
      amount: 25.5,
      payment_method: "credit_card",
      error_code: "INSUFFICIENT_FUNDS",
      error_message: "Insufficient funds in account",
      processed_at: "2024-12-15T10:30:45Z",
    },
    ["processed_at"],
  );
  const failed = await runCurl(WITHOUT_CARD, url);
  assert.deepEqual([failed.status, failed.body.status, failed.body.booking_id], [400, "failed", "TEST-123"]);
});

test("each test card of the document ends as its table says", async (t) => {
  const { url } = await openRest(t, { dialects });
  for (const [number, status] of [
    ["4111111111111111", 200],
    ["4000000000000002", 400],
    ["5555555555554444", 200],
    ["378282246310005", 200],
  ] as const) {
    const command = PROCESS.replace("4111111111111111", number).replace("BOOK-789012", `BOOK-${number}`);
    assert.equal((await runCurl(command, url)).status, status, number);
  }
});

test("the payment methods are those that are printed", async (t) => {
  const { url } = await openRest(t, { dialects });
  assert.deepEqual((await runCurl(METHODS, url)).body, {
    payment_methods: [
      { id: "credit_card", name: "Credit Card", description: "Visa, MasterCard, American Express", enabled: true },
      { id: "debit_card", name: "Debit Card", description: "Bank debit cards", enabled: true },
      { id: "paypal", name: "PayPal", description: "Pay with your PayPal account", enabled: true },
      { id: "stripe", name: "Stripe", description: "Secure online payments", enabled: false },
    ],
  });
});

test("the health is what is printed, with the checks beside it", async (t) => {
  const { http } = await openPorts(t);
  const healthy = await runCurl(HEALTH, `http://localhost:${http.port}`);
  assert.equal(healthy.status, 200);
  assertPrinted(healthy.body, { status: "healthy", service: "payment-service", timestamp: "2024-12-15T10:30:00Z" }, [
    "timestamp",
  ]);
});
