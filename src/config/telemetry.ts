// What is measured, and where traces go.
import { ConfigError, type Reader } from "./reader.ts";

export interface TelemetrySettings {
  /** Whether /metrics is served. */
  readonly metrics: boolean;
  /** Null: no traces. */
  readonly tracing: { readonly endpoint: string; readonly serviceName: string; readonly sampleRatio: number } | null;
}

function readRatio(read: Reader): number {
  const text = read.text("OTEL_TRACES_SAMPLER_ARG") ?? "1";
  if (/^(?:0|1|0?\.\d{1,6})$/.test(text)) return Number(text);
  throw new ConfigError(
    `OTEL_TRACES_SAMPLER_ARG is "${text}"; set the share of traces to keep, from 0 to 1, such as 0.1.`,
  );
}

export function readTelemetry(read: Reader): TelemetrySettings {
  const endpoint = read.url("OTEL_EXPORTER_OTLP_ENDPOINT", ["http:", "https:"]);
  const serviceName = read.text("OTEL_SERVICE_NAME") ?? "payment-service";
  const sampleRatio = readRatio(read);
  return {
    metrics: read.flag("METRICS", true),
    tracing: endpoint === null ? null : { endpoint, serviceName, sampleRatio },
  };
}
