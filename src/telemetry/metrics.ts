// What the service counts and times, for Prometheus. Each of the five that document 002 wants watched is named by a HELP line. Labels are words of our own
// (actions, reasons, codes, names of providers, ISO currencies), never ids, and never what a caller sent.
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { Count, Times } from "./series.ts";

/** From what a read costs to what a provider may take. */
const CALL_BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
/** From a quiet outbox to one whose stream was away for an hour. */
const DELAY_BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000];
/** A scrape does not wait for a database that is away. */
const PROBE_TIMEOUT_MS = 1_000;

/** What became of payments, and is counted. Of these, those that a payment ends with. */
const DECIDED = ["succeeded", "failed", "canceled", "expired"] as const;
export type PaymentOutcome = (typeof DECIDED)[number] | "created" | "authorized" | "late";

export interface OutboxState {
  readonly events: number;
  /** Of the oldest event that is not published; null when all are. */
  readonly oldestCreatedAt: Date | null;
  readonly leads: boolean;
}

export interface MetricsOptions {
  /** CPU, memory, event loop and garbage collection of the process. */
  readonly process: boolean;
  now(): Date;
}

export class Metrics {
  readonly registry = new Registry();
  readonly #payments: Count;
  readonly #actions: Times;
  readonly #errors: Count;
  readonly #volume: Count;
  readonly #gateway: Times;
  readonly #calls: Times;
  readonly #requests: Times;
  readonly #webhooks: Count;
  readonly #published: Count;
  readonly #delays: Times;
  readonly #now: () => Date;

