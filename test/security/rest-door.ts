// The REST door of the authorization walk: every route of every dialect, by the OpenAPI document. A route without a row here fails, and so does one
// that the document calls public and the row does not, or the other way round.
import type { TestContext } from "node:test";
import type { Reason } from "../../src/domain/error.ts";
import { STATUSES } from "../../src/api/json/statuses.ts";
import type { Door, Kind, Operation, Target, Verdict } from "./authorization-table.ts";
import type { World } from "./authorization-world.ts";

interface RouteRow {
  readonly kind: Kind;
  readonly allowed?: Reason;
  readonly allowedStatus?: string;
  /** Path parameters and the body. */
  readonly request?: (target: Target) => object;
  readonly query?: string;
}

/** Of these nobody is asked who they are. */
const PUBLIC: ReadonlySet<string> = new Set([
  "GET /health",
  "GET /health/live",
  "GET /health/ready",
  "GET /payment/methods",
  "GET /v1/payments/success",
  "GET /v1/payments/cancel",
  "GET /v1/payments/session/{sessionId}",
  "POST /v1/payments/webhook",
  "POST /payments/webhook",
  "POST /webhook",
  "POST /api/payments/webhooks/mock",
  "POST /api/payments/webhooks/stripe",
  "GET /api/v1/payment/config/publishable-key",
  "GET /api/v1/payment/health/",
  "GET /api/v1/payment/health/live",
  "GET /api/v1/payment/health/ready",
  "POST /api/v1/payment/webhook/stripe",
]);

const OF_ORDER = ({ orderId }: Target): object => ({ orderId });

const OF_PAYMENT = ({ paymentId }: Target): object => ({ paymentId });

function userOf({ customerId }: Target): object {
  return { user_id: customerId };
}

function cartOf({ unpaidOrderId, customerId }: Target): object {
  return {
    user_id: customerId,
    order_id: unpaidOrderId,
    currency: "eur",
    items: [{ book_id: "b-1", title: "Lamps", price_cents: 5_000, quantity: 2, credits: 1 }],
  };
}

function transactionOf({ paymentId }: Target): object {
  return { transaction_id: paymentId.replace("payment_", "TXN-") };
}

const CARD = {
  card_number: "4242424242424242",
  expiry_month: "12",
  expiry_year: "2035",
  cvv: "123",
  cardholder_name: "Ada Lovelace",
};

const ROWS: Readonly<Record<string, RouteRow>> = {
  "POST /v1/payments/session": {
    kind: "create",
    request: ({ unpaidOrderId }) => ({
      orderId: unpaidOrderId,
      currency: "eur",
      items: [{ name: "Lamp", price: 50, quantity: 2 }],
    }),
  },
  "POST /v1/payments/complete/order/{orderId}": { kind: "change by order", request: OF_ORDER },
  "POST /v1/payments/cancel/order/{orderId}": { kind: "change by order", request: OF_ORDER },
  "POST /v1/payments/refund/order": { kind: "refund", allowed: "PAYMENT_NOT_PAID", request: OF_ORDER },
  "GET /v1/payments/status/order/{orderId}": { kind: "read by order", request: OF_ORDER },
  "GET /v1/payments/{paymentId}": { kind: "read", request: ({ paymentId }) => ({ paymentId }) },
  "GET /v1/payments": { kind: "list", query: "?pageSize=500" },
  "POST /payments/create-session": {
    kind: "create",
    request: ({ unpaidOrderId }) => ({ orderId: unpaidOrderId }),
  },
  "GET /payments/status/{orderId}": { kind: "read by order", request: OF_ORDER },
  "POST /payment/process": {
    kind: "create for",
    request: ({ unpaidOrderId, customerId }) => ({
      booking_id: unpaidOrderId,
      user_id: customerId,
      amount: 100,
      payment_method: "credit_card",
      card_details: CARD,
    }),
  },
  "POST /payment/refund": {
    kind: "look and refund",
    allowed: "PAYMENT_NOT_PAID",
    allowedStatus: "400",
    request: (target) => ({
      booking_id: target.orderId,
      user_id: target.customerId,
      original_transaction_id: target.paymentId.replace("payment_", "TXN-"),
      refund_amount: 1,
      reason: "none",
    }),
  },
  "GET /payment/status/{transaction_id}": { kind: "read", request: transactionOf },
  "POST /api/v1/payment/create-payment-intent": { kind: "create for", request: cartOf },
  "POST /api/v1/payment/create-checkout-session": { kind: "create for", request: cartOf },
  "POST /api/v1/payment/pay-with-credits": {
    kind: "create for",
    request: (target) => ({ ...cartOf(target), order_id: `${target.unpaidOrderId}-credits`, total_credits: 2 }),
  },
  "POST /api/v1/payment/confirm-payment": {
    kind: "look and change",
    request: ({ reference }) => ({ payment_intent_id: reference }),
  },
  "GET /api/v1/payment/checkout-session/{session_id}": {
    kind: "read",
    request: ({ reference }) => ({ session_id: reference }),
  },
  "GET /api/v1/payment/payment/{payment_id}": {
    kind: "read",
    request: ({ paymentId }) => ({ payment_id: paymentId }),
  },
  "POST /api/v1/payment/refund": {
    kind: "look and refund",
    allowed: "PAYMENT_NOT_PAID",
    request: ({ paymentId }) => ({ payment_id: paymentId }),
  },
  "GET /api/v1/payment/user/{user_id}/payments": { kind: "read of a customer", request: userOf },
  "GET /api/v1/payment/user/{user_id}/orders": { kind: "read of a customer", request: userOf },
  "POST /api/payments": { kind: "create", request: ({ unpaidOrderId }) => ({ orderId: unpaidOrderId }) },
  "GET /api/payments": { kind: "list", query: "?pageSize=500" },
  "GET /api/payments/{paymentId}": { kind: "read", request: OF_PAYMENT },
  "POST /api/payments/{paymentId}/confirm": { kind: "change", request: OF_PAYMENT },
  "POST /api/payments/{paymentId}/refund": { kind: "refund", allowed: "PAYMENT_NOT_PAID", request: OF_PAYMENT },
  "POST /api/payments/reconcile": {
    kind: "operate",
    request: () => ({ from: "2020-01-01T00:00:00Z", to: "2020-01-01T00:01:00Z" }),
  },
  "POST /internal/payments/capture": { kind: "capture", allowed: "PAYMENT_NOT_PAID", request: OF_PAYMENT },
};

