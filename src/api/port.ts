// What both ports are opened with, and what an open port can do.
import type { Logger } from "pino";
import type { Authenticate } from "./auth.ts";
import type { CallWatch } from "./call-watch.ts";
import type { UnaryCall } from "./calls.ts";
import type { Health } from "./health.ts";

export interface Tls {
  readonly key: Buffer;
  readonly cert: Buffer;
}

export interface PortOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Null serves cleartext. */
  readonly tls: Tls | null;
  readonly reflection: boolean;
  /** How long calls in flight may take to finish once the port is stopped. */
  readonly stopTimeoutMs: number;
  readonly calls: readonly UnaryCall[];
  readonly authenticate: Authenticate;
  readonly health: Health;
  readonly log: Logger;
  /** Absent: nobody measures or traces calls. */
  readonly watch?: CallWatch;
}

export interface OpenPort {
  readonly port: number;
  /** Takes nothing new, lets what is in flight finish, and cuts what is left when the time is over. */
  readonly stop: () => Promise<void>;
}
