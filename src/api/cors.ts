// Which pages in browsers may call (CORS): those of the configured origins, with what Connect-Web and callers of plain HTTP send and read.
import { cors } from "@connectrpc/connect";
import type { HttpRequest, HttpResponse } from "./http-port.ts";

const PREFLIGHT_SECONDS = 7_200;
const PREFLIGHT_HEADERS = {
  "access-control-allow-methods": cors.allowedMethods.join(", "),
  "access-control-allow-headers": [...cors.allowedHeaders, "Authorization", "Idempotency-Key"].join(", "),
  "access-control-max-age": String(PREFLIGHT_SECONDS),
};
const EXPOSED_HEADERS = [
  ...cors.exposedHeaders,
  "Idempotent-Replayed",
  "Retry-After",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
].join(", ");

/** Adds what a browser needs to the answer. Gives true when that was all that was asked for, and the answer has been sent. */
export function answerCors(request: HttpRequest, response: HttpResponse, allowedOrigins: ReadonlySet<string>): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return false;
  response.setHeader("vary", "Origin");
  const isAllowed = allowedOrigins.has(origin);
  if (isAllowed) {
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
  }
  const isPreflight = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
  if (!isPreflight) return false;
  response.writeHead(204, isAllowed ? PREFLIGHT_HEADERS : {});
  response.end();
  return true;
}
