// Inputs for every door: requests that would be valid, and what became of them. Most are refused; some mean something still, which is why the tables are read
// afterwards.
import { create, type DescMethodUnary, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import { CreditService } from "../../../gen/payment/v1/credit_service_pb.ts";
import { OperationsService } from "../../../gen/payment/v1/operations_service_pb.ts";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import { frame } from "../../support/grpc-by-hand.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { anyOrder, type Input, type Material, nextOrder } from "./fuzz-material.ts";
import { oversized, spoilBytes, spoilJson, spoilProto, spoilText } from "./fuzz-mutate.ts";
import { rawInput } from "./fuzz-raw.ts";
import { REST_TEMPLATES, type RestTemplate } from "./fuzz-rest.ts";
import type { Random } from "../frame/random.ts";

type Headers = Record<string, string | string[]>;

const { method: rpc } = PaymentService;
/** Of which one moves what is there; the rest of the services is read, or refused. */
const OTHER_METHODS: readonly DescMethodUnary[] = [
  ...Object.values(CreditService.method),
  ...Object.values(OperationsService.method),
].filter((method) => method.methodKind === "unary" && method.name !== "ApplyReconciliation");
const CONTENT_TYPES = [
  "application/json",
  "application/proto",
  "application/grpc",
  "application/grpc+json",
  "application/grpc-web+proto",
  "application/grpc-web-text",
  "application/connect+json",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json; charset=utf-16",
  "application/json;;",
  "",
  "*/*",
];
const ENCODINGS = ["gzip", "br", "deflate", "snappy", "identity", "gzip, gzip", "x", ""];
const ODD_HEADERS: Readonly<Record<string, readonly string[]>> = {
  "grpc-timeout": ["1n", "0S", "-1S", "99999999H", "S", "1x", "1S1S"],
  "connect-timeout-ms": ["1", "0", "-1", "99999999999", "x", "1e3"],
  "connect-protocol-version": ["2", "", "1, 1"],
  "idempotency-key": ["", '"', "two words", "x".repeat(300), '"quoted"', "é"],
  authorization: ["Bearer", "Bearer x.y.z", "Basic YTpi", "x".repeat(4_000)],
  "x-forwarded-for": ["1.2.3.4", "::1, x", "'"],
  traceparent: ["00-zz", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`],
  accept: ["application/xml", "*"],
  cookie: ["a=b; a=b", "x".repeat(5_000)],
  "accept-encoding": ["gzip", "x", "gzip;q=0"],
  "grpc-encoding": ENCODINGS,
  "grpc-accept-encoding": ["x"],
  te: ["gzip"],
};

function createRequest(material: Material): MessageInitShape<typeof rpc.createPayment.input> {
  const { random } = material;
  const orderId = nextOrder(material);
  return {
    orderId,
    amount: { currency: random.pick(["EUR", "usd", "JPY", "KWD"]), minor: BigInt(1 + random.below(100_000)) },
    mode: random.pick([PaymentMode.CHECKOUT, PaymentMode.INTENT]),
    captureMethod: random.pick([CaptureMethod.AUTOMATIC, CaptureMethod.MANUAL]),
    customerEmail: "ada@shop.example",
    description: "A lamp",
    metadata: { key: "value" },
    requestId: `request-${orderId}`,
  };
}

/** A method of the contract, and a message that it could be sent. */
function pickRpc(material: Material) {
  const { random } = material;
  const payment = { case: "orderId", value: anyOrder(material) } as const;
  const amount = { currency: "EUR", minor: BigInt(1 + random.below(2_000)) };
  const method = random.pick(Object.values(rpc));
  switch (method) {
    case rpc.createPayment:
      return { method, message: create(rpc.createPayment.input, createRequest(material)) };
    case rpc.completePayment:
      return { method, message: create(rpc.completePayment.input, { payment, amount }) };
    case rpc.cancelPayment:
      return { method, message: create(rpc.cancelPayment.input, { payment, reason: "fuzz" }) };
    case rpc.refundPayment:
      return { method, message: create(rpc.refundPayment.input, { payment, amount, reason: "fuzz" }) };
    case rpc.getPaymentStatus:
      return { method, message: create(rpc.getPaymentStatus.input, { payment }) };
    case rpc.listPayments:
      return { method, message: create(rpc.listPayments.input, { pageSize: 2, orderId: payment.value }) };
    default: {
      const other = random.chance(0.5) ? random.pick(OTHER_METHODS) : rpc.getPayment;
      return { method: other, message: create(other.input) };
    }
  }
}

function oddHeaders(headers: Headers, random: Random): Headers {
  const changed = { ...headers };
  switch (random.below(5)) {
    case 0:
      changed["content-type"] = random.pick(CONTENT_TYPES);
      return changed;
    case 1:
      changed["content-encoding"] = random.pick(ENCODINGS);
      return changed;
    case 2: {
      const name = random.pick(Object.keys(ODD_HEADERS));
      const value = random.pick(ODD_HEADERS[name] ?? []);
      changed[name] = random.chance(0.2) ? [value, value] : value;
      return changed;
    }
    case 3:
      delete changed["content-type"];
      return changed;
    default:
      changed["content-type"] = spoilText(String(changed["content-type"] ?? ""), random);
      return changed;
  }
}

/** Envelopes that say more, less or something else than there is. */
function envelop(message: Buffer, random: Random): Buffer {
  switch (random.below(12)) {
    case 0:
      return frame(message, 1 + random.below(255));
    case 1: {
      const framed = frame(message);
      framed.writeUInt32BE(random.pick([0, 1, message.length + 1, 65_537, 2 ** 31, 2 ** 32 - 1]), 1);
      return framed;
    }
    case 2:
      return Buffer.concat([frame(message), frame(message)]);
    case 3:
      return Buffer.concat([frame(message), message]);
    case 4:
      return frame(message).subarray(0, random.below(6));
    case 5:
      return message;
    case 6:
      return frame(message, 1);
    default:
      return frame(message);
  }
}

function grpcInput(material: Material, protocol: "grpc" | "grpc-web"): Input {
  const { random } = material;
  const { method, message } = pickRpc(material);
  const bytes = Buffer.from(toBinary(method.input, message));
  const body = envelop(random.chance(0.8) ? spoilProto(bytes, random) : bytes, random);
  const headers: Headers =
    protocol === "grpc"
      ? { "content-type": "application/grpc", te: "trailers" }
      : { "content-type": "application/grpc-web+proto" };
  const wire =
    protocol === "grpc-web" ? random.pick(["http1", "http2"] as const) : random.pick(["grpc", "http2"] as const);
  const path = `/${method.parent.typeName}/${method.name}`;
  return {
    protocol,
    wire,
    method: "POST",
    path: random.chance(0.03) ? path.slice(0, random.below(path.length)) || "/" : path,
    headers: random.chance(0.1) ? oddHeaders(headers, random) : headers,
    body,
  };
}

function connectInput(material: Material): Input {
  const { random } = material;
  const { method, message } = pickRpc(material);
  const path = `/${method.parent.typeName}/${method.name}`;
  const isJson = random.chance(0.6);
  const binary = Buffer.from(toBinary(method.input, message));
  const json = toJson(method.input, message) as Record<string, unknown>;
  const body = isJson ? spoilJson(json, random) : spoilProto(binary, random);
  const wire = random.pick(["http1", "http2"] as const);
  if (random.chance(0.2)) {
    const text = isJson
      ? encodeURIComponent(body.subarray(0, 4_000).toString("latin1"))
      : body.subarray(0, 4_000).toString("base64url");
    const query = `connect=v1&encoding=${isJson ? "json" : "proto"}${isJson ? "" : "&base64=1"}&message=${text}`;
    const asked = random.chance(0.3) ? spoilText(query, random) : query;
    return { protocol: "connect", wire, method: "GET", path: `${path}?${asked}`, headers: {}, body: Buffer.alloc(0) };
  }
  const headers: Headers = {
    "content-type": isJson ? "application/json" : "application/proto",
    "connect-protocol-version": "1",
  };
  return {
    protocol: "connect",
    wire,
    method: random.chance(0.02) ? "PUT" : "POST",
    path,
    headers: random.chance(0.1) ? oddHeaders(headers, random) : headers,
    body,
  };
}

function restInput(material: Material): Input {
  const { random } = material;
  const template: RestTemplate = random.pick(REST_TEMPLATES);
  const { method, path, body } = template(material);
  const isSpoiltPath = random.chance(body === null ? 0.8 : 0.1);
  const headers: Headers = body === null ? {} : { "content-type": "application/json" };
  return {
    protocol: "rest",
    wire: random.pick(["http1", "http2"] as const),
    method: random.chance(0.02) ? random.pick(["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]) : method,
    path: isSpoiltPath ? `/${spoilText(path.slice(1), random)}` : path,
    headers: random.chance(0.1) ? oddHeaders(headers, random) : headers,
    body: body === null ? Buffer.alloc(0) : spoilJson(body, random),
  };
}

const WEBHOOK_PATHS = [
  "/v1/payments/webhook",
  "/payments/webhook",
  "/webhook",
  "/api/v1/payment/webhook/stripe",
  "/api/payments/webhooks/stripe",
];

function webhookInput(material: Material): Input {
  const { random, webhookSecret } = material;
  material.orders += 1;
  const object = {
    id: `pi_fz${material.orders}`,
    object: "payment_intent",
    amount: 1_000,
    currency: "eur",
    status: "succeeded",
    metadata: { payment_id: "payment_x" },
  };
  const type = random.pick([
    "payment_intent.succeeded",
    "charge.refunded",
    "checkout.session.completed",
    "charge.dispute.created",
    "refund.updated",
    "x.y",
  ]);
  const event = {
    id: `evt_fz${material.orders}`,
    object: "event",
    type,
    created: 1_700_000_000,
    livemode: false,
    data: { object },
  };
  const genuine = Buffer.from(JSON.stringify(event));
  const body = random.chance(0.6) ? spoilJson(event, random) : random.chance(0.02) ? oversized(random) : genuine;
  const signature = stripeSignature(random.chance(0.3) ? body : genuine, webhookSecret, new Date());
  const signed = random.chance(0.5) ? spoilText(signature, random) : signature;
  const headers: Headers = { "content-type": "application/json" };
  if (random.chance(0.97)) headers["stripe-signature"] = random.chance(0.05) ? [signed, signed] : signed;
  return {
    protocol: "webhook",
    wire: random.pick(["http1", "http2"] as const),
    method: "POST",
    path: random.pick(WEBHOOK_PATHS),
    headers: random.chance(0.05) ? oddHeaders(headers, random) : headers,
    body,
  };
}

const SUBJECTS = [
  "create.payment.session",
  "complete.payment",
  "process.refund.by.order",
  "cancel.payment",
  "get.payment.status",
  "capture.payment",
];
const NATS_HEADERS = ["idempotency-key", "authorization", "timeout-ms", "traceparent", "nats-msg-id"];

function natsInput(material: Material): Input {
  const { random } = material;
  const subject = random.pick(SUBJECTS);
  const isCreate = subject === "create.payment.session";
  const data: Record<string, unknown> = isCreate
    ? {
        orderId: nextOrder(material),
        currency: "usd",
        items: [{ name: "Lamp", price: 12.5, quantity: 2 }],
        requestId: "r",
      }
    : { orderId: anyOrder(material), amount: 5.25, reason: "fuzz" };
  const packet = { pattern: random.chance(0.9) ? subject : "other", data, id: String(material.orders) };
  const body = spoilJson(random.chance(0.5) ? packet : data, random);
  const headers: Headers = {};
  if (random.chance(0.05)) headers[random.pick(NATS_HEADERS)] = random.pick(["", "x", "0", "1", "x y", "é"]);
  return {
    protocol: "nats",
    wire: "nats",
    method: "",
    path: subject,
    headers,
    body: random.chance(0.1) ? spoilBytes(body, random) : body,
  };
}

/** How often each protocol is spoken. */
const MIX: readonly (readonly [number, (material: Material) => Input])[] = [
  [0.24, (material) => grpcInput(material, "grpc")],
  [0.32, (material) => grpcInput(material, "grpc-web")],
  [0.54, connectInput],
  [0.74, restInput],
  [0.84, webhookInput],
  [0.99, natsInput],
  [1, rawInput],
];

export function nextInput(material: Material): Input {
  const drawn = material.random.next();
  const [, make] = MIX.find(([bound]) => drawn < bound) ?? [1, natsInput];
  return make(material);
}
