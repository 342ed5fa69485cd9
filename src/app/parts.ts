// What the use cases are given. main.ts puts it together.
import type { Logger } from "pino";
import type { Inbox } from "../db/inbox.ts";
import type { Reads } from "../db/reads.ts";
import type { Store } from "../db/store.ts";
import type { CreateRules } from "../domain/create-payment.ts";
import type { Moment } from "../domain/decide-fact.ts";
import type { OperationId, PaymentId } from "../domain/ids.ts";
import type { Provider } from "../provider/provider.ts";
import type { Identity } from "./access.ts";
import type { Observer } from "./observer.ts";
import type { OrderDirectory } from "./order-directory.ts";

export interface Limits {
  /** How long a provider may take before its answer counts as unknown. */
  readonly providerTimeoutMs: number;
  /** How long a call waits for another one that it depends on, before it is told to come back. */
  readonly waitTimeoutMs: number;
  /** How long after its time-out an operation is left to the process that began it. */
  readonly recoveryDelayMs: number;
  /** How long a checkout may be paid. */
  readonly checkoutLifetimeMs: number;
}

export interface Parts {
  readonly store: Store;
  readonly reads: Reads;
  readonly inbox: Inbox;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly rules: CreateRules;
  readonly limits: Limits;
  /** Null when no order service is configured: amounts are the caller's then. */
  readonly orders: OrderDirectory | null;
  readonly log: Logger;
  /** Absent: nobody counts or traces. */
  readonly observer?: Observer;
  now(): Date;
  /** A random version 4 UUID. */
  randomUuid(): string;
  mintPaymentId(now: Date): PaymentId;
  mintOperationId(now: Date): OperationId;
  /** This moment, for decisions. */
  moment(): Moment;
  /** An opaque token that cannot be guessed. */
  mintToken(): string;
  /** Says that events were written. */
  wakeRelay(): void;
  /** Says that operations are owed. */
  wakeRecovery(): void;
}

/** Who calls, and how long the caller waits. */
export interface Caller extends Identity {
  /** Aborted when the caller is gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Told when the answer is that of an earlier call with the same request id, for doors whose protocol says so. */
  readonly onReplay?: () => void;
}
