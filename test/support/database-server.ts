// A real PostgreSQL for tests: the one that TEST_DATABASE_URL names, else a container where an engine runs, else the
// embedded one.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { startEmbeddedPostgres } from "../../src/embedded/postgres.ts";
import { usesContainers } from "./container-engine.ts";

const DEFAULT_IMAGE = "postgres:18";
const PASSWORD = "test";

export interface TestServer {
  url: string;
  stop(): Promise<void>;
}

/** Stopping a server that TEST_DATABASE_URL names leaves it running: whoever started it stops it. */
export async function startDatabaseServer(): Promise<TestServer> {
  const url = process.env["TEST_DATABASE_URL"];
  if (url) return { url, stop: async () => {} };
  return (await usesContainers()) ? startContainer() : startEmbeddedServer();
}

async function startContainer(): Promise<TestServer> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(process.env["TEST_POSTGRES_IMAGE"] ?? DEFAULT_IMAGE)
    .withEnvironment({ POSTGRES_PASSWORD: PASSWORD })
    .withExposedPorts(5432)
    // The image starts the server twice: once to set it up, without a port, and then for good.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  const address = `${container.getHost()}:${container.getMappedPort(5432)}`;
  return {
    url: `postgresql://postgres:${PASSWORD}@${address}/postgres`,
    stop: async () => void (await container.stop()),
  };
}

/** One of its own, whatever other tests share. */
export async function startEmbeddedServer(): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "payment-postgres-"));
  // PostgreSQL refuses to run as root, so that as root it runs as another user, who must be able to enter.
  chmodSync(folder, 0o755);
  const server = await startEmbeddedPostgres({ dataDir: join(folder, "data"), log: pino({ level: "silent" }) });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
