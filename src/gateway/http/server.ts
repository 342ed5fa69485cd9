// The gateway's HTTP server: Stripe's API under /v1/, what tests and people may do to the world under /_gateway/, and whatever pages the
// composition gives it elsewhere.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Gateway } from "../gateway.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import { answerChallenge, isChallenge } from "./challenge-page.ts";
import { ControlApi } from "./control-api.ts";
import type { Face } from "./route.ts";
import { type ApiAnswer, type ApiRequest, StripeApi } from "./stripe-api.ts";

export type Pages = (request: IncomingMessage, response: ServerResponse) => void;

export interface GatewayServerOptions {
  readonly gateway: Gateway;
  readonly webhooks: Webhooks;
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Where a browser finds this server; its own address when absent. */
  readonly publicUrl?: string;
  /** Answers every path that is neither under /v1/ nor under /_gateway/. */
  readonly pages?: Pages;
  readonly log?: { warn(fields: object, message: string): void };
}

export interface GatewayServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

const BODY_BYTES_MAX = 256 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 60_000;
const STOP_MS = 5_000;

export async function startGatewayServer(options: GatewayServerOptions): Promise<GatewayServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS });
  const host = options.host ?? "127.0.0.1";
  const port = await listen(server, host, options.port ?? 0);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const { gateway, webhooks, publicUrl = url } = options;
  const face: Face = { gateway, webhooks, publicUrl };
  const doors = { face, stripe: new StripeApi(face), control: new ControlApi(face), pages: options.pages };
  server.on("request", (request, response) => {
    // What goes wrong here is a body that broke off, or a gateway that is stopping: nobody is there to be told.
    serve(doors, request, response).catch((error: unknown) => {
      options.log?.warn({ err: error }, "the gateway did not answer a request");
      request.socket.destroy();
    });
  });
  return { url, port, stop: () => stop(server) };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ host, port }, listening.resolve);
  await listening.promise;
  return (server.address() as AddressInfo).port;
}

async function stop(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
  await closed.promise;
  clearTimeout(timer);
}

interface Doors {
  readonly face: Face;
  readonly stripe: StripeApi;
  readonly control: ControlApi;
  readonly pages: Pages | undefined;
}

async function serve(doors: Doors, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = URL.parse(request.url ?? "/", "http://gateway.invalid");
  const path = target?.pathname ?? "/";
  const isOurs = path.startsWith("/v1/") || path.startsWith("/_gateway/");
  if (!isOurs && doors.pages) return doors.pages(request, response);
  if (!isOurs) return send(response, NOT_FOUND);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const body = await readBody(request);
  if (body === undefined) return send(response, TOO_LARGE);
  const answer = await answerOf(doors, {
    method: request.method ?? "GET",
    path,
    query: target?.search.slice(1) ?? "",
    headers: singleHeaders(request),
    body,
    signal: gone.signal,
  });
  if (answer === undefined) request.socket.destroy();
  else send(response, answer);
}

function answerOf({ face, stripe, control }: Doors, request: ApiRequest): Promise<ApiAnswer | undefined> {
  if (request.path.startsWith("/v1/")) return stripe.answer(request);
  return isChallenge(request.path) ? answerChallenge(face, request) : control.answer(request);
}

/** Of headers that may come more than once, none is of use here. */
function singleHeaders(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const headers = Object.entries(request.headers);
  return Object.fromEntries(headers.map(([name, value]) => [name, typeof value === "string" ? value : undefined]));
}

function send(response: ServerResponse, { status, headers, body }: ApiAnswer): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}

const NOT_FOUND: ApiAnswer = {
  status: 404,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: "Nothing is served here: Stripe's API is under /v1/.\n",
};

const TOO_LARGE: ApiAnswer = {
  status: 413,
  headers: { "content-type": "application/json", connection: "close" },
  body: JSON.stringify({
    error: { type: "invalid_request_error", message: `The request is larger than ${BODY_BYTES_MAX} bytes.` },
  }),
};

/** Undefined when the body is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
