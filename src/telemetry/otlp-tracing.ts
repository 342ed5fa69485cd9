// Traces by OpenTelemetry, sent over OTLP/HTTP to a collector. Loaded only when an endpoint is configured. Nothing of it is global, so that two services
// in one process, as tests have them, do not mix.
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { followOutgoing } from "./outgoing.ts";
import type { LiveSpan, SpanOptions, Tracing } from "./tracing.ts";

export interface TracingOptions {
  /** Of the collector, without a path: http://localhost:4318. */
  readonly endpoint: string;
  readonly serviceName: string;
  /** Of the traces that begin here, the share that is kept: 0 to 1. What a caller has decided stays so. */
  readonly sampleRatio: number;
  /** How long spans are collected before they are sent. */
  readonly exportDelayMs?: number;
}

const EXPORT_DELAY_MS = 2_000;
const EXPORT_TIMEOUT_MS = 5_000;
const QUEUE_MAX = 4_096;
const BATCH_MAX = 512;
const STOP_TIMEOUT_MS = 3_000;

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  internal: SpanKind.INTERNAL,
} as const satisfies Record<SpanOptions["kind"], SpanKind>;

/** W3C Trace Context, version 00; what is not understood is as if it were not there. */
function parseTraceparent(text: string): Context {
  const [, traceId = "", spanId = "", flags = ""] =
    /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/.exec(text) ?? [];
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  if (text.startsWith("ff") || !isSpanContextValid(parent)) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function printTraceparent(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, "0")}`;
}

function openProvider({ endpoint, serviceName, sampleRatio, exportDelayMs }: TracingOptions): TracerProvider {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  return new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ "service.name": serviceName })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: exportDelayMs ?? EXPORT_DELAY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        maxQueueSize: QUEUE_MAX,
        maxExportBatchSize: BATCH_MAX,
      }),
    ],
  });
}

export function openTracing(options: TracingOptions): Tracing {
  const provider = openProvider(options);
  const tracer = provider.getTracer("payment-service");
  const current = new AsyncLocalStorage<Span | undefined>();

  /** The span that goes on here, if it does. A span that has ended may still be carried along by what it started. */
  function ongoing(): Span | undefined {
    const span = current.getStore();
    return span && (span.isRecording() || !isSampled(span)) ? span : undefined;
  }

  function start(name: string, { kind, attributes, traceparent }: SpanOptions): Span {
    const parent = ongoing();
    const inherited = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const context = traceparent === undefined ? inherited : parseTraceparent(traceparent ?? "");
    return tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, context);
  }

  /** The exporter's timers begin here, and must not carry the span along. */
  function end(span: Span, endedAt?: number): void {
    current.run(undefined, () => span.end(endedAt));
  }

  const stopFollowing = followOutgoing(() => {
    const span = ongoing();
    return span ? printTraceparent(span) : null;
  });

  return {
    on: true,
    async run(name, spanOptions, work) {
      const span = start(name, spanOptions);
      const live: LiveSpan = {
        set: (attributes) => void span.setAttributes({ ...attributes }),
        fail: (reason) => void span.setStatus({ code: SpanStatusCode.ERROR, message: reason }),
      };
      try {
        return await current.run(span, () => work(live));
      } catch (error) {
        // The message may repeat what was sent; the log has it, redacted.
        live.fail(error instanceof Error ? error.name : "thrown");
        throw error;
      } finally {
        end(span);
      }
    },
    begin(name, spanOptions) {
      const span = start(name, spanOptions);
      return {
        traceparent: printTraceparent(span),
        end(failure) {
          if (failure !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          end(span);
        },
      };
    },
    record(name, { attributes, startedAt, endedAt, failed }) {
      const parent = ongoing();
      if (!parent) return;
      const context = trace.setSpan(ROOT_CONTEXT, parent);
      const kind = SpanKind.CLIENT;
      const span = tracer.startSpan(name, { kind, startTime: startedAt, attributes: { ...attributes } }, context);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      end(span, endedAt);
    },
    traceparent() {
      const span = ongoing();
      return span ? printTraceparent(span) : null;
    },
    bind() {
      const span = current.getStore();
      return (work) => current.run(span, work);
    },
    apart: (work) => current.run(undefined, work),
    async stop() {
      stopFollowing();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, STOP_TIMEOUT_MS);
      // A collector that is away keeps nobody from stopping.
      await Promise.race([provider.shutdown().catch(() => {}), promise]);
      clearTimeout(timer);
    },
  };
}

/** A span that is not sampled never records, so that it cannot be told whether it has ended; its decision goes on to its children. */
function isSampled(span: Span): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
}
