// The requests of the ledger document. Its clients are .NET's: names in either case of their first letter, and amounts as numbers or as texts. What it
// does not name may be left out: the customer, the capture, the hosted page in place of a form.
import type { FastifyRequest } from "fastify";
import type { CapturePaymentInput } from "../../app/capture-payment.ts";
import type { CompletePaymentInput } from "../../app/complete-payment.ts";
import type { CreatePaymentInput } from "../../app/create-payment.ts";
import type { ListPaymentsInput } from "../../app/list-payments.ts";
import type { ReconcileInput } from "../../app/reconcile.ts";
import type { RefundPaymentInput } from "../../app/refund-payment.ts";
import { accept, refuseField, type Result } from "../../domain/error.ts";
import { type PaymentId, parsePaymentId, printPaymentId } from "../../domain/ids.ts";
import type { Money } from "../../domain/money.ts";
import type { PaymentKey } from "../../domain/query.ts";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { readCardToken } from "./card-token.ts";
import { checkComplete, checkCreate, checkKey, checkRefund } from "../json/contract.ts";
import type { RestCall } from "./dialect.ts";
import {
  type Fields,
  readAll,
  readAmount,
  readAmountOrNull,
  readBody,
  readCurrency,
  readCurrencyOrNull,
  readFlagOrNull,
  readText,
  readTextOrNull,
  readTexts,
  readWordOrNull,
} from "../json/fields.ts";
import { JsonNumber } from "../json/json-body.ts";
import { LEDGER_STATUSES } from "./ledger-words.ts";
import { type ListingWords, readListing } from "./listing.ts";
import { parseTime, textParameter } from "./parameters.ts";

/** The currency of a payment, for amounts that come without one. */
type CurrencyOf = (find: PaymentKey) => Promise<Result<string>>;

const HOUR_MS = 3_600_000;
/** A pass that names no beginning looks back so far, as the scheduled one does. */
const LOOK_BACK_MS = 48 * HOUR_MS;
/** What was created since then is just being made. */
const FRESH_MS = 60_000;
const DRIFTS_MAX = 1_000;

/** `OrderId` is `orderId`, and an amount in quotes is that amount, exactly. */
function readFields(request: FastifyRequest): Result<Fields> {
  const body = readBody(request);
  if (!body.ok) return body;
  const entries = Object.entries(body.value.values).map(([key, value]) => {
    const name = key.charAt(0).toLowerCase() + key.slice(1);
    return [name, name === "amount" && typeof value === "string" ? new JsonNumber(value) : value] as const;
  });
  return accept({ values: Object.fromEntries(entries), path: "" });
}

/** A Guid, or our id with its prefix, in either case. */
function parseGuid(text: string): Result<PaymentId> {
  const guid = text.toLowerCase().replace(/^payment_/, "");
  const id = parsePaymentId(`payment_${guid}`, "paymentId");
  return id.ok ? id : refuseField("INVALID_ARGUMENT", "paymentId", `The value '${text.slice(0, 64)}' is not valid.`);
}

export function readPathId({ request }: RestCall): Result<PaymentId> {
  return parseGuid(textParameter(request, "paymentId"));
}

function readPrice(fields: Fields): Result<Money | null> {
  const amount = fields.values["amount"];
  if (amount === undefined || amount === null) {
    const unused = readCurrencyOrNull(fields, "currency");
    return unused.ok ? accept(null) : unused;
  }
  const currency = readCurrency(fields, "currency");
  return currency.ok ? readAmount(fields, "amount", currency.value) : currency;
}

export function readCreate(call: RestCall, defaults: { readonly provider: string }): Result<CreatePaymentInput> {
  const body = readFields(call.request);
  if (!body.ok) return body;
  const fields = body.value;
  const all = readAll({
    orderId: readText(fields, "orderId"),
    amount: readPrice(fields),
    paymentMethod: readCardToken(fields, "paymentMethodId"),
    mode: readWordOrNull(fields, "mode", ["Intent", "Checkout"]),
    capture: readWordOrNull(fields, "captureMethod", ["Automatic", "Manual"]),
    provider: readTextOrNull(fields, "provider"),
    customerId: readTextOrNull(fields, "customerId"),
    customerEmail: readTextOrNull(fields, "customerEmail"),
    successUrl: readTextOrNull(fields, "successUrl"),
    cancelUrl: readTextOrNull(fields, "cancelUrl"),
    description: readTextOrNull(fields, "description"),
    metadata: readTexts(fields, "metadata"),
  });
  if (!all.ok) return all;
  const { amount, mode, capture, orderId, metadata, ...texts } = all.value;
  const given = Object.entries(texts).filter(([, text]) => text !== null);
  return checkCreate(
    {
      orderId,
      metadata,
      requestId: call.requestId,
      ...(amount && { amount }),
      mode: mode === "Checkout" ? PaymentMode.CHECKOUT : PaymentMode.INTENT,
      captureMethod: capture === "Manual" ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
      ...(Object.fromEntries(given) as { readonly [K in keyof typeof texts]: string }),
    },
    defaults,
  );
}

