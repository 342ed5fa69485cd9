// One life of a payment through each door: the answers differ in nothing but the names that the service gives.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createClients, type Outcome } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { createOutsideClients } from "./outside-clients.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;
const { getPayment, getPaymentStatus, listPayments } = PaymentService.method;

/** Above 2^53: the odd last digit is lost wherever a double comes in between. */
const AMOUNT = 9_007_199_254_740_993n;
const PART = 9_007_199_254_740_995n - AMOUNT;

const service = await ServiceProcess.start();
after(() => service.remove());

function answerOf(outcome: Outcome): JsonObject {
  assert.ok("answer" in outcome, JSON.stringify(outcome.error));
  return outcome.answer as JsonObject;
}

function paymentIdOf(answer: JsonObject): string {
  return (answer["payment"] as { paymentId: string }).paymentId;
}

interface Step {
  readonly name: string;
  readonly outcome: Outcome;
}

/** Creates, completes, refunds and cancels, and asks in between. */
async function live(client: Client, orderId: string): Promise<Step[]> {
  const steps: Step[] = [];
  const step = async (name: string, calling: Promise<Outcome>): Promise<Outcome> => {
    const outcome = await calling;
    steps.push({ name, outcome });
    return outcome;
  };
  const byOrder = { case: "orderId", value: orderId } as const;
  const canceled = { case: "orderId", value: `${orderId}-canceled` } as const;
  const created = await step(
    "create",
    client.call(createPayment, {
      orderId,
      amount: { currency: "eur", minor: AMOUNT },
      mode: PaymentMode.INTENT,
      customerId: "customer-1",
      customerEmail: "ada@example.com",
      metadata: { b: "2", a: "1" },
      requestId: `${orderId}-create`,
    }),
  );
  const paymentId = paymentIdOf(answerOf(created));
  const payment = { case: "paymentId", value: paymentId } as const;
  await step("complete", client.call(completePayment, { payment, paymentMethod: "pm_card_visa" }));
  await step("complete again", client.call(completePayment, { payment: byOrder }));
  await step("refund a part", client.call(refundPayment, { payment, amount: { currency: "EUR", minor: PART } }));
  await step("refund the rest", client.call(refundPayment, { payment: byOrder, reason: "returned" }));
  await step("refund too much", client.call(refundPayment, { payment, amount: { currency: "EUR", minor: 1n } }));
  await step("status", client.call(getPaymentStatus, { payment: byOrder }));
  await step("get", client.call(getPayment, { paymentId }));
  const checkout = {
    orderId: canceled.value,
    items: [{ name: "Tee ☕", unitPrice: { currency: "JPY", minor: 500n }, quantity: 3 }],
  };
  await step("create a checkout", client.call(createPayment, checkout));
  await step("cancel", client.call(cancelPayment, { payment: canceled, reason: "changed mind" }));
  await step("status of the canceled", client.call(getPaymentStatus, { payment: canceled }));
  await step("list", client.call(listPayments, { orderId }));
  await step(
    "of no order",
    client.call(getPaymentStatus, { payment: { case: "orderId", value: `${orderId}-nothing` } }),
  );
  return steps;
}

/** Names and times that the service gives, and the order's own name; a name stands for itself in all places. */
const GIVEN =
  /(?:payment|refund|event)_[0-9a-f-]{36}|(?:pi|ch|re|cs_test)_\w+|\d{4}-\d\d-\d\dT[\d:.]+Z|http:\/\/localhost:\d+/g;

function withoutNames(steps: readonly Step[], orderId: string): JsonValue {
  const names = new Map<string, string>();
  const rename = (text: string): string => {
    const kind = text.replace(/[_\d].*/s, "");
    // Two things may happen in one millisecond through one door, and in two through another.
    if (kind === "") return "time";
    if (!names.has(text)) names.set(text, `${kind}-${names.size}`);
    return names.get(text) ?? "";
  };
  const text = JSON.stringify(steps)
    .replaceAll(orderId, "order")
    .replaceAll(/"clientToken":"[\w-]{32}"/g, '"clientToken":"token"')
    .replaceAll(GIVEN, rename);
  return JSON.parse(text) as JsonValue;
}

