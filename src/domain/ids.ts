// Ids are UUIDv7 (RFC 9562) inside, so that they sort by the time they were made, and carry a prefix at every edge, so that a
// refund's id is never taken for a payment's. They are parsed once, on the way in.
import { accept, type Result, refuseField } from "./error.ts";

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type PaymentId = Id<"payment">;
export type RefundId = Id<"refund">;
export type DisputeId = Id<"dispute">;
export type EventId = Id<"event">;
export type OperationId = Id<"operation">;
export type CreditAccountId = Id<"creditAccount">;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Makes ids. `randomUuid` is a version 4 UUID, whose random bits the id takes; `now` gives its time. */
export function mintId<T extends PaymentId | RefundId | DisputeId | EventId | OperationId | CreditAccountId>(
  now: Date,
  randomUuid: string,
): T {
  const time = now.getTime().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUuid.slice(15)}` as T;
}

export function printPaymentId(id: PaymentId): string {
  return `payment_${id}`;
}

export function printRefundId(id: RefundId): string {
  return `refund_${id}`;
}

export function printDisputeId(id: DisputeId): string {
  return `dispute_${id}`;
}

export function printEventId(id: EventId): string {
  return `event_${id}`;
}

/** Reads a payment's id as callers know it. Refuses with INVALID_ARGUMENT, naming `field`. */
export function parsePaymentId(text: string, field: string): Result<PaymentId> {
  const uuid = text.startsWith("payment_") ? text.slice("payment_".length) : "";
  if (UUID.test(uuid)) return accept(uuid as PaymentId);
  return refuseField(
    "INVALID_ARGUMENT",
    field,
    "is not a payment id; send one as CreatePayment answered it, payment_ and a UUID",
  );
}

/** Reads a refund's id as it is printed, or gives undefined: providers echo it, and may echo anything. */
export function parseRefundId(text: string): RefundId | undefined {
  const uuid = text.startsWith("refund_") ? text.slice("refund_".length) : "";
  return UUID.test(uuid) ? (uuid as RefundId) : undefined;
}

/** Reads a payment's id as it is printed, or gives undefined: providers echo it, and may echo anything. */
export function readPaymentId(text: string): PaymentId | undefined {
  const uuid = text.startsWith("payment_") ? text.slice("payment_".length) : "";
  return UUID.test(uuid) ? (uuid as PaymentId) : undefined;
}

/** When an id was minted. */
export function timeOfId(id: PaymentId): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** Not an id, but a bound for them: ids that were minted at a time or later are not below it. */
export function idFloor(at: Date): string {
  const time = Math.max(0, at.getTime()).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