export function readConfirm(call: RestCall): Result<CompletePaymentInput> {
  const body = readFields(call.request);
  if (!body.ok) return body;
  const all = readAll({ id: readPathId(call), method: readCardToken(body.value, "paymentMethodId") });
  if (!all.ok) return all;
  const { id, method } = all.value;
  return checkComplete({
    payment: { case: "paymentId", value: printPaymentId(id) },
    paymentMethod: method ?? "",
    requestId: call.requestId,
  });
}

/** An amount in the currency that the body names, or else in the payment's. Null: none is given. */
async function readOwnAmount(fields: Fields, find: PaymentKey, currencyOf: CurrencyOf): Promise<Result<Money | null>> {
  const amount = fields.values["amount"];
  if (amount === undefined || amount === null) return accept(null);
  const named = readCurrencyOrNull(fields, "currency");
  if (!named.ok) return named;
  const currency = named.value === null ? await currencyOf(find) : accept(named.value);
  return currency.ok ? readAmountOrNull(fields, "amount", currency.value) : currency;
}

export async function readRefund(call: RestCall, currencyOf: CurrencyOf): Promise<Result<RefundPaymentInput>> {
  const body = readFields(call.request);
  if (!body.ok) return body;
  const all = readAll({ id: readPathId(call), reason: readTextOrNull(body.value, "reason") });
  if (!all.ok) return all;
  const { id, reason } = all.value;
  const amount = await readOwnAmount(body.value, { paymentId: id }, currencyOf);
  if (!amount.ok) return amount;
  return checkRefund({
    payment: { case: "paymentId", value: printPaymentId(id) },
    ...(amount.value && { amount: amount.value }),
    reason: reason ?? "",
    requestId: call.requestId,
  });
}

/** Which payment a capture is about: named by itself, or by its order. */
function readCaptured(fields: Fields): Result<PaymentKey> {
  const all = readAll({ id: readTextOrNull(fields, "paymentId"), orderId: readTextOrNull(fields, "orderId") });
  if (!all.ok) return all;
  const { id, orderId } = all.value;
  if (id !== null && orderId !== null)
    return refuseField("INVALID_ARGUMENT", "orderId", "is given beside paymentId; send one of them");
  if (orderId !== null) return checkKey({ case: "orderId", value: orderId });
  if (id === null) return refuseField("INVALID_ARGUMENT", "paymentId", "is missing; send it, or orderId");
  const paymentId = parseGuid(id);
  return paymentId.ok ? accept({ paymentId: paymentId.value }) : paymentId;
}

export async function readCapture(call: RestCall, currencyOf: CurrencyOf): Promise<Result<CapturePaymentInput>> {
  const body = readFields(call.request);
  if (!body.ok) return body;
  const find = readCaptured(body.value);
  if (!find.ok) return find;
  const amount = await readOwnAmount(body.value, find.value, currencyOf);
  return amount.ok ? accept({ find: find.value, amount: amount.value, requestId: call.requestId }) : amount;
}

const LISTING_WORDS: ListingWords = { pageToken: "page", from: "from", to: "to", statuses: LEDGER_STATUSES };

export function readLedgerListing({ request }: RestCall): Result<ListPaymentsInput> {
  return readListing(request, LISTING_WORDS);
}

function readTimeOrNull(fields: Fields, key: string): Result<Date | null> {
  const text = readTextOrNull(fields, key);
  if (!text.ok || text.value === null) return text as Result<null>;
  return parseTime(text.value, key);
}

/** Without a body: the last 48 hours, compared and nothing changed. */
export function readReconcile({ request }: RestCall, now: Date): Result<ReconcileInput> {
  const body = readFields(request);
  if (!body.ok) return body;
  const all = readAll({
    from: readTimeOrNull(body.value, "from"),
    to: readTimeOrNull(body.value, "to"),
    apply: readFlagOrNull(body.value, "apply"),
    provider: readTextOrNull(body.value, "provider"),
  });
  if (!all.ok) return all;
  const to = all.value.to ?? new Date(now.getTime() - FRESH_MS);
  const apply = all.value.apply ?? false;
  return accept({
    range: { from: all.value.from ?? new Date(to.getTime() - LOOK_BACK_MS), to },
    provider: all.value.provider,
    apply,
    driftsMax: DRIFTS_MAX,
    tell: apply ? "always" : "never",
  });
}
