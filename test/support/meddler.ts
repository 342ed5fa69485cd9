// Stands between the service and the gateway, and does to some requests what a network or a provider might: loses requests or answers, spoils or delays
// answers, holds a request back, or says that a checkout has expired while it has not.
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
import { setTimeout as delay } from "node:timers/promises";

/** A request that was held back. */
export interface Held {
  readonly arrived: Promise<void>;
  release(): void;
}

/** What befalls the next so many changes for an order. */
export interface Mishap {
  /**
   * lost_before: it is not made, and never answered. lost_after: it is made, and the answer is lost. failed_after: it is made, and answered by a 500 that is not
   * the gateway's. late: it is made at once, and answered so many milliseconds after it came. left: it goes on at the gateway although whoever sent it has left.
   */
  readonly manner: "lost_before" | "lost_after" | "failed_after" | "late" | "left";
  readonly times: number;
  readonly lateMs?: () => number;
}

/** What is known of an order's changes from its first mishap on. */
interface Trouble {
  readonly mishap: Mishap;
  left: number;
  /** Idempotency keys that its changes bore. */
  readonly keys: Set<string>;
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

/** Failures between two good answers, of eight after which the service would take the gateway for away; and how long one waits for a good answer. */
const FAILURES_MAX = 2;
const GOOD_ANSWER_MS = 600;

const EXPIRE = /^\/v1\/checkout\/sessions\/(\w+)\/expire$/;
const CREATE = /^\/v1\/(?:payment_intents|checkout\/sessions)$/;
const FAILING: ReadonlySet<Mishap["manner"]> = new Set(["lost_before", "lost_after", "failed_after"]);
const OBJECT = /\/((?:pi|cs)_\w+)\//;
const FAILED: Answer = {
  status: 500,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify({ error: { type: "api_error", message: "Something went wrong on our side." } })),
};

export class Meddler {
  readonly url: string;
  readonly #target: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #troubles = new Map<string, Trouble>();
  /** Which order an intent or a session was made for. */
  readonly #orders = new Map<string, string>();
  readonly #holds = new Map<string, Hold>();
  readonly #pretended = new Set<string>();
  #sparesCircuit = false;
  #failures = 0;
  /** Of failures that wait for a good answer. */
  #waiting: (() => void)[] = [];

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
    this.befall(orderId, { manner: "lost_after", times });
  }

  /** The next changes for an order meet this. */
  befall(orderId: string, mishap: Mishap): void {
    this.#troubles.set(orderId, { mishap, left: mishap.times, keys: new Set() });
  }

  /** Idempotency keys of the changes for an order that came since it was first befallen. */
  keysOf(orderId: string): readonly string[] {
    return [...(this.#troubles.get(orderId)?.keys ?? [])];
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

  /** From now on never fails so often in a row that the service would send nothing for a while, as long as good answers come in between. */
  spareCircuit(): void {
    this.#sparesCircuit = true;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAt = performance.now();
    const body = await buffer(request);
    const [, sessionId = ""] = EXPIRE.exec(request.url ?? "") ?? [];
    const hold = this.#holds.get(sessionId);
    this.#holds.delete(sessionId);
    hold?.arrived.resolve();
    await hold?.released.promise;
    const mishap = this.#meets(request, body);
    const fails = mishap !== undefined && FAILING.has(mishap.manner);
    if (fails && this.#sparesCircuit) await this.#goodAnswer();
    if (mishap?.manner === "lost_before") return void request.socket.destroy();
    const answer = this.#pretended.has(sessionId)
      ? await this.#pretend(request, sessionId)
      : await this.#forward(request, mishap?.manner === "left" ? null : response, body);
    if (CREATE.test(request.url ?? "")) this.#learn(answer);
    if (mishap?.manner === "lost_after") return void request.socket.destroy();
    if (mishap?.lateMs) await delay(Math.max(0, arrivedAt + mishap.lateMs() - performance.now()));
    const { status, headers, body: told } = mishap?.manner === "failed_after" ? FAILED : answer;
    response.writeHead(status, headers).end(told);
    if (!mishap && !response.destroyed) this.#answeredWell();
  }

  /** Takes one of the places for failures; where there is none, waits for the next good answer, within a bound. */
  async #goodAnswer(): Promise<void> {
    if (this.#failures >= FAILURES_MAX) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await Promise.race([promise, delay(GOOD_ANSWER_MS)]);
    }
    this.#failures += 1;
  }

  #answeredWell(): void {
    this.#failures = 0;
    for (const resume of this.#waiting.splice(0, FAILURES_MAX)) resume();
  }

  /** The mishap that a change meets, if any; it is counted. */
  #meets({ method, url, headers }: IncomingMessage, body: Buffer): Mishap | undefined {
    if (method !== "POST") return undefined;
    const [, objectId = ""] = OBJECT.exec(url ?? "") ?? [];
    const named = new URLSearchParams(body.toString()).get("metadata[order_id]");
    const trouble = this.#troubles.get(named ?? this.#orders.get(objectId) ?? "");
    const key = headers["idempotency-key"];
    if (typeof key === "string") trouble?.keys.add(key);
    if (!trouble || trouble.left === 0) return undefined;
    trouble.left -= 1;
    return trouble.mishap;
  }

  #learn({ body }: Answer): void {
    const { id, metadata } = JSON.parse(body.toString()) as { id?: string; metadata?: Record<string, string> };
    const orderId = metadata?.["order_id"];
    if (id !== undefined && orderId !== undefined) this.#orders.set(id, orderId);
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

  /** Who no longer waits here does not wait there either; without a response nobody is watched. */
  async #forward(request: IncomingMessage, response: ServerResponse | null, body: Buffer): Promise<Answer> {
    const { hostname, port } = this.#target;
    const { method, url, headers } = request;
    const onward = send({ hostname, port, method, path: url, headers, agent: this.#agent });
    response?.once("close", () => onward.destroy());
    onward.end(body);
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
  }
}
