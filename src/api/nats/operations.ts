// What each subject does: the payload of the canonical document is read, the use case is called, and its answer is written as the canonical REST
// dialect writes it. What the document does not name may be left out.
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import type { Answer } from "../../app/answer.ts";
import { cancelPayment } from "../../app/cancel-payment.ts";
import { capturePayment } from "../../app/capture-payment.ts";
import { completePayment, type CompletePaymentInput } from "../../app/complete-payment.ts";
import { createPayment } from "../../app/create-payment.ts";
import { getPaymentStatus } from "../../app/get-payment.ts";
import type { Caller, Parts } from "../../app/parts.ts";
import { getPaymentCurrency } from "../../app/payment-currency.ts";
import { refundPayment } from "../../app/refund-payment.ts";
import { accept, refuse, type Result } from "../../domain/error.ts";
import { printPaymentId } from "../../domain/ids.ts";
import type { Money } from "../../domain/money.ts";
import { writeCanceled, writeCompleted, writeCreated, writeRefund, writeStatus } from "../rest/canonical-answers.ts";
import { checkCancel, checkComplete, checkCreate, checkKey, checkRefund } from "../rest/contract.ts";
import { declineOf } from "../rest/decline.ts";
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
} from "../rest/fields.ts";

/** One message that can be acted on. */
export interface Command {
  readonly fields: Fields;
  /** Empty: a request of its own. */
  readonly requestId: string;
  readonly caller: Caller;
}

/** Answers a body that is ready for JSON.stringify. */
export type Operation = (command: Command) => Promise<Result<object>>;

export interface OperationsOptions {
  readonly parts: Parts;
  /** Of payments that name none. */
  readonly provider: string;
}

type Key =
  | { readonly case: "paymentId"; readonly value: string }
  | { readonly case: "orderId"; readonly value: string };

/** The payment that a message speaks of: by its own id, or as its order's newest. */
function readKey(fields: Fields): Result<Key> {
  const paymentId = readTextOrNull(fields, "paymentId");
  if (!paymentId.ok) return paymentId;
  if (paymentId.value !== null) return accept({ case: "paymentId", value: paymentId.value });
  const orderId = readText(fields, "orderId");
  return orderId.ok ? accept({ case: "orderId", value: orderId.value }) : orderId;
}

function readPrice(fields: Fields) {
  const currency = readCurrency(fields, "currency");
  if (!currency.ok) return currency;
  return readAll({
    amount: readAmountOrNull(fields, "amount", currency.value),
    items: readList(fields, "items", (item) =>
      readAll({
        name: readText(item, "name"),
        unitPrice: readAmount(item, "price", currency.value),
        quantity: readInteger(item, "quantity"),
      }),
    ),
  });
}

function readSession({ fields, requestId }: Command, provider: string) {
  const read = readAll({
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
  });
  if (!read.ok) return read;
  const { orderId, price, mode, captureMethod, metadata, attemptsMax, ...texts } = read.value;
  const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== null));
  return checkCreate(
    {
      ...given,
      orderId,
      items: [...price.items],
      ...(price.amount && { amount: price.amount }),
      mode: mode === "intent" ? PaymentMode.INTENT : PaymentMode.CHECKOUT,
      captureMethod: captureMethod === "manual" ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
      metadata: { ...metadata },
      attemptsMax: attemptsMax ?? 0,
      requestId,
    },
    { provider },
  );
}

/** A session that there is none of, or a method that was declined, is an error to a caller who waits for a page to pay at. */
function printCreated(answer: Answer): Result<object> {
  const { payment, checkout } = answer;
  if (checkout) return accept(writeCreated(answer));
  const declined = payment.failure && payment.status !== "REQUIRES_ACTION" ? declineOf(payment) : null;
  if (declined) return { ok: false, error: declined };
  if (payment.mode === "INTENT") return accept(writeCreated(answer));
  const { orderId, status } = payment;
  const metadata = { orderId, paymentId: printPaymentId(payment.id), status };
  return refuse("PROVIDER_ERROR", "the payment has no hosted page to pay it at", { metadata });
}

function printCompleted({ payment }: Answer): Result<object> {
  const declined = declineOf(payment);
  return declined ? { ok: false, error: declined } : accept(writeCompleted(payment));
}

