// Puts metrics and traces around the doors: calls, HTTP routes, and the question who calls.
import type { Logger } from "pino";
import type { Authenticate } from "./api/auth.ts";
import type { CallWatch } from "./api/call-watch.ts";
import type { UnaryCall } from "./api/calls.ts";
import type { HttpHandler, HttpRequest } from "./api/http-port.ts";
import type { FindRoute } from "./api/http-routes.ts";
import type { Identity } from "./app/access.ts";
import type { Result } from "./domain/error.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { LiveSpan } from "./telemetry/tracing.ts";

/** By number (gRPC, status codes). */
const CODES = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;
const UNKNOWN = 2;

function codeOfError(error: unknown): number {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "number" ? code : UNKNOWN;
}

function nameCode(code: number): string {
  return CODES[code] ?? "unknown";
}

/** For the ports, and for the door of NATS. */
export function watchCalls({ metrics, tracing }: Telemetry): CallWatch {
  return {
    async around(call, serve, codeOf) {
      const { door, method } = call;
      const startedAt = performance.now();
      const timed = async (span: LiveSpan | null): ReturnType<typeof serve> => {
        let code = nameCode(UNKNOWN);
        try {
          const answer = await serve();
          code = nameCode(codeOf(answer));
          return answer;
        } catch (error) {
          code = nameCode(codeOfError(error));
          throw error;
        } finally {
          metrics.call({ door, method, code }, performance.now() - startedAt);
          span?.set({ "rpc.response.status_code": code });
          if (code !== "ok") span?.fail(code);
        }
      };
      if (!tracing.on) return timed(null);
      const attributes = { "rpc.system": door, "rpc.method": method };
      return tracing.run(`rpc ${method}`, { kind: "server", traceparent: call.traceparent(), attributes }, timed);
    },
  };
}

/** Calls whose refusals are counted, also those of which no use case hears. */
export function observeCalls(calls: readonly UnaryCall[], telemetry: Telemetry): UnaryCall[] {
  return calls.map((call) => ({
    ...call,
    async run(request, caller) {
      const result = await call.run(request, caller);
      if (!result.ok) telemetry.countRefusal(result.error);
      return result;
    },
  }));
}

/** Counts, and writes into the audit log, that somebody was not let in. */
export function observeAuthenticate(authenticate: Authenticate, telemetry: Telemetry, log: Logger): Authenticate {
  function tell(identity: Result<Identity>): Result<Identity> {
    if (identity.ok) return identity;
    const { reason, metadata } = identity.error;
    telemetry.countRefusal(identity.error);
    log.info({ action: "authenticate", outcome: reason, problem: metadata["problem"] }, "audit");
    return identity;
  }
  return (authorization) => {
    const identity = authenticate(authorization);
    return identity instanceof Promise ? identity.then(tell) : tell(identity);
  };
}

/** The events of a request are told where its span goes on, which is not where node tells them from. */
function keepContext(request: HttpRequest, run: (tell: () => boolean) => boolean): void {
  const emit = request.emit.bind(request) as (...event: unknown[]) => boolean;
  request.emit = ((...event: unknown[]) => run(() => emit(...event))) as typeof request.emit;
}

/** Routes whose requests are timed, and traced. Pages and probes are requests as well. */
export function observeRoutes(findRoute: FindRoute, { metrics, tracing }: Telemetry): FindRoute {
  function watched(handle: HttpHandler): HttpHandler {
    return (request, response) => {
      const method = request.method ?? "";
      const startedAt = performance.now();
      const closed = Promise.withResolvers<void>();
      response.once("close", () => {
        metrics.request(method, response.statusCode, performance.now() - startedAt);
        closed.resolve();
      });
      if (!tracing.on) return handle(request, response);
      const traceparent = request.headers["traceparent"];
      const options = {
        kind: "server",
        traceparent: typeof traceparent === "string" ? traceparent : null,
        attributes: { "http.request.method": method },
      } as const;
      void tracing.run(`http ${method}`, options, async (span) => {
        keepContext(request, tracing.bind());
        handle(request, response);
        await closed.promise;
        span.set({ "http.response.status_code": response.statusCode });
        if (response.statusCode >= 500) span.fail(String(response.statusCode));
      });
    };
  }
  return (path) => {
    const handle = findRoute(path);
    return handle && watched(handle);
  };
}
