// What the parts of the service are watched with: metrics always, traces when they are wanted, and what both need to remember, within bounds.
import type { Metrics } from "./metrics.ts";
import type { Tracing } from "./tracing.ts";

/** Events are published within milliseconds; what is older was published by another process, or waits for a stream that is away. */
const EVENTS_MAX = 10_000;

export class Telemetry {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly #counted = new WeakSet<object>();
  readonly #origins = new Map<string, string>();

  constructor(metrics: Metrics, tracing: Tracing) {
    this.metrics = metrics;
    this.tracing = tracing;
  }

  /** Counts a refusal once, however many of those that it passes tell of it. */
  countRefusal(refusal: { readonly reason: string }): void {
    if (this.#counted.has(refusal)) return;
    this.#counted.add(refusal);
    this.metrics.error(refusal.reason);
  }

  /** Keeps the trace in which an event came about, until the event is sent. */
  rememberOrigin(eventId: string): void {
    const traceparent = this.tracing.traceparent();
    if (traceparent === null) return;
    this.#origins.set(eventId, traceparent);
    if (this.#origins.size <= EVENTS_MAX) return;
    const [oldest] = this.#origins.keys();
    if (oldest !== undefined) this.#origins.delete(oldest);
  }

  originOf(eventId: string): string | null {
    return this.#origins.get(eventId) ?? null;
  }

  forgetOrigin(eventId: string): void {
    this.#origins.delete(eventId);
  }
}
