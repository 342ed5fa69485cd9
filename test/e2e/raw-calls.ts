// Calls that no client would send: bytes that are no message, bodies that are too large, and JSON that the contract does not know.
import type { TestContext } from "node:test";
import type { ServiceError } from "@grpc/grpc-js";
import { type CallError, connectGrpcJs, type Ports, readGrpcError } from "../support/clients.ts";
import { frame } from "../support/grpc-by-hand.ts";
import { readErrorBody } from "./outside-clients.ts";

const PATH = "/payment.v1.PaymentService/CreatePayment";
const LIST_PATH = "/payment.v1.PaymentService/ListPayments";
/** A field that says it is longer than what follows. */
const MALFORMED = Buffer.from([0x0a, 0x7f, 0x01]);
const LARGE = 64 * 1024 + 1;
const TRAILERS_FLAG = 0x80;

export interface RawCall {
  readonly name: string;
  /** What the violation names; empty where the whole body is at fault. */
  readonly field: string;
  call(t: TestContext, ports: Ports): Promise<CallError | undefined>;
}

/** Seconds of a time that no calendar has, as `create_time_from` of ListPayments: JSON cannot say it, protobuf can. */
const ENDLESS = Buffer.from([0x32, 0x0a, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);

function overGrpc(bytes: Buffer, path = PATH): RawCall["call"] {
  return (t, { grpc }) => {
    const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
    const same = (body: Buffer): Buffer => body;
    connectGrpcJs(t, grpc.port).makeUnaryRequest(path, same, same, bytes, resolve);
    return promise.then((error) => (error ? readGrpcError(error) : undefined));
  };
}

async function post(ports: Ports, type: string, body: Uint8Array<ArrayBuffer> | string): Promise<Response> {
  const headers = { "content-type": type };
  return fetch(`http://localhost:${ports.http.port}${PATH}`, { method: "POST", headers, body });
}

function overConnect(type: string, body: Uint8Array<ArrayBuffer> | string): RawCall["call"] {
  return async (_t, ports) => {
    const response = await post(ports, type, body);
    return response.ok ? undefined : readErrorBody(await response.text());
  };
}

/** gRPC-Web sends its trailers in the body, as a last frame of HTTP/1 headers; an answer without messages may have them in its head. */
function overGrpcWeb(message: Uint8Array): RawCall["call"] {
  return async (_t, ports) => {
    const response = await post(ports, "application/grpc-web+proto", frame(message));
    const body = Buffer.from(await response.arrayBuffer());
    const inBody = body[0] === TRAILERS_FLAG ? body.subarray(5).toString() : "";
    const trailers = new Headers(inBody.split("\r\n").filter(Boolean).map(readHeader));
    const read = (name: string): string => trailers.get(name) ?? response.headers.get(name) ?? "";
    const metadata = { get: () => [Buffer.from(read("grpc-status-details-bin"), "base64")] };
    return readGrpcError({
      code: Number(read("grpc-status")),
      details: read("grpc-message"),
      metadata,
    } as unknown as ServiceError);
  };
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

const JSON_TYPE = "application/json";
const WHOLE = '"orderId":"raw","mode":"PAYMENT_MODE_INTENT"';

export const RAW_CALLS: readonly RawCall[] = [
  { name: "malformed protobuf over gRPC", field: "", call: overGrpc(MALFORMED) },
  { name: "a time that no calendar has", field: "create_time_from", call: overGrpc(ENDLESS, LIST_PATH) },
  { name: "malformed protobuf over gRPC-Web", field: "", call: overGrpcWeb(MALFORMED) },
  {
    name: "malformed protobuf over Connect",
    field: "",
    call: overConnect("application/proto", new Uint8Array(MALFORMED)),
  },
  { name: "a body too large over gRPC", field: "", call: overGrpc(Buffer.alloc(LARGE)) },
  { name: "a body too large over gRPC-Web", field: "", call: overGrpcWeb(Buffer.alloc(LARGE)) },
  { name: "a body too large over Connect", field: "", call: overConnect("application/proto", new Uint8Array(LARGE)) },
  { name: "a body too large as JSON", field: "", call: overConnect(JSON_TYPE, " ".repeat(LARGE)) },
  { name: "JSON that is none", field: "", call: overConnect(JSON_TYPE, `{${WHOLE}`) },
  { name: "an unknown field in JSON", field: "surprise", call: overConnect(JSON_TYPE, `{${WHOLE},"surprise":1}`) },
  {
    name: "an amount beyond int64 in JSON",
    field: "minor",
    call: overConnect(JSON_TYPE, `{${WHOLE},"amount":{"currency":"EUR","minor":"9223372036854775808"}}`),
  },
  {
    name: "an amount with a fraction in JSON",
    field: "minor",
    call: overConnect(JSON_TYPE, `{${WHOLE},"amount":{"currency":"EUR","minor":19.99}}`),
  },
];
