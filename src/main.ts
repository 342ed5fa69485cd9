// The only composition root: what starts, in which order, and how it stops.
//
// Starting: the configuration; PostgreSQL and NATS, the embedded ones side by side; the schema; the gateway and the use cases; the relay and
// the recovery worker; last the doors. Stopping goes the other way: the doors take nothing new and finish what is in flight, the workers
// end, the relay drains, and then the database and the embedded servers stop. A second signal ends everything at once: what was in flight
// then is recovered at the next start.
import { mkdirSync } from "node:fs";
import pino, { type Logger } from "pino";
import { OperationsService } from "../gen/payment/v1/operations_service_pb.ts";
import { PaymentService } from "../gen/payment/v1/payment_service_pb.ts";
import { authenticate } from "./api/auth.ts";
import { prepareCalls } from "./api/calls.ts";
import { startHttp } from "./api/connect.ts";
import { startGrpc } from "./api/grpc.ts";
import { createHandlers } from "./api/handlers.ts";
import { createHealth } from "./api/health.ts";
import { createHttpRoutes } from "./api/http-routes.ts";
import { createOperationsHandlers } from "./api/operations-handlers.ts";
import { createMint } from "./app/mint.ts";
import type { Parts } from "./app/parts.ts";
import { createReconcileWorker } from "./app/reconcile-worker.ts";
import { createRecoveryWorker } from "./app/recovery-worker.ts";
import { printBanner } from "./banner.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { createBooks } from "./db/books.ts";
import { type Database, openDatabase, openPool } from "./db/database.ts";
import { takeLease } from "./db/leases.ts";
import { migrate } from "./db/migrate.ts";
import { createInbox } from "./db/inbox.ts";
import { createOperatorReads } from "./db/operator-reads.ts";
import { createReads } from "./db/reads.ts";
import { createStore } from "./db/store.ts";
import { startEmbeddedNats } from "./embedded/nats.ts";
import { startEmbeddedPostgres } from "./embedded/postgres.ts";
import type { EmbeddedServer } from "./embedded/server-process.ts";
import { connectNats } from "./outbox/nats-connection.ts";
import { createRelay } from "./outbox/relay.ts";
import { openMockProvider } from "./open-mock-provider.ts";
import type { OpenedProvider, OpenProvider, ProviderContext } from "./open-provider.ts";
import { openStripeProvider } from "./open-stripe-provider.ts";
import type { Provider } from "./provider/provider.ts";
import { createResultPages } from "./web/pages.ts";

/** Connections that the relay has for itself, so that a busy service cannot keep it from renewing its lease. */
const RELAY_POOL_MAX = 4;
/** Probes come often, and a provider's API is for payments. */
const PROVIDER_CHECK_KEPT_MS = 15_000;

/** What has been started, newest last; it is stopped in the opposite order. */
class Stack {
  readonly #stops: (() => Promise<unknown> | void)[] = [];
  readonly #embedded: EmbeddedServer[] = [];

  onStop(stop: () => Promise<unknown> | void): void {
    this.#stops.push(stop);
  }

  addEmbedded(server: EmbeddedServer): void {
    this.#embedded.push(server);
    this.onStop(() => server.stop());
  }

  async stop(log: Logger): Promise<void> {
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        log.error({ err: error }, "a part did not stop as it should");
      }
    }
  }

  /** Leaves no embedded server behind, without waiting for anything. */
  killNow(): void {
    for (const server of this.#embedded) server.killNow();
  }
}

interface Servers {
  readonly databaseUrl: string;
  readonly natsUrl: string;
}

async function startServers(config: Config, stack: Stack, log: Logger): Promise<Servers> {
  const { dataDir } = config;
  mkdirSync(dataDir, { recursive: true });
  const started = await Promise.allSettled([
    config.databaseUrl ? null : startEmbeddedPostgres({ dataDir, log }),
    config.natsUrl
      ? null
      : startEmbeddedNats({
          dataDir,
          log,
          path: config.searchPath,
          ...(config.natsServerBin && { binary: config.natsServerBin }),
        }),
  ]);
  for (const result of started) if (result.status === "fulfilled" && result.value) stack.addEmbedded(result.value);
  const [postgres, nats] = started.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value?.url ?? null;
  });
  return { databaseUrl: config.databaseUrl ?? postgres ?? "", natsUrl: config.natsUrl ?? nats ?? "" };
}

/** By the name that callers choose them by; each file opens one. */
const PROVIDERS: Readonly<Record<string, OpenProvider>> = {
  mock: openMockProvider,
  stripe: openStripeProvider,
};

/** Tells those who wait for it that the doors are open. */
class Opening {
  readonly #waiting: ((url: string) => void)[] = [];
  /** Where this process reaches itself. */
  url: string;

