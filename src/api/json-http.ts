// Plain HTTP with JSON: how a body is read, within its bound, and how an answer and a refusal are written.
import type { Refusal } from "../domain/error.ts";
import type { HttpRequest, HttpResponse } from "./http-port.ts";

export function sendJson(
  response: HttpResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}

/** A refusal as REST carries it: the sentence, and for programs the reason and whether money moved. */
export function describeRefusal({ message, reason, outcome, metadata, violations }: Refusal) {
  return { message, reason, outcome, metadata, violations };
}

export function sendRefusal(response: HttpResponse, status: number, refusal: Refusal): void {
  const { retryAfterMs } = refusal;
  const retry = retryAfterMs === null ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
  sendJson(response, status, describeRefusal(refusal), retry);
}

/** Reads a body. Null when it is larger than `bytesMax`: the rest is read away, so that the answer finds its way. */
export async function readBody(request: HttpRequest, bytesMax: number): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) {
    request.resume();
    return null;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > bytesMax) {
      request.resume();
      return null;
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
