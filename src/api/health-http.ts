// Health for probes that speak HTTP and for those that speak grpc.health.v1 over Connect's port. Says which part fails, never why: that is in the log.
import { Code, type ServiceImpl } from "@connectrpc/connect";
import { refusal } from "../domain/error.ts";
import {
  type Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { toConnectError } from "./errors.ts";
import type { Health } from "./health.ts";
import type { HttpHandler } from "./http-port.ts";
import { sendJson } from "./json-http.ts";

/** The handlers by path. */
export function createHealthRoutes(health: Health): ReadonlyMap<string, HttpHandler> {
  const ready: HttpHandler = (_request, response) => {
    // The report never rejects.
    void health.report().then((report) => sendJson(response, report.status === "ready" ? 200 : 503, report));
  };
  // In the words of the booking document, whose clients ask here; the checks are beside them.
  const whole: HttpHandler = (_request, response) => {
    void health.report().then(({ status, checks }) => {
      const isHealthy = status === "ready";
      const timestamp = new Date().toISOString().replace(/\.\d{3}Z$/, "Z");
      const body = { status: isHealthy ? "healthy" : "unhealthy", service: "payment-service", timestamp, checks };
      sendJson(response, isHealthy ? 200 : 503, body);
    });
  };
  const live: HttpHandler = (_request, response) => sendJson(response, 200, { status: "live" });
  return new Map([
    ["/health", whole],
    ["/health/ready", ready],
    ["/health/live", live],
  ]);
}

/** `stopping` ends the watches, which nothing else would end before their clients do. */
export function createHealthService(
  health: Health,
  names: readonly string[],
  stopping: AbortSignal,
): ServiceImpl<typeof HealthService> {
  const known = new Set(["", ...names]);
  const statusOf = (serving: boolean): Status => (serving ? Status.SERVING : Status.NOT_SERVING);
  return {
    check({ service }) {
      if (known.has(service)) return { status: statusOf(health.isServing()) };
      throw toConnectError(refusal("INVALID_ARGUMENT", "There is no such service here."), Code.NotFound);
    },
    list() {
      const entries = [...known].map((name) => [name, { status: statusOf(health.isServing()) }] as const);
      return { statuses: Object.fromEntries(entries) };
    },
    async *watch({ service }, { signal }) {
      for await (const serving of health.states(AbortSignal.any([signal, stopping]))) {
        yield { status: known.has(service) ? statusOf(serving) : Status.SERVICE_UNKNOWN };
      }
    },
  };
}
