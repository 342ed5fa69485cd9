// Everything but the fast lane, on one port: Connect, gRPC-Web and gRPC over HTTP/1.1 and HTTP/2, health, reflection; and a place for what else speaks
// HTTP. Connect reads and writes messages; what it refuses by itself gets the details that every error has.
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import {
  Code,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import {
  createAsyncIterable,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { type Result, refusal } from "../domain/error.ts";
import { Health as HealthService } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type { Authenticate } from "./auth.ts";
import type { CallWatch } from "./call-watch.ts";
import type { UnaryCall } from "./calls.ts";
import { answerCors } from "./cors.ts";
import { isBareConnectError, rewriteConnectError, toConnectError, toErrorJson, toGrpcTrailers } from "./errors.ts";
import { createHealthRoutes, createHealthService } from "./health-http.ts";
import { type HttpHandler, type HttpLimits, type HttpRequest, type HttpResponse, openHttpPort } from "./http-port.ts";
import type { OpenPort, PortOptions } from "./port.ts";
import { deadlineExceeded, explainFrameworkError, MESSAGE_BYTES_MAX, refuseMalformed } from "./protocol-fault.ts";
import { createReflection } from "./reflection.ts";
import { boundRequest } from "./stream-limits.ts";

/** The longest time that node's timers can wait. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const GRPC_MESSAGE = "grpc-message";
const LIMITS: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  streamsPerConnectionMax: 256,
};

export interface HttpOptions extends PortOptions {
  /** The origins whose pages may call. */
  readonly corsOrigins: readonly string[];
  /** Finds what else is served, at paths that are neither an RPC's nor of health. */
  readonly findRoute?: (path: string) => HttpHandler | undefined;
  readonly limits?: Partial<HttpLimits>;
}

/** How far a call has come: an error of the framework is the caller's before its handler begins, and ours once it has answered. */
const stage = createContextKey<"reading" | "running" | "answered">("reading");

/**
 * Gives details to the errors that Connect makes itself. It aborts the call's signal with each error just before it writes the error, in every
 * protocol; this is the only place where they can be met.
 */
function explainErrors(calls: readonly UnaryCall[]): (context: HandlerContext) => void {
  const byMethod = new Map<DescMethod, UnaryCall>(calls.map((call) => [call.method, call]));
  return ({ signal, values, method }) => {
    signal.addEventListener("abort", () => {
      const error: unknown = signal.reason;
      if (!isBareConnectError(error)) return;
      const reached = values.get(stage);
      const fault = reached === "reading" ? explainFrameworkError(error.code, method.input, error.cause) : null;
      if (fault) rewriteConnectError(error, fault.refusal, fault.code);
      const call = byMethod.get(method);
      // What is left is an answer that cannot be written: a bug.
      if (call && reached === "answered" && error.code === Code.Internal)
        rewriteConnectError(error, call.refuseFault(error));
    });
    // Too late already: what else may be wrong with the call would not be met above any more.
    if (signal.aborted) {
      const late = deadlineExceeded("NOT_ATTEMPTED");
      throw toConnectError(late.refusal, late.code);
    }
  };
}

async function beforeDeadline(answer: Promise<Result<Message>>, context: HandlerContext): Promise<Result<Message>> {
  if (context.timeoutMs() === undefined) return answer;
  const { promise, resolve } = Promise.withResolvers<null>();
  context.signal.addEventListener("abort", () => resolve(null), { once: true });
  const result = await Promise.race([answer, promise]);
  if (result) return result;
  const late = deadlineExceeded("UNKNOWN");
  throw toConnectError(late.refusal, late.code);
}

function serveUnary(
  { run }: UnaryCall,
  authenticate: Authenticate,
): (request: Message, context: HandlerContext) => Promise<Message> {
  return async (request, context) => {
    const { signal, values, requestHeader } = context;
    if (signal.aborted) {
      const late = deadlineExceeded("NOT_ATTEMPTED");
      throw toConnectError(late.refusal, late.code);
    }
    values.set(stage, "running");
    const identity = await authenticate(requestHeader.get("authorization"));
    if (!identity.ok) throw toConnectError(identity.error);
    const result = await beforeDeadline(run(request, { ...identity.value, signal }), context);
    if (!result.ok) throw toConnectError(result.error);
    values.set(stage, "answered");
    return result.value;
  };
}

type ServeUnary = ReturnType<typeof serveUnary>;

function watchUnary(watch: CallWatch, { method }: UnaryCall, serve: ServeUnary): ServeUnary {
  return (request, context) =>
    watch.around(
      { door: "connect", method: method.name, traceparent: () => context.requestHeader.get("traceparent") },
      () => serve(request, context),
      () => 0,
    );
}

function createRoutes(options: HttpOptions, stopping: AbortSignal): ReadonlyMap<string, UniversalHandler> {
  const services = [...new Set(options.calls.map(({ method }) => method.parent))];
  const router: ConnectRouter = createConnectRouter({
    readMaxBytes: MESSAGE_BYTES_MAX,
    maxTimeoutMs: TIMEOUT_MS_MAX,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions: { ignoreUnknownFields: false },
    binaryOptions: { readUnknownFields: false },
    requestGate: explainErrors(options.calls),
  });
  for (const call of options.calls) {
    const serve = serveUnary(call, options.authenticate);
    router.rpc(call.method, options.watch ? watchUnary(options.watch, call, serve) : serve);
  }
  const names = services.map(({ typeName }) => typeName);
  router.service(HealthService, createHealthService(options.health, names, stopping));
  if (options.reflection) router.service(ServerReflection, createReflection([...services, HealthService]));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

const STATUSES = {
  400: "The request has no host that can be read.",
  404: "Nothing is served at this path.",
  405: "The method of the request is not allowed here; use POST, or GET for reads.",
  415: "The content type of the request is not served here; use application/json, application/proto, or one of gRPC's.",
  505: "This call needs HTTP/2.",
} as const;

/** A refusal of a whole request, in the words of the protocol that the request speaks. */
function refuseRequest(request: HttpRequest, status: keyof typeof STATUSES): UniversalServerResponse {
  const refused = refusal("INVALID_ARGUMENT", STATUSES[status]);
  const code = status === 404 ? Code.Unimplemented : undefined;
  const type = request.headers["content-type"] ?? "";
  if (code && /^application\/grpc(?!-web)/.test(type)) {
    return {
      status: 200,
      header: new Headers({ "content-type": type }),
      trailer: new Headers(toGrpcTrailers(refused, code)),
    };
  }
  const body = new TextEncoder().encode(toErrorJson(refused, code));
  return { status, header: new Headers({ "content-type": "application/json" }), body: createAsyncIterable([body]) };
}

/** Connect leaves the answers to some requests without a body. */
function explainStatus(request: HttpRequest, answer: UniversalServerResponse): UniversalServerResponse {
  const { status, header, body } = answer;
  if (body !== undefined || (status !== 405 && status !== 415 && status !== 505)) return answer;
  const explained = refuseRequest(request, status);
  for (const [name, value] of header ?? []) explained.header?.set(name, value);
  return explained;
}

/** Null for a host of which no URL can be made. */
function readRequest(request: HttpRequest, response: HttpResponse): UniversalServerRequest | null {
  try {
    return { ...universalRequestFromNodeRequest(request, response, undefined, undefined), body: readBody(request) };
  } catch {
    return null;
  }
}

/** Connect would take a message that is no base64 for a fault of its own, and answer 500. */
function refuseQuery(asked: UniversalServerRequest, { method }: UniversalHandler): UniversalServerResponse | null {
  const query = new URL(asked.url).searchParams;
  if (query.get("base64") !== "1") return null;
  try {
    base64Decode(query.get("message") ?? "");
    return null;
  } catch (error) {
    const body = new TextEncoder().encode(toErrorJson(refuseMalformed(method.input, error)));
    const header = new Headers({ "content-type": "application/json" });
    return { status: 400, header, body: createAsyncIterable([body]) };
  }
}

/** Connect escapes all of grpc-message that a URI's component must, gRPC asks for less, and grpc-js unescapes no more than that. */
async function* unescapeMessage(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncGenerator<Uint8Array> {
  yield* body;
  const message = trailer.get(GRPC_MESSAGE);
  if (message !== null) trailer.set(GRPC_MESSAGE, encodeURI(decodeURIComponent(message)));
}

/**
 * Gives the bytes of a body. One that is refused halfway is read away to its end, since a connection that is cut while the caller still sends would
 * take the answer with it.
 */
async function* readBody(request: HttpRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } finally {
    request.resume();
  }
}

export async function startHttp(options: HttpOptions): Promise<OpenPort> {
  const { log } = options;
  const stopping = new AbortController();
  const limits = { ...LIMITS, ...options.limits };
  const rpcs = createRoutes(options, stopping.signal);
  const health = createHealthRoutes(options.health);
  const origins = new Set(options.corsOrigins);

  function bound(request: HttpRequest): void {
    if ("stream" in request) boundRequest(request.stream, limits.requestTimeoutMs);
  }

  async function serveRpc(rpc: UniversalHandler, request: HttpRequest, response: HttpResponse): Promise<void> {
    // A conversation may last.
    if (rpc.method.methodKind !== "bidi_streaming") bound(request);
    const asked = readRequest(request, response);
    const answer = asked
      ? (refuseQuery(asked, rpc) ?? explainStatus(request, await rpc(asked)))
      : refuseRequest(request, 400);
    const { body, trailer } = answer;
    const written = body && trailer ? { ...answer, body: unescapeMessage(body, trailer) } : answer;
    await universalResponseToNodeResponse(written, response);
  }

  async function send(sending: Promise<void>): Promise<void> {
    try {
      await sending;
    } catch (error) {
      // The peer is gone, as the answer to a call that was cancelled finds out.
      log.debug({ err: error }, "answer not delivered");
    }
  }

  function notFound(request: HttpRequest, response: HttpResponse): void {
    void send(universalResponseToNodeResponse(refuseRequest(request, 404), response));
  }

  const handle: HttpHandler = (request, response) => {
    if (answerCors(request, response, origins)) return;
    const path = request.url?.split("?", 1)[0] ?? "";
    const rpc = rpcs.get(path);
    if (rpc) {
      void send(serveRpc(rpc, request, response));
      return;
    }
    bound(request);
    (health.get(path) ?? options.findRoute?.(path) ?? notFound)(request, response);
  };

  const { port, stop } = await openHttpPort({ ...options, limits, handle });
  return {
    port,
    stop() {
      stopping.abort();
      return stop();
    },
  };
}
