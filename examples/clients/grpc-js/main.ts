// A service in JavaScript that calls over gRPC: grpc-js and the .proto files, and nothing else of this project. Copy it, and have `npm start` running:
//
//   node proto/dependencies.ts                           # once: what the contract imports, into .buf/
//   node examples/clients/grpc-js/main.ts localhost:50051
//
// With AUTH_MODE=jwt, put a token of your issuer into PAYMENT_TOKEN. It prints a JSON object a line, and ends with 1 when something went wrong.
import { join } from "node:path";
import {
  type CallOptions,
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const ROOT = join(import.meta.dirname, "../../..");
const [address = "localhost:50051"] = process.argv.slice(2);
const token = process.env["PAYMENT_TOKEN"];

interface Money {
  readonly currency: string;
  /** Minor units, as text: 64 bits are more than a number holds. */
  readonly minor: string;
}

interface Payment {
  readonly paymentId: string;
  readonly orderId: string;
  readonly status: string;
  readonly amount: Money;
  readonly amountRefunded: Money | null;
  readonly failure: { readonly reason: string; readonly message: string } | null;
}

interface Answer {
  readonly payment: Payment;
}

type Method = "CreatePayment" | "CompletePayment" | "RefundPayment";
type UnaryCall = (
  request: object,
  metadata: Metadata,
  options: CallOptions,
  done: (error: ServiceError | null, answer: Answer) => void,
) => void;

const definition = loadSync("payment/v1/payment_service.proto", {
  includeDirs: [join(ROOT, "proto"), join(ROOT, ".buf")],
  longs: String,
  enums: String,
  defaults: true,
});
const loaded = loadPackageDefinition(definition) as unknown as {
  payment: { v1: { PaymentService: new (address: string, channel: unknown) => Client & Record<Method, UnaryCall> } };
};
const client = new loaded.payment.v1.PaymentService(address, credentials.createInsecure());

const ATTEMPTS_MAX = 5;
const DEADLINE_MS = 15_000;
const PAUSE_MS = 200;
/** Not answers, but invitations to send the same request again. */
const TRY_AGAIN = new Set([status.UNAVAILABLE, status.ABORTED, status.DEADLINE_EXCEEDED]);

function callOnce(method: Method, request: object): Promise<Answer> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  client[method](request, metadata, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
    error ? reject(error) : resolve(answer),
  );
  return promise;
}

/** The request id makes the repetition safe: however often it is sent, money moves once, and the answer is the same. */
async function call(
  method: Method,
  request: { readonly requestId: string; readonly [field: string]: unknown },
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await callOnce(method, request);
    } catch (error) {
      if (!TRY_AGAIN.has((error as ServiceError).code) || attempt === ATTEMPTS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** attempt));
    }
  }
}

function print(step: string, { payment }: Answer): void {
  const { paymentId, orderId, status: paymentStatus, amount, amountRefunded, failure } = payment;
  const refunded = amountRefunded?.minor ?? "0";
  const told = { step, paymentId, orderId, status: paymentStatus, amount, refunded, failure: failure?.reason ?? null };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

const orderId = `grpc-js-${Date.now()}`;
const amount: Money = { currency: "EUR", minor: "1999" };
const intent = { amount, mode: "PAYMENT_MODE_INTENT" };
try {
  print("created", await call("CreatePayment", { orderId, ...intent, requestId: `create-${orderId}` }));
  const pay = { orderId, paymentMethod: "pm_card_visa", requestId: `complete-${orderId}` };
  print("completed", await call("CompletePayment", pay));
  // As after an answer that was lost.
  print("completed, asked again", await call("CompletePayment", pay));
  const refund = { orderId, amount: { ...amount, minor: "500" }, requestId: `refund-${orderId}` };
  print("refunded", await call("RefundPayment", refund));
  const declined = { orderId: `${orderId}-declined`, paymentMethod: "pm_card_visa_chargeDeclined" };
  // A decline is an answer, and no error.
  print("declined", await call("CreatePayment", { ...declined, ...intent, requestId: `create-${declined.orderId}` }));
} catch (error) {
  const { code, details } = error as ServiceError;
  process.stderr.write(`${status[code] ?? "error"}: ${details ?? String(error)}\n`);
  process.exitCode = 1;
} finally {
  client.close();
}
