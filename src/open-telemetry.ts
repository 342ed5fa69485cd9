// Opens what the service is watched with. Traces are loaded when they are wanted, since their library takes its time.
import type { Config } from "./config.ts";
import type { Stack } from "./stack.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { noTracing, type Tracing } from "./telemetry/tracing.ts";

async function openTracing({ tracing }: Config["telemetry"], stack: Stack): Promise<Tracing> {
  if (tracing === null) return noTracing;
  const { openTracing: open } = await import("./telemetry/otlp-tracing.ts");
  const opened = open(tracing);
  stack.onStop(() => opened.stop());
  return opened;
}

export async function openTelemetry(config: Config, stack: Stack): Promise<Telemetry> {
  const metrics = new Metrics({ process: config.telemetry.metrics, now: () => new Date() });
  return new Telemetry(metrics, await openTracing(config.telemetry, stack));
}
