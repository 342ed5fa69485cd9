// Who stands around the calls of the doors: metrics and traces. Absent, nobody does.

export interface WatchedCall {
  readonly door: "grpc" | "connect" | "nats";
  /** The method's name, or the subject; one of those that are served. */
  readonly method: string;
  /** The W3C traceparent that came with the call. Asked for only where it is wanted. */
  traceparent(): string | null;
}

export interface CallWatch {
  /** Answers what `serve` answers, and throws what it throws. `codeOf` finds the gRPC code of an answer; an error has its own. */
  around<T>(call: WatchedCall, serve: () => Promise<T>, codeOf: (answer: T) => number): Promise<T>;
}
