// CreditService on both ports, over the use cases on a real database.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import pino from "pino";
import type { Authenticate } from "../../src/api/auth.ts";
import { prepareCalls } from "../../src/api/calls.ts";
import { startHttp } from "../../src/api/connect.ts";
import { createCreditsHandlers } from "../../src/api/credits-handlers.ts";
import { startGrpc } from "../../src/api/grpc.ts";
import { createHandlers } from "../../src/api/handlers.ts";
import { createHealth } from "../../src/api/health.ts";
import type { OpenPort } from "../../src/api/port.ts";
import type { Identity } from "../../src/app/access.ts";
import { accept } from "../../src/domain/error.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { CreditEntryKind, CreditService } from "../../gen/payment/v1/credit_service_pb.ts";
import { PaymentMode, PaymentStatus } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { withCredits } from "../app/open-credits.ts";
import { TestService } from "../app/open-service.ts";

/** A caller says who it is in plain words: `customer ada`, or nothing for a service. */
const authenticate: Authenticate = (authorization) => {
  const [role, customerId = null] = authorization?.split(" ") ?? [];
  const service: Identity = { role: "service", principal: "shop", customerId: null, clientToken: null };
  return accept(role === "customer" ? { ...service, role, principal: `customer-${customerId}`, customerId } : service);
};

interface Clients {
  readonly credits: Client<typeof CreditService>;
  readonly payments: Client<typeof PaymentService>;
}

let service: TestService;
let ports: { grpc: OpenPort; http: OpenPort };
let clients: readonly (readonly [string, Clients])[];

before(async () => {
  service = await TestService.open();
  const parts = withCredits(service);
  const log = pino({ level: "silent" });
  const options = {
    host: "127.0.0.1",
    port: 0,
    tls: null,
    reflection: false,
    stopTimeoutMs: 1_000,
    calls: [
      ...prepareCalls(CreditService, createCreditsHandlers(parts), log),
      ...prepareCalls(PaymentService, createHandlers(parts, { provider: "credits" }), log),
    ],
    authenticate,
    health: createHealth({ checks: [], log }),
    log,
  };
  const [grpc, http] = await Promise.all([startGrpc(options), startHttp({ ...options, corsOrigins: [] })]);
  ports = { grpc, http };
  const baseUrl = `http://localhost:${http.port}`;
  const transports = [
    ["gRPC", createGrpcTransport({ baseUrl: `http://localhost:${grpc.port}` })],
    ["gRPC-Web", createGrpcWebTransport({ baseUrl })],
    ["Connect", createConnectTransport({ baseUrl })],
    ["Connect, GET", createConnectTransport({ baseUrl, useHttpGet: true })],
  ] as const;
  clients = transports.map(([name, transport]) => [
    name,
    { credits: createClient(CreditService, transport), payments: createClient(PaymentService, transport) },
  ]);
});
after(async () => {
  await Promise.all([ports.grpc.stop(), ports.http.stop()]);
  await service.close();
});

async function refusalOf(call: Promise<unknown>): Promise<[Code, string | undefined]> {
  const error = await call.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  return [error.code, error.findDetails(ErrorInfoSchema)[0]?.reason];
}

const as = (customerId: string) => ({ headers: { authorization: `customer ${customerId}` } });

