// The points at which a wire can be disturbed: something is about to be sent to a server, or its answer has come and is about to be received.

export interface Point {
  readonly on: "database" | "nats" | "provider";
  /** `send`: the server has not seen it yet. `receive`: the server has done it, and the service has not heard of it. */
  readonly side: "send" | "receive";
  /** What it is about: the statement's name (`begin-create`), the subject (`payment.created`), or method and path without ids (`POST /v1/refunds`). */
  readonly label: string;
}

/**
 * `pass` it on; `cut`: it is lost, and the connection is reset on both sides; `swallow`: it is lost, and so is all that follows on the connection, which
 * stays open.
 */
export type Act = "pass" | "cut" | "swallow";

/** Asked at each point, in the order in which they come about on one connection. A promise holds the connection's traffic back meanwhile. */
export type Watch = (point: Point) => Act | Promise<Act>;
