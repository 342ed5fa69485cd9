// Where Prometheus asks: GET /metrics.
import type { Registry } from "prom-client";

export const METRICS_PATH = "/metrics";

/** What the requests and responses of HTTP/1.1 and HTTP/2 have in common, as far as this page is concerned. */
interface PageRequest {
  readonly method?: string | undefined;
  resume(): unknown;
}

interface PageResponse {
  writeHead(status: number, headers?: Record<string, string | number | string[] | undefined>): unknown;
  end(chunk?: string | Uint8Array): unknown;
}

export function createMetricsHandler(registry: Registry): (request: PageRequest, response: PageResponse) => void {
  async function answer(request: PageRequest, response: PageResponse): Promise<void> {
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD", "content-length": 0 });
      response.end();
      return;
    }
    const text = await registry.metrics();
    response.writeHead(200, { "content-type": registry.contentType, "cache-control": "no-store" });
    response.end(request.method === "GET" ? text : undefined);
  }
  return (request, response) => {
    answer(request, response).catch(() => {
      response.writeHead(500, { "content-length": 0 });
      response.end();
    });
  };
}
