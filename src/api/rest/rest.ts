// Plain HTTP with JSON: the dialects, each in a scope of its own, on fastify, which listens to nothing by itself: the HTTP port hands it what is
// neither an RPC nor a webhook nor a page. Schemas are for the OpenAPI document alone; fields are read by fields.ts, and requests keep the rules of
// the contract by contract.ts, so that every door refuses the same things.
import type { IncomingMessage, ServerResponse } from "node:http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Parts } from "../../app/parts.ts";
import { refusal } from "../../domain/error.ts";
import type { Authenticate } from "../auth.ts";
import type { HttpHandler } from "../http-port.ts";
import type { FindRoute } from "../http-routes.ts";
import type { RateLimits } from "../rate-limits.ts";
import { CANONICAL_WORDS } from "./canonical-refusals.ts";
import { createContext, sendFault } from "./context.ts";
import type { Dialect } from "./dialect.ts";
import { serveEventSchemas } from "./event-schemas.ts";
import { explainError, RequestFault } from "./faults.ts";
import { parseJson } from "../json/json-body.ts";
import { KnownPaths } from "./known-paths.ts";
import { describeApi, type OpenApi, serveDocument } from "./openapi.ts";
import { createRateLimit } from "./rate-limit.ts";

const BODY_BYTES_MAX = 64 * 1024;
/** Of a path parameter as it is sent, percent-encoded. */
const PARAMETER_LENGTH_MAX = 2_048;

export interface RestOptions {
  readonly parts: Parts;
  readonly log: Logger;
  readonly authenticate: Authenticate;
  /** The provider of payments that name none. */
  readonly provider: string;
  /** Those that are switched on. */
  readonly dialects: readonly Dialect[];
  /** Null: nobody is limited. */
  readonly rateLimit: RateLimits | null;
  /** How many proxies in front of the service write X-Forwarded-For; 0: the header is anybody's, and is not believed. */
  readonly trustedHops: number;
}

export interface Rest {
  /** The handler of every path but those that only an RPC can have. */
  readonly findRoute: FindRoute;
  /** The document of all routes, OpenAPI 3.1. */
  openApi(): OpenApi;
  close(): Promise<void>;
}

/** `/package.v1.Service/Method`: whoever asks for it speaks gRPC or Connect, and is answered in kind. */
const RPC_PATH = /^\/[\w.]+\.\w+\/\w+$/;

function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, parsed) => {
    const body = parseJson(String(text));
    if (body.ok) parsed(null, body.value);
    else parsed(new RequestFault(body.error));
  });
}

/**
 * Fastify would cut the connection of a caller whose body it refuses, and thereby take the answer from one that is still sending. The rest is read
 * away instead, for as long as the port lets a request last. What the port itself says of the connection, when it stops, stands.
 */
function keepConnection(request: FastifyRequest, reply: FastifyReply): void {
  const said = reply.raw.getHeader("connection");
  reply.removeHeader("connection");
  if (said !== undefined) reply.raw.setHeader("connection", said);
  request.raw.resume();
}

/** Everything about a request that is not in fastify's. */
function prepareRequests(app: FastifyInstance): void {
  app.decorateRequest("identity", null);
  app.decorateRequest("isReplay", false);
  app.decorateRequest("gone");
  app.addHook("onRequest", (request, reply, done) => {
    request.gone = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableEnded) request.gone.abort();
    });
    done();
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    if (request.isReplay) reply.header("idempotent-replayed", "true");
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    if (reply.hasHeader("connection")) keepConnection(request, reply);
    done(null, payload);
  });
}

function createApp({ trustedHops, log, ...options }: RestOptions): FastifyInstance {
  const whole = { dialect: CANONICAL_WORDS, options: { ...options, trustedHops, log } };
  const onError = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    sendFault(reply, explainError(error, request, log), whole);
  };
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    // A number of hops alone is not believed by fastify, since anybody could connect; here whoever sets it says that only proxies can.
    trustProxy: trustedHops === 0 ? false : (_address, hop) => hop < trustedHops,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX, ignoreTrailingSlash: true },
    frameworkErrors: onError,
    exposeHeadRoutes: true,
  });
  app.setErrorHandler(onError);
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  return app;
}

/** A scope of its own for each dialect, so that whatever is refused in it is said in its words. */
async function registerDialects(app: FastifyInstance, options: RestOptions, known: KnownPaths): Promise<void> {
  const limit = await createRateLimit(app, options);
  for (const dialect of options.dialects) {
    await app.register(async (scope) => {
      known.learn(scope, dialect);
      if (limit) scope.addHook("onRequest", limit);
      scope.setErrorHandler((error, request, reply) => {
        sendFault(reply, explainError(error, request, options.log), { dialect, options });
      });
      await dialect.register(scope, createContext(dialect, options));
    });
  }
}

function refuseUnknown(app: FastifyInstance, known: KnownPaths, options: RestOptions): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const found = known.find(path);
    const dialect = found?.dialect ?? CANONICAL_WORDS;
    if (!found) {
      const refused = refusal("INVALID_ARGUMENT", "Nothing is served at this path; /docs says what is.");
      return sendFault(reply, { refusal: refused, status: 404 }, { dialect, options });
    }
    const allow = [...found.methods].join(", ");
    reply.header("allow", allow);
    const refused = refusal("INVALID_ARGUMENT", `This path is asked by ${allow}.`, { metadata: { allow } });
    return sendFault(reply, { refusal: refused, status: 405 }, { dialect, options });
  });
}

export async function createRest(options: RestOptions): Promise<Rest> {
  const app = createApp(options);
  const known = new KnownPaths();
  readBodies(app);
  prepareRequests(app);
  await describeApi(app, options.dialects);
  await registerDialects(app, options, known);
  await serveDocument(app);
  serveEventSchemas(app);
  refuseUnknown(app, known, options);
  await app.ready();
  // Fastify is typed for HTTP/1.1 servers; what it does with requests and responses, those of HTTP/2 can do as well.
  const handle: HttpHandler = (request, response) =>
    app.routing(request as IncomingMessage, response as unknown as ServerResponse);
  return {
    findRoute: (path) => (RPC_PATH.test(path) ? undefined : handle),
    openApi: () => app.swagger() as OpenApi,
    close: () => app.close(),
  };
}