  constructor(options: MetricsOptions) {
    const { registry } = this;
    this.#now = () => options.now();
    this.#payments = new Count(registry, {
      name: "payment_payments_total",
      help: "Payments by what became of them: created, authorized, succeeded, failed, canceled, expired, late.",
      labels: ["provider", "outcome"],
    });
    this.#addSuccessRatio();
    this.#actions = new Times(
      registry,
      {
        name: "payment_processing_seconds",
        help: "Average processing time: how long a use case takes, by action and outcome (ok, or the reason of the refusal).",
        labels: ["action", "outcome"],
      },
      CALL_BOUNDS_MS,
    );
    this.#errors = new Count(registry, {
      name: "payment_errors_total",
      help: "Error rates by type: refusals by reason, at whatever door. A decline that is an answer counts by its reason, too.",
      labels: ["reason"],
    });
    this.#volume = new Count(registry, {
      name: "payment_volume_minor_total",
      help: "Transaction volume: minor units of the currency that were captured and refunded. Exact up to 2^53.",
      labels: ["currency", "kind"],
    });
    this.#gateway = new Times(
      registry,
      {
        name: "payment_gateway_seconds",
        help: "Gateway response times: how long calls to providers take, by provider, operation and outcome.",
        labels: ["provider", "operation", "outcome"],
      },
      CALL_BOUNDS_MS,
    );
    this.#calls = new Times(
      registry,
      {
        name: "payment_rpc_seconds",
        help: "How long calls take, by door (grpc, connect, nats), method and code.",
        labels: ["door", "method", "code"],
      },
      CALL_BOUNDS_MS,
    );
    this.#requests = new Times(
      registry,
      {
        name: "payment_http_seconds",
        help: "How long HTTP requests other than calls take, by method and status.",
        labels: ["method", "status"],
      },
      CALL_BOUNDS_MS,
    );
    this.#webhooks = new Count(registry, {
      name: "payment_webhooks_total",
      help: "Webhooks by what became of them. One that is tried again counts each time; refused: its signature or body is bad.",
      labels: ["provider", "state"],
    });
    this.#published = new Count(registry, {
      name: "payment_events_published_total",
      help: "Events that this process sent to the stream: confirmed, or failed and sent again.",
      labels: ["result"],
    });
    this.#delays = new Times(
      registry,
      {
        name: "payment_event_delay_seconds",
        help: "From the change of a payment to the stream's confirmation of its event.",
        labels: ["type"],
      },
      DELAY_BOUNDS_MS,
    );
    if (options.process) collectDefaultMetrics({ register: registry });
  }

  payment(provider: string, outcome: PaymentOutcome): void {
    this.#payments.add([provider, outcome]);
  }

  /** `outcome`: ok, or the reason of the refusal. */
  action(action: string, outcome: string, elapsedMs: number): void {
    this.#actions.observe([action, outcome], elapsedMs);
  }

  error(reason: string): void {
    this.#errors.add([reason]);
  }

  volume(currency: string, kind: "captured" | "refunded", minor: bigint): void {
    this.#volume.addAmount([currency, kind], minor);
  }

  gateway(
    call: { readonly provider: string; readonly operation: string; readonly outcome: string },
    elapsedMs: number,
  ): void {
    this.#gateway.observe([call.provider, call.operation, call.outcome], elapsedMs);
  }

  call(call: { readonly door: string; readonly method: string; readonly code: string }, elapsedMs: number): void {
    this.#calls.observe([call.door, call.method, call.code], elapsedMs);
  }

  request(method: string, status: number, elapsedMs: number): void {
    this.#requests.observe([KNOWN_METHODS.has(method) ? method : "other", String(status)], elapsedMs);
  }

  webhook(provider: string, state: string): void {
    this.#webhooks.add([provider, state]);
  }

  published(type: string, createdAt: Date): void {
    this.#published.add(["confirmed"]);
    this.#delays.observe([type], Math.max(0, this.#now().getTime() - createdAt.getTime()));
  }

  publishFailed(): void {
    this.#published.add(["failed"]);
  }

  /** Has the outbox looked at, once, whenever somebody asks for the metrics. What could not be looked at keeps its last figure. */
  watchOutbox(look: () => Promise<OutboxState>): void {
    let looking: Promise<OutboxState | null> | undefined;
    const lookOnce = (): Promise<OutboxState | null> => {
      looking ??= withinTime(look).finally(() => {
        looking = undefined;
      });
      return looking;
    };
    const addGauge = (name: string, help: string, read: (state: OutboxState | null) => number | null): void => {
      const gauge = new Gauge({
        name,
        help,
        registers: [this.registry],
        async collect() {
          const value = read(await lookOnce());
          if (value !== null) gauge.set(value);
        },
      });
    };
    addGauge("payment_outbox_seen", "Whether the outbox could be looked at.", (state) => (state ? 1 : 0));
    addGauge(
      "payment_outbox_events",
      "Events that are not published yet, counted up to 100,000.",
      (state) => state && state.events,
    );
    addGauge(
      "payment_outbox_lag_seconds",
      "Age of the oldest event that is not published yet; 0 when all are.",
      (state) => state && this.#ageSeconds(state.oldestCreatedAt),
    );
    addGauge(
      "payment_relay_leads",
      "Whether this process is the one that publishes.",
      (state) => state && Number(state.leads),
    );
  }

  #ageSeconds(since: Date | null): number {
    return since === null ? 0 : Math.max(0, this.#now().getTime() - since.getTime()) / 1_000;
  }

  #addSuccessRatio(): void {
    const payments = this.#payments;
    const ratio = new Gauge({
      name: "payment_success_ratio",
      help: "Payment success rate: of the payments decided since the process started, the share that succeeded.",
      registers: [this.registry],
      collect() {
        const decided = DECIDED.reduce((sum, outcome) => sum + payments.total(outcome), 0);
        ratio.set(decided === 0 ? Number.NaN : payments.total("succeeded") / decided);
      },
    });
  }
}

const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Null when it fails, or takes longer than a scrape may. */
async function withinTime<T>(look: () => Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), PROBE_TIMEOUT_MS);
  try {
    return await Promise.race([look(), promise]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
