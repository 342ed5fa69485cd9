// Who may do what: the same rules for every door, since every door goes through the use cases, and the use cases ask here.
//
// service: another service of the house; all but operations. admin: everything. customer: somebody who pays; creates, reads, completes and cancels
// payments of their own, which name them as their customer. holder: whoever holds the token of one payment; reads that one.
//
// What belongs to another is not found, rather than forbidden: nobody learns that it is there.
import { timingSafeEqual } from "node:crypto";
import { accept, type Result, refuse } from "../domain/error.ts";
import type { Payment } from "../domain/payment.ts";
import type { PaymentKey } from "../domain/query.ts";

export const ROLES = ["service", "admin", "customer", "holder"] as const;
export type Role = (typeof ROLES)[number];

export type Action =
  | "create"
  | "complete"
  | "cancel"
  | "refund"
  | "read"
  | "list"
  /** Reconciliation, webhook events, histories, late payments. */
  | "operate"
  | "grant credits"
  | "read credits";

/** Who calls. */
export interface Identity {
  readonly role: Role;
  /** The scope of request ids and of what is created: one for each caller that is told apart. */
  readonly principal: string;
  /** Customers alone. */
  readonly customerId: string | null;
  /** Holders alone. */
  readonly clientToken: string | null;
}

const MAY: Readonly<Record<Role, ReadonlySet<Action>>> = {
  service: new Set(["create", "complete", "cancel", "refund", "read", "list", "grant credits", "read credits"]),
  admin: new Set([
    "create",
    "complete",
    "cancel",
    "refund",
    "read",
    "list",
    "operate",
    "grant credits",
    "read credits",
  ]),
  customer: new Set(["create", "complete", "cancel", "read", "list", "read credits"]),
  holder: new Set(["read"]),
};

/** Refuses with PERMISSION_DENIED what a role may not do at all. */
export function authorize({ role }: Identity, action: Action): Result<null> {
  if (MAY[role].has(action)) return accept(null);
  return refuse("PERMISSION_DENIED", `a ${role} may not ${action}`, { metadata: { role, action } });
}

/** Refuses besides, for a holder, to look for the payment of an order: the token is for one payment, and an order may have had several. */
export function authorizeRead(identity: Identity, find: PaymentKey): Result<null> {
  if (identity.role !== "holder" || "paymentId" in find) return authorize(identity, "read");
  return refuseRole(identity, "read by order", "a client token reads its own payment; send the payment_id");
}

/** For a caller who may do something, but not like this. `wish` is what exactly may not be done. */
export function refuseRole({ role }: Identity, wish: string, message: string): Result<never> {
  return refuse("PERMISSION_DENIED", message, { metadata: { role, action: wish } });
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Whether a payment is there for somebody. */
export function maySee(identity: Identity, payment: Payment): boolean {
  switch (identity.role) {
    case "service":
    case "admin":
      return true;
    case "customer":
      return payment.customerId !== null && payment.customerId === identity.customerId;
    case "holder":
      return identity.clientToken !== null && isSame(identity.clientToken, payment.clientToken);
  }
}
