// Bad input, whichever door it comes to: the reason that the contract names, the field at fault, and nothing written anywhere.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { PaymentMode, PaymentStatus } from "../../gen/payment/v1/payment_pb.ts";
import { type CreatePaymentRequestSchema, PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type CallError, type Client, createProtocolClients, saidOf } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { RAW_CALLS } from "./raw-calls.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;
const { getPayment, getPaymentStatus, listPayments } = PaymentService.method;

const UNKNOWN_ID = "payment_01890a5d-ac96-774b-bcce-b302099a8057";
const INT64_MAX = 2n ** 63n - 1n;
const CONTROL = "a\u0007b";
const euros = (minor: bigint) => ({ currency: "EUR", minor });
const piece = { name: "Tee", unitPrice: euros(500n), quantity: 2 };

const service = await ServiceProcess.start();
after(() => service.remove());

/** Their orders: one captured, one open, one held. */
const CAPTURED = "order-captured";
const OPEN = "order-open";
const HELD = "order-held";

before(async () => {
  const make = async (body: object): Promise<void> => {
    const response = await fetch(`http://localhost:${service.http.port}/payment.v1.PaymentService/CreatePayment`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ amount: { currency: "EUR", minor: "1000" }, mode: "PAYMENT_MODE_INTENT", ...body }),
    });
    assert.equal(response.status, 200, await response.text());
  };
  await make({ orderId: CAPTURED, paymentMethod: "pm_card_visa", requestId: "used" });
  await make({ orderId: OPEN });
  await make({ orderId: HELD, paymentMethod: "pm_card_visa", captureMethod: "CAPTURE_METHOD_MANUAL" });
});

interface BadCall {
  readonly name: string;
  readonly reason: string;
  /** The field that the first violation names; undefined where no field is at fault. */
  readonly field: string | undefined;
  readonly call: (client: Client) => ReturnType<Client["call"]>;
}

function bad<M extends DescMethodUnary>(
  method: M,
  [name, reason, field]: readonly [name: string, reason: string, field?: string],
  request: MessageInitShape<M["input"]>,
): BadCall {
  return { name: `${method.name}: ${name}`, reason, field, call: (client) => client.call(method, request) };
}

let orders = 0;
/** CreatePayment of a new order that would succeed but for what is changed. */
function badCreate(
  [name, reason, field]: readonly [string, string, string],
  change: Partial<MessageInitShape<typeof CreatePaymentRequestSchema>>,
): BadCall {
  orders += 1;
  const whole = {
    orderId: `bad-${orders}`,
    amount: euros(1000n),
    mode: PaymentMode.INTENT,
    paymentMethod: "pm_card_visa",
  };
  const request = { ...whole, ...change } as MessageInitShape<typeof CreatePaymentRequestSchema>;
  return bad(createPayment, [name, reason, field], request);
}

const byOrder = (value: string) => ({ payment: { case: "orderId", value } }) as const;
const byId = (value: string) => ({ payment: { case: "paymentId", value } }) as const;

