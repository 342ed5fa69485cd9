// Traces, as the rest of the service sees them. While none are wanted nothing is loaded and nothing is done.
//
// The span that goes on is kept in an AsyncLocalStorage. Timers, queues and workers that a call happens to start carry its span along; so a span that has
// ended has no more children, and what belongs to no call is begun outside of every span.

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  readonly kind: "server" | "client" | "producer" | "internal";
  readonly attributes: Attributes;
  /** The W3C traceparent that came with a message; null where none did, and a trace begins. Left out: the span that goes on is the parent. */
  readonly traceparent?: string | null;
}

/** A span that goes on. */
export interface LiveSpan {
  set(attributes: Attributes): void;
  /** Marks it as failed, for a reason that is a word. */
  fail(reason: string): void;
}

export interface EndedSpan {
  readonly attributes: Attributes;
  /** In milliseconds since 1970, with fractions. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
}

export interface Tracing {
  /** False: nothing is traced, and callers may spare themselves the trouble. */
  readonly on: boolean;
  /** Works under a span of its own, which ends when the work has. */
  run<T>(name: string, options: SpanOptions, work: (span: LiveSpan) => Promise<T>): Promise<T>;
  /** Begins a span that `end` ends, for what is told of by callbacks. */
  begin(name: string, options: SpanOptions): { readonly traceparent: string; end(failure: string | null): void };
  /** Tells of something that is over, under the span that goes on; of nothing where none does. */
  record(name: string, span: EndedSpan): void;
  /** The span that goes on, as W3C has it; null where none does. */
  traceparent(): string | null;
  /** Gives a function that works where this was asked for: under the span that goes on here. */
  bind(): <T>(work: () => T) => T;
  /** Works outside of every span. */
  apart<T>(work: () => T): T;
  /** Sends what is left, within a bound. */
  stop(): Promise<void>;
}

const NO_SPAN: LiveSpan = { set() {}, fail() {} };

export const noTracing: Tracing = {
  on: false,
  run: (_name, _options, work) => work(NO_SPAN),
  begin: () => ({ traceparent: "", end() {} }),
  record() {},
  traceparent: () => null,
  bind: () => (work) => work(),
  apart: (work) => work(),
  stop: () => Promise.resolve(),
};
