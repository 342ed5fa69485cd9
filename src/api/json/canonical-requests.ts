// The requests of document 000, whichever door of plain JSON they come by. What the document does not name may be left out: an amount in place of items,
// the customer, where to return, the mode, the provider.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CancelPaymentInput } from "../../app/cancel-payment.ts";
import type { CompletePaymentInput } from "../../app/complete-payment.ts";
import type { CreatePaymentInput } from "../../app/create-payment.ts";
import type { RefundPaymentInput } from "../../app/refund-payment.ts";
import { accept, type Result } from "../../domain/error.ts";
import type { Money } from "../../domain/money.ts";
import type { PaymentKey } from "../../domain/query.ts";
import { CaptureMethod, type LineItemSchema, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { checkCancel, checkComplete, checkCreate, checkKey, checkRefund } from "./contract.ts";
import {
  type Fields,
  readAll,
  readAmount,
  readAmountOrNull,
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

/** What a door has read so far. */
export interface JsonRequest {
  readonly fields: Fields;
  /** From wherever the door takes it; empty for a request of its own. */
  readonly requestId: Result<string>;
}

/** The payment that is meant, in the contract's words. */
export type NamedPayment =
  | { readonly case: "paymentId"; readonly value: string }
  | { readonly case: "orderId"; readonly value: string };

/** A change of a payment that is there already. Its currency is asked for where an amount comes without one. */
export interface JsonChange extends JsonRequest {
  readonly payment: Result<NamedPayment>;
  readonly currencyOf: (find: PaymentKey) => Promise<Result<string>>;
}

type Item = MessageInitShape<typeof LineItemSchema>;

interface Price {
  readonly amount: Money | null;
  readonly items: readonly Item[];
}

function readItem(item: Fields, currency: string): Result<Item> {
  return readAll({
    name: readText(item, "name"),
    unitPrice: readAmount(item, "price", currency),
    quantity: readInteger(item, "quantity"),
  });
}

function readPrice(fields: Fields): Result<Price> {
  if (fields.values["amount"] === undefined && fields.values["items"] === undefined) {
    const unused = readCurrencyOrNull(fields, "currency");
    return unused.ok ? accept({ amount: null, items: [] }) : unused;
  }
  const currency = readCurrency(fields, "currency");
  if (!currency.ok) return currency;
  return readAll({
    amount: readAmountOrNull(fields, "amount", currency.value),
    items: readList(fields, "items", (item) => readItem(item, currency.value)),
  });
}

type WithoutNulls<T> = { [K in keyof T]?: NonNullable<T[K]> };

function withoutNulls<T extends object>(values: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as WithoutNulls<T>;
}

export function readCreate(
  { fields, requestId }: JsonRequest,
  defaults: { readonly provider: string },
): Result<CreatePaymentInput> {
  const all = readAll({
    orderId: readText(fields, "orderId"),
    price: readPrice(fields),
    customerId: readTextOrNull(fields, "customerId"),
    customerEmail: readTextOrNull(fields, "customerEmail"),
    mode: readWordOrNull(fields, "mode", ["checkout", "intent"]),
    captureMethod: readWordOrNull(fields, "captureMethod", ["automatic", "manual"]),
    provider: readTextOrNull(fields, "provider"),
    paymentMethod: readTextOrNull(fields, "paymentMethod"),
    successUrl: readTextOrNull(fields, "successUrl"),
    cancelUrl: readTextOrNull(fields, "cancelUrl"),
    description: readTextOrNull(fields, "description"),
    metadata: readTexts(fields, "metadata"),
    attemptsMax: readIntegerOrNull(fields, "attemptsMax"),
    requestId,
  });
  if (!all.ok) return all;
  const { price, mode, captureMethod, metadata, ...rest } = all.value;
  return checkCreate(
    {
      metadata,
      ...withoutNulls(rest),
      ...(price.amount && { amount: price.amount }),
      items: [...price.items],
      mode: mode === "intent" ? PaymentMode.INTENT : PaymentMode.CHECKOUT,
      captureMethod: captureMethod === "manual" ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
    },
    defaults,
  );
}

/** An amount in the currency that the body names, or else in the payment's. Null: none is given. */
async function readOwnAmount({ fields, currencyOf }: JsonChange, payment: NamedPayment): Promise<Result<Money | null>> {
  const find = checkKey(payment);
  if (!find.ok) return find;
  if (fields.values["amount"] === undefined || fields.values["amount"] === null) return accept(null);
  const named = readCurrencyOrNull(fields, "currency");
  if (!named.ok) return named;
  const currency = named.value === null ? await currencyOf(find.value) : accept(named.value);
  return currency.ok ? readAmount(fields, "amount", currency.value) : currency;
}

export async function readComplete(change: JsonChange): Promise<Result<CompletePaymentInput>> {
  const { fields, payment, requestId } = change;
  const all = readAll({ payment, paymentMethod: readTextOrNull(fields, "paymentMethod"), requestId });
  if (!all.ok) return all;
  const amount = await readOwnAmount(change, all.value.payment);
  if (!amount.ok) return amount;
  const { paymentMethod, ...named } = all.value;
  return checkComplete({
    ...named,
    paymentMethod: paymentMethod ?? "",
    ...(amount.value && { amount: amount.value }),
  });
}

export function readCancel({ fields, payment, requestId }: Omit<JsonChange, "currencyOf">): Result<CancelPaymentInput> {
  const all = readAll({ payment, reason: readTextOrNull(fields, "reason"), requestId });
  return all.ok ? checkCancel({ ...all.value, reason: all.value.reason ?? "" }) : all;
}

export async function readRefund(change: JsonChange): Promise<Result<RefundPaymentInput>> {
  const { fields, payment, requestId } = change;
  const all = readAll({ payment, reason: readTextOrNull(fields, "reason"), requestId });
  if (!all.ok) return all;
  const amount = await readOwnAmount(change, all.value.payment);
  if (!amount.ok) return amount;
  const { reason, ...named } = all.value;
  return checkRefund({ ...named, reason: reason ?? "", ...(amount.value && { amount: amount.value }) });
}
