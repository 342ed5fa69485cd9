// What the webhook cases happen in: a service whose provider is Stripe, the gateway that stands in for it, somebody who meddles between the two, callers
// who do not give up, and the stream.
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClients } from "../../support/clients.ts";
import type { GatewayProcess } from "../../support/gateway-process.ts";
import { Meddler } from "../../support/meddler.ts";
import type { ServiceProcess } from "../../support/service-process.ts";
import { StreamRecorder } from "../../support/stream-recorder.ts";
import { openStripeService } from "../../support/stripe-service.ts";
import { Caller } from "../load/caller.ts";
import type { Random } from "../frame/random.ts";
import { ClientRecord } from "../frame/record.ts";
import { examine, type Figures } from "../frame/verdict.ts";
import type { Case, End, Story, World } from "./webhook-cases.ts";

/** One attempt of a call has 40% of the time of a call: enough for a busy machine, and little to wait for. */
const SETTINGS = {
  PROVIDER_TIMEOUT_MS: "2000",
  RECOVERY_DELAY_MS: "50",
  RECOVERY_INTERVAL_MS: "100",
  REQUEST_WAIT_MS: "1000",
  DATABASE_TIMEOUT_MS: "2000",
};
/** Cases under way at once. */
const ABREAST = 8;
/** Webhooks that found nobody are sent again for three days. An hour is let pass at a time. */
const HOUR_SECONDS = 3_600;
const DELIVERED_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

interface Row {
  readonly order_id: string;
  readonly status: string;
  readonly captured: string;
  readonly refunded: string;
  readonly late: boolean;
}

function print({ status, captured, refunded, late }: Row | End): string {
  return `${status}, captured ${captured}, refunded ${refunded}${late ? ", late" : ""}`;
}

/** What the stream told of which order. */
class Told {
  readonly #recorder: StreamRecorder;
  readonly #told = new Set<string>();
  #read = 0;

  constructor(recorder: StreamRecorder) {
    this.#recorder = recorder;
  }

  async wait(orderId: string, type: string): Promise<void> {
    await this.#recorder.until((messages) => {
      for (; this.#read < messages.length; this.#read += 1) {
        const message = messages[this.#read];
        const event = JSON.parse(message?.body ?? "{}") as { orderId?: string };
        this.#told.add(`${event.orderId} ${message?.subject}`);
      }
      return this.#told.has(`${orderId} ${type}`);
    });
  }
}

export interface Findings {
  readonly webhooks: number;
  /** Webhooks that were there first, and moved their payment. */
  readonly movedByWebhook: number;
}

export class WebhookWorld implements World {
  readonly service: ServiceProcess;
  readonly gateway: GatewayProcess;
  readonly meddler: Meddler;
  readonly caller: Caller;
  readonly random: Random;
  readonly #record: ClientRecord;
  readonly #told: Told;
  readonly #stories: Story[] = [];
  #orders = 0;

  private constructor(
    parts: Pick<WebhookWorld, "service" | "gateway" | "meddler" | "caller" | "random">,
    told: Told,
    record: ClientRecord,
  ) {
    this.service = parts.service;
    this.gateway = parts.gateway;
    this.meddler = parts.meddler;
    this.caller = parts.caller;
    this.random = parts.random;
    this.#told = told;
    this.#record = record;
  }

  static async open(t: TestContext, random: Random): Promise<WebhookWorld> {
    let meddler: Meddler | undefined;
    const apiUrl = async (url: string): Promise<string> => {
      meddler = await Meddler.open(url);
      return meddler.url;
    };
    const { gateway, service, remove } = await openStripeService({ environment: SETTINGS, apiUrl });
    t.after(async () => {
      await remove();
      await meddler?.close();
    });
    if (!meddler) throw new Error("nobody meddles");
    const recorder = await StreamRecorder.open(await service.connectNats());
    t.after(() => recorder.close());
    const record = new ClientRecord();
    const clients = createClients(t, service);
    const caller = new Caller({ clients, random: random.fork(), record, onVerdict: () => {} });
    return new WebhookWorld({ service, gateway, meddler, caller, random }, new Told(recorder), record);
  }

  told(orderId: string, type: string): Promise<void> {
    return this.#told.wait(orderId, type);
  }

  newOrder(): string {
    this.#orders += 1;
    return `order-${this.#orders}`;
  }

  expect(story: Story): void {
    this.#stories.push(story);
  }

  /** Goes through so many of a case, some at a time. */
  async run(count: number, happen: Case): Promise<void> {
    const left = Array.from({ length: count }, () => this.newOrder()).values();
    const works = Array.from({ length: ABREAST }, async () => {
      for (const orderId of left) this.expect(await happen(this, orderId));
    });
    await Promise.all(works);
  }

  /** Once all webhooks are delivered and all is quiet: what is not as it must be, and the figures. */
  async judge(): Promise<Figures & Findings> {
    await this.gateway.release();
    await this.#delivered();
    const { service, gateway } = this;
    const figures = await examine(
      {
        query: (text, values) => service.query(text, values),
        connectNats: () => service.connectNats(),
        journal: () => gateway.journal(),
        secrets: () => service.secrets(),
        overheard: () => service.overheard(),
      },
      this.#record,
    );
    const [counts] = await this.service.query<{ moved: number; all: number }>(
      "select count(*) filter (where state = 'APPLIED')::int as moved, count(*)::int as all from webhook_event",
    );
    const violations = [...figures.violations, ...(await this.unexpectedEnds()), ...(await this.#quarantined())];
    return { ...figures, violations, webhooks: counts?.all ?? 0, movedByWebhook: counts?.moved ?? 0 };
  }

  /** No webhook is left to be sent. */
  async #delivered(): Promise<void> {
    for (const startedAt = performance.now(); performance.now() - startedAt < DELIVERED_TIMEOUT_MS; ) {
      const { held, dropped, delayed, queued, sending, resting } = await this.gateway.deliveries();
      if (held + dropped + delayed + queued + sending + resting === 0) return;
      if (queued + sending === 0 && resting > 0) await this.gateway.control("clock", { advance_seconds: HOUR_SECONDS });
      await delay(POLL_MS);
    }
    throw new Error(`webhooks are not delivered: ${JSON.stringify(await this.gateway.deliveries())}`);
  }

  /** Orders that did not end as they may. */
  async unexpectedEnds(): Promise<string[]> {
    const rows = await this.service.query<Row>(`
      select p.order_id, p.status || coalesce(': ' || p.cancel_reason, '') as status, p.captured_minor::text as captured, p.refunded_minor::text as refunded,
        exists (select from payment_event e where e.payment_id = p.id and e.type = 'payment.late') as late
      from payment p order by p.id`);
    // Of an order that was tried again, the last payment.
    const byOrder = new Map(rows.map((row) => [row.order_id, print(row)]));
    return this.#stories.flatMap(({ orderId, ends }) => {
      const ended = byOrder.get(orderId) ?? "there is none";
      const wanted = ends.map(print);
      return wanted.includes(ended) ? [] : [`${orderId}: ${ended}; it should be ${wanted.join(" or ")}`];
    });
  }

  /** An honest gateway sends nothing that is authentic and wrong. */
  async #quarantined(): Promise<string[]> {
    const rows = await this.service.query<{ what: string }>(
      "select event_id || ' (' || type || '): ' || note as what from webhook_event where state = 'QUARANTINED'",
    );
    return rows.map(({ what }) => `quarantined ${what}`);
  }
}
