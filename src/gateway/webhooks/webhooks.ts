// The gateway's webhooks: every event goes to every endpoint that wants it, signed in Stripe's manner, until it is acknowledged with a 2xx or
// three days are over. Deliveries start at once and side by side, so nothing waits behind an event that cannot be delivered, and nothing comes in
// order. What was not acknowledged when the process died is delivered after the next start; some of it for the second time.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type GatewayEvent, printEvent } from "../events.ts";
import type { Gateway } from "../gateway.ts";
import type { EventBatch, EventRecord } from "../history.ts";
import { Deliveries, type DeliveryCounts } from "./deliveries.ts";
import { type Delivery, DeliveryLog, type Note, type Snapshot } from "./delivery-log.ts";
import {
  activeSecrets,
  type CreateEndpointParams,
  Endpoints,
  type UpdateEndpointParams,
  type WebhookEndpoint,
  wants,
} from "./endpoints.ts";
import { checkKnobs, type Knobs, NO_KNOBS, takeDrop } from "./knobs.ts";
import { Sender } from "./post.ts";
import { signBody } from "./signature.ts";

export interface WebhooksOptions {
  /** Given before it takes requests, and closed afterwards. */
  readonly gateway: Gateway;
  /** A folder of its own for `endpoints.json` and `deliveries.jsonl`; it is made when it is not there. */
  readonly directory: string;
  /** The body of a webhook. */
  readonly print?: (record: EventRecord) => string;
  /** From 0 to 1, for the order in which deliveries start. */
  readonly random?: () => number;
}

export class Webhooks {
  readonly #gateway: Gateway;
  readonly #print: (record: EventRecord) => string;
  readonly #random: () => number;
  readonly #endpoints: Endpoints;
  readonly #log: DeliveryLog;
  readonly #deliveries: Deliveries;
  readonly #sender = new Sender();
  readonly #stopTicks: () => void;
  #stopEvents: (() => void) | null = null;
  #knobs: Knobs = NO_KNOBS;
  /** The place in the journal up to which changes were told. */
  #seen: number;
  #closed = false;

