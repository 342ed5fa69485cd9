// Every subject in both formats, request ids, commands that nobody waits for, who may call, and what is refused.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Identity } from "../../../src/app/access.ts";
import { accept, refuse } from "../../../src/domain/error.ts";
import { headersOf, NatsWorld, newOrderId, sessionPayload } from "./open-door.ts";

const world = await NatsWorld.open();
after(() => world.close());
await world.openDoor();

const PAYMENT_ID = /^payment_[0-9a-f-]{36}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

type Ask = (subject: string, payload: Record<string, unknown>) => Promise<Record<string, unknown>>;

const plain: Ask = (subject, payload) => world.ask(subject, payload);
const nest: Ask = async (subject, payload) => {
  const packet = await world.askNest(subject, payload);
  assert.deepEqual(Object.keys(packet), ["response", "isDisposed", "id"]);
  assert.partialDeepStrictEqual(packet, { isDisposed: true, id: "nest-1" });
  return packet["response"] as Record<string, unknown>;
};

function matchTexts(body: Record<string, unknown>, patterns: Record<string, RegExp>): void {
  for (const [name, pattern] of Object.entries(patterns)) assert.match(String(body[name]), pattern, name);
}

for (const [format, ask] of [
  ["plain JSON", plain],
  ["NestJS packets", nest],
] as const) {
  test(`every subject answers with the document's body, in ${format}`, async () => {
    const orderId = newOrderId();
    const session = await ask("create.payment.session", sessionPayload(orderId));
    assert.deepEqual(Object.keys(session), ["paymentSessionId", "paymentUrl", "expiresAt"]);
    matchTexts(session, { paymentSessionId: /^cs_test_/, paymentUrl: /^http:\/\/localhost:8080\//, expiresAt: TIME });

    const completed = await ask("complete.payment", { orderId });
    assert.deepEqual(Object.keys(completed), ["orderId", "paymentId", "status", "completedAt", "amount", "currency"]);
    assert.partialDeepStrictEqual(completed, { orderId, status: "completed", amount: 51.98, currency: "usd" });
    matchTexts(completed, { paymentId: PAYMENT_ID, completedAt: TIME });
    const { paymentId } = completed;

    const refund = await ask("process.refund.by.order", { orderId, amount: 50.0, reason: "requested_by_customer" });
    assert.deepEqual(Object.keys(refund), [
      "orderId",
      "paymentId",
      "refundId",
      "amount",
      "currency",
      "status",
      "createdAt",
      "reason",
    ]);
    const reason = "requested_by_customer";
    const expected = { orderId, paymentId, amount: 50, currency: "usd", status: "succeeded", reason };
    assert.partialDeepStrictEqual(refund, expected);
    matchTexts(refund, { refundId: /^refund_[0-9a-f-]{36}$/, createdAt: TIME });

    const status = await ask("get.payment.status", { orderId });
    assert.partialDeepStrictEqual(status, {
      orderId,
      paymentId,
      status: "partially_refunded",
      amount: 51.98,
      amountCaptured: 51.98,
      amountRefunded: 50,
      currency: "usd",
      version: 3,
    });
    assert.deepEqual(await ask("get.payment.status", { paymentId }), status);
  });

  test(`an open payment is cancelled and an authorized one captured in part, in ${format}`, async () => {
    const canceled = newOrderId();
    await ask("create.payment.session", sessionPayload(canceled));
    const answer = await ask("cancel.payment", { orderId: canceled });
    assert.deepEqual(Object.keys(answer), ["orderId", "paymentId", "cancelled", "cancelledAt", "reason"]);
    assert.partialDeepStrictEqual(answer, { orderId: canceled, cancelled: true, reason: "user_requested" });

    const held = newOrderId();
    await ask("create.payment.session", { ...sessionPayload(held), captureMethod: "MANUAL" });
    assert.partialDeepStrictEqual(await ask("complete.payment", { orderId: held }), { status: "authorized" });
    const captured = await ask("capture.payment", { orderId: held, amount: 20.01 });
    assert.partialDeepStrictEqual(captured, { orderId: held, status: "completed", amount: 20.01, currency: "usd" });
  });
}

test("a request id makes copies one request, by header or payload, in either format", async () => {
  const orderId = newOrderId();
  await world.ask("create.payment.session", sessionPayload(orderId));
  await world.ask("complete.payment", { orderId });
  const refund = { orderId, amount: 10.5 };
  const key = `refund-${orderId}`;
  const answers = await Promise.all([
    world.ask("process.refund.by.order", refund, { "Idempotency-Key": key }),
    world.ask("process.refund.by.order", refund, { "idempotency-key": `"${key}"` }),
    world.ask("process.refund.by.order", { ...refund, requestId: key }),
    world.askNest("process.refund.by.order", { ...refund, requestId: key }).then((packet) => packet["response"]),
    world.askNest("process.refund.by.order", refund, { "Idempotency-Key": key }).then((packet) => packet["response"]),
  ]);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  const status = await world.ask("get.payment.status", { orderId });
  assert.equal(status["amountRefunded"], 10.5);
  const other = await world.ask("process.refund.by.order", { orderId, amount: 10.51, requestId: key });
  assert.partialDeepStrictEqual(other, { error: { reason: "REQUEST_ID_REUSED", status: 422 } });
});

test("amounts are exact, whatever a double would make of them", async () => {
  const orderId = newOrderId();
  const payload = `{"orderId":"${orderId}","currency":"USD","items":[{"name":"a","price":90071992547409.93,"quantity":1000}]}`;
  await world.ask("create.payment.session", payload);
  const [row] = await world.service.rows<{ minor: string }>(
    "select amount_minor::text as minor from payment where order_id = $1",
    [orderId],
  );
  assert.equal(row?.minor, "9007199254740993000");
  const message = await world.connection.request("get.payment.status", JSON.stringify({ orderId }));
  assert.match(message.string(), /"amount":90071992547409930\.00,/);
});

test("a refusal has the reason, the outcome and the status, in the caller's format", async () => {
  const missing = await world.ask("complete.payment", { orderId: "nobody's" });
  assert.deepEqual(missing, {
    error: {
      status: 404,
      message: "order nobody's has no payment",
      reason: "ORDER_NOT_FOUND",
      outcome: "NOT_ATTEMPTED",
      metadata: { orderId: "nobody's" },
      violations: [],
    },
  });
  const packet = await world.askNest("complete.payment", { orderId: "nobody's" });
  assert.deepEqual(packet, {
    err: {
      status: "error",
      statusCode: 404,
      message: "order nobody's has no payment",
      reason: "ORDER_NOT_FOUND",
      outcome: "NOT_ATTEMPTED",
      metadata: { orderId: "nobody's" },
      violations: [],
    },
    isDisposed: true,
    id: "nest-1",
  });
});

test("a decline is an error that says so", async () => {
  const orderId = newOrderId();
  await world.ask("create.payment.session", { ...sessionPayload(orderId), attemptsMax: 1 });
  const declined = await world.ask("complete.payment", {
    orderId,
    paymentMethod: "pm_card_chargeDeclinedInsufficientFunds",
  });
  assert.partialDeepStrictEqual(declined, {
    error: { reason: "INSUFFICIENT_FUNDS", outcome: "DECLINED", status: 402, metadata: { orderId, status: "FAILED" } },
  });
});

test("capturing never pays what is not authorized", async () => {
  const orderId = newOrderId();
  await world.ask("create.payment.session", sessionPayload(orderId));
  const refused = await world.ask("capture.payment", { orderId });
  assert.partialDeepStrictEqual(refused, { error: { reason: "PAYMENT_NOT_PAID", metadata: { status: "PENDING" } } });
  assert.equal((await world.ask("get.payment.status", { orderId }))["status"], "pending");
});

const wrongPayloads: readonly [string, Record<string, unknown>, Record<string, unknown>][] = [
  ["create.payment.session", {}, { reason: "INVALID_ARGUMENT", fields: ["orderId"] }],
  ["create.payment.session", { orderId: "o", amount: 5 }, { reason: "INVALID_ARGUMENT", fields: ["currency"] }],
  [
    "create.payment.session",
    { orderId: 5, currency: "usd", items: [{ name: "a", price: 1, quantity: 1 }] },
    { reason: "INVALID_ARGUMENT", fields: ["orderId"] },
  ],
  [
    "create.payment.session",
    { orderId: "x", currency: "usd", items: [{ name: "a", price: 10.001, quantity: 1 }] },
    { reason: "INVALID_AMOUNT", fields: ["items[0].price"] },
  ],
  [
    "create.payment.session",
    { orderId: "x", currency: "jpy", items: [{ name: "a", price: 0.5, quantity: 1 }] },
    { reason: "INVALID_AMOUNT", fields: ["items[0].price"] },
  ],
  [
    "create.payment.session",
    { orderId: "x", currency: "usd", items: [{ name: "a", price: "1", quantity: 0 }] },
    { reason: "INVALID_AMOUNT", fields: ["items[0].price"] },
  ],
  [
    "create.payment.session",
    { orderId: "x", currency: "zzz" },
    { reason: "UNSUPPORTED_CURRENCY", fields: ["currency"] },
  ],
  ["create.payment.session", { orderId: "x", currency: "usd" }, { reason: "INVALID_AMOUNT", fields: ["amount"] }],
  [
    "create.payment.session",
    { orderId: "x".repeat(129), currency: "usd", amount: 1 },
    { reason: "INVALID_ARGUMENT", fields: ["orderId"] },
  ],
  [
    "create.payment.session",
    { orderId: "x", currency: "usd", amount: 1, customerEmail: "nobody" },
    { reason: "INVALID_ARGUMENT", fields: ["customerEmail"] },
  ],
  ["complete.payment", {}, { reason: "INVALID_ARGUMENT", fields: ["orderId"] }],
  ["complete.payment", { paymentId: "x" }, { reason: "INVALID_ARGUMENT", fields: ["paymentId"] }],
  ["cancel.payment", { orderId: ["x"] }, { reason: "INVALID_ARGUMENT", fields: ["orderId"] }],
  ["get.payment.status", { orderId: "\ud800" }, { reason: "INVALID_ARGUMENT", fields: ["orderId"] }],
  [
    "process.refund.by.order",
    { orderId: "x", requestId: "a b" },
    { reason: "INVALID_ARGUMENT", fields: ["requestId"] },
  ],
];

test("a wrong payload names its fields as the payload has them", async () => {
  const before = await world.count("payment");
  for (const [subject, payload, expected] of wrongPayloads) {
    const { error } = (await world.ask(subject, payload)) as { error: Record<string, unknown> };
    const violations = error["violations"] as { field: string }[];
    const got = { reason: error["reason"], fields: violations.map(({ field }) => field) };
    assert.deepEqual(got, expected, `${subject} ${JSON.stringify(payload)}`);
    assert.equal(error["status"], 400);
    assert.ok(
      violations.every(({ field }) => String(error["message"]).includes(field)),
      String(error["message"]),
    );
  }
  assert.equal(await world.count("payment"), before);
});

test("what is not a message is refused, in the plain form", async () => {
  const broken: (string | Uint8Array)[] = [
    "",
    " ",
    "{",
    "null",
    "[]",
    '"text"',
    "12",
    "true",
    Uint8Array.of(0xff, 0xfe),
    `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    `{"orderId":"${"x".repeat(70_000)}"}`,
  ];
  for (const bytes of broken) {
    const { error } = (await world.ask("complete.payment", bytes)) as { error: Record<string, unknown> };
    assert.partialDeepStrictEqual(error, { reason: "INVALID_ARGUMENT", outcome: "NOT_ATTEMPTED", status: 400 });
  }
});

test("a Nest packet of another pattern, or without data, is refused as a Nest packet", async () => {
  const packets = [
    { pattern: "unknown.pattern", data: {}, id: "7" },
    { pattern: "get.payment.status", data: { orderId: "x" }, id: "7" },
    { pattern: { cmd: "complete" }, data: {}, id: "7" },
    { pattern: null, data: {}, id: "7" },
    { pattern: "complete.payment", id: "7" },
    { pattern: "complete.payment", data: "text", id: "7" },
    { pattern: "complete.payment", data: [], id: "7" },
  ];
  for (const packet of packets) {
    const answer = await world.ask("complete.payment", packet);
    assert.partialDeepStrictEqual(answer, {
      err: { status: "error", statusCode: 400, reason: "INVALID_ARGUMENT" },
      isDisposed: true,
      id: "7",
    });
  }
});

test("a command without a reply inbox is carried out and logged, once however often it comes", async () => {
  const orderId = newOrderId();
  await world.ask("create.payment.session", sessionPayload(orderId));
  world.command("complete.payment", { orderId });
  await world.log.until((line) => line.msg === "command carried out" && line["orderId"] === orderId);
  const refund = { pattern: "process.refund.by.order", data: { orderId, amount: 5 } };
  const isRefund = (line: { msg: string; refundId?: unknown; orderId?: unknown }): boolean =>
    line.msg === "command carried out" && line.refundId !== undefined && line.orderId === orderId;
  for (let copy = 1; copy <= 3; copy += 1)
    world.command("process.refund.by.order", refund, { "Nats-Msg-Id": `m-${orderId}` });
  await world.log.until(isRefund, 3);
  assert.equal((await world.ask("get.payment.status", { orderId }))["amountRefunded"], 5);

  world.command("complete.payment", { orderId: `${orderId}-unknown` });
  world.connection.publish("complete.payment", "no JSON");
  const refused = await world.log.until(
    (line) => line.msg === "command refused" && line["reason"] === "ORDER_NOT_FOUND",
  );
  assert.deepEqual(refused["metadata"], { orderId: `${orderId}-unknown` });
  await world.log.until((line) => line.msg === "command refused" && line["reason"] === "INVALID_ARGUMENT");
});

test("an answer is never published where a message means something", async () => {
  const orderId = newOrderId();
  await world.ask("create.payment.session", sessionPayload(orderId));
  const heard: string[] = [];
  const subjects = ["payment.>", "$JS.API.STREAM.DELETE.PAYMENTS", "process.refund.by.order"];
  const subscriptions = subjects.map((subject) =>
    world.connection.subscribe(subject, { callback: (_error, { subject: at }) => void heard.push(at) }),
  );
  for (const reply of ["payment.succeeded", "$JS.API.STREAM.DELETE.PAYMENTS", "process.refund.by.order"])
    world.connection.publish("complete.payment", JSON.stringify({ orderId, requestId: "one" }), { reply });
  await world.log.until((line) => line.msg === "command carried out" && line["orderId"] === orderId, 3);
  await world.connection.flush();
  for (const subscription of subscriptions) subscription.unsubscribe();
  assert.deepEqual(heard, []);
});

test("who calls is found out as at every door", async (t) => {
  const [owner, stranger] = ["ann", "bob"].map(
    (name): Identity => ({ role: "customer", principal: name, customerId: name, clientToken: null }),
  );
  const identities: Readonly<Record<string, Identity | undefined>> = {
    "Bearer ann": owner,
    "Bearer bob": stranger,
    "Bearer shop": { role: "service", principal: "shop", customerId: null, clientToken: null },
  };
  const guarded = await NatsWorld.open();
  t.after(() => guarded.close());
  await guarded.openDoor({
    authenticate: (authorization) => {
      const identity = identities[authorization ?? ""];
      return identity ? accept(identity) : refuse("UNAUTHENTICATED", "send a token");
    },
  });
  const orderId = newOrderId();
  const as = (name: string) => ({ Authorization: `Bearer ${name}` });
  const reasonOf = async (subject: string, payload: object, fields: Record<string, string>) => {
    const { error } = (await guarded.ask(subject, { ...payload }, fields)) as { error?: { reason: string } };
    return error?.reason ?? "ok";
  };
  const session = { ...sessionPayload(orderId), customerId: "ann" };
  const asked: [string, string, object, Record<string, string>][] = [
    ["UNAUTHENTICATED", "create.payment.session", session, {}],
    ["UNAUTHENTICATED", "create.payment.session", session, as("forged")],
    ["ok", "create.payment.session", session, as("shop")],
    ["UNAUTHENTICATED", "complete.payment", { orderId }, {}],
    ["ORDER_NOT_FOUND", "complete.payment", { orderId }, as("bob")],
    ["ORDER_NOT_FOUND", "get.payment.status", { orderId }, as("bob")],
    ["ok", "get.payment.status", { orderId }, as("ann")],
    ["ok", "complete.payment", { orderId }, as("ann")],
    ["PERMISSION_DENIED", "process.refund.by.order", { orderId }, as("ann")],
    ["PERMISSION_DENIED", "process.refund.by.order", { orderId, amount: 1 }, as("ann")],
    ["UNAUTHENTICATED", "process.refund.by.order", { orderId }, {}],
    ["ok", "process.refund.by.order", { orderId }, as("shop")],
  ];
  for (const [expected, subject, payload, fields] of asked) {
    const who = fields["Authorization"] ?? "nobody";
    assert.equal(await reasonOf(subject, payload, fields), expected, `${subject} as ${who}`);
  }
  const twice = headersOf(as("shop"));
  twice.append("Authorization", "Bearer shop");
  const message = await guarded.connection.request("get.payment.status", JSON.stringify({ orderId }), {
    timeout: 5_000,
    headers: twice,
  });
  assert.partialDeepStrictEqual(message.json(), { error: { reason: "UNAUTHENTICATED", status: 401 } });
  const packet = await guarded.askNest("complete.payment", { orderId });
  assert.partialDeepStrictEqual(packet, { err: { reason: "UNAUTHENTICATED", statusCode: 401 }, id: "nest-1" });
});
