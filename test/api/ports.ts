// Both ports, opened with handlers that a test makes, and what the service logged.
import type { TestContext } from "node:test";
import { create } from "@bufbuild/protobuf";
import pino from "pino";
import { prepareCalls } from "../../src/api/calls.ts";
import { startHttp } from "../../src/api/connect.ts";
import { startGrpc } from "../../src/api/grpc.ts";
import type { PaymentHandlers } from "../../src/api/handlers.ts";
import { openToAll } from "../../src/api/auth.ts";
import { createHealth, type Health, type HealthCheck } from "../../src/api/health.ts";
import type { HttpHandler, HttpLimits } from "../../src/api/http-port.ts";
import type { OpenPort, Tls } from "../../src/api/port.ts";
import { accept } from "../../src/domain/error.ts";
import {
  CancelPaymentResponseSchema,
  CompletePaymentResponseSchema,
  CreatePaymentResponseSchema,
  GetPaymentResponseSchema,
  GetPaymentStatusResponseSchema,
  ListPaymentsResponseSchema,
  PaymentService,
  RefundPaymentResponseSchema,
} from "../../gen/payment/v1/payment_service_pb.ts";

export const CORS_ORIGIN = "https://shop.example";

interface Wanted {
  readonly handlers?: Partial<PaymentHandlers>;
  readonly checks?: readonly HealthCheck[];
  readonly tls?: Tls;
  readonly reflection?: boolean;
  readonly stopTimeoutMs?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly findRoute?: (path: string) => HttpHandler | undefined;
}

interface Ports {
  readonly grpc: OpenPort;
  readonly http: OpenPort;
  readonly health: Health;
  readonly logged: readonly Record<string, unknown>[];
}

/** Answers from the request alone: the order and the amount come back. */
const echo: PaymentHandlers = {
  createPayment: async ({ orderId, amount }) =>
    accept(create(CreatePaymentResponseSchema, { payment: { orderId, ...(amount && { amount }) } })),
  completePayment: async () => accept(create(CompletePaymentResponseSchema, { payment: { version: 2 } })),
  cancelPayment: async () => accept(create(CancelPaymentResponseSchema, { payment: { version: 3 } })),
  refundPayment: async () => accept(create(RefundPaymentResponseSchema, { payment: { version: 4 } })),
  getPaymentStatus: async ({ payment }) =>
    accept(create(GetPaymentStatusResponseSchema, { orderId: payment.value ?? "", version: 5 })),
  getPayment: async ({ paymentId }) => accept(create(GetPaymentResponseSchema, { payment: { paymentId } })),
  listPayments: async ({ pageSize }) =>
    accept(create(ListPaymentsResponseSchema, { nextPageToken: `after-${pageSize}` })),
};

export async function openPorts(t: TestContext, wanted: Wanted = {}): Promise<Ports> {
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const health = createHealth({ checks: wanted.checks ?? [], log });
  const options = {
    host: "127.0.0.1",
    port: 0,
    tls: wanted.tls ?? null,
    reflection: wanted.reflection ?? true,
    stopTimeoutMs: wanted.stopTimeoutMs ?? 1_000,
    calls: prepareCalls(PaymentService, { ...echo, ...wanted.handlers }, log),
    authenticate: openToAll(),
    health,
    log,
    corsOrigins: [CORS_ORIGIN],
    ...(wanted.limits && { limits: wanted.limits }),
    ...(wanted.findRoute && { findRoute: wanted.findRoute }),
  };
  const [grpc, http] = await Promise.all([startGrpc(options), startHttp(options)]);
  health.setServing(true);
  t.after(() => Promise.all([grpc.stop(), http.stop()]));
  return { grpc, http, health, logged };
}
