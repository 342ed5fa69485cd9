// A collector for tests: takes OTLP/HTTP in JSON, and keeps the spans.
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

const WAIT_MAX_MS = 15_000;

interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly boolValue?: boolean;
    readonly doubleValue?: number;
  };
}

interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes?: readonly Attribute[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface ExportRequest {
  readonly resourceSpans?: readonly { readonly scopeSpans?: readonly { readonly spans?: readonly ExportedSpan[] }[] }[];
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly failure: string | null;
}

function readSpan({ traceId, spanId, parentSpanId, name, attributes = [], status }: ExportedSpan): ReceivedSpan {
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId || undefined,
    name,
    attributes: Object.fromEntries(
      attributes.map(({ key, value }) => [
        key,
        value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue),
      ]),
    ),
    failure: status?.code === 2 ? (status.message ?? "") : null,
  };
}

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** All that was sent, as text. */
  text = "";
  readonly #events = new EventEmitter();
  readonly #server = createServer((request, response) => {
    void json(request).then((body) => {
      this.text += JSON.stringify(body);
      for (const { scopeSpans = [] } of (body as ExportRequest).resourceSpans ?? [])
        for (const { spans = [] } of scopeSpans) this.spans.push(...spans.map(readSpan));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
      this.#events.emit("spans");
    });
  });

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits until the spans so far are as wished. */
  async until(holds: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS);
    while (!holds(this.spans)) await once(this.#events, "spans", { signal });
    return this.spans;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
