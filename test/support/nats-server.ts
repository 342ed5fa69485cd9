// A real nats-server with JetStream for tests, one for each call: the service's stream and subjects have fixed names, so
// tests that run at the same time need servers of their own. A container where an engine runs, else the embedded one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import pino from "pino";
import { startEmbeddedNats } from "../../src/embedded/nats.ts";
import { parseNatsUrl } from "../../src/outbox/nats-connection.ts";
import { usesContainers } from "./container-engine.ts";
import type { TestServer } from "./database-server.ts";
import { searchPath } from "./search-path.ts";

const DEFAULT_IMAGE = "nats:2.12-alpine";

export interface TestNatsServer extends TestServer {
  /** A connection of the test's own, beside the service's; whoever asks for it closes it. */
  connect(): Promise<NatsConnection>;
}

export async function startNatsServer(): Promise<TestNatsServer> {
  const server = await ((await usesContainers()) ? startContainer() : startEmbedded());
  return { ...server, connect: () => connect(parseNatsUrl(server.url)) };
}

async function startContainer(): Promise<TestServer> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(process.env["TEST_NATS_IMAGE"] ?? DEFAULT_IMAGE)
    .withCommand(["--jetstream"])
    // All that the image exposes: podman lists the others as wanted but unbound, and testcontainers would wait for them.
    .withExposedPorts(4222, 6222, 8222)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start();
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(4222)}`,
    stop: async () => void (await container.stop()),
  };
}

async function startEmbedded(): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "payment-nats-"));
  const server = await startEmbeddedNats({ dataDir, log: pino({ level: "silent" }), path: searchPath });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
