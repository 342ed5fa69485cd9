// What inputs are made of, and what comes back.
import type { Random } from "../frame/random.ts";

export type Protocol = "connect" | "grpc" | "grpc-web" | "rest" | "webhook" | "nats" | "raw";
/** HTTP/1.1 and HTTP/2 on the HTTP port, HTTP/2 on the gRPC port, NATS, and bare connections. */
export type Wire = "http1" | "http2" | "grpc" | "nats" | "raw";

export interface Input {
  readonly protocol: Protocol;
  readonly wire: Wire;
  readonly method: string;
  /** A path, a subject, or the name of a port. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

export interface Material {
  readonly random: Random;
  /** Orders whose payments are there already. */
  readonly victims: readonly string[];
  readonly webhookSecret: string;
  /** Counted up, so that what is created has an order of its own. */
  orders: number;
}

export function nextOrder(material: Material): string {
  material.orders += 1;
  return `fz-${material.orders.toString(36)}`;
}

/** One that exists, or one that does not. */
export function anyOrder({ random, victims }: Material): string {
  return random.chance(0.3) ? random.pick(victims) : `nobody-${random.below(1_000)}`;
}

export interface Answer {
  /** 0 where there was none. */
  readonly status: number;
  /** Of gRPC and gRPC-Web. */
  readonly grpcStatus: number | null;
  readonly text: string;
  /** Why there was no answer. */
  readonly problem: string | null;
}