test("a payment lives the same life through every door, exact above 2^53", async (t) => {
  const clients = [...createClients(t, service), ...createOutsideClients(service)];
  const lives = await Promise.all(
    clients.map(async (client, index) => {
      const orderId = `order-${index}`;
      return { name: client.name, life: withoutNames(await live(client, orderId), orderId) };
    }),
  );
  const [first, ...others] = lives;
  assert.ok(first);
  assert.equal(lives.length, 11);
  for (const { name, life } of others) assert.deepEqual(life, first.life, `${name} against ${first.name}`);

  const steps = new Map((first.life as unknown as Step[]).map(({ name, outcome }) => [name, outcome]));
  const answer = (name: string): JsonObject => answerOf(steps.get(name) as Outcome);
  const amount = { currency: "EUR", minor: "9007199254740993" };
  const part = { currency: "EUR", minor: "2" };
  const rest = { currency: "EUR", minor: "9007199254740991" };
  const partial = (change: JsonObject) => ({ payment: change });
  assert.partialDeepStrictEqual(
    answer("create"),
    partial({ status: "PAYMENT_STATUS_PENDING", amount, version: 1, metadata: { a: "1", b: "2" } }),
  );
  assert.partialDeepStrictEqual(
    answer("complete"),
    partial({ status: "PAYMENT_STATUS_SUCCEEDED", amountCaptured: amount, paymentMethod: "visa ending 4242" }),
  );
  assert.partialDeepStrictEqual(answer("refund a part"), {
    refund: { amount: part, status: "REFUND_STATUS_SUCCEEDED" },
    payment: { status: "PAYMENT_STATUS_PARTIALLY_REFUNDED", amountRefunded: part },
  });
  assert.partialDeepStrictEqual(answer("refund the rest"), {
    refund: { amount: rest, reason: "returned" },
    payment: { status: "PAYMENT_STATUS_REFUNDED", amountRefunded: amount, version: 4 },
  });
  assert.partialDeepStrictEqual(answer("status"), {
    status: "PAYMENT_STATUS_REFUNDED",
    amountRefunded: amount,
    version: 4,
  });
  const history = (answer("get")["payment"] as { history: { type: string; version: number }[] }).history;
  assert.deepEqual(
    history.map(({ type, version }) => [type, version]),
    [
      ["payment.created", 1],
      ["payment.succeeded", 2],
      ["payment.refunded", 3],
      ["payment.refunded", 4],
    ],
  );
  assert.partialDeepStrictEqual(answer("create a checkout"), {
    payment: { amount: { currency: "JPY", minor: "1500" } },
  });
  assert.partialDeepStrictEqual(
    answer("cancel"),
    partial({ status: "PAYMENT_STATUS_CANCELED", cancelReason: "changed mind" }),
  );
  assert.equal((answer("list")["payments"] as JsonValue[]).length, 1);
  const refusals = ["complete again", "refund too much", "of no order"].map((name) => {
    const { code, details = [] } = steps.get(name)?.error ?? {};
    const info = details.map(([, detail]) => detail as { domain?: string; reason?: string }).at(0);
    return [code, info?.domain, info?.reason, details.length];
  });
  assert.deepEqual(refusals, [
    ["failed_precondition", "payment.v1", "PAYMENT_ALREADY_COMPLETED", 1],
    ["failed_precondition", "payment.v1", "REFUND_EXCEEDS_CAPTURED", 1],
    ["not_found", "payment.v1", "ORDER_NOT_FOUND", 1],
  ]);
});

test("in plain JSON an amount is a string with all its digits", async () => {
  const response = await fetch(`http://localhost:${service.http.port}/payment.v1.PaymentService/CreatePayment`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"orderId":"order-text","mode":"PAYMENT_MODE_INTENT","amount":{"currency":"EUR","minor":"9223372036854775807"}}',
  });
  assert.match(await response.text(), /"amount":\{"currency":"EUR","minor":"9223372036854775807"\}/);
});
