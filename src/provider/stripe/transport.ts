// Carries the SDK's requests over HTTP. It is ours, and not the SDK's own, for what only it can know: whether a request was sent at all, which is
// the difference between "certainly did nothing" and "nobody knows"; and because the SDK's cannot be aborted, repeats a lost request by itself,
// and reads an answer of any size.
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type Stripe from "stripe";
import { parseStripeJson } from "./wire-json.ts";

type HttpClient = NonNullable<NonNullable<ConstructorParameters<typeof Stripe>[1]>["httpClient"]>;
type HttpResponse = Awaited<ReturnType<HttpClient["makeRequest"]>>;
type RequestParts = Parameters<HttpClient["makeRequest"]>;

/** One request, and how far it came. */
export interface Attempt {
  readonly signal: AbortSignal;
  /** A connection carried it, so that it may have arrived. */
  sent: boolean;
  /** The HTTP status of its answer; null when none came, or not all of it. */
  status: number | null;
}

/** An answer to one of our requests is some kilobytes, a page of a list at most a few hundred. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const SOCKETS_MAX = 64;

export class Transport implements HttpClient {
  readonly #attempts = new AsyncLocalStorage<Attempt>();
  readonly #agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
    https: new https.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
  };

  /** Makes a call of the SDK whose request is this attempt. */
  carry<T>(attempt: Attempt, call: () => Promise<T>): Promise<T> {
    return this.#attempts.run(attempt, call);
  }

  getClientName(): string {
    return "node";
  }

  /** Rejects with TransportProblem when no whole answer comes within the timeout, or before the caller leaves. */
  async makeRequest(...parts: RequestParts): Promise<HttpResponse> {
    const [host, port, path, method, headers, body, protocol, timeoutMs] = parts;
    const attempt = this.#attempts.getStore();
    if (attempt === undefined) throw new Error("a request to Stripe was made outside of an attempt");
    const signal = AbortSignal.any([attempt.signal, AbortSignal.timeout(timeoutMs)]);
    const secure = protocol === "https";
    const agent = secure ? this.#agents.https : this.#agents.http;
    const options: RequestOptions = {
      host,
      port,
      path,
      method,
      headers: (headers as RequestOptions["headers"]) ?? {},
      agent,
      signal,
    };
    try {
      const request = (secure ? https : http).request(options);
      request.once("socket", (socket: Socket) => {
        if (!socket.connecting) attempt.sent = true;
        else socket.once(secure ? "secureConnect" : "connect", () => (attempt.sent = true));
      });
      request.end(body === "" ? undefined : body);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      const text = await readAll(response);
      attempt.status = response.statusCode ?? null;
      if (text === undefined) throw new TransportProblem("the answer is too large");
      return new WholeResponse(response, text);
    } catch (error) {
      if (error instanceof TransportProblem) throw error;
      throw new TransportProblem(describe(error), { cause: error });
    }
  }
}

/** Bears no code, by which the SDK would know that it may repeat the request. */
class TransportProblem extends Error {}

class WholeResponse {
  readonly #response: IncomingMessage;
  readonly #text: string;

  constructor(response: IncomingMessage, text: string) {
    this.#response = response;
    this.#text = text;
  }

  getStatusCode(): number {
    return this.#response.statusCode ?? 0;
  }

  getHeaders(): Record<string, string> {
    return this.#response.headers as Record<string, string>;
  }

  getRawResponse(): unknown {
    return this.#response;
  }

  toStream(): never {
    throw new Error("answers of Stripe are not streamed");
  }

  async toJSON(): Promise<unknown> {
    return parseStripeJson(this.#text);
  }
}

/** Undefined when it is too large. */
async function readAll(response: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The code of the failure and nothing else, since messages may repeat what was sent. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return `the connection failed: ${code}`;
}
