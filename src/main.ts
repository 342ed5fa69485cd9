// The only composition root: what starts, in which order, and how it stops.
//
// Starting: the configuration; PostgreSQL and NATS, the embedded ones side by side; the schema; the gateway and the use cases; the relay and
// the recovery worker; last the doors. Stopping goes the other way: the doors take nothing new and finish what is in flight, the workers
// end, the relay drains, and then the database and the embedded servers stop. A second signal ends everything at once: what was in flight
// then is recovered at the next start.
import { flushCompileCache } from "node:module";
import pino, { type Logger } from "pino";
import { createHealth } from "./api/health.ts";
import { createMint } from "./app/mint.ts";
import type { OrderDirectory } from "./app/order-directory.ts";
import type { Parts } from "./app/parts.ts";
import { onProviderBack } from "./app/provider-back.ts";
import { createReconcileWorker } from "./app/reconcile-worker.ts";
import { createRecoveryWorker } from "./app/recovery-worker.ts";
import { printBanner } from "./banner.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { createBooks } from "./db/books.ts";
import { DatabaseClock } from "./db/clock.ts";
import { createCredits } from "./db/credits.ts";
import { type Database, openDatabase, openPool } from "./db/database.ts";
import { takeLease } from "./db/leases.ts";
import { migrate } from "./db/migrate.ts";
import { createInbox } from "./db/inbox.ts";
import { createOperatorReads } from "./db/operator-reads.ts";
import { createReads } from "./db/reads.ts";
import { createStore } from "./db/store.ts";
import { observeParts, traceStatements, watchMessages } from "./observe-parts.ts";
import { openAuth } from "./open-auth.ts";
import { openCreditsProvider } from "./open-credits-provider.ts";
import { connectNats } from "./outbox/nats-connection.ts";
import { createRelay } from "./outbox/relay.ts";
import { openMockProvider } from "./open-mock-provider.ts";
import { openOrders } from "./open-orders.ts";
import { Opening, openProviders, type OpenProvider } from "./open-provider.ts";
import { openStripeProvider } from "./open-stripe-provider.ts";
import { openTelemetry } from "./open-telemetry.ts";
import type { Provider } from "./provider/provider.ts";
import { Stack } from "./stack.ts";
import { logOptions } from "./telemetry/log-options.ts";
import { startDoors } from "./start-doors.ts";
import { startServers } from "./start-servers.ts";

const STREAM = "PAYMENTS";
/** Connections that the relay has for itself, so that a busy service cannot keep it from renewing its lease. */
const RELAY_POOL_MAX = 4;
/** Probes come often, and a provider's API is for payments. */
const PROVIDER_CHECK_KEPT_MS = 15_000;

/** By the name that callers choose them by; each file opens one. */
const PROVIDERS: Readonly<Record<string, OpenProvider>> = {
  mock: openMockProvider,
  stripe: openStripeProvider,
  credits: openCreditsProvider,
};

function databaseOptions(config: Config, url: string, poolMax: number) {
  return { url, poolMax, statementTimeoutMs: config.databaseTimeoutMs, connectTimeoutMs: config.databaseTimeoutMs };
}

interface Inner {
  readonly log: Logger;
  readonly now: () => Date;
  readonly wakers: Wakers;
  readonly orders: OrderDirectory | null;
}

interface Wakers {
  relay(): void;
  recovery(): void;
}

function assembleParts(
  config: Config,
  database: Database,
  providers: readonly Provider[],
  { log, now, wakers, orders }: Inner,
): Parts {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  return {
    ...createMint(now, config.latePolicy),
    store: createStore(database),
    reads: createReads(database.orm),
    inbox: createInbox(database),
    providers: byName,
    rules: {
      providers: new Set(byName.keys()),
      ...(config.rest.customerProviders && { customerProviders: new Set(config.rest.customerProviders) }),
      returnOrigins: new Set(config.returnOrigins),
      loopbackReturns: !config.production,
    },
    limits: {
      providerTimeoutMs: config.providerTimeoutMs,
      waitTimeoutMs: config.requestWaitMs,
      recoveryDelayMs: config.recoveryDelayMs,
      checkoutLifetimeMs: config.checkoutLifetimeMs,
    },
    orders,
    log,
    wakeRelay: () => wakers.relay(),
    wakeRecovery: () => wakers.recovery(),
  };
}

