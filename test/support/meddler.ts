// Stands between the service and the gateway, and does to some requests what a network or a provider might: loses answers, holds a request back, or
// says that a checkout has expired while it has not.
import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingMessage,
  request as send,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request that was held back. */
export interface Held {
  readonly arrived: Promise<void>;
  release(): void;
}

interface Hold {
  readonly arrived: PromiseWithResolvers<void>;
  readonly released: PromiseWithResolvers<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

const EXPIRE = /^\/v1\/checkout\/sessions\/(\w+)\/expire$/;

export class Meddler {
  readonly url: string;
  readonly #target: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  /** How many answers are still lost, by the order that the request's metadata names. */
  readonly #lost = new Map<string, number>();
  readonly #holds = new Map<string, Hold>();
  readonly #pretended = new Set<string>();

  private constructor(target: string, server: Server) {
    this.#target = new URL(target);
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  static async open(target: string): Promise<Meddler> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Meddler(target, server);
  }

  /** The next so many changes for an order are made, and their answers lost. */
  loseAnswers(orderId: string, times: number): void {
    this.#lost.set(orderId, times);
  }

  /** The next request to expire a checkout waits until it is released. */
  holdExpiry(sessionId: string): Held {
    const hold = { arrived: Promise.withResolvers<void>(), released: Promise.withResolvers<void>() };
    this.#holds.set(sessionId, hold);
    return { arrived: hold.arrived.promise, release: () => hold.released.resolve() };
  }

  /** A request to expire this checkout is answered as if that were done, and the checkout stays open. */
  pretendExpired(sessionId: string): void {
    this.#pretended.add(sessionId);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const [, sessionId = ""] = EXPIRE.exec(request.url ?? "") ?? [];
    const hold = this.#holds.get(sessionId);
    this.#holds.delete(sessionId);
    hold?.arrived.resolve();
    await hold?.released.promise;
    const answer = this.#pretended.has(sessionId)
      ? await this.#pretend(request, sessionId)
      : await this.#forward(request, response, body);
    if (this.#loses(request, body)) request.socket.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  #loses({ method }: IncomingMessage, body: Buffer): boolean {
    const orderId = new URLSearchParams(body.toString()).get("metadata[order_id]");
    const left = orderId === null || method !== "POST" ? 0 : (this.#lost.get(orderId) ?? 0);
    if (orderId !== null && left > 0) this.#lost.set(orderId, left - 1);
    return left > 0;
  }

  async #pretend(request: IncomingMessage, sessionId: string): Promise<Answer> {
    const { authorization = "" } = request.headers;
    const found = await fetch(new URL(`/v1/checkout/sessions/${sessionId}`, this.#target), {
      headers: { authorization },
    });
    const session = (await found.json()) as object;
    const body = Buffer.from(JSON.stringify({ ...session, status: "expired" }));
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }

  async #forward(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#target;
    const { method, url, headers } = request;
    const onward = send({ hostname, port, method, path: url, headers, agent: this.#agent });
    // Who no longer waits here does not wait there either.
    response.once("close", () => onward.destroy());
    onward.end(body);
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
  }
}
