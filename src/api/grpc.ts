// The fast lane: gRPC by grpc-js, for services. Messages pass through grpc-js as bytes and are read here, because its own answer to bytes that
// are no message is INTERNAL without details. Everything that does not depend on the request is made when the port opens.
import type { Http2Stream } from "node:http2";
import { type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerInterceptingCall,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import { Health as HealthService } from "../../gen/grpc/health/v1/health_pb.ts";
import type { WatchedCall } from "./call-watch.ts";
import type { UnaryCall } from "./calls.ts";
import { GrpcCaller, isOver } from "./deadline.ts";
import { toGrpcStatus } from "./errors.ts";
import type { Health } from "./health.ts";
import type { OpenPort, PortOptions, Tls } from "./port.ts";
import { deadlineExceeded, explainFrameworkError, MESSAGE_BYTES_MAX, refuseMalformed } from "./protocol-fault.ts";
import { describePackage } from "./reflection.ts";
import { boundAnswer, boundRequest } from "./stream-limits.ts";

type Call = ServerUnaryCall<Buffer, Buffer>;

const MINUTE_MS = 60_000;

const SERVER_OPTIONS = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_concurrent_streams": 1_024,
  "grpc.keepalive_time_ms": MINUTE_MS,
  "grpc.keepalive_timeout_ms": 20_000,
  // A connection is ended when it is quiet, and never by its age: node ends one without a notice before it (RFC 9113, section 6.8), so that a call that is on
  // its way is refused, which some clients do not repeat by themselves.
  "grpc.max_connection_idle_ms": 15 * MINUTE_MS,
  // Megabytes that a connection may have node keep for it; grpc-js would take any number.
  "grpc-node.max_session_memory": 64,
  // Bookkeeping for a debugging service that is not offered.
  "grpc.enable_channelz": 0,
};

export interface GrpcLimits {
  /** How long a call may take until its last byte. */
  readonly requestTimeoutMs: number;
  /** How long an answer may wait to be taken. */
  readonly idleTimeoutMs: number;
}

const LIMITS: GrpcLimits = { requestTimeoutMs: 30_000, idleTimeoutMs: 75_000 };
const READ_OPTIONS = { readUnknownFields: false };

function passThrough(bytes: Buffer): Buffer {
  return bytes;
}

function pathOf({ method }: UnaryCall): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function define(calls: readonly UnaryCall[]): ServiceDefinition {
  const unary = {
    requestStream: false,
    responseStream: false,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  };
  return Object.fromEntries(calls.map((call) => [call.method.name, { ...unary, path: pathOf(call) }]));
}

function codeOf(outcome: Buffer | StatusObject): number {
  return Buffer.isBuffer(outcome) ? status.OK : outcome.code;
}

function serveUnary(
  { method, run, refuseFault }: UnaryCall,
  { authenticate, watch }: Pick<PortOptions, "authenticate" | "watch">,
): handleUnaryCall<Buffer, Buffer> {
  const { input, output } = method;
  const tooLate = deadlineExceeded("NOT_ATTEMPTED");

  async function answer(call: Call): Promise<Buffer | StatusObject> {
    if (isOver(call)) return toGrpcStatus(tooLate.refusal, tooLate.code);
    let request: ReturnType<typeof fromBinary>;
    try {
      request = fromBinary(input, call.request, READ_OPTIONS);
    } catch (error) {
      return toGrpcStatus(refuseMalformed(input, error));
    }
    const [authorization] = call.metadata.get("authorization");
    const found = authenticate(authorization === undefined ? null : authorization.toString());
    const identity = found instanceof Promise ? await found : found;
    if (!identity.ok) return toGrpcStatus(identity.error);
    const result = await run(request, new GrpcCaller(identity.value, call));
    if (!result.ok) return toGrpcStatus(result.error);
    try {
      const bytes = toBinary(output, result.value);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      return toGrpcStatus(refuseFault(error));
    }
  }

  function describe({ metadata }: Call): WatchedCall {
    return {
      door: "grpc",
      method: method.name,
      traceparent: () => metadata.get("traceparent")[0]?.toString() ?? null,
    };
  }

  async function serve(call: Call, callback: sendUnaryData<Buffer>): Promise<void> {
    const outcome = await (watch ? watch.around(describe(call), () => answer(call), codeOf) : answer(call));
    if (Buffer.isBuffer(outcome)) callback(null, outcome);
    else callback(outcome);
  }

  // It never rejects.
  return (call, callback) => void serve(call, callback);
}