const CREATES: readonly BadCall[] = [
  badCreate(["an empty order id", "INVALID_ARGUMENT", "order_id"], { orderId: "" }),
  badCreate(["an order id of 129 characters", "INVALID_ARGUMENT", "order_id"], { orderId: "x".repeat(129) }),
  badCreate(["a control character in the order id", "INVALID_ARGUMENT", "order_id"], { orderId: CONTROL }),
  badCreate(["a customer id of 129 characters", "INVALID_ARGUMENT", "customer_id"], { customerId: "x".repeat(129) }),
  badCreate(["a control character in the customer id", "INVALID_ARGUMENT", "customer_id"], { customerId: CONTROL }),
  badCreate(["an e-mail address that is none", "INVALID_ARGUMENT", "customer_email"], { customerEmail: "ada" }),
  badCreate(["a request id of 256 characters", "INVALID_ARGUMENT", "request_id"], { requestId: "x".repeat(256) }),
  badCreate(["a control character in the request id", "INVALID_ARGUMENT", "request_id"], { requestId: CONTROL }),
  badCreate(["an amount of zero", "INVALID_AMOUNT", "amount.minor"], { amount: euros(0n) }),
  badCreate(["an amount below zero", "INVALID_AMOUNT", "amount.minor"], { amount: euros(-1n) }),
  badCreate(["the lowest int64", "INVALID_AMOUNT", "amount.minor"], { amount: euros(-(2n ** 63n)) }),
  badCreate(["an unknown currency", "UNSUPPORTED_CURRENCY", "amount.currency"], {
    amount: { currency: "XXZ", minor: 1n },
  }),
  badCreate(["a currency of four letters", "INVALID_ARGUMENT", "amount.currency"], {
    amount: { currency: "EURO", minor: 1n },
  }),
  badCreate(["an amount without a currency", "INVALID_ARGUMENT", "amount.currency"], { amount: { minor: 1n } }),
  badCreate(["items that disagree with the amount", "INVALID_AMOUNT", "amount"], {
    items: [piece],
    amount: euros(999n),
  }),
  badCreate(["items of two currencies", "INVALID_AMOUNT", "items[1].unit_price.currency"], {
    items: [piece, { ...piece, unitPrice: { currency: "USD", minor: 500n } }],
  }),
  badCreate(["items that add up beyond int64", "INVALID_AMOUNT", "items"], {
    items: [{ ...piece, unitPrice: euros(INT64_MAX) }],
  }),
  badCreate(["an item that costs nothing", "INVALID_AMOUNT", "items[0].unit_price.minor"], {
    items: [{ ...piece, unitPrice: euros(0n) }],
  }),
  badCreate(["an item of no pieces", "INVALID_ARGUMENT", "items[0].quantity"], { items: [{ ...piece, quantity: 0 }] }),
  badCreate(["an item without a price", "INVALID_ARGUMENT", "items[0].unit_price"], {
    items: [{ name: "Tee", quantity: 1 }],
  }),
  badCreate(["101 items", "INVALID_ARGUMENT", "items"], { items: Array.from({ length: 101 }, () => piece) }),
  badCreate(["an unknown provider", "INVALID_ARGUMENT", "provider"], { provider: "paypal" }),
  badCreate(["an unknown mode", "INVALID_ARGUMENT", "mode"], { mode: 9 as PaymentMode }),
  badCreate(["21 attempts", "INVALID_ARGUMENT", "attempts_max"], { attemptsMax: 21 }),
  badCreate(["a payment method that is no token", "INVALID_ARGUMENT", "payment_method"], {
    paymentMethod: "4242 4242",
  }),
  badCreate(["a payment method for a checkout", "INVALID_ARGUMENT", "payment_method"], { mode: PaymentMode.CHECKOUT }),
  badCreate(["a URL that is a script", "INVALID_URL", "success_url"], { successUrl: "javascript:alert(1)" }),
  badCreate(["a URL of another origin", "INVALID_URL", "cancel_url"], { cancelUrl: "https://evil.example/" }),
  badCreate(["a zero byte in the description", "INVALID_ARGUMENT", "description"], { description: "a\u0000b" }),
  badCreate(["a zero byte in an item's name", "INVALID_ARGUMENT", "items[0].name"], {
    items: [{ ...piece, name: "a\u0000b" }],
  }),
  badCreate(["a zero byte in the metadata", "INVALID_ARGUMENT", 'metadata["note"]'], {
    metadata: { note: "a\u0000b" },
  }),
];

const CHANGES: readonly BadCall[] = [completePayment, cancelPayment, refundPayment, getPaymentStatus].flatMap(
  (method) => [
    bad(method, ["no payment named", "INVALID_ARGUMENT", "payment"], {}),
    bad(method, ["an empty order id", "INVALID_ARGUMENT", "order_id"], byOrder("")),
    bad(method, ["a control character in the order id", "INVALID_ARGUMENT", "order_id"], byOrder(CONTROL)),
    bad(method, ["an order id of 129 characters", "INVALID_ARGUMENT", "order_id"], byOrder("x".repeat(129))),
    bad(method, ["a payment id that is none", "INVALID_ARGUMENT", "payment_id"], byId("payment_1")),
    bad(method, ["a payment id of 65 characters", "INVALID_ARGUMENT", "payment_id"], byId("x".repeat(65))),
    bad(method, ["an unknown payment", "PAYMENT_NOT_FOUND"], byId(UNKNOWN_ID)),
    bad(method, ["an unknown order", "ORDER_NOT_FOUND"], byOrder("order-unknown")),
  ],
);

const AMOUNTS: readonly BadCall[] = [
  [refundPayment, CAPTURED] as const,
  [completePayment, OPEN] as const,
  [completePayment, HELD] as const,
].flatMap(([method, orderId]) => [
  bad(method, [`nothing, of ${orderId}`, "INVALID_AMOUNT", "amount.minor"], { ...byOrder(orderId), amount: euros(0n) }),
  bad(method, [`less than nothing, of ${orderId}`, "INVALID_AMOUNT", "amount.minor"], {
    ...byOrder(orderId),
    amount: euros(-5n),
  }),
  bad(method, [`an unknown currency, of ${orderId}`, "UNSUPPORTED_CURRENCY", "amount.currency"], {
    ...byOrder(orderId),
    amount: { currency: "XXZ", minor: 5n },
  }),
]);

