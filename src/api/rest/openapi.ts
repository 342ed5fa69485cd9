// The OpenAPI 3.1 document of all REST routes, at /openapi.json, and a page at /docs to read it and to try the routes. Everything the page loads is
// of this origin, so it works where there is no network.
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import type { Dialect } from "./dialect.ts";
import { ELSEWHERE } from "./openapi-elsewhere.ts";
import { REFUSAL } from "./schemas.ts";

export type OpenApi = Readonly<Record<string, unknown>>;

const DESCRIPTION = `Payments over plain HTTP. Every dialect speaks the words of one document, and calls the same use cases as gRPC, Connect and NATS do.

Amounts are decimal numbers in major units and are read exactly: an amount that its currency cannot hold is refused, never rounded. Calls that change
something take an Idempotency-Key header: the same key with the same parameters takes effect once, through whichever door, and every copy gets the same
answer, with the header Idempotent-Replayed: true.`;

/** Inline styles are what the page sets on its own elements; scripts are files of this origin. */
const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Must come before the routes that it is to describe. */
export async function describeApi(app: FastifyInstance, dialects: readonly Dialect[]): Promise<void> {
  app.addSchema(REFUSAL);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Payments", version: "1.0.0", description: DESCRIPTION },
      // Of the origin that serves the document, whatever its name.
      servers: [{ url: "/" }],
      tags: [
        ...dialects.map(({ name, description }) => ({ name, description })),
        { name: "health", description: "Probes." },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            description: "A token of the configured issuer. Not asked for with AUTH_MODE=disabled.",
          },
        },
      },
      security: [{ bearer: [] }],
      paths: structuredClone(ELSEWHERE),
    },
    refResolver: {
      buildLocalReference: ({ $id }, _baseUri, _fragment, index) => (typeof $id === "string" ? $id : `schema-${index}`),
    },
  });
}

/** Must come after the routes that it is to describe. */
export async function serveDocument(app: FastifyInstance): Promise<void> {
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  await app.register(swaggerUi, { routePrefix: "/docs", staticCSP: DOCS_POLICY, uiConfig: { docExpansion: "list" } });
}
