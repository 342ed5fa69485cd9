// PostgreSQL and NATS: those of the configuration, or embedded ones, which are started side by side.
import { mkdirSync } from "node:fs";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { startEmbeddedNats } from "./embedded/nats.ts";
import { startEmbeddedPostgres } from "./embedded/postgres.ts";
import type { Stack } from "./stack.ts";

interface Servers {
  readonly databaseUrl: string;
  readonly natsUrl: string;
}

export async function startServers(config: Config, stack: Stack, log: Logger): Promise<Servers> {
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