function statusOf(reason: "ok" | Reason): string {
  return reason === "ok" ? "2xx" : String(STATUSES[reason]);
}

/** Every method and path of the document, and whether it says that nobody is asked who they are. */
function listRoutes({ rest }: World): (readonly [name: string, isPublic: boolean])[] {
  const paths = Object.entries(rest.openApi()["paths"] ?? {});
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods as Readonly<Record<string, { readonly security?: readonly unknown[] }>>).map(
      ([method, { security }]) => [`${method.toUpperCase()} ${path}`, security?.length === 0] as const,
    ),
  );
}

function createCall(baseUrl: string, name: string, row: RouteRow): Operation["call"] {
  const [method = "", path = ""] = name.split(" ");
  return async (authorization, target): Promise<Verdict> => {
    const fields = { ...row.request?.(target) } as Record<string, unknown>;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_all, key: string) => {
      const value = encodeURIComponent(String(fields[key]));
      delete fields[key];
      return value;
    });
    const response = await fetch(`${baseUrl}${filled}${row.query ?? ""}`, {
      method,
      headers: {
        ...(authorization !== null && { authorization }),
        ...(method === "POST" && { "content-type": "application/json" }),
      },
      ...(method === "POST" && { body: JSON.stringify(fields) }),
    });
    const body = await response.text();
    const said = /"reason":"([A-Z_]+)"/.exec(body)?.[1] as Reason | undefined;
    return {
      reason: response.ok ? "ok" : (said ?? "none"),
      status: response.ok ? "2xx" : String(response.status),
      body,
    };
  };
}

export async function openRestDoor(_t: TestContext, world: World): Promise<Door> {
  const baseUrl = `http://127.0.0.1:${world.ports.http.port}`;
  const operations: Operation[] = [];
  for (const [name, isPublic] of listRoutes(world)) {
    if (isPublic !== PUBLIC.has(name))
      throw new Error(`${name} is public in the document alone, or in the walk alone (test/security/rest-door.ts)`);
    if (isPublic) continue;
    const row = ROWS[name];
    if (!row) throw new Error(`${name} has no row in the authorization walk (test/security/rest-door.ts)`);
    const { kind, allowed = "ok", allowedStatus } = row;
    const call = createCall(baseUrl, name, row);
    operations.push({ name, kind, allowed, call, ...(allowedStatus !== undefined && { allowedStatus }) });
  }
  return { name: "REST", operations, statusOf };
}