class Operations {
  readonly #parts: Parts;
  readonly #provider: string;

  constructor({ parts, provider }: OperationsOptions) {
    this.#parts = parts;
    this.#provider = provider;
  }

  readonly createSession: Operation = async (command) => {
    const input = readSession(command, this.#provider);
    if (!input.ok) return input;
    const answer = await createPayment(this.#parts, command.caller, input.value);
    return answer.ok ? printCreated(answer.value) : answer;
  };

  readonly complete: Operation = async (command) => {
    const input = await this.#readComplete(command);
    if (!input.ok) return input;
    const answer = await completePayment(this.#parts, command.caller, input.value);
    return answer.ok ? printCompleted(answer.value) : answer;
  };

  readonly capture: Operation = async (command) => {
    const input = await this.#readComplete(command);
    if (!input.ok) return input;
    const answer = await capturePayment(this.#parts, command.caller, input.value);
    return answer.ok ? printCompleted(answer.value) : answer;
  };

  readonly cancel: Operation = async ({ fields, requestId, caller }) => {
    const read = readAll({ payment: readKey(fields), reason: readTextOrNull(fields, "reason") });
    if (!read.ok) return read;
    const { payment, reason } = read.value;
    const input = checkCancel({ payment, reason: reason ?? "", requestId });
    if (!input.ok) return input;
    const answer = await cancelPayment(this.#parts, caller, input.value);
    return answer.ok ? accept(writeCanceled(answer.value.payment)) : answer;
  };

  readonly refund: Operation = async (command) => {
    const { fields, requestId, caller } = command;
    const read = readAll({ payment: readKey(fields), reason: readTextOrNull(fields, "reason") });
    if (!read.ok) return read;
    const { payment, reason } = read.value;
    const amount = await this.#readAmount(payment, command, "refund");
    if (!amount.ok) return amount;
    const given = amount.value && { amount: amount.value };
    const input = checkRefund({ payment, ...given, reason: reason ?? "", requestId });
    if (!input.ok) return input;
    const answer = await refundPayment(this.#parts, caller, input.value);
    return answer.ok ? accept(writeRefund(answer.value)) : answer;
  };

  readonly getStatus: Operation = async ({ fields, caller }) => {
    const key = readKey(fields);
    if (!key.ok) return key;
    const find = checkKey(key.value);
    if (!find.ok) return find;
    const found = await getPaymentStatus(this.#parts, caller, find.value);
    return found.ok ? accept(writeStatus(found.value)) : found;
  };

  async #readComplete(command: Command): Promise<Result<CompletePaymentInput>> {
    const { fields, requestId } = command;
    const read = readAll({ payment: readKey(fields), paymentMethod: readTextOrNull(fields, "paymentMethod") });
    if (!read.ok) return read;
    const { payment, paymentMethod } = read.value;
    const amount = await this.#readAmount(payment, command, "complete");
    if (!amount.ok) return amount;
    const given = amount.value && { amount: amount.value };
    return checkComplete({ payment, ...given, paymentMethod: paymentMethod ?? "", requestId });
  }

  /** The document's amounts have no currency of their own where a payment is there already: they are in the payment's. Null: none is given. */
  async #readAmount(
    payment: Key,
    { fields, caller }: Command,
    action: "complete" | "refund",
  ): Promise<Result<Money | null>> {
    if (fields.values["amount"] === undefined || fields.values["amount"] === null) return accept(null);
    const named = readCurrencyOrNull(fields, "currency");
    if (!named.ok) return named;
    if (named.value !== null) return readAmount(fields, "amount", named.value);
    const find = checkKey(payment);
    if (!find.ok) return find;
    const currency = await getPaymentCurrency(this.#parts, caller, { find: find.value, action });
    return currency.ok ? readAmount(fields, "amount", currency.value) : currency;
  }
}

/** By subject. */
export function createOperations(options: OperationsOptions): ReadonlyMap<string, Operation> {
  const operations = new Operations(options);
  return new Map([
    ["create.payment.session", operations.createSession],
    ["complete.payment", operations.complete],
    ["process.refund.by.order", operations.refund],
    ["cancel.payment", operations.cancel],
    ["get.payment.status", operations.getStatus],
    ["capture.payment", operations.capture],
  ]);
}
