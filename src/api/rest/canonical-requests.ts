// The requests of the canonical dialect. What document 000 does not name may be left out: an amount in place of items, the customer, where to return,
// the mode, the provider, and a request id for those who cannot set headers.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { FastifyRequest } from "fastify";
import type { CancelPaymentInput } from "../../app/cancel-payment.ts";
import type { CompletePaymentInput } from "../../app/complete-payment.ts";
import type { CreatePaymentInput } from "../../app/create-payment.ts";
import type { ListPaymentsInput } from "../../app/list-payments.ts";
import type { RefundPaymentInput } from "../../app/refund-payment.ts";
import { accept, type Result, refuseField } from "../../domain/error.ts";
import type { Money } from "../../domain/money.ts";
import { PAYMENT_STATUSES } from "../../domain/payment.ts";
import type { PaymentKey } from "../../domain/query.ts";
import { CaptureMethod, type LineItemSchema, PaymentMode, PaymentStatus } from "../../../gen/payment/v1/payment_pb.ts";
import { STATUS_WORDS } from "./canonical-words.ts";
import { checkCancel, checkComplete, checkCreate, checkKey, checkList, checkRefund } from "./contract.ts";
import type { RestCall } from "./dialect.ts";
import {
  type Fields,
  readAll,
  readAmount,
  readAmountOrNull,
  readBody,
  readCurrency,
  readCurrencyOrNull,
  readInteger,
  readIntegerOrNull,
  readList,
  readText,
  readTextOrNull,
  readTexts,
  readWordOrNull,
} from "./fields.ts";
import { queryInteger, queryList, queryText, queryTime } from "./parameters.ts";

type CurrencyOf = (find: PaymentKey) => Promise<Result<string>>;

/** The header's request id, or the body's. Refuses two that differ. */
function readRequestId(body: Fields, { requestId }: RestCall): Result<string> {
  const inBody = readTextOrNull(body, "requestId");
  if (!inBody.ok) return inBody;
  if (requestId === "" || inBody.value === null || inBody.value === requestId)
    return accept(requestId || (inBody.value ?? ""));
  return refuseField("INVALID_ARGUMENT", "requestId", "differs from the Idempotency-Key header; send one of them");
}

function readItem(item: Fields, currency: string): Result<MessageInitShape<typeof LineItemSchema>> {
  const all = readAll({
    name: readText(item, "name"),
    unitPrice: readAmount(item, "price", currency),
    quantity: readInteger(item, "quantity"),
  });
  return all;
}

interface Price {
  readonly amount: Money | null;
  readonly items: readonly MessageInitShape<typeof LineItemSchema>[];
}

function readPrice(body: Fields): Result<Price> {
  if (body.values["amount"] === undefined && body.values["items"] === undefined) {
    const unused = readCurrencyOrNull(body, "currency");
    return unused.ok ? accept({ amount: null, items: [] }) : unused;
  }
  const currency = readCurrency(body, "currency");
  if (!currency.ok) return currency;
  return readAll({
    amount: readAmountOrNull(body, "amount", currency.value),
    items: readList(body, "items", (item) => readItem(item, currency.value)),
  });
}

export function readCreate(call: RestCall, defaults: { readonly provider: string }): Result<CreatePaymentInput> {
  const read = readBody(call.request);
  if (!read.ok) return read;
  const body = read.value;
  const all = readAll({
    orderId: readText(body, "orderId"),
    price: readPrice(body),
    customerId: readTextOrNull(body, "customerId"),
    customerEmail: readTextOrNull(body, "customerEmail"),
    mode: readWordOrNull(body, "mode", ["checkout", "intent"]),
    captureMethod: readWordOrNull(body, "captureMethod", ["automatic", "manual"]),
    provider: readTextOrNull(body, "provider"),
    paymentMethod: readTextOrNull(body, "paymentMethod"),
    successUrl: readTextOrNull(body, "successUrl"),
    cancelUrl: readTextOrNull(body, "cancelUrl"),
    description: readTextOrNull(body, "description"),
    metadata: readTexts(body, "metadata"),
    attemptsMax: readIntegerOrNull(body, "attemptsMax"),
    requestId: readRequestId(body, call),
  });
  if (!all.ok) return all;
  const { price, mode, captureMethod, metadata, attemptsMax, orderId, requestId, ...texts } = all.value;
  return checkCreate(
    {
      orderId,
      requestId,
      metadata,
      ...withoutNulls(texts),
      ...(price.amount && { amount: price.amount }),
      items: [...price.items],
      mode: mode === "intent" ? PaymentMode.INTENT : PaymentMode.CHECKOUT,
      captureMethod: captureMethod === "manual" ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
      ...(attemptsMax !== null && { attemptsMax }),
    },
    defaults,
  );
}

