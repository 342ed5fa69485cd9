import assert from "node:assert/strict";
import { connect, constants } from "node:http2";
import { test } from "node:test";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { accept } from "../../src/domain/error.ts";
import { CreatePaymentResponseSchema, PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { createClients } from "../support/clients.ts";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { openPorts } from "./ports.ts";

const PATH = "/payment.v1.PaymentService/CreatePayment";
const STEAL = "/payment.v1.PaymentService/Steal";
const CARD_NUMBER = "4242424242424242";
const MALFORMED = Buffer.from([0x0a, 0x7f, 0x01]);

/** A handler that counts: whatever is refused before it has written nothing. */
function counting() {
  const seen = { calls: 0 };
  const createPayment = async () => {
    seen.calls += 1;
    return accept(create(CreatePaymentResponseSchema, {}));
  };
  return { seen, handlers: { createPayment } };
}

async function post(
  port: number,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  path = PATH,
) {
  const response = await fetch(`http://localhost:${port}${path}`, { method: "POST", body, headers });
  const json = (await response.json()) as {
    code: string;
    message: string;
    details?: { type: string; debug: JsonObject }[];
  };
  const debug = (type: string) =>
    json.details?.filter((each) => each.type === `google.rpc.${type}`).map((each) => each.debug);
  return {
    status: response.status,
    code: json.code,
    text: JSON.stringify(json),
    infos: debug("ErrorInfo"),
    badRequests: debug("BadRequest"),
  };
}

const JSON_TYPE = { "content-type": "application/json" };
const INVALID = { domain: "payment.v1", reason: "INVALID_ARGUMENT" };

test("a request that breaks the contract's rules is refused with its fields' names, through every client", async (t) => {
  const { seen, handlers } = counting();
  const clients = createClients(t, await openPorts(t, { handlers }));
  const request = { orderId: "a\u0007", items: [{ name: "", quantity: 1 }], requestId: "has space", attemptsMax: 21 };
  const fieldViolations = [
    { field: "order_id", description: "must not contain control characters" },
    { field: "items[0].name", description: "is empty or too short; it must be at least 1 characters" },
    { field: "items[0].unit_price", description: "is missing; send it" },
    { field: "attempts_max", description: "must be greater than or equal to 0 and less than or equal to 20" },
    {
      field: "request_id",
      description: "must be at most 255 printable ASCII characters without spaces; a UUID is best",
    },
  ];
  for (const client of clients) {
    const outcome = await client.call(PaymentService.method.createPayment, request);
    assert.ok(outcome.error, client.name);
    assert.equal(outcome.error.code, "invalid_argument", client.name);
    const metadata = { field: "order_id", outcome: "NOT_ATTEMPTED" };
    assert.deepEqual(
      outcome.error.details,
      [
        ["ErrorInfo", { ...INVALID, metadata }],
        ["BadRequest", { fieldViolations }],
      ],
      client.name,
    );
  }
  assert.equal(seen.calls, 0);
});

test("a request without its payment is told what it may send", async (t) => {
  const clients = createClients(t, await openPorts(t));
  for (const client of clients) {
    const outcome = await client.call(PaymentService.method.getPaymentStatus, {});
    assert.ok(outcome.error, client.name);
    assert.equal(outcome.error.message, "payment: is missing; send one of payment_id, order_id", client.name);
  }
});

test("bytes that are no message are INVALID_ARGUMENT over gRPC on both ports, and reach no handler", async (t) => {
  const { seen, handlers } = counting();
  const ports = await openPorts(t, { handlers });
  for (const { port } of [ports.grpc, ports.http]) {
    const { badRequest, ...rest } = await callByHand(port, PATH, frame(MALFORMED));
    assert.deepEqual(rest, { status: 3, reason: "INVALID_ARGUMENT", outcome: "NOT_ATTEMPTED" });
    assert.equal(badRequest?.fieldViolations.length, 1);
  }
  assert.equal(seen.calls, 0);
});

test("a message above 64 KiB is refused over gRPC on both ports, also when it is small until it is decompressed", async (t) => {
  const { seen, handlers } = counting();
  const ports = await openPorts(t, { handlers });
  const bomb = frame(await promisify(gzip)(Buffer.alloc(50_000_000)), 1);
  const expected = { status: 3, reason: "INVALID_ARGUMENT", outcome: "NOT_ATTEMPTED" };
  for (const { port } of [ports.grpc, ports.http]) {
    const { badRequest: large, ...first } = await callByHand(port, PATH, frame(Buffer.alloc(65_537)));
    assert.deepEqual(first, expected);
    assert.equal(large?.fieldViolations[0]?.description, "is larger than 65536 bytes; send less");
    const { badRequest: bombed, ...second } = await callByHand(port, PATH, bomb, { "grpc-encoding": "gzip" });
    assert.deepEqual(second, expected);
    assert.equal(bombed?.fieldViolations[0]?.description, "is larger than 65536 bytes; send less");
  }
  assert.equal(seen.calls, 0);
});

test("a compression that is not offered is named as such on both ports", async (t) => {
  const ports = await openPorts(t);
  for (const { port } of [ports.grpc, ports.http]) {
    const { badRequest, ...rest } = await callByHand(port, PATH, frame(Buffer.from([1]), 1), {
      "grpc-encoding": "snappy",
    });
    assert.deepEqual(rest, { status: 12, reason: "INVALID_ARGUMENT", outcome: "NOT_ATTEMPTED" });
    assert.equal(badRequest?.fieldViolations.length, 1);
  }
});

test("a body above 64 KiB is refused over HTTP, compressed or not", async (t) => {
  const { seen, handlers } = counting();
  const { http } = await openPorts(t, { handlers });
  const large = Buffer.alloc(2_000_000, 0x20);
  const bodies = [
    { body: large, headers: JSON_TYPE },
    { body: await promisify(gzip)(large), headers: { ...JSON_TYPE, "content-encoding": "gzip" } },
    { body: await promisify(brotliCompress)(large), headers: { ...JSON_TYPE, "content-encoding": "br" } },
  ];
  for (const { body, headers } of bodies) {
    const answer = await post(http.port, new Uint8Array(body), headers);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.infos, [{ ...INVALID, metadata: { field: "", outcome: "NOT_ATTEMPTED" } }]);
    assert.deepEqual(answer.badRequests, [
      { fieldViolations: [{ description: "is larger than 65536 bytes; send less" }] },
    ]);
  }
  assert.equal(seen.calls, 0);
});

