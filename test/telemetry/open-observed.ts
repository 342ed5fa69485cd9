// The service with its doors, observed: what main.ts composes, on a test's own database, and with a relay on a test's own NATS where a test wants events.
import type { TestContext } from "node:test";
import pino, { type Logger } from "pino";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Authenticate, openToAll } from "../../src/api/auth.ts";
import { prepareCalls } from "../../src/api/calls.ts";
import { startHttp } from "../../src/api/connect.ts";
import { startGrpc } from "../../src/api/grpc.ts";
import { createHandlers } from "../../src/api/handlers.ts";
import { createHealth } from "../../src/api/health.ts";
import type { FindRoute } from "../../src/api/http-routes.ts";
import type { OpenPort } from "../../src/api/port.ts";
import { createWebhookHandler } from "../../src/api/webhook.ts";
import type { Parts } from "../../src/app/parts.ts";
import { observeAuthenticate, observeCalls, observeRoutes, watchCalls } from "../../src/observe-doors.ts";
import { observeParts, traceStatements, watchMessages } from "../../src/observe-parts.ts";
import { connectNats } from "../../src/outbox/nats-connection.ts";
import { createRelay, type Relay } from "../../src/outbox/relay.ts";
import { logOptions } from "../../src/telemetry/log-options.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { createMetricsHandler, METRICS_PATH } from "../../src/telemetry/metrics-page.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { noTracing, type Tracing } from "../../src/telemetry/tracing.ts";
import { TestService, type TestServiceOptions } from "../app/open-service.ts";

export interface ObservedOptions extends TestServiceOptions {
  readonly tracing?: Tracing;
  readonly natsUrl?: string;
  readonly authenticate?: Authenticate;
  /** What is served besides calls, webhooks and /metrics. */
  openRoutes?(door: {
    readonly parts: Parts;
    readonly log: Logger;
    readonly authenticate: Authenticate;
  }): Promise<FindRoute>;
}

export interface Observed {
  readonly service: TestService;
  readonly telemetry: Telemetry;
  readonly grpc: OpenPort;
  readonly http: OpenPort;
  readonly relay: Relay | null;
  readonly doors: { readonly parts: Parts; readonly authenticate: Authenticate; readonly log: Logger };
  readonly logged: Record<string, unknown>[];
  /** The lines of /metrics that are samples of this metric. */
  samples(metric: string): Promise<string[]>;
}

function openRelay(service: TestService, telemetry: Telemetry, natsUrl: string) {
  const log = pino({ level: "silent" });
  const nats = connectNats(natsUrl, log);
  const relay = createRelay({
    pool: service.database.pool,
    databaseUrl: service.database.orm.config.get("clientUrl") ?? "",
    nats,
    log,
    streamName: "PAYMENTS",
    source: "payment-service",
    replicas: 1,
    watch: watchMessages(telemetry),
  });
  return { relay, nats };
}

export async function openObserved(t: TestContext, options: ObservedOptions = {}): Promise<Observed> {
  const service = await TestService.open(options);
  const logged: Record<string, unknown>[] = [];
  const log = pino(logOptions("trace"), { write: (line: string) => logged.push(JSON.parse(line)) });
  const metrics = new Metrics({ process: true, now: () => new Date() });
  const telemetry = new Telemetry(metrics, options.tracing ?? noTracing);
  const endStatements = traceStatements(telemetry);
  const opened = options.natsUrl === undefined ? null : openRelay(service, telemetry, options.natsUrl);
  const relay = opened?.relay ?? null;
  relay?.start();
  if (relay) metrics.watchOutbox(async () => ({ ...(await relay.depth()), leads: relay.isLeading() }));
  const parts = observeParts({ ...service.parts, log, wakeRelay: () => relay?.wake() }, telemetry);
  const authenticate = observeAuthenticate(options.authenticate ?? openToAll(), telemetry, log);
  const more = await options.openRoutes?.({ parts, log, authenticate });
  const webhook = createWebhookHandler(parts, log);
  const page = createMetricsHandler(metrics.registry);
  const routes: FindRoute = (path) => (path === "/v1/payments/webhook" ? webhook : more?.(path));
  const observedRoutes = observeRoutes(routes, telemetry);
  const health = createHealth({ checks: [], log });
  const doors = {
    host: "127.0.0.1",
    port: 0,
    tls: null,
    reflection: false,
    stopTimeoutMs: 1_000,
    calls: observeCalls(prepareCalls(PaymentService, createHandlers(parts, { provider: "mock" }), log), telemetry),
    authenticate,
    watch: watchCalls(telemetry),
    health,
    log,
  };
  const findRoute: FindRoute = (path) => (path === METRICS_PATH ? page : observedRoutes(path));
  const [grpc, http] = await Promise.all([startGrpc(doors), startHttp({ ...doors, corsOrigins: [], findRoute })]);
  health.setServing(true);
  t.after(async () => {
    await Promise.all([grpc.stop(), http.stop()]);
    await relay?.stop();
    await opened?.nats.close();
    endStatements();
    await telemetry.tracing.stop();
    await service.close();
  });
  return {
    service,
    telemetry,
    grpc,
    http,
    relay,
    doors: { parts, authenticate, log },
    logged,
    async samples(metric) {
      const answer = await fetch(`http://127.0.0.1:${http.port}/metrics`);
      const lines = (await answer.text()).split("\n");
      return lines.filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
    },
  };
}