type WithoutNulls<T> = { [K in keyof T]?: NonNullable<T[K]> };

function withoutNulls<T extends object>(values: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as WithoutNulls<T>;
}

/** An amount in the currency that the body names, or else in the payment's. Null: none is given. */
async function readOwnAmount(body: Fields, find: PaymentKey, currencyOf: CurrencyOf): Promise<Result<Money | null>> {
  if (body.values["amount"] === undefined || body.values["amount"] === null) return accept(null);
  const named = readCurrencyOrNull(body, "currency");
  if (!named.ok) return named;
  const currency = named.value === null ? await currencyOf(find) : accept(named.value);
  return currency.ok ? readAmount(body, "amount", currency.value) : currency;
}

export async function readComplete(
  call: RestCall,
  { orderId, currencyOf }: { readonly orderId: string; readonly currencyOf: CurrencyOf },
): Promise<Result<CompletePaymentInput>> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const all = readAll({
    find: checkKey({ case: "orderId", value: orderId }),
    paymentMethod: readTextOrNull(body.value, "paymentMethod"),
    requestId: readRequestId(body.value, call),
  });
  if (!all.ok) return all;
  const amount = await readOwnAmount(body.value, all.value.find, currencyOf);
  if (!amount.ok) return amount;
  return checkComplete({
    payment: { case: "orderId", value: orderId },
    paymentMethod: all.value.paymentMethod ?? "",
    requestId: all.value.requestId,
    ...(amount.value && { amount: amount.value }),
  });
}

export function readCancel(call: RestCall, orderId: string): Result<CancelPaymentInput> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const all = readAll({ reason: readTextOrNull(body.value, "reason"), requestId: readRequestId(body.value, call) });
  if (!all.ok) return all;
  const { reason, requestId } = all.value;
  return checkCancel({ payment: { case: "orderId", value: orderId }, reason: reason ?? "", requestId });
}

export async function readRefund(call: RestCall, currencyOf: CurrencyOf): Promise<Result<RefundPaymentInput>> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const all = readAll({
    orderId: readText(body.value, "orderId"),
    reason: readTextOrNull(body.value, "reason"),
    requestId: readRequestId(body.value, call),
  });
  if (!all.ok) return all;
  const { orderId, reason, requestId } = all.value;
  const payment = { case: "orderId", value: orderId } as const;
  const find = checkKey(payment);
  if (!find.ok) return find;
  const amount = await readOwnAmount(body.value, find.value, currencyOf);
  if (!amount.ok) return amount;
  return checkRefund({ payment, reason: reason ?? "", requestId, ...(amount.value && { amount: amount.value }) });
}

/** A status in the dialect's words or in the contract's, in either case. */
function readStatuses(words: readonly string[]): Result<PaymentStatus[]> {
  const statuses: PaymentStatus[] = [];
  for (const word of words.flatMap((each) => each.split(","))) {
    const sent = word.trim().toLowerCase();
    const status = PAYMENT_STATUSES.find((each) => STATUS_WORDS[each] === sent || each.toLowerCase() === sent);
    if (!status) {
      const known = Object.values(STATUS_WORDS).join(", ");
      return refuseField("INVALID_ARGUMENT", "status", `must be one of ${known}`);
    }
    statuses.push(PaymentStatus[status]);
  }
  return accept([...new Set(statuses)]);
}

export function readListing(request: FastifyRequest): Result<ListPaymentsInput> {
  const all = readAll({
    pageSize: queryInteger(request, "pageSize"),
    pageToken: queryText(request, "pageToken"),
    orderId: queryText(request, "orderId"),
    customerId: queryText(request, "customerId"),
    statuses: readStatuses(queryList(request, "status").filter(Boolean)),
    from: queryTime(request, "createdFrom"),
    to: queryTime(request, "createdTo"),
  });
  if (!all.ok) return all;
  const { from, to, ...rest } = all.value;
  return checkList({
    ...rest,
    ...(from && { createTimeFrom: timestampFromDate(from) }),
    ...(to && { createTimeTo: timestampFromDate(to) }),
  });
}
