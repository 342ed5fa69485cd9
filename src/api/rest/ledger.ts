// The ledger dialect (document 004): the payment service that .NET services of a shop planned, under /api/payments, and one route for them alone,
// under /internal.
import type { FastifyInstance } from "fastify";
import { type CapturePaymentInput, capturePayment } from "../../app/capture-payment.ts";
import { createPayment } from "../../app/create-payment.ts";
import { getPayment } from "../../app/get-payment.ts";
import { listPayments } from "../../app/list-payments.ts";
import { getPaymentCurrency } from "../../app/payment-currency.ts";
import { reconcile } from "../../app/reconcile.ts";
import type { ReconcileParts } from "../../app/reconcile-payment.ts";
import { refundPayment } from "../../app/refund-payment.ts";
import { CREDITS_PROVIDER } from "../../domain/credit-terms.ts";
import { accept, refusal, type Result } from "../../domain/error.ts";
import type { PaymentKey } from "../../domain/query.ts";
import { confirmPayment } from "./confirm.ts";
import type { Dialect, RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { RequestFault } from "./faults.ts";
import {
  readCapture,
  readConfirm,
  readCreate,
  readLedgerListing,
  readPathId,
  readReconcile,
  readRefund,
} from "./ledger-requests.ts";
import * as schemas from "./ledger-schemas.ts";
import { describeHistory, describePayment, describeRefund, describeRefusal, describeRun } from "./ledger-words.ts";
import { textParameter } from "./parameters.ts";

export interface LedgerOptions {
  /** What reconciliation works with. */
  readonly reconciliation: ReconcileParts;
}

/** The mock gateway speaks Stripe's protocol, so that what is set up for Stripe can be tried on it. */
const WIRE_PROTOCOL = "stripe";

async function create({ parts, provider }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const input = readCreate(call, { provider });
  if (!input.ok) return input;
  const created = await createPayment(parts, call.caller, input.value);
  if (!created.ok) return created;
  // A decline is an answer: the document's payment has a status, a code and a sentence for it.
  const { payment, clientSecret } = created.value;
  return accept({
    status: 201,
    body: describePayment(payment, { clientSecret }),
    headers: { location: `/api/payments/${payment.id}` },
  });
}

async function confirm({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const input = readConfirm(call);
  if (!input.ok) return input;
  const confirmed = await confirmPayment(parts, call, input.value);
  return confirmed.ok ? accept({ status: 200, body: describePayment(confirmed.value) }) : confirmed;
}

async function getOne({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const id = readPathId(call);
  if (!id.ok) return id;
  const found = await getPayment(parts, call.caller, id.value);
  return found.ok ? accept({ status: 200, body: describeHistory(found.value) }) : found;
}

async function list({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const input = readLedgerListing(call);
  if (!input.ok) return input;
  const page = await listPayments(parts, call.caller, input.value);
  if (!page.ok) return page;
  const { items, nextPageToken } = page.value;
  return accept({
    status: 200,
    body: { items: items.map((payment) => describePayment(payment)), nextPage: nextPageToken || null },
  });
}

async function refund({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const currencyOf = (find: PaymentKey): Promise<Result<string>> =>
    getPaymentCurrency(parts, call.caller, { find, action: "refund" });
  const input = await readRefund(call, currencyOf);
  if (!input.ok) return input;
  const refunded = await refundPayment(parts, call.caller, input.value);
  if (!refunded.ok) return refunded;
  const { payment, refund: given } = refunded.value;
  if (given === null) throw new Error("a refund was answered without one");
  const body = { ...describeRefund(given), payment: describePayment(payment) };
  return accept({ status: given.status === "PENDING" ? 202 : 200, body });
}

async function capture({ parts }: RestContext, call: RestCall): Promise<Result<RestAnswer>> {
  const currencyOf = (find: PaymentKey): Promise<Result<string>> =>
    getPaymentCurrency(parts, call.caller, { find, action: "complete" });
  const input: Result<CapturePaymentInput> = await readCapture(call, currencyOf);
  if (!input.ok) return input;
  const captured = await capturePayment(parts, call.caller, input.value);
  return captured.ok ? accept({ status: 200, body: describePayment(captured.value.payment) }) : captured;
}

async function runReconciliation({ reconciliation }: LedgerOptions, call: RestCall): Promise<Result<RestAnswer>> {
  const input = readReconcile(call, reconciliation.now());
  if (!input.ok) return input;
  const run = await reconcile(reconciliation, call.caller, input.value);
  return run.ok ? accept({ status: 200, body: describeRun(run.value) }) : run;
}

/** One path for each provider that is configured and sends any; every other one is not found. */
function registerWebhooks(app: FastifyInstance, context: RestContext): void {
  const names = new Set([...context.parts.providers.keys(), WIRE_PROTOCOL]);
  names.delete(CREDITS_PROVIDER);
  for (const name of names) context.receiveWebhooks(app, `/api/payments/webhooks/${name}`, schemas.webhookSchema(name));
  app.post(
    "/api/payments/webhooks/:provider",
    { schema: { hide: true }, config: { unlimited: true } },
    context.servePublic(async (request) => {
      const provider = textParameter(request, "provider").slice(0, 64);
      const message = `There is no provider "${provider}" here.`;
      throw new RequestFault(refusal("INVALID_ARGUMENT", message, { metadata: { provider } }), 404);
    }),
  );
}

export function createLedger(options: LedgerOptions): Dialect {
  return {
    name: "ledger",
    description: "Payments for the services of a shop, with their reconciliation (document 004).",
    describeRefusal,
    register(app, context) {
      const serve = (handle: (context: RestContext, call: RestCall) => Promise<Result<RestAnswer>>) =>
        context.serve((call) => handle(context, call));
      app.post("/api/payments", { schema: schemas.CREATE }, serve(create));
      app.get("/api/payments", { schema: schemas.LIST }, serve(list));
      app.get("/api/payments/:paymentId", { schema: schemas.GET }, serve(getOne));
      app.post("/api/payments/:paymentId/confirm", { schema: schemas.CONFIRM }, serve(confirm));
      app.post("/api/payments/:paymentId/refund", { schema: schemas.REFUND }, serve(refund));
      app.post(
        "/api/payments/reconcile",
        { schema: schemas.RECONCILE },
        context.serve((call) => runReconciliation(options, call)),
      );
      app.post("/internal/payments/capture", { schema: schemas.CAPTURE }, serve(capture));
      registerWebhooks(app, context);
    },
  };
}
