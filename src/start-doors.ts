// The doors: gRPC, everything on the HTTP port, and NATS. They are opened last, and closed first.
import type { Logger } from "pino";
import { CreditService } from "../gen/payment/v1/credit_service_pb.ts";
import { OperationsService } from "../gen/payment/v1/operations_service_pb.ts";
import { PaymentService } from "../gen/payment/v1/payment_service_pb.ts";
import packageFile from "../package.json" with { type: "json" };
import type { Authenticate } from "./api/auth.ts";
import { prepareCalls } from "./api/calls.ts";
import { startHttp } from "./api/connect.ts";
import { createCreditsHandlers } from "./api/credits-handlers.ts";
import { startGrpc } from "./api/grpc.ts";
import { createHandlers } from "./api/handlers.ts";
import type { Health } from "./api/health.ts";
import { createHttpRoutes, type FindRoute } from "./api/http-routes.ts";
import { startNatsDoor } from "./api/nats/door.ts";
import { createOperations } from "./api/nats/operations.ts";
import { createForOrders, startOrderEvents } from "./api/nats/order-events.ts";
import { createOperationsHandlers, type OperationsParts } from "./api/operations-handlers.ts";
import { createRest } from "./api/rest/rest.ts";
import type { CreditParts } from "./app/credits.ts";
import type { Config } from "./config.ts";
import { observeAuthenticate, observeCalls, observeRoutes, watchCalls } from "./observe-doors.ts";
import { openLimitedAuth } from "./open-auth.ts";
import { type DialectName, openDialects } from "./open-dialects.ts";
import type { NatsLink } from "./outbox/nats-connection.ts";
import type { Stack } from "./stack.ts";
import { createMetricsHandler, METRICS_PATH } from "./telemetry/metrics-page.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { createResultPages } from "./web/pages.ts";

export interface Doors {
  readonly config: Config;
  readonly stack: Stack;
  readonly log: Logger;
  readonly parts: OperationsParts & CreditParts;
  readonly authenticate: Authenticate;
  readonly telemetry: Telemetry;
  readonly health: Health;
  readonly nats: NatsLink;
}

/** Pages for people, and the page for Prometheus. */
function findPages({ config, telemetry }: Doors): FindRoute {
  const pages = createResultPages();
  const metrics = config.telemetry.metrics ? createMetricsHandler(telemetry.metrics.registry) : undefined;
  return (path) => (path === METRICS_PATH ? metrics : pages.get(path));
}

async function findRoutes(doors: Doors, authenticate: Authenticate): Promise<FindRoute> {
  const { config, stack, log, parts, health } = doors;
  const { rest: settings } = config;
  const dialects = openDialects(settings.dialects as DialectName[], {
    booking: { currency: settings.bookingCurrency },
    storefront: {
      publishableKey: settings.publishableKey,
      live: config.stripe?.live ?? false,
      successUrl: settings.successUrl,
      cancelUrl: settings.cancelUrl,
      version: packageFile.version,
      health,
      accounts: parts,
    },
    ledger: { reconciliation: parts },
  });
  const rest = await createRest({
    parts,
    log,
    authenticate,
    provider: config.provider,
    dialects,
    rateLimit: settings.rateLimit,
    trustedHops: settings.trustedHops,
  });
  stack.onStop(() => rest.close());
  const pages = findPages(doors);
  return createHttpRoutes(parts, log, (path) => pages(path) ?? rest.findRoute(path));
}

async function openNatsDoors(
  { config, stack, log, parts, nats, telemetry }: Doors,
  authenticate: Authenticate,
): Promise<void> {
  const { provider } = config;
  if (config.natsRequests) {
    const operations = createOperations({ parts, provider });
    const door = await startNatsDoor({ nats, operations, authenticate, log, watch: watchCalls(telemetry) });
    stack.onStop(() => door.stop());
  }
  if (config.orderEventsStream !== null) {
    const create = createForOrders(parts, { provider });
    const orders = startOrderEvents({ nats, create, log, streamName: config.orderEventsStream });
    stack.onStop(() => orders.stop());
  }
}

export async function startDoors(doors: Doors): Promise<{ readonly port: number; readonly grpcPort: number }> {
  const { config, stack, log, parts, health, telemetry } = doors;
  const calls = observeCalls(
    [
      ...prepareCalls(PaymentService, createHandlers(parts, { provider: config.provider }), log),
      ...prepareCalls(CreditService, createCreditsHandlers(parts), log),
      ...prepareCalls(OperationsService, createOperationsHandlers(parts), log),
    ],
    telemetry,
  );
  const authenticate = observeAuthenticate(doors.authenticate, telemetry, log);
  const { host, tls, reflection, stopTimeoutMs, corsOrigins } = config;
  const watch = watchCalls(telemetry);
  const limited = observeAuthenticate(await openLimitedAuth(config, doors.authenticate), telemetry, log);
  const shared = { host, tls, reflection, stopTimeoutMs, calls, authenticate: limited, health, log, watch };
  const grpc = await startGrpc({ ...shared, port: config.grpcPort });
  stack.onStop(() => grpc.stop());
  const findRoute = observeRoutes(await findRoutes(doors, authenticate), telemetry);
  const http = await startHttp({ ...shared, port: config.port, corsOrigins, findRoute });
  stack.onStop(() => http.stop());
  await openNatsDoors(doors, limited);
  return { port: http.port, grpcPort: grpc.port };
}
