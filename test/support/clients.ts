// The clients that callers use, each behind the same face: a call gives the answer, or the error with its decoded details.
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  create,
  type DescMethodUnary,
  fromBinary,
  type JsonValue,
  type MessageInitShape,
  toBinary,
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
/** The details that an error of the service may have. */
export const DETAILS = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema];

export interface CallError {
  /** As Connect writes it: `invalid_argument`. */
  readonly code: string;
  readonly message: string;
  /** By the name of their type, each as canonical JSON; a list, so that one too many shows. */
  readonly details: readonly (readonly [string, JsonValue])[];
}

export type Outcome =
  | { readonly answer: JsonValue; readonly error?: never }
  | { readonly error: CallError; readonly answer?: never };

export interface Client {
  readonly name: string;
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M["input"]>,
    timeoutMs?: number,
  ): Promise<Outcome>;
}

/** Where the service listens. */
export interface Ports {
  readonly grpc: { readonly port: number };
  readonly http: { readonly port: number };
}

/** What an ErrorInfo of the service says. */
export interface Said {
  readonly reason: string;
  readonly outcome: string;
  readonly domain: string;
}

/** What the service itself says of an error; undefined where the error is the transport's, and the service said nothing. */
export function saidOf({ details }: CallError): Said | undefined {
  const found = details.find(([type]) => type === "ErrorInfo")?.[1] as
    | { reason?: string; domain?: string; metadata?: { outcome?: string } }
    | undefined;
  return found && { reason: found.reason ?? "", domain: found.domain ?? "", outcome: found.metadata?.outcome ?? "" };
}

function codeName(code: number): string {
  return (Code[code] ?? String(code)).replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function readConnectError(thrown: unknown): Outcome {
  const error = ConnectError.from(thrown);
  const details = DETAILS.flatMap((desc) =>
    error.findDetails(desc).map((each) => [desc.name, toJson(desc, each)] as const),
  );
  if (error.details.length !== details.length) throw new Error("a detail of an unknown type", { cause: error });
  return { error: { code: codeName(error.code), message: error.rawMessage, details } };
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

export function readGrpcError(error: grpc.ServiceError): CallError {
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
  return { code: codeName(error.code), message: error.details, details };
}

/** A package of the .proto files, read at run time. */
export function loadPackage(file: string): grpc.GrpcObject {
  const includeDirs = [join(ROOT, "proto"), join(ROOT, ".buf")];
  return grpc.loadPackageDefinition(loadSync(file, { longs: String, enums: String, oneofs: true, includeDirs }));
}

type GrpcJsClient = InstanceType<grpc.ServiceClientConstructor>;

/** grpc-js and the .proto files alone: a client that knows nothing of `gen/`. */
export function connectGrpcJs(
  t: TestContext,
  port: number,
  credentials = grpc.credentials.createInsecure(),
): GrpcJsClient {
  const loaded = loadPackage("payment/v1/payment_service.proto") as never as {
    payment: { v1: { PaymentService: grpc.ServiceClientConstructor } };
  };
  // A restarted service is dialled at once; by default grpc-js waits up to two minutes.
  const client = new loaded.payment.v1.PaymentService(`localhost:${port}`, credentials, {
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 200,
  });
  t.after(() => client.close());
  return client;
}

type Loaded = Readonly<Record<string, grpc.MethodDefinition<object, object>>>;
type Done = (error: grpc.ServiceError | null, answer: object) => void;
type RawCall = (request: object, options: grpc.CallOptions, done: Done) => grpc.ClientUnaryCall;

function grpcJsClient(t: TestContext, name: string, port: number): Client {
  const client = connectGrpcJs(t, port);
  const { service } = client.constructor as unknown as { service: Loaded };
  return {
    name,
    call(method, request, timeoutMs) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const definition = service[method.name];
      if (!definition) throw new Error(`the .proto files have no ${method.name}`);
      const call = (client[method.name] as unknown as RawCall).bind(client);
      // Between the messages of the test and the plain objects that proto-loader makes; its serializers know how.
      const plain = definition.requestDeserialize(Buffer.from(toBinary(method.input, create(method.input, request))));
      call(plain, timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }, (error, answer) => {
        if (error) resolve({ error: readGrpcError(error) });
        else
          resolve({ answer: toJson(method.output, fromBinary(method.output, definition.responseSerialize(answer))) });
      });
      return promise;
    },
  };
}

/** Every client against the port that it is meant for. */
export function createClients(t: TestContext, ports: Ports): Client[] {
  const baseUrl = `http://localhost:${ports.http.port}`;
  const fastLane = `http://localhost:${ports.grpc.port}`;
  const sessions = [baseUrl, fastLane].map((url) => new Http2SessionManager(url));
  t.after(() => sessions.forEach((session) => session.abort()));
  const [toHttp, toGrpc] = sessions as [Http2SessionManager, Http2SessionManager];
  return [
    grpcJsClient(t, "grpc-js, the gRPC port", ports.grpc.port),
    grpcJsClient(t, "grpc-js, the HTTP port", ports.http.port),
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

/** One client of each protocol: gRPC, gRPC-Web and Connect. */
export function createProtocolClients(t: TestContext, ports: Ports): Client[] {
  const protocols = ["grpc-js, the gRPC port", "connect-web gRPC-Web", "connect-web Connect"];
  return createClients(t, ports).filter(({ name }) => protocols.includes(name));
}
