// The doors of the authorization walk that speak RPC: every method of every service in `gen/`, on both ports. A method without a row here fails.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DescMethod, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Reason } from "../../src/domain/error.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Door, Kind, Operation, Target, Verdict } from "./authorization-table.ts";
import type { World } from "./authorization-world.ts";

const GENERATED = join(import.meta.dirname, "../../gen/payment/v1");

interface RpcRow {
  readonly name?: string;
  readonly kind: Kind;
  readonly allowed?: Reason;
  readonly request: (target: Target) => object;
}

function byPayment({ paymentId }: Target): object {
  return { payment: { case: "paymentId", value: paymentId } };
}

function byOrder({ orderId }: Target): object {
  return { payment: { case: "orderId", value: orderId } };
}

const OF_CUSTOMER = ({ customerId }: Target): object => ({ customerId });

/** A minute in which nothing happened. */
const QUIET = {
  from: timestampFromDate(new Date("2020-01-01T00:00:00Z")),
  to: timestampFromDate(new Date("2020-01-01T00:01:00Z")),
};

/** By the name of the method. */
const ROWS: Readonly<Record<string, readonly RpcRow[]>> = {
  "payment.v1.PaymentService.CreatePayment": [
    { kind: "create", request: ({ unpaidOrderId }) => ({ orderId: unpaidOrderId }) },
  ],
  "payment.v1.PaymentService.CompletePayment": [
    { kind: "change", request: byPayment },
    { name: "by order", kind: "change by order", request: byOrder },
  ],
  "payment.v1.PaymentService.CancelPayment": [
    { kind: "change", request: byPayment },
    { name: "by order", kind: "change by order", request: byOrder },
  ],
  "payment.v1.PaymentService.RefundPayment": [
    { kind: "refund", allowed: "PAYMENT_NOT_PAID", request: byPayment },
    { name: "by order", kind: "refund", allowed: "PAYMENT_NOT_PAID", request: byOrder },
  ],
  "payment.v1.PaymentService.GetPaymentStatus": [
    { kind: "read", request: byPayment },
    { name: "by order", kind: "read by order", request: byOrder },
  ],
  "payment.v1.PaymentService.GetPayment": [{ kind: "read", request: ({ paymentId }) => ({ paymentId }) }],
  "payment.v1.PaymentService.ListPayments": [
    { kind: "list", request: () => ({ pageSize: 500 }) },
    { name: "of a customer", kind: "list", request: ({ customerId }) => ({ customerId, pageSize: 500 }) },
    { name: "of an order", kind: "list", request: ({ orderId }) => ({ orderId }) },
  ],
  "payment.v1.CreditService.GetCreditBalance": [{ kind: "read credits", request: OF_CUSTOMER }],
  "payment.v1.CreditService.ListCreditEntries": [{ kind: "read credits", request: OF_CUSTOMER }],
  "payment.v1.CreditService.GrantCredits": [
    { kind: "grant credits", request: ({ customerId }) => ({ customerId, credits: 1n }) },
  ],
  "payment.v1.OperationsService.PlanReconciliation": [{ kind: "operate", request: () => QUIET }],
  "payment.v1.OperationsService.ApplyReconciliation": [{ kind: "operate", request: () => QUIET }],
  "payment.v1.OperationsService.ListWebhookEvents": [{ kind: "operate", request: () => ({}) }],
  "payment.v1.OperationsService.ReplayWebhookEvent": [
    {
      kind: "operate",
      allowed: "WEBHOOK_EVENT_NOT_FOUND",
      request: () => ({ provider: "mock", eventId: "evt_none" }),
    },
  ],
  "payment.v1.OperationsService.GetPaymentHistory": [{ kind: "operate", request: ({ paymentId }) => ({ paymentId }) }],
  "payment.v1.OperationsService.ListLatePayments": [{ kind: "operate", request: () => ({}) }],
};

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

async function findMethods(): Promise<DescMethodUnary[]> {
  const files = readdirSync(GENERATED).filter((name) => name.endsWith("_pb.ts"));
  const modules = await Promise.all(files.map((name) => import(join(GENERATED, name)) as Promise<object>));
  const methods = modules.flatMap((module) =>
    Object.values(module)
      .filter(isService)
      .flatMap(({ methods: all }) => all),
  );
  return methods.map((method) => {
    if (isUnary(method)) return method;
    throw new Error(`${method.name} is a stream, for which the walk has no caller`);
  });
}

/** The codes of the contract's table (CONTRACT.md, section 6). */
function codeOf(reason: "ok" | Reason): string {
  switch (reason) {
    case "ok":
      return "ok";
    case "UNAUTHENTICATED":
      return Code[Code.Unauthenticated];
    case "PERMISSION_DENIED":
      return Code[Code.PermissionDenied];
    case "PAYMENT_NOT_FOUND":
    case "ORDER_NOT_FOUND":
    case "WEBHOOK_EVENT_NOT_FOUND":
    case "CREDIT_ACCOUNT_NOT_FOUND":
      return Code[Code.NotFound];
    case "SERVICE_UNAVAILABLE":
      return Code[Code.Unavailable];
    default:
      return Code[Code.FailedPrecondition];
  }
}

async function callBy(
  transport: Transport,
  method: DescMethodUnary,
  request: object,
  header: string | null,
): Promise<Verdict> {
  const client = createClient(method.parent, transport) as Readonly<
    Record<string, (request: object, options: { headers: Record<string, string> }) => Promise<object>>
  >;
  const print = (value: unknown): string =>
    JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? String(each) : each));
  try {
    const answer = await client[method.localName]?.(request, {
      headers: header === null ? {} : { authorization: header },
    });
    return { reason: "ok", status: "ok", body: print(answer) };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema);
    return {
      reason: (info?.reason as Reason | undefined) ?? "none",
      status: Code[error.code],
      body: `${error.rawMessage} ${print(info)}`,
    };
  }
}

function operationsOf(transport: Transport, methods: readonly DescMethodUnary[]): Operation[] {
  return methods.flatMap((method) => {
    const name = `${method.parent.typeName}.${method.name}`;
    const rows = ROWS[name];
    if (!rows) throw new Error(`${name} has no row in the authorization walk (test/security/rpc-doors.ts)`);
    return rows.map(({ name: variant, kind, allowed, request }) => ({
      name: variant === undefined ? name : `${name} ${variant}`,
      kind,
      allowed: allowed ?? ("ok" as const),
      call: (header: string | null, target: Target) => callBy(transport, method, request(target), header),
    }));
  });
}

export async function openRpcDoors(t: TestContext, { ports }: World): Promise<Door[]> {
  const methods = await findMethods();
  const fastLane = `http://127.0.0.1:${ports.grpc.port}`;
  const baseUrl = `http://127.0.0.1:${ports.http.port}`;
  const sessionManager = new Http2SessionManager(fastLane);
  t.after(() => sessionManager.abort());
  const reads = methods.filter(({ idempotency }) => idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS);
  const transports: (readonly [string, Transport, readonly DescMethodUnary[]])[] = [
    ["gRPC, the gRPC port", createGrpcTransport({ baseUrl: fastLane, sessionManager }), methods],
    ["gRPC-Web, the HTTP port", createGrpcWebTransport({ baseUrl }), methods],
    ["Connect, the HTTP port", createConnectTransport({ baseUrl }), methods],
    ["Connect by GET, the HTTP port", createConnectTransport({ baseUrl, useHttpGet: true }), reads],
  ];
  return transports.map(([name, transport, served]) => ({
    name,
    operations: operationsOf(transport, served),
    statusOf: codeOf,
  }));
}
