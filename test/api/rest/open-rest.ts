// The REST door on a real port, over the use cases on a real database and gateway.
import pino from "pino";
import { type Authenticate, openToAll } from "../../../src/api/auth.ts";
import { startHttp } from "../../../src/api/connect.ts";
import { createHealth } from "../../../src/api/health.ts";
import { createHttpRoutes } from "../../../src/api/http-routes.ts";
import { CANONICAL } from "../../../src/api/rest/canonical.ts";
import type { Dialect } from "../../../src/api/rest/dialect.ts";
import type { OpenApi } from "../../../src/api/rest/openapi.ts";
import type { RateLimits } from "../../../src/api/rate-limits.ts";
import { createRest } from "../../../src/api/rest/rest.ts";
import type { Parts } from "../../../src/app/parts.ts";
import { createResultPages } from "../../../src/web/pages.ts";
import { TestService, type TestServiceOptions } from "../../app/open-service.ts";

/** A test, or the file: what closes the door when it ends. */
export interface Scope {
  after(close: () => Promise<unknown>): void;
}

interface Wanted {
  readonly dialects?: readonly Dialect[] | ((service: TestService) => readonly Dialect[]);
  readonly authenticate?: Authenticate;
  readonly rateLimit?: RateLimits;
  readonly trustedHops?: number;
  readonly service?: TestServiceOptions;
  changeParts?(parts: Parts, service: TestService): Parts;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** As it was sent, with every digit. */
  readonly text: string;
  /** What JSON.parse makes of it; null when it is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- its shape is what a test looks at
  readonly body: any;
}

export interface OpenedRest {
  readonly port: number;
  readonly url: string;
  readonly service: TestService;
  readonly logged: readonly Record<string, unknown>[];
  readonly openApi: OpenApi;
  /** `body` is sent as it is when it is a text. */
  readonly ask: (
    method: string,
    path: string,
    asked?: { readonly body?: unknown; readonly headers?: Record<string, string> },
  ) => Promise<Answer>;
}

const CORS_ORIGIN = "https://shop.example";

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}

export async function openRest(scope: Scope, wanted: Wanted = {}): Promise<OpenedRest> {
  const service = await TestService.open(wanted.service);
  scope.after(() => service.close());
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const parts = wanted.changeParts?.(service.parts, service) ?? service.parts;
  const authenticate = wanted.authenticate ?? openToAll();
  const rest = await createRest({
    parts,
    log,
    authenticate,
    provider: "mock",
    dialects: typeof wanted.dialects === "function" ? wanted.dialects(service) : (wanted.dialects ?? [CANONICAL]),
    rateLimit: wanted.rateLimit ?? null,
    trustedHops: wanted.trustedHops ?? 0,
  });
  scope.after(() => rest.close());
  const pages = createResultPages();
  const http = await startHttp({
    host: "127.0.0.1",
    port: 0,
    tls: null,
    reflection: false,
    stopTimeoutMs: 1_000,
    calls: [],
    authenticate,
    health: createHealth({ checks: [], log }),
    log,
    corsOrigins: [CORS_ORIGIN],
    findRoute: createHttpRoutes(parts, log, (path) => pages.get(path) ?? rest.findRoute(path)),
  });
  scope.after(() => http.stop());
  const url = `http://127.0.0.1:${http.port}`;
  return {
    port: http.port,
    url,
    service,
    logged,
    openApi: rest.openApi(),
    async ask(method, path, { body, headers = {} } = {}) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return readAnswer(
        await fetch(url + path, {
          method,
          headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
          ...(body !== undefined && { body: text }),
        }),
      );
    },
  };
}
