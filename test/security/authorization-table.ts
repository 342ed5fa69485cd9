// Who may do what, as every door must answer: one table, whatever the door. A door says for each of its operations which row of the table it is.
import type { Reason } from "../../src/domain/error.ts";

/** Who calls, and for whose payment. */
export const CALLERS = [
  "service",
  "admin",
  "customer, own",
  "customer, another's",
  "holder, own",
  "holder, another's",
] as const;
export type Who = (typeof CALLERS)[number];

/** `hidden`: the answer is a good one in which the payment is not. */
export type Cell = "allowed" | "hidden" | Reason;

type Row = Readonly<Record<Who, Cell>>;

function row(...cells: readonly [Cell, Cell, Cell, Cell, Cell, Cell]): Row {
  return Object.fromEntries(CALLERS.map((who, index) => [who, cells[index]])) as Row;
}

const DENIED = "PERMISSION_DENIED";
const NO_PAYMENT = "PAYMENT_NOT_FOUND";
const NO_ORDER = "ORDER_NOT_FOUND";

export const TABLE = {
  // service, admin, customer: own and another's, holder: own and another's
  create: row("allowed", "allowed", "allowed", NO_ORDER, DENIED, DENIED),
  /** Where the customer is named. */
  "create for": row("allowed", "allowed", "allowed", DENIED, DENIED, DENIED),
  change: row("allowed", "allowed", "allowed", NO_PAYMENT, DENIED, DENIED),
  "change by order": row("allowed", "allowed", "allowed", NO_ORDER, DENIED, DENIED),
  capture: row("allowed", "allowed", DENIED, DENIED, DENIED, DENIED),
  refund: row("allowed", "allowed", DENIED, DENIED, DENIED, DENIED),
  /** Where the payment is looked at first. */
  "look and change": row("allowed", "allowed", "allowed", NO_PAYMENT, DENIED, NO_PAYMENT),
  "look and refund": row("allowed", "allowed", DENIED, NO_PAYMENT, DENIED, NO_PAYMENT),
  read: row("allowed", "allowed", "allowed", NO_PAYMENT, "allowed", NO_PAYMENT),
  "read by order": row("allowed", "allowed", "allowed", NO_ORDER, DENIED, DENIED),
  "read of a customer": row("allowed", "allowed", "allowed", NO_PAYMENT, DENIED, DENIED),
  list: row("allowed", "allowed", "allowed", "hidden", DENIED, DENIED),
  "read credits": row("allowed", "allowed", "allowed", "CREDIT_ACCOUNT_NOT_FOUND", DENIED, DENIED),
  "grant credits": row("allowed", "allowed", DENIED, DENIED, DENIED, DENIED),
  operate: row(DENIED, "allowed", DENIED, DENIED, DENIED, DENIED),
} as const satisfies Record<string, Row>;
export type Kind = keyof typeof TABLE;

/** What an operation is tried on: an order of some customer with an open payment of theirs, and another order of the same customer without one. */
export interface Target {
  readonly paymentId: string;
  readonly orderId: string;
  readonly unpaidOrderId: string;
  readonly customerId: string;
  /** The provider's id of the payment. */
  readonly reference: string;
}

/** What a door answered. */
export interface Verdict {
  readonly reason: "ok" | Reason | "none";
  /** As the door says it: a Connect code, an HTTP status (2xx for every good one). */
  readonly status: string;
  readonly body: string;
}

export interface Operation {
  readonly name: string;
  readonly kind: Kind;
  /** What is answered to those who may: `ok`, or what the state of the target makes of it. */
  readonly allowed: "ok" | Reason;
  /** The status of that, where a dialect's own table has another than the contract's. */
  readonly allowedStatus?: string;
  call(authorization: string | null, target: Target): Promise<Verdict>;
}

/** A way in: the ports by their protocols, REST by its dialects, NATS. */
export interface Door {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** The door's status for an answer or a refusal. */
  statusOf(reason: "ok" | Reason): string;
}