  constructor(url: string) {
    this.url = url;
  }

  wait(open: (url: string) => void): void {
    this.#waiting.push(open);
  }

  announce(url: string): void {
    this.url = url;
    for (const open of this.#waiting) open(url);
  }
}

async function openProviders(config: Config, stack: Stack, log: Logger, opening: Opening): Promise<OpenedProvider[]> {
  const page = (name: string): string => `${config.publicUrl ?? opening.url}/v1/payments/${name}`;
  const context: ProviderContext = {
    config,
    log,
    returnUrls: {
      get success() {
        return page("success");
      },
      get cancel() {
        return page("cancel");
      },
    },
    onStop: (stop) => stack.onStop(stop),
    onOpen: (open) => opening.wait(open),
  };
  const opened: OpenedProvider[] = [];
  for (const name of config.providers) {
    const open = PROVIDERS[name];
    if (open) opened.push(await open(context));
  }
  return opened;
}

function databaseOptions(config: Config, url: string, poolMax: number) {
  return { url, poolMax, statementTimeoutMs: config.databaseTimeoutMs, connectTimeoutMs: config.databaseTimeoutMs };
}

interface Wakers {
  relay(): void;
  recovery(): void;
}

function assembleParts(
  config: Config,
  database: Database,
  providers: readonly Provider[],
  { log, wakers }: { log: Logger; wakers: Wakers },
): Parts {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  return {
    ...createMint(() => new Date(), config.latePolicy),
    store: createStore(database),
    reads: createReads(database.orm),
    inbox: createInbox(database),
    providers: byName,
    rules: {
      providers: new Set(byName.keys()),
      returnOrigins: new Set(config.returnOrigins),
      loopbackReturns: !config.production,
    },
    limits: {
      providerTimeoutMs: config.providerTimeoutMs,
      waitTimeoutMs: config.requestWaitMs,
      recoveryDelayMs: config.recoveryDelayMs,
      checkoutLifetimeMs: config.checkoutLifetimeMs,
    },
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

  const nats = connectNats(natsUrl, log);
  stack.onStop(() => nats.close());
  const relayPool = openPool(databaseOptions(config, databaseUrl, RELAY_POOL_MAX));
  stack.onStop(() => relayPool.end());
  const relay = createRelay({
    pool: relayPool,
    databaseUrl,
    nats,
    log,
    streamName: "PAYMENTS",
    source: "payment-service",
    replicas: config.natsReplicas,
  });

  const scheme = config.tls ? "https" : "http";
  const opening = new Opening(`${scheme}://localhost:${config.port}`);
  const opened = await openProviders(config, stack, log, opening);
  const providers = opened.map(({ provider }) => provider);
  const wakers: Wakers = { relay: () => relay.wake(), recovery: () => recovery.wake() };
  const parts = assembleParts(config, database, providers, { log, wakers });
  const recovery = createRecoveryWorker(parts, config.recoveryIntervalMs);
  if (config.relay) {
    relay.start();
    stack.onStop(() => relay.stop());
  }
  recovery.start();
  stack.onStop(() => recovery.stop());
  const operations = { ...parts, books: createBooks(database), operatorReads: createOperatorReads(database) };
  if (config.reconciliation.intervalMs > 0) {
    const reconciliation = createReconcileWorker(operations, {
      ...config.reconciliation,
      principal: authenticate(),
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
  const calls = [
    ...prepareCalls(PaymentService, createHandlers(parts, { provider: config.provider }), log),
    ...prepareCalls(OperationsService, createOperationsHandlers(operations), log),
  ];
  const { host, tls, reflection, stopTimeoutMs } = config;
  const doors = { host, tls, reflection, stopTimeoutMs, calls, health, log };
  const grpc = await startGrpc({ ...doors, port: config.grpcPort });
  stack.onStop(() => grpc.stop());
  const pages = createResultPages();
  const findRoute = createHttpRoutes(parts, log, (path) => pages.get(path));
  const http = await startHttp({ ...doors, port: config.port, corsOrigins: config.corsOrigins, findRoute });
  stack.onStop(() => http.stop());
  opening.announce(`${scheme}://localhost:${http.port}`);
  // What starting left behind is let go before the first call, so that the process is small at rest (`npm start` gives node --expose-gc).
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  stack.onStop(() => health.setServing(false));
  health.setServing(true);

  const readyMs = performance.now();
  log.info({ port: http.port, grpcPort: grpc.port, readyMs: Math.round(readyMs) }, "service ready");
  process.stderr.write(
    printBanner(config, {
      port: http.port,
      grpcPort: grpc.port,
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
  const log = pino({ level: config.logLevel, base: null });
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