const JSON_CASES = [
  ["an unknown field", `{"orderId":"1","surprise":1}`, "surprise", "is not a field of payment.v1.CreatePaymentRequest"],
  ["an unknown field inside", `{"amount":{"cents":1}}`, "cents", "is not a field of payment.v1.Money"],
  [
    "a fraction where minor units are",
    `{"orderId":"1","amount":{"minor":"1.5"}}`,
    "minor",
    "has a value that is not of its type",
  ],
  [
    "an amount beyond int64",
    `{"amount":{"minor":"9223372036854775808"}}`,
    "minor",
    "has a value that is not of its type",
  ],
  ["an unknown name", `{"mode":"FREE"}`, undefined, "holds a name that payment.v1.PaymentMode does not have"],
  ["half of a surrogate pair", `{"orderId":"\\ud800"}`, "order_id", "has a value that is not of its type"],
  ["a list", "[]", undefined, "is not a payment.v1.CreatePaymentRequest"],
  ["no JSON", "{", undefined, "is not a payment.v1.CreatePaymentRequest"],
  ["an empty body", "", undefined, "is not a payment.v1.CreatePaymentRequest"],
] as const;

for (const [name, body, field, description] of JSON_CASES) {
  test(`JSON with ${name} is refused by name, and reaches no handler`, async (t) => {
    const { seen, handlers } = counting();
    const { http } = await openPorts(t, { handlers });
    const answer = await post(http.port, body, JSON_TYPE);
    assert.equal(answer.status, 400);
    assert.equal(answer.code, "invalid_argument");
    assert.deepEqual(answer.infos, [{ ...INVALID, metadata: { field: field ?? "", outcome: "NOT_ATTEMPTED" } }]);
    const [badRequest] = (answer.badRequests ?? []) as { fieldViolations: { field?: string; description: string }[] }[];
    const [violation, ...more] = badRequest?.fieldViolations ?? [];
    assert.equal(violation?.field, field);
    assert.ok(violation?.description.startsWith(description), violation?.description);
    assert.deepEqual(more, []);
    assert.equal(seen.calls, 0);
  });
}

