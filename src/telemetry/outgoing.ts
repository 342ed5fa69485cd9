// Requests that the service makes under a span bear its traceparent (W3C Trace Context), whichever client makes them: node tells of each request before it
// is sent.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";

const HEADER = "traceparent";
/** node:http, by which the SDK's requests to Stripe go. */
const HTTP_CHANNEL = "http.client.request.created";
/** undici, which is behind fetch. */
const FETCH_CHANNEL = "undici:request:create";

interface UndiciRequest {
  addHeader(name: string, value: string): unknown;
}

/** Gives a function that ends it. `find` gives null where no span goes on. */
export function followOutgoing(find: () => string | null): () => void {
  const onHttp = (message: unknown): void => {
    const traceparent = find();
    if (traceparent === null) return;
    const { request } = message as { request: ClientRequest };
    if (!request.headersSent && !request.hasHeader(HEADER)) request.setHeader(HEADER, traceparent);
  };
  const onFetch = (message: unknown): void => {
    const traceparent = find();
    if (traceparent !== null) (message as { request: UndiciRequest }).request.addHeader(HEADER, traceparent);
  };
  subscribe(HTTP_CHANNEL, onHttp);
  subscribe(FETCH_CHANNEL, onFetch);
  return () => {
    unsubscribe(HTTP_CHANNEL, onHttp);
    unsubscribe(FETCH_CHANNEL, onFetch);
  };
}
