// A storm of webhooks: takes a gateway's events as an endpoint of its own, and delivers each of them ten times, signed as Stripe signs, many at once and in
// any order. Some copies go out while the calls that brought the event about are still under way, the rest when the storm is let loose.
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
import { buffer, text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { GatewayProcess } from "../../support/gateway-process.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import type { Random } from "../frame/random.ts";

export const COPIES = 10;
const ABREAST = 64;
const PATH = "/v1/payments/webhook";
/** How many copies of an event go out as soon as they can. */
const EARLY = [0, 0, 1, 2, 5, COPIES];
/** Refunds and disputes that others made name no order of ours. They come before all else, since what they speak of may not be known yet. */
const EARLY_NAMELESS = [0, 1, 5];
/** Of events that go out early: the gateway hears of the arrival only when the service has the first copy. */
const AWAITED_CHANCE = 0.4;
const ORDER = /"order_id": ?"([^"]+)"/;
/** Stripe sends what was not acknowledged again; here it comes back soon. */
const SENT_AGAIN_MAX = 20;
const RESEND_PAUSE_MS = 50;
const CALM_TIMEOUT_MS = 240_000;
const POLL_MS = 20;

interface Copy {
  readonly id: string;
  readonly body: string;
  attempts: number;
  /** Called when it was acknowledged, or given up. */
  readonly done: () => void;
}

export interface StormOptions {
  readonly gateway: GatewayProcess;
  readonly service: { readonly http: { readonly port: number } };
  readonly secret: string;
  readonly random: Random;
}

export class Storm {
  /** Deliveries that were acknowledged. */
  deliveries = 0;
  /** Deliveries that the service was not ready to take, and that were sent again. */
  sentAgain = 0;
  /** Time for which there was something to deliver. */
  busyMs = 0;
  /** What a webhook must never be answered. */
  readonly violations: string[] = [];
  readonly #options: StormOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: ABREAST });
  readonly #events = new Set<string>();
  /** Out of which deliveries are drawn, the urgent ones first. */
  readonly #ready: Copy[] = [];
  readonly #urgent: Copy[] = [];
  readonly #late: Copy[] = [];
  readonly #keptBack = new Set<string>();
  #underWay = 0;
  #busySince = 0;

  private constructor(options: StormOptions, server: Server) {
    this.#options = options;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#take(request, response).catch(() => request.socket.destroy());
    });
  }

  /** Comes between the gateway and the service: it delivers what the gateway's endpoint is sent. */
  static async open(t: TestContext, options: StormOptions): Promise<Storm> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const storm = new Storm(options, server);
    t.after(() => {
      server.closeAllConnections();
      server.close();
      storm.#agent.destroy();
    });
    const { gateway, secret } = options;
    const { data } = await gateway.stripe.webhookEndpoints.list();
    const { port } = server.address() as AddressInfo;
    for (const { id } of data) await gateway.forward({ id, secret }, { http: { port } });
    return storm;
  }

  /** The ids of all that the gateway has sent. */
  get events(): ReadonlySet<string> {
    return this.#events;
  }

  /** No copy of what names this order goes out early. */
  keepBack(orderId: string): void {
    this.#keptBack.add(orderId);
  }

  /** Lets everything loose that was kept back, and waits until all of it is delivered. */
  async calm(): Promise<void> {
    const deadline = performance.now() + CALM_TIMEOUT_MS;
    while (await this.#hasMore()) {
      this.#ready.push(...this.#late.splice(0));
      this.#fill();
      if (performance.now() > deadline) throw new Error(`${this.#ready.length} webhooks are not delivered`);
      await delay(POLL_MS);
    }
  }

  async #hasMore(): Promise<boolean> {
    if (this.#underWay + this.#ready.length + this.#urgent.length + this.#late.length > 0) return true;
    const { queued, sending, delayed, resting, held } = await this.#options.gateway.deliveries();
    return queued + sending + delayed + resting + held > 0;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await buffer(request)).toString();
    const { id } = JSON.parse(body) as { id: string };
    const isNew = !this.#events.has(id);
    this.#events.add(id);
    // The gateway sends again what it was not told of in time; that is a copy more.
    if (isNew) await this.#add(id, body);
    response.writeHead(200).end();
  }

  /** Waits for the first copy where the gateway is to be told of the arrival only then. */
  async #add(id: string, body: string): Promise<void> {
    const { random } = this.#options;
    const [, orderId] = ORDER.exec(body) ?? [];
    const isNameless = orderId === undefined;
    const early = isNameless ? random.pick(EARLY_NAMELESS) : this.#keptBack.has(orderId) ? 0 : random.pick(EARLY);
    const isAwaited = !isNameless && early > 0 && random.chance(AWAITED_CHANCE);
    const first = Promise.withResolvers<void>();
    const copies = Array.from({ length: COPIES }, () => ({ id, body, attempts: 0, done: () => first.resolve() }));
    if (isNameless) this.#urgent.unshift(...copies.splice(0, 1));
    if (isAwaited) this.#urgent.push(...copies.splice(0, 1));
    this.#ready.push(...copies.splice(0, early));
    this.#late.push(...copies);
    this.#fill();
    if (isAwaited) await first.promise;
  }

  /** Any of those that are ready. */
  #draw(): Copy | undefined {
    const urgent = this.#urgent.shift();
    if (urgent) return urgent;
    const last = this.#ready.pop();
    if (last === undefined || this.#ready.length === 0) return last;
    const place = this.#options.random.below(this.#ready.length + 1);
    const drawn = this.#ready[place];
    if (drawn === undefined) return last;
    this.#ready[place] = last;
    return drawn;
  }

  #fill(): void {
    while (this.#underWay < ABREAST) {
      const copy = this.#draw();
      if (copy === undefined) return;
      if (this.#underWay === 0) this.#busySince = performance.now();
      this.#underWay += 1;
      void this.#deliver(copy).finally(() => {
        this.#underWay -= 1;
        if (this.#underWay === 0) this.busyMs += performance.now() - this.#busySince;
        this.#fill();
      });
    }
  }

  async #deliver(copy: Copy): Promise<void> {
    const { id } = copy;
    copy.attempts += 1;
    const answer = await this.#post(copy.body).catch((error: unknown) => ({ status: 0, said: String(error) }));
    if (answer.status === 200 && answer.said === '{"received":true}') {
      this.deliveries += 1;
      return copy.done();
    }
    // 503 says that the same message is welcome again; a connection that broke says nothing.
    const welcome = answer.status === 503 || answer.status === 0;
    if (welcome && copy.attempts <= SENT_AGAIN_MAX) {
      this.sentAgain += 1;
      await delay(RESEND_PAUSE_MS);
      this.#ready.push(copy);
      return;
    }
    this.violations.push(`${id} was answered ${answer.status} ${answer.said} at attempt ${copy.attempts}`);
    copy.done();
  }

  async #post(body: string): Promise<{ status: number; said: string }> {
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "stripe-signature": stripeSignature(body, this.#options.secret, new Date()),
    };
    const { port } = this.#options.service.http;
    const request = send({ host: "127.0.0.1", port, path: PATH, method: "POST", headers, agent: this.#agent });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, said: await text(response) };
  }
}
