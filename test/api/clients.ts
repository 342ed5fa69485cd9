// The clients that callers use, each behind the same face: a call gives the answer, or the error with its decoded details.
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  create,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport as createNodeConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";

const ROOT = join(import.meta.dirname, "../..");
const DETAILS = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema];

export interface CallError {
  readonly code: string;
  readonly message: string;
  /** By the name of their type, each as canonical JSON; a list, so that one too many shows. */
  readonly details: readonly (readonly [string, JsonValue])[];
}

export type Outcome = { readonly answer: JsonValue } | { readonly error: CallError };

export interface Client {
  readonly name: string;
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M["input"]>,
    timeoutMs?: number,
  ): Promise<Outcome>;
}

function readConnectError(error: unknown): Outcome {
  const { code, rawMessage: message, ...rest } = ConnectError.from(error);
  const found = ConnectError.from(error);
  const details = DETAILS.flatMap((desc) =>
    found.findDetails(desc).map((each) => [desc.name, toJson(desc, each)] as const),
  );
  if (rest.details.length !== details.length) throw new Error("a detail of an unknown type", { cause: error });
  return { error: { code: Code[code], message, details } };
}

function transportClient(name: string, transport: Transport): Client {
  const client = createClient(PaymentService, transport);
  return {
    name,
    async call(method, request, timeoutMs) {
      const call = client[method.localName as keyof typeof client] as unknown as (
        request: unknown,
        options: { timeoutMs?: number },
      ) => Promise<never>;
      try {
        return { answer: toJson(method.output, await call(request, timeoutMs === undefined ? {} : { timeoutMs })) };
      } catch (error) {
        return readConnectError(error);
      }
    },
  };
}

export function loadPackage(file: string): grpc.GrpcObject {
  const options = { longs: String, enums: String, includeDirs: [join(ROOT, "proto"), join(ROOT, ".buf")] };
  return grpc.loadPackageDefinition(loadSync(file, options));
}

type Done = (error: grpc.ServiceError | null, answer: JsonValue) => void;
type RawCall = (request: JsonValue, options: grpc.CallOptions, done: Done) => grpc.ClientUnaryCall;

export function connectGrpcJs(t: TestContext, port: number, credentials = grpc.credentials.createInsecure()) {
  const loaded = loadPackage("payment/v1/payment_service.proto") as never as {
    payment: { v1: { PaymentService: grpc.ServiceClientConstructor } };
  };
  const client = new loaded.payment.v1.PaymentService(`localhost:${port}`, credentials);
  t.after(() => client.close());
  return client;
}

function readGrpcError(error: grpc.ServiceError): CallError {
  const [bytes, ...more] = error.metadata.get("grpc-status-details-bin");
  if (more.length > 0) throw new Error("more than one grpc-status-details-bin");
  const packed: readonly Any[] = bytes === undefined ? [] : fromBinary(StatusSchema, bytes as Buffer).details;
  const details = DETAILS.flatMap((desc) =>
    packed.flatMap((any) => {
      const message = anyUnpack(any, desc);
      return message ? [[desc.name, toJson(desc, message)] as const] : [];
    }),
  );
  if (packed.length !== details.length) throw new Error("a detail of an unknown type", { cause: error });
  return { code: Code[error.code] ?? String(error.code), message: error.details, details };
}

function grpcJsClient(t: TestContext, port: number): Client {
  const client = connectGrpcJs(t, port);
  return {
    name: "grpc-js with the .proto files",
    call(method, request, timeoutMs) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const call = (client[method.name] as unknown as RawCall).bind(client);
      const json = toJson(method.input, create(method.input, request), { useProtoFieldName: false });
      call(json, timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }, (error, answer) => {
        // proto-loader leaves defaults out and writes int64 as text, as canonical JSON does.
        if (error) resolve({ error: readGrpcError(error) });
        else resolve({ answer: toJson(method.output, fromJson(method.output, answer)) });
      });
      return promise;
    },
  };
}

/** Every client against the port that it is meant for. */
export function createClients(
  t: TestContext,
  ports: { readonly grpc: { port: number }; readonly http: { port: number } },
): Client[] {
  const baseUrl = `http://localhost:${ports.http.port}`;
  const fastLane = `http://localhost:${ports.grpc.port}`;
  const sessions = [baseUrl, fastLane].map((url) => new Http2SessionManager(url));
  t.after(() => sessions.forEach((session) => session.abort()));
  const [toHttp, toGrpc] = sessions as [Http2SessionManager, Http2SessionManager];
  return [
    grpcJsClient(t, ports.grpc.port),
    { ...grpcJsClient(t, ports.http.port), name: "grpc-js, the HTTP port" },
    transportClient(
      "connect-node gRPC, the gRPC port",
      createGrpcTransport({ baseUrl: fastLane, sessionManager: toGrpc }),
    ),
    transportClient("connect-node gRPC, h2c", createGrpcTransport({ baseUrl, sessionManager: toHttp })),
    transportClient(
      "connect-node Connect, h2c",
      createNodeConnectTransport({ baseUrl, httpVersion: "2", sessionManager: toHttp }),
    ),
    transportClient("connect-web Connect", createConnectTransport({ baseUrl })),
    transportClient(
      "connect-web Connect, GET and protobuf",
      createConnectTransport({ baseUrl, useHttpGet: true, useBinaryFormat: true }),
    ),
    transportClient("connect-web gRPC-Web", createGrpcWebTransport({ baseUrl })),
  ];
}
