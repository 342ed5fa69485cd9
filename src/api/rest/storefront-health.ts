// The storefront's three probes, over the one state of health.
import type { FastifyInstance } from "fastify";
import { accept } from "../../domain/error.ts";
import type { Health } from "../health.ts";
import type { RestContext } from "./dialect.ts";
import { HEALTH, LIVE, READY } from "./storefront-schemas.ts";

interface HealthOptions {
  readonly health: Health;
  readonly version: string;
  readonly live: boolean;
}

export function registerHealth(app: FastifyInstance, context: RestContext, options: HealthOptions): void {
  const { health, version, live } = options;
  const config = { unlimited: true };
  app.get(
    "/health/",
    { schema: HEALTH, config },
    context.servePublic(async () => {
      const { status, checks } = await health.report();
      const isReady = status === "ready";
      const about = { version, service: "payment-service", stripe_mode: live ? "live" : "sandbox" };
      return accept({
        status: isReady ? 200 : 503,
        body: { status: isReady ? "healthy" : "unhealthy", ...about, checks },
      });
    }),
  );
  app.get(
    "/health/live",
    { schema: LIVE, config },
    context.servePublic(async () => accept({ status: 200, body: { status: "alive" } })),
  );
  app.get(
    "/health/ready",
    { schema: READY, config },
    context.servePublic(async () => {
      const { status, checks } = await health.report();
      const isReady = status === "ready";
      return accept({ status: isReady ? 200 : 503, body: { status: isReady ? "ready" : "not_ready", checks } });
    }),
  );
}