  /** Goes on with what was not acknowledged. Throws when the files cannot be read. */
  constructor({ gateway, directory, print = ({ event }) => printEvent(event), random = Math.random }: WebhooksOptions) {
    mkdirSync(directory, { recursive: true });
    this.#gateway = gateway;
    this.#print = print;
    this.#random = random;
    this.#endpoints = new Endpoints(join(directory, "endpoints.json"));
    this.#log = new DeliveryLog(join(directory, "deliveries.jsonl"));
    this.#deliveries = new Deliveries({
      now: () => gateway.now(),
      send: (delivery) => this.#send(delivery),
      note: (note) => this.#note(note),
    });
    this.#seen = gateway.journalEnd;
    if (this.#endpoints.list().length > 0) this.#resume();
    this.#listen();
    this.#stopTicks = gateway.clock.onTick(() => this.#wake());
    gateway.holdAnswersFor((events) => this.#acknowledged(events));
  }

  createEndpoint(params: CreateEndpointParams): WebhookEndpoint {
    return this.#changeEndpoints(() => this.#endpoints.create(params, this.#gateway.now()));
  }

  /** Makes the endpoint, or brings the one that has this URL to these terms. */
  ensureEndpoint(params: CreateEndpointParams & { readonly secret: string }): WebhookEndpoint {
    const found = this.#endpoints.list().find((each) => each.url === params.url);
    if (found === undefined) return this.createEndpoint(params);
    if (found.secrets.at(-1)?.value !== params.secret) {
      this.rollSecret(found.id, { secret: params.secret, until: this.#gateway.now() });
    }
    return this.updateEndpoint(found.id, { enabled_events: params.enabled_events, disabled: false }) ?? found;
  }

  /** The oldest first. */
  listEndpoints(): readonly WebhookEndpoint[] {
    return this.#endpoints.list();
  }

  findEndpoint(id: string): WebhookEndpoint | undefined {
    return this.#endpoints.find(id);
  }

  /** A disabled endpoint is sent nothing, and what was on its way to it is given up. */
  updateEndpoint(id: string, params: UpdateEndpointParams): WebhookEndpoint | undefined {
    return this.#changeEndpoints(() => this.#endpoints.update(id, params));
  }

  /** Signs with another secret from now on, and with the old ones as well until a time. */
  rollSecret(id: string, params: { readonly secret?: string; readonly until: Date }): WebhookEndpoint | undefined {
    return this.#changeEndpoints(() => this.#endpoints.rollSecret(id, params));
  }

  /** Answers whether there was one. What was on its way to it is given up. */
  removeEndpoint(id: string): boolean {
    const removed = this.#changeEndpoints(() => this.#endpoints.remove(id));
    const left = this.#deliveries
      .all()
      .filter(({ delivery, stage }) => delivery.endpoint === id && stage !== "sending");
    for (const job of left.toArray()) this.#deliveries.finish(job, "failed");
    return removed;
  }

  get knobs(): Knobs {
    return this.#knobs;
  }

  /** Turns some knobs; the others stay. Throws RangeError on a value that cannot be. */
  turn(knobs: Partial<Knobs>): void {
    const turned = { ...this.#knobs, ...knobs };
    checkKnobs(turned);
    this.#knobs = turned;
  }

  /** Ends holding and dropping, and sends what was held or dropped. Answers how many deliveries these are. */
  release(): number {
    this.turn({ hold: false, drop: "none" });
    const kept = this.#deliveries.all().filter(({ stage }) => stage === "held" || stage === "dropped");
    const jobs = kept.toArray();
    for (const job of jobs) this.#deliveries.start(job);
    this.#wake();
    return jobs.length;
  }

  /** Sends an event again to all endpoints that want it, whatever the knobs say. Answers to how many. */
  async resend(eventId: string): Promise<number> {
    const record = await this.#gateway.findEvent(eventId);
    if (record === undefined || this.#closed) return 0;
    const endpoints = this.#endpointsFor(record.event);
    for (const endpoint of endpoints) {
      const job = this.#deliveries.find(endpoint, eventId) ?? this.#deliveries.add(endpoint, eventId);
      this.#deliveries.start(job);
      this.#note(job.delivery);
    }
    return endpoints.length;
  }

  /** Settles when nothing is on its way: all is acknowledged, given up, held, dropped, or rests until its next time. */
  idle(): Promise<void> {
    return this.#deliveries.idle();
  }

  counts(): DeliveryCounts {
    return this.#deliveries.counts();
  }

  /** The number of endpoints that have not acknowledged an event yet. */
  pendingOf(eventId: string): number {
    return this.#endpoints.list().filter(({ id }) => this.#deliveries.find(id, eventId) !== undefined).length;
  }

  /** Breaks off what is on its way; it is delivered after the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTicks();
    this.#stopEvents?.();
    this.#sender.close();
    await this.#deliveries.close();
    this.#log.close();
  }

  /** What happened until a change of endpoints is for the endpoints as they were: the snapshot before it tells to whom. */
  #changeEndpoints<T>(change: () => T): T {
    if (this.#stopEvents === null) this.#seen = this.#gateway.journalEnd;
    this.#log.start(this.#snapshot());
    const changed = change();
    this.#listen();
    return changed;
  }

  /** Without endpoints nothing is listened to, and the gateway does no work for webhooks. */
  #listen(): void {
    const wanted = this.#endpoints.list().length > 0;
    if (wanted) this.#stopEvents ??= this.#gateway.onEvents((batch) => this.#take(batch));
    if (wanted || this.#stopEvents === null) return;
    this.#stopEvents();
    this.#stopEvents = null;
  }

  /** Takes up deliveries where the files and the journal say that they stood. */
  #resume(): void {
    const kept = this.#log.read();
    for (const delivery of kept?.snapshot.pending ?? []) this.#deliveries.restore(delivery);
    this.#seen = Math.min(kept?.snapshot.seen ?? this.#seen, this.#seen);
    for (const { events, after } of this.#gateway.eventsFrom(this.#seen)) {
      for (const event of events) for (const id of this.#endpointsFor(event)) this.#deliveries.add(id, event.id);
      this.#seen = after;
    }
    for (const note of kept?.notes ?? []) {
      const job = this.#deliveries.find(note.endpoint, note.event);
      if (!("done" in note)) this.#deliveries.restore(note);
      else if (job) this.#deliveries.forget(job);
    }
    this.#log.start(this.#snapshot());
    const held = this.#deliveries.all().filter(({ stage }) => stage === "held");
    for (const job of held.toArray()) this.#deliveries.start(job);
  }

  #take({ events, after }: EventBatch): void {
    const { delayMs, reorderMs } = this.#knobs;
    for (const event of events) {
      for (const endpoint of this.#endpointsFor(event)) {
        const job = this.#deliveries.add(endpoint, event.id);
        const { dropped, next } = takeDrop(this.#knobs.drop, event.type);
        this.#knobs = { ...this.#knobs, drop: next };
        if (dropped) this.#deliveries.drop(job);
        else if (!this.#knobs.hold) this.#deliveries.delay(job, delayMs + this.#random() * reorderMs);
      }
    }
    this.#seen = after;
    this.#log.count();
    this.#shorten();
  }

  #wake(): void {
    if (!this.#knobs.hold) this.#deliveries.wake();
  }

  #endpointsFor(event: GatewayEvent): string[] {
    return this.#endpoints.list().flatMap((endpoint) => (wants(endpoint, event.type) ? [endpoint.id] : []));
  }

  async #send(delivery: Delivery): Promise<"acknowledged" | "in vain" | "gone"> {
    const endpoint = this.#endpoints.find(delivery.endpoint);
    const record = await this.#gateway.findEvent(delivery.event);
    if (endpoint?.status !== "enabled" || record === undefined) return "gone";
    const body = this.#print(record);
    const secrets = activeSecrets(endpoint, this.#gateway.now());
    const signature = signBody({ body, secrets, at: this.#gateway.clock.outside() });
    const copies = Array.from({ length: 1 + this.#knobs.duplicates }, () =>
      this.#sender.send({ url: endpoint.url, body, signature }),
    );
    return (await Promise.all(copies)).includes(true) ? "acknowledged" : "in vain";
  }

  async #acknowledged(events: readonly GatewayEvent[]): Promise<void> {
    const ends = events.flatMap(({ id }) =>
      this.#endpoints.list().flatMap((endpoint) => this.#deliveries.find(endpoint.id, id)?.end.promise ?? []),
    );
    await Promise.all(ends);
  }

  #snapshot(): Snapshot {
    return {
      seen: this.#seen,
      pending: this.#deliveries
        .all()
        .map(({ delivery }) => delivery)
        .toArray(),
    };
  }

  #note(note: Note): void {
    quietly(() => this.#log.note(note));
    this.#shorten();
  }

  #shorten(): void {
    if (this.#log.isLong(this.#deliveries.size)) quietly(() => this.#log.start(this.#snapshot()));
  }
}

/** What cannot be written costs a delivery too many after the next start, which whoever receives webhooks must stand anyway. */
function quietly(write: () => void): void {
  try {
    write();
  } catch {
    return;
  }
}
