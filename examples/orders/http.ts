// The little of HTTP that both example services need: JSON in, JSON out, and who may call what is internal.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Answer {
  readonly status: number;
  readonly body: object;
}

export interface Question {
  readonly method: string;
  /** The parts of the path: `/orders/7` is `["orders", "7"]`. */
  readonly path: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
  readonly header: (name: string) => string;
}

export type Handler = (question: Question) => Answer | Promise<Answer>;

export interface RunningService {
  readonly url: string;
  stop(): Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024;

export function problem(status: number, error: string): Answer {
  return { status, body: { error } };
}

/** Whether the payment service calls, with the token that the services of the house share. */
export function isInternal({ header }: Question, token: string): boolean {
  return header("x-internal-service") === "payment-service" && header("authorization") === `Bearer ${token}`;
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new Error("the body is too large");
  }
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

async function answer(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const { status, body } = await handler({
    method: request.method ?? "GET",
    path: pathname.split("/").filter(Boolean).map(decodeURIComponent),
    body: await readBody(request),
    header: (name) => [request.headers[name] ?? ""].flat().join(),
  });
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Listens on loopback; port 0 is any free one. */
export async function serve(handler: Handler, port = 0): Promise<RunningService> {
  const server = createServer((request, response) => {
    answer(request, response, handler).catch(() => response.writeHead(400).end("{}"));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