/**
 * Gives details to the statuses that grpc-js makes itself: a message that is too large or cannot be decompressed, a deadline that passes.
 * It sends them by the same method as ours, so that is where they are met.
 */
function explainStatuses(calls: readonly UnaryCall[]): ServerInterceptor {
  const inputs = new Map(calls.map((call) => [pathOf(call), call.method.input]));
  return (definition, base) => {
    // An interceptor may hand back the call that it was given; only the type asks for a wrapper, which would cost every message.
    const call = base as ServerInterceptingCall;
    const input = inputs.get(definition.path);
    if (!input) return call;
    const sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (sent) => {
      const isBare = sent.code !== status.OK && !sent.metadata;
      const fault = isBare ? explainFrameworkError(Number(sent.code), input, null) : null;
      sendStatus(fault ? toGrpcStatus(fault.refusal, fault.code) : sent);
    };
    return call;
  };
}

/** A call that does not come to its end, or whose answer nobody takes, is cut. Conversations may last. */
function boundCalls({ requestTimeoutMs, idleTimeoutMs }: GrpcLimits): ServerInterceptor {
  return ({ requestStream }, call) => {
    // grpc-js bounds neither, and tells of its streams nowhere else.
    const { stream } = call as unknown as { readonly stream: Http2Stream };
    if (!requestStream) boundRequest(stream, requestTimeoutMs);
    boundAnswer(stream, idleTimeoutMs);
    return call as ServerInterceptingCall;
  };
}

/** A server whose open streams can be ended, since nothing else would end a Watch before its client does. */
class EndableStreams {
  readonly #server: Server;
  readonly #open = new Set<{ end(): void }>();

  constructor(server: Server) {
    this.#server = server;
  }

  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const tracked = Object.entries(implementation).map(([name, handle]) => {
      const isStream = Object.values(service).some((method) => method.responseStream && isNamed(method, name));
      return [name, isStream ? this.#track(handle) : handle] as const;
    });
    this.#server.addService(service, Object.fromEntries(tracked));
  }

  endAll(): void {
    for (const stream of this.#open) stream.end();
  }

  #track(handle: UntypedServiceImplementation[string]): UntypedServiceImplementation[string] {
    return (stream: { end(): void; once(event: "cancelled", listener: () => void): void }, ...rest: never[]) => {
      this.#open.add(stream);
      stream.once("cancelled", () => this.#open.delete(stream));
      Reflect.apply(handle, null, [stream, ...rest]);
    };
  }
}

function isNamed(method: { readonly path: string; readonly originalName?: string | undefined }, name: string): boolean {
  return method.originalName === name || method.path.endsWith(`/${name}`);
}

function followHealth(health: Health, names: readonly string[]): HealthImplementation {
  const service = new HealthImplementation();
  const follow = (serving: boolean): void => {
    for (const name of names) service.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  follow(health.isServing());
  health.onChange(follow);
  return service;
}

function bind(server: Server, address: string, tls: Tls | null): Promise<number> {
  const credentials = tls
    ? ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }])
    : ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

export interface GrpcOptions extends PortOptions {
  readonly limits?: Partial<GrpcLimits>;
}

export async function startGrpc(options: GrpcOptions): Promise<OpenPort> {
  const { calls, health, host, stopTimeoutMs } = options;
  const services: DescService[] = [...new Set(calls.map(({ method }) => method.parent))];
  // The first one is given grpc-js's own call.
  const interceptors = [boundCalls({ ...LIMITS, ...options.limits }), explainStatuses(calls)];
  const server = new Server({ ...SERVER_OPTIONS, interceptors });
  const streams = new EndableStreams(server);
  server.addService(
    define(calls),
    Object.fromEntries(calls.map((call) => [call.method.name, serveUnary(call, options)])),
  );
  followHealth(health, ["", ...services.map(({ typeName }) => typeName)]).addToServer(streams);
  if (options.reflection) {
    // The package asks for the whole of what proto-loader makes, and reads the file descriptors in it.
    const description = describePackage([...services, HealthService]) as ConstructorParameters<
      typeof ReflectionService
    >[0];
    new ReflectionService(description).addToServer(streams);
  }
  const address = host.includes(":") ? `[${host}]` : host;
  const port = await bind(server, `${address}:${options.port}`, options.tls);
  return {
    port,
    stop() {
      streams.endAll();
      // Cuts what is left when the time is over; forceShutdown finds no connection while channelz is off.
      server.drain(`${address}:${port}`, stopTimeoutMs);
      return new Promise((resolve) => server.tryShutdown(() => resolve()));
    },
  };
}