test("a message in a query that is no base64 is refused, and reaches no handler", async (t) => {
  const { seen, handlers } = counting();
  const { http } = await openPorts(t, { handlers: { ...handlers, getPaymentStatus: handlers.createPayment as never } });
  const query = "connect=v1&encoding=proto&base64=1&message=Egpub2JvZHktNDQ5..";
  const response = await fetch(`http://localhost:${http.port}/payment.v1.PaymentService/GetPaymentStatus?${query}`);
  const answer = (await response.json()) as { code: string; details: { debug: JsonObject }[] };
  assert.deepEqual([response.status, answer.code], [400, "invalid_argument"]);
  assert.equal(answer.details[0]?.debug["reason"], "INVALID_ARGUMENT");
  assert.equal(seen.calls, 0);
});

test("a refusal never repeats what was sent", async (t) => {
  const { http } = await openPorts(t);
  const bodies = [
    `{"items":[{"quantity":"${CARD_NUMBER}"}]}`,
    `{"${CARD_NUMBER}":1}`,
    `{"mode":"${CARD_NUMBER}"}`,
    `{"orderId":"1" ${CARD_NUMBER}`,
    `{"orderId":"1","requestId":" ${CARD_NUMBER}","paymentMethod":"${CARD_NUMBER} 12/30 123"}`,
  ];
  for (const body of bodies) {
    const answer = await post(http.port, body, JSON_TYPE);
    assert.equal(answer.status, 400);
    assert.doesNotMatch(answer.text, new RegExp(CARD_NUMBER), body);
  }
});

test("a wrong content type, method or path is refused in the caller's own protocol", async (t) => {
  const ports = await openPorts(t);
  const wrongType = await post(ports.http.port, "{}", { "content-type": "text/plain" });
  assert.equal(wrongType.status, 415);
  assert.equal(wrongType.infos?.length, 1);
  const read = await fetch(`http://localhost:${ports.http.port}${PATH}`);
  assert.equal(read.status, 405);
  const nowhere = await post(ports.http.port, "{}", JSON_TYPE, STEAL);
  assert.equal(nowhere.status, 404);
  assert.equal(nowhere.code, "unimplemented");
  const overGrpc = await callByHand(ports.http.port, STEAL, frame(Buffer.alloc(0)));
  assert.equal(overGrpc.status, 12);
  assert.equal(overGrpc.reason, "INVALID_ARGUMENT");
  assert.equal((await callByHand(ports.grpc.port, STEAL, frame(Buffer.alloc(0)))).status, 12);
});

test("a request whose host is no host is answered", async (t) => {
  const { http } = await openPorts(t);
  const session = connect(`http://localhost:${http.port}`);
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": PATH,
    ":authority": "[",
    "content-type": "application/json",
  });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  stream.once("response", (headers) => resolve(headers[constants.HTTP2_HEADER_STATUS]));
  stream.resume();
  stream.end("{}");
  assert.equal(await promise, 400);
});

test("a fault is INTERNAL with a generic message; its cause is in the log alone", async (t) => {
  const handlers = {
    createPayment: async () => {
      throw new Error("password is hunter2");
    },
  };
  const ports = await openPorts(t, { handlers });
  for (const client of createClients(t, ports)) {
    const outcome = await client.call(PaymentService.method.createPayment, { orderId: "1" });
    assert.ok(outcome.error, client.name);
    assert.equal(outcome.error.code, "internal", client.name);
    const info = { domain: "payment.v1", reason: "INTERNAL", metadata: { outcome: "UNKNOWN" } };
    assert.deepEqual(outcome.error.details, [["ErrorInfo", info]], client.name);
    assert.doesNotMatch(JSON.stringify(outcome), /hunter2/, client.name);
  }
  const failures = ports.logged.filter(({ msg }) => msg === "call failed");
  assert.equal(failures.length, 8);
  assert.match(JSON.stringify(failures[0]), /hunter2/);
});

test("an answer that cannot be written is INTERNAL, and logged", async (t) => {
  const broken = create(CreatePaymentResponseSchema, { payment: { version: "one" as never } });
  const ports = await openPorts(t, { handlers: { createPayment: async () => accept(broken) } });
  // Connect's own gRPC tells nobody when it fails to write an answer.
  const clients = createClients(t, ports).filter(({ name }) => /Connect|gRPC port/.test(name));
  assert.equal(clients.length, 5);
  for (const client of clients) {
    const outcome = await client.call(PaymentService.method.createPayment, { orderId: "1" });
    assert.ok(outcome.error, client.name);
    assert.equal(outcome.error.code, "internal", client.name);
    assert.equal(outcome.error.details.length, 1, client.name);
    assert.doesNotMatch(outcome.error.message, /serialize|encode|version|one/, client.name);
  }
  assert.equal(ports.logged.filter(({ msg }) => msg === "call failed").length, 5);
});