describe("CreditService", () => {
  it("grants, is paid with, gives back and tells the history, through every client alike", async () => {
    for (const [name, { credits, payments }] of clients) {
      const customerId = `customer of ${name}`;
      const wanted = {
        customerId,
        credits: 9_000_000n,
        reason: "welcome",
        requestId: `grant ${name}`.replaceAll(" ", "-"),
      };
      const granted = await credits.grantCredits(wanted);
      assert.deepEqual(
        [granted.credits, granted.balance, granted.customerId],
        [9_000_000n, 9_000_000n, customerId],
        name,
      );
      assert.match(granted.transferId, /^transfer_[0-9a-f-]{36}$/);
      assert.deepEqual(await credits.grantCredits(wanted), granted, name);
      const { payment } = await payments.createPayment({
        orderId: `order of ${name}`,
        amount: { minor: 4n, currency: "XXX" },
        customerId,
        mode: PaymentMode.INTENT,
        paymentMethod: "credits",
      });
      assert.deepEqual([payment?.status, payment?.amountCaptured?.minor], [PaymentStatus.SUCCEEDED, 4n], name);
      const paymentId = payment?.paymentId ?? "";
      const { refund } = await payments.refundPayment({
        payment: { case: "paymentId", value: paymentId },
        amount: { minor: 1n, currency: "xxx" },
        reason: "one too many",
      });
      assert.deepEqual(
        [await credits.getCreditBalance({ customerId })].map((each) => [each.customerId, each.credits]),
        [[customerId, 8_999_997n]],
      );
      const { entries, nextPageToken } = await credits.listCreditEntries({ customerId });
      assert.deepEqual(
        entries.map((entry) => [
          entry.kind,
          entry.credits,
          entry.balance,
          entry.paymentId,
          entry.refundId,
          entry.reason,
        ]),
        [
          [CreditEntryKind.REFUNDED, 1n, 8_999_997n, paymentId, refund?.refundId, "one too many"],
          [CreditEntryKind.CAPTURED, -4n, 8_999_996n, paymentId, "", ""],
          [CreditEntryKind.GRANTED, 9_000_000n, 9_000_000n, "", "", "welcome"],
        ],
        name,
      );
      assert.equal(nextPageToken, "");
    }
  });

  it("refuses what is wrong, and a request id that was used for something else", async () => {
    for (const [name, { credits }] of clients) {
      const requestId = `reused-${name}`.replaceAll(/[ ,]/g, "-");
      await credits.grantCredits({ customerId: "eve", credits: 1n, requestId });
      const cases = [
        [
          () => credits.grantCredits({ customerId: "eve", credits: 2n, requestId }),
          Code.FailedPrecondition,
          "REQUEST_ID_REUSED",
        ],
        [() => credits.grantCredits({ customerId: "eve" }), Code.InvalidArgument, "INVALID_ARGUMENT"],
        [() => credits.grantCredits({ customerId: "eve", credits: -1n }), Code.InvalidArgument, "INVALID_ARGUMENT"],
        [() => credits.grantCredits({ customerId: "", credits: 1n }), Code.InvalidArgument, "INVALID_ARGUMENT"],
        [() => credits.getCreditBalance({}), Code.InvalidArgument, "INVALID_ARGUMENT"],
        [() => credits.getCreditBalance({ customerId: "a\nb" }), Code.InvalidArgument, "INVALID_ARGUMENT"],
        [
          () => credits.listCreditEntries({ customerId: "eve", pageSize: -1 }),
          Code.InvalidArgument,
          "INVALID_ARGUMENT",
        ],
        [
          () => credits.listCreditEntries({ customerId: "eve", pageToken: "?" }),
          Code.InvalidArgument,
          "INVALID_ARGUMENT",
        ],
      ] as const;
      for (const [call, code, reason] of cases) assert.deepEqual(await refusalOf(call()), [code, reason], name);
    }
  });

  it("shows customers their own, without being told whose, and nobody else's", async () => {
    for (const [name, { credits }] of clients) {
      const customerId = `own-${name}`.replaceAll(/[ ,]/g, "-");
      await credits.grantCredits({ customerId, credits: 3n });
      assert.equal((await credits.getCreditBalance({}, as(customerId))).credits, 3n, name);
      assert.equal((await credits.listCreditEntries({ customerId }, as(customerId))).entries.length, 1, name);
      const hidden = [Code.NotFound, "CREDIT_ACCOUNT_NOT_FOUND"];
      assert.deepEqual(await refusalOf(credits.getCreditBalance({ customerId }, as("mallory"))), hidden, name);
      assert.deepEqual(await refusalOf(credits.listCreditEntries({ customerId }, as("mallory"))), hidden, name);
      const forbidden = [Code.PermissionDenied, "PERMISSION_DENIED"];
      assert.deepEqual(
        await refusalOf(credits.grantCredits({ customerId, credits: 3n }, as(customerId))),
        forbidden,
        name,
      );
    }
  });
});
