// The boundaries at which the service can be killed: the points of its wires (wire/point.ts), each with how often it has come about in this life of the
// process. A boundary has a name, so that it is found again when the same is done for another order.
import type { Point } from "../wire/point.ts";

export interface Boundary extends Point {
  /** Counted from 1, from when the watching began. */
  readonly occurrence: number;
}

/**
 * What comes about by itself and not for an order: leases, the rounds of recovery that find nothing, looks for notifications, the relay's comparison of table
 * and stream, requests to JetStream's API, and the opening of connections. They meet an order by chance, so that a list of its boundaries leaves them out. The
 * recovery after a crash begins with them, and there they are boundaries like all others.
 */
const PERIODIC = new Set([
  "take-lease",
  "release-lease",
  "claim-due",
  "claim-webhooks",
  "find-expired",
  "claim-unsettled-refunds",
  "measure-outbox-depth",
  "notify",
  "published-range",
  "read-published",
  "read-newest-published",
  "read-unpublished",
  "listen payment_event",
]);

export function isPeriodic({ on, label }: Point): boolean {
  return PERIODIC.has(label) || (on === "nats" && !label.startsWith("payment."));
}

/** Of the six kinds of boundaries. */
export function kindOf({ on, side }: Point): string {
  return `${on} ${side}`;
}

export function nameOf({ on, side, label, occurrence }: Boundary): string {
  return `${on} ${side} ${label} ${occurrence}`;
}

/** Names points by what they are and how often that has come about. */
export class Tally {
  readonly #counts = new Map<string, number>();

  note({ on, side, label }: Point): Boundary {
    const key = `${on} ${side} ${label}`;
    const occurrence = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, occurrence);
    return { on, side, label, occurrence };
  }
}