const READS: readonly BadCall[] = [
  bad(getPayment, ["an empty payment id", "INVALID_ARGUMENT", "payment_id"], {}),
  bad(getPayment, ["an unknown payment", "PAYMENT_NOT_FOUND"], { paymentId: UNKNOWN_ID }),
  bad(listPayments, ["a page size below zero", "INVALID_ARGUMENT", "page_size"], { pageSize: -1 }),
  bad(listPayments, ["the lowest page size", "INVALID_ARGUMENT", "page_size"], { pageSize: -(2 ** 31) }),
  bad(listPayments, ["a page token that is none", "INVALID_ARGUMENT", "page_token"], { pageToken: "%%%" }),
  bad(listPayments, ["a page token of 1,025 characters", "INVALID_ARGUMENT", "page_token"], {
    pageToken: "x".repeat(1_025),
  }),
  bad(listPayments, ["the page token of other filters", "INVALID_ARGUMENT", "page_token"], {
    pageToken: Buffer.from(`AAAAAAAAAAAA ${UNKNOWN_ID}`).toString("base64url"),
  }),
  bad(listPayments, ["a control character in the order id", "INVALID_ARGUMENT", "order_id"], { orderId: CONTROL }),
  bad(listPayments, ["the status that is none", "INVALID_ARGUMENT", "statuses[0]"], {
    statuses: [PaymentStatus.UNSPECIFIED],
  }),
  bad(listPayments, ["an unknown status", "INVALID_ARGUMENT", "statuses[0]"], { statuses: [99 as PaymentStatus] }),
];

const REUSED: readonly BadCall[] = [
  bad(createPayment, ["a request id that was used", "REQUEST_ID_REUSED"], {
    orderId: "order-reuse",
    amount: euros(1n),
    requestId: "used",
  }),
  bad(cancelPayment, ["a request id that was used for another call", "REQUEST_ID_REUSED"], {
    ...byOrder(CAPTURED),
    requestId: "used",
  }),
];

const NOT_FOUND = new Set(["PAYMENT_NOT_FOUND", "ORDER_NOT_FOUND"]);

function codeOf(reason: string): string {
  if (NOT_FOUND.has(reason)) return "not_found";
  return reason === "REQUEST_ID_REUSED" ? "failed_precondition" : "invalid_argument";
}

function violationsOf({ details }: CallError): string[] {
  const found = details.find(([type]) => type === "BadRequest")?.[1];
  return ((found as { fieldViolations?: { field?: string }[] })?.fieldViolations ?? []).map(({ field = "" }) => field);
}

function assertRefused(error: CallError | undefined, expected: Pick<BadCall, "reason" | "field">, name: string): void {
  assert.ok(error, `${name}: it was accepted`);
  assert.deepEqual(
    { code: error.code, said: saidOf(error), fields: violationsOf(error) },
    {
      code: codeOf(expected.reason),
      said: { reason: expected.reason, outcome: "NOT_ATTEMPTED", domain: "payment.v1" },
      fields: expected.field === undefined ? [] : [expected.field],
    },
    name,
  );
}

/** How much there is in every table, and in the gateway's journal. */
async function count(): Promise<Record<string, unknown>> {
  const tables = await service.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  );
  const counts = tables.map(({ name }) => `(select count(*)::int from "${name}") as "${name}"`).join(", ");
  const [rows] = await service.query(`select ${counts}`);
  return { ...rows, journal: (await service.journal()).lines.length };
}

for (const [title, calls] of Object.entries({ CREATES, CHANGES, AMOUNTS, READS, REUSED })) {
  for (const { name, reason, field, call } of calls) {
    test(`${title.toLowerCase()} · ${name} is ${reason} over gRPC, gRPC-Web and Connect, and writes nothing`, async (t) => {
      const written = await count();
      assert.ok(Number(written["payment"]) >= 3);
      const clients = createProtocolClients(t, service);
      assert.equal(clients.length, 3);
      for (const client of clients) assertRefused((await call(client)).error, { reason, field }, client.name);
      assert.deepEqual(await count(), written);
    });
  }
}

for (const raw of RAW_CALLS) {
  test(`${raw.name} is INVALID_ARGUMENT, and writes nothing`, async (t) => {
    const written = await count();
    const error = await raw.call(t, service);
    assertRefused(error, { reason: "INVALID_ARGUMENT", field: raw.field }, raw.name);
    assert.deepEqual(await count(), written);
  });
}
