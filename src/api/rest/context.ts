// What the framework does for every dialect: finds out who calls and which request it is, runs the use case, and sends what came of it.
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, RouteHandlerMethod } from "fastify";
import { receiveWebhook } from "../../app/receive-webhook.ts";
import type { Caller } from "../../app/parts.ts";
import type { Identity } from "../../app/access.ts";
import { accept, type Result, refusal } from "../../domain/error.ts";
import type { Dialect, RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { type Fault, faultOf } from "./faults.ts";
import { parseRequestId } from "../json/request-id.ts";
import type { RestOptions } from "./rest.ts";

const WEBHOOK_BYTES_MAX = 256 * 1024;
const WEBHOOK_PROBLEMS = {
  signature: "Invalid signature",
  body: "Invalid body: it is signed, and is not an event that can be read",
} as const;

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls, once it was asked. */
    identity: Promise<Result<Identity>> | null;
    /** Whether the answer is that of an earlier call. */
    isReplay: boolean;
    /** Aborts when the client goes before it has its answer. */
    gone: AbortController;
  }
}

/** Asked once in a request, however many want to know. */
export function identityOf(request: FastifyRequest, options: RestOptions): Promise<Result<Identity>> {
  request.identity ??= Promise.resolve(options.authenticate(request.headers.authorization ?? null));
  return request.identity;
}

async function callerOf(request: FastifyRequest, options: RestOptions): Promise<Result<Caller>> {
  const identity = await identityOf(request, options);
  if (!identity.ok) return identity;
  return accept({
    ...identity.value,
    signal: request.gone.signal,
    onReplay: () => {
      request.isReplay = true;
    },
  });
}

function sendAnswer(reply: FastifyReply, { status, body, headers = {} }: RestAnswer): FastifyReply {
  return reply.code(status).type("application/json; charset=utf-8").headers(headers).send(body);
}

/** Sends a refusal in the words of its route's dialect. */
export function sendFault(
  reply: FastifyReply,
  { refusal: refused, status }: Fault,
  { dialect, options }: { readonly dialect: Pick<Dialect, "describeRefusal">; readonly options: RestOptions },
): FastifyReply {
  const { request } = reply;
  options.parts.observer?.refused(refused);
  const answer = dialect.describeRefusal({ refusal: refused, status, request, now: options.parts.now() });
  if (refused.retryAfterMs !== null) reply.header("retry-after", String(Math.ceil(refused.retryAfterMs / 1_000)));
  if (answer.status === 401) reply.header("www-authenticate", "Bearer");
  return sendAnswer(reply, answer);
}

/** A raw body, for a signature is over bytes. */
function registerWebhooks(
  app: FastifyInstance,
  path: string,
  { schema, handler }: { readonly schema: FastifySchema; readonly handler: RouteHandlerMethod },
): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    const options = { parseAs: "buffer", bodyLimit: WEBHOOK_BYTES_MAX } as const;
    scope.addContentTypeParser("*", options, (_request, body, parsed) => parsed(null, body));
    scope.post(path, { schema, bodyLimit: WEBHOOK_BYTES_MAX, config: { unlimited: true } }, handler);
    done();
  });
}

async function takeWebhook(request: FastifyRequest, { parts }: RestOptions): Promise<Result<RestAnswer>> {
  const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
  );
  const receipt = await receiveWebhook(parts, { rawBody, headers });
  if (receipt.received) return accept({ status: 200, body: { received: true } });
  const { problem, description } = receipt;
  return { ok: false, error: refusal("INVALID_ARGUMENT", WEBHOOK_PROBLEMS[problem], { metadata: { description } }) };
}

export function createContext(dialect: Dialect, options: RestOptions): RestContext {
  const send = (reply: FastifyReply, result: Result<RestAnswer>): FastifyReply =>
    result.ok ? sendAnswer(reply, result.value) : sendFault(reply, faultOf(result.error), { dialect, options });

  function servePublic(handle: (request: FastifyRequest) => Promise<Result<RestAnswer>>): RouteHandlerMethod {
    return async (request, reply) => send(reply, await handle(request));
  }

  async function callOf(request: FastifyRequest): Promise<Result<RestCall>> {
    const caller = await callerOf(request, options);
    if (!caller.ok) return caller;
    const requestId = parseRequestId(request.headers["idempotency-key"]);
    if (!requestId.ok) return requestId;
    return accept({ request, caller: caller.value, requestId: requestId.value });
  }

  return {
    parts: options.parts,
    provider: options.provider,
    serve: (handle) => async (request, reply) => {
      const call = await callOf(request);
      return send(reply, call.ok ? await handle(call.value) : call);
    },
    servePublic,
    receiveWebhooks(app, path, schema) {
      registerWebhooks(app, path, { schema, handler: servePublic((request) => takeWebhook(request, options)) });
    },
  };
}
