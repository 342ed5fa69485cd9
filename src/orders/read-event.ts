// Reads the events that concern orders off the stream. They are our own, and are read as if they were not: the stream has other writers' rights.
export type OrderEventType = "payment.succeeded" | "payment.failed" | "payment.cancelled";

export interface OrderEvent {
  readonly type: OrderEventType;
  readonly orderId: string;
  readonly paymentId: string;
  /** Why the payment ended, in a word or two. */
  readonly reason: string;
}

const TYPES = new Set<string>(["payment.succeeded", "payment.failed", "payment.cancelled"] satisfies OrderEventType[]);

export function isOrderEventType(type: string): type is OrderEventType {
  return TYPES.has(type);
}

function textOf(body: Readonly<Record<string, unknown>>, field: string): string {
  const value = body[field];
  return typeof value === "string" ? value : "";
}

function reasonOf(type: OrderEventType, body: Readonly<Record<string, unknown>>): string {
  switch (type) {
    case "payment.succeeded":
      return "paid";
    case "payment.failed":
      return textOf(body, "failureReason") || "payment failed";
    case "payment.cancelled":
      return textOf(body, "reason") || "payment cancelled";
  }
}

/** Undefined when it is not an event of ours. */
export function readEvent(type: OrderEventType, text: string): OrderEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const body = parsed as Readonly<Record<string, unknown>>;
  const orderId = textOf(body, "orderId");
  const paymentId = textOf(body, "paymentId");
  return orderId && paymentId ? { type, orderId, paymentId, reason: reasonOf(type, body) } : undefined;
}
