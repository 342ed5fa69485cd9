// What each subject does: the payload of the canonical document is read, the use case is called, and its answer is written as the canonical REST
// dialect writes it.
import type { Answer } from "../../app/answer.ts";
import { cancelPayment } from "../../app/cancel-payment.ts";
import { capturePayment } from "../../app/capture-payment.ts";
import { completePayment } from "../../app/complete-payment.ts";
import { createPayment } from "../../app/create-payment.ts";
import { getPaymentStatus } from "../../app/get-payment.ts";
import type { Caller, Parts } from "../../app/parts.ts";
import { getPaymentCurrency } from "../../app/payment-currency.ts";
import { refundPayment } from "../../app/refund-payment.ts";
import { accept, refuse, type Result } from "../../domain/error.ts";
import { printPaymentId } from "../../domain/ids.ts";
import { writeCanceled, writeCompleted, writeCreated, writeRefund, writeStatus } from "../json/canonical-answers.ts";
import {
  type JsonChange,
  type NamedPayment,
  readCancel,
  readComplete,
  readCreate,
  readRefund,
} from "../json/canonical-requests.ts";
import { checkKey } from "../json/contract.ts";
import { declineOf } from "../json/decline.ts";
import { type Fields, readText, readTextOrNull } from "../json/fields.ts";

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

/** The payment that a message speaks of: by its own id, or as its order's newest. */
function readNamed(fields: Fields): Result<NamedPayment> {
  const paymentId = readTextOrNull(fields, "paymentId");
  if (!paymentId.ok) return paymentId;
  if (paymentId.value !== null) return accept({ case: "paymentId", value: paymentId.value });
  const orderId = readText(fields, "orderId");
  return orderId.ok ? accept({ case: "orderId", value: orderId.value }) : orderId;
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

  readonly createSession: Operation = async ({ fields, requestId, caller }) => {
    const input = readCreate({ fields, requestId: accept(requestId) }, { provider: this.#provider });
    if (!input.ok) return input;
    const answer = await createPayment(this.#parts, caller, input.value);
    return answer.ok ? printCreated(answer.value) : answer;
  };

  readonly complete: Operation = async (command) => {
    const input = await readComplete(this.#changeOf(command, "complete"));
    if (!input.ok) return input;
    const answer = await completePayment(this.#parts, command.caller, input.value);
    return answer.ok ? printCompleted(answer.value) : answer;
  };

  readonly capture: Operation = async (command) => {
    const input = await readComplete(this.#changeOf(command, "complete"));
    if (!input.ok) return input;
    const answer = await capturePayment(this.#parts, command.caller, input.value);
    return answer.ok ? printCompleted(answer.value) : answer;
  };

  readonly cancel: Operation = async ({ fields, requestId, caller }) => {
    const input = readCancel({ fields, requestId: accept(requestId), payment: readNamed(fields) });
    if (!input.ok) return input;
    const answer = await cancelPayment(this.#parts, caller, input.value);
    return answer.ok ? accept(writeCanceled(answer.value.payment)) : answer;
  };

  readonly refund: Operation = async (command) => {
    const input = await readRefund(this.#changeOf(command, "refund"));
    if (!input.ok) return input;
    const answer = await refundPayment(this.#parts, command.caller, input.value);
    return answer.ok ? accept(writeRefund(answer.value)) : answer;
  };

  readonly getStatus: Operation = async ({ fields, caller }) => {
    const named = readNamed(fields);
    if (!named.ok) return named;
    const find = checkKey(named.value);
    if (!find.ok) return find;
    const found = await getPaymentStatus(this.#parts, caller, find.value);
    return found.ok ? accept(writeStatus(found.value)) : found;
  };

  #changeOf({ fields, requestId, caller }: Command, action: "complete" | "refund"): JsonChange {
    return {
      fields,
      requestId: accept(requestId),
      payment: readNamed(fields),
      currencyOf: (find) => getPaymentCurrency(this.#parts, caller, { find, action }),
    };
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