async function start(config: Config, stack: Stack, log: Logger): Promise<void> {
  const { databaseUrl, natsUrl } = await startServers(config, stack, log);
  const migrated = await migrate(databaseUrl);
  if (migrated.length > 0) log.info({ migrated }, "schema brought up to date");
  const database = await openDatabase(databaseOptions(config, databaseUrl, config.databasePoolMax));
  stack.onStop(() => database.close());

  const telemetry = await openTelemetry(config, stack);
  stack.onStop(traceStatements(telemetry));
  const nats = connectNats(natsUrl, log);
  stack.onStop(() => nats.close());
  const relayPool = openPool(databaseOptions(config, databaseUrl, RELAY_POOL_MAX));
  stack.onStop(() => relayPool.end());
  // Of its own connections as well: behind the waiting calls of a busy service it would see the time late.
  const clock = await DatabaseClock.open(relayPool, log);
  stack.onStop(() => clock.stop());
  const now = (): Date => clock.now();
  const relay = createRelay({
    pool: relayPool,
    databaseUrl,
    nats,
    log,
    streamName: STREAM,
    source: "payment-service",
    replicas: config.natsReplicas,
    watch: watchMessages(telemetry),
  });
  telemetry.metrics.watchOutbox(async () => ({ ...(await relay.depth()), leads: relay.isLeading() }));

  const scheme = config.tls ? "https" : "http";
  const opening = new Opening(`${scheme}://localhost:${config.port}`);
  const onBack = (provider: string): void => void onProviderBack(parts, provider);
  const opened = await openProviders(PROVIDERS, { config, database, stack, log, opening, now, onBack });
  const providers = opened.map(({ provider }) => provider);
  const wakers: Wakers = { relay: () => relay.wake(), recovery: () => recovery.wake() };
  const orders = config.orders && openOrders(config.orders, log);
  if (orders) stack.onStop(() => orders.close());
  const assembled = assembleParts(config, database, providers, { log, now, wakers, orders: orders?.directory ?? null });
  const parts = observeParts(assembled, telemetry);
  const recovery = createRecoveryWorker(parts, config.recoveryIntervalMs);
  if (config.relay) {
    relay.start();
    stack.onStop(() => relay.stop());
  }
  recovery.start();
  stack.onStop(() => recovery.stop());
  if (orders && config.orders?.driver) {
    const driver = orders.startDriver({
      nats,
      store: parts.store,
      streamName: STREAM,
      replicas: config.natsReplicas,
      since: parts.now(),
    });
    stack.onStop(() => driver.stop());
  }
  const operations = {
    ...parts,
    books: createBooks(database),
    operatorReads: createOperatorReads(database),
    credits: createCredits(database),
  };
  if (config.reconciliation.intervalMs > 0) {
    const reconciliation = createReconcileWorker(operations, {
      ...config.reconciliation,
      principal: "operations",
      takeLease: (terms) => takeLease(database.pool, terms),
    });
    reconciliation.start();
    stack.onStop(() => reconciliation.stop());
  }

  const health = createHealth({
    log,
    checks: [
      { name: "database", required: true, check: async () => void (await database.pool.query("select 1")) },
      // While NATS is away events wait in the database, and calls go on.
      { name: "nats", required: false, check: () => nats.check() },
      // While a provider is away, its payments can be read, and what was begun is finished later.
      ...providers.map((provider) => ({
        name: `provider.${provider.name}`,
        required: false,
        keepMs: PROVIDER_CHECK_KEPT_MS,
        check: () => provider.check(AbortSignal.timeout(config.providerTimeoutMs)),
      })),
    ],
  });
  const authenticate = await openAuth(config, log);
  const { port, grpcPort } = await startDoors({
    config,
    stack,
    log,
    parts: operations,
    authenticate,
    telemetry,
    health,
    nats,
  });
  opening.announce(`${scheme}://localhost:${port}`);
  // What starting left behind is let go before the first call, so that the process is small at rest (`npm start` gives node --expose-gc).
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  stack.onStop(() => health.setServing(false));
  health.setServing(true);

  const readyMs = performance.now();
  log.info({ port, grpcPort, readyMs: Math.round(readyMs) }, "service ready");
  // By itself node does it at an orderly end, to which a process that is killed does not come.
  flushCompileCache();
  process.stderr.write(
    printBanner(config, {
      port,
      grpcPort,
      database: config.databaseUrl
        ? "PostgreSQL of DATABASE_URL"
        : `PostgreSQL of its own, in ${config.dataDir}/postgres`,
      events: config.natsUrl ? "NATS of NATS_URL" : `nats-server of its own, in ${config.dataDir}/nats`,
      providers: opened.map(({ description }) => description),
      readyMs,
    }),
  );
}

async function main(): Promise<void> {
  const config = readConfig(Object.keys(PROVIDERS));
  const log = pino(logOptions(config.logLevel));
  const stack = new Stack();
  process.on("exit", () => stack.killNow());
  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    // A second signal, or a failure while stopping: the exit handler leaves nothing behind.
    if (stopping) process.exit(exitCode || 1);
    stopping = true;
    await stack.stop(log);
    process.exit(exitCode);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      log.info({ signal }, stopping ? "second signal, ending at once" : "stopping");
      void stop(0);
    });
  }
  try {
    await start(config, stack, log);
  } catch (error) {
    if (stopping) return;
    process.stderr.write(`The service cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
    log.debug({ err: error }, "start failed");
    await stop(1);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
