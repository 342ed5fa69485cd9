// A server in Stripe's place that answers as it is told to, well or badly, and remembers what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Manner = (response: ServerResponse, request: IncomingMessage) => void;

export interface Rascal {
  readonly url: string;
  readonly asked: Asked[];
  /** How the next requests are answered, one after the other; the last manner stays. */
  behave(...manners: Manner[]): void;
  /** Resolves when the next request has come in whole. */
  nextRequest(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRascal(): Promise<Rascal> {
  const asked: Asked[] = [];
  let manners: Manner[] = [];
  let waiting: (() => void)[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, path, key: headers["idempotency-key"] as string | undefined, headers, body });
    const [manner = status(500)] = manners;
    if (manners.length > 1) manners.shift();
    manner(response, request);
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    behave(...next) {
      manners = next;
    },
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a JSON body. */
export function json(body: unknown, code = 200, headers: Record<string, string> = {}): Manner {
  return (response) =>
    void response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** Answers with Stripe's error body. */
export function status(
  code: number,
  error: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Manner {
  return json({ error: { type: "api_error", message: "no", ...error } }, code, headers);
}

/** Answers with whatever text. */
export function raw(body: string, code = 200, headers: Record<string, string> = {}): Manner {
  return (response) => void response.writeHead(code, headers).end(body);
}

export const reset: Manner = (_response, request) => void request.socket.resetAndDestroy();

/** Begins an answer and breaks off. */
export const cutOff: Manner = (response, request) =>
  void response.writeHead(200, { "content-length": "100" }).write("{", () => request.socket.destroy());

/** Begins an answer and goes no further. */
export const stall: Manner = (response) => void response.writeHead(200, { "content-length": "100" }).write("{");

/** Never answers. */
export const silence: Manner = () => undefined;
