// Requests of plain HTTP pass through the contract's own rules and translation, so that a field is as long, and the same request is the same request,
// through every door. Refusals name fields as the contract does; a dialect renames them.
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { CancelPaymentInput } from "../../app/cancel-payment.ts";
import type { CompletePaymentInput } from "../../app/complete-payment.ts";
import type { CreatePaymentInput } from "../../app/create-payment.ts";
import type { ListPaymentsInput } from "../../app/list-payments.ts";
import type { RefundPaymentInput } from "../../app/refund-payment.ts";
import { accept, type Result } from "../../domain/error.ts";
import type { PaymentKey } from "../../domain/query.ts";
import {
  CancelPaymentRequestSchema,
  CompletePaymentRequestSchema,
  CreatePaymentRequestSchema,
  GetPaymentStatusRequestSchema,
  ListPaymentsRequestSchema,
  RefundPaymentRequestSchema,
} from "../../../gen/payment/v1/payment_service_pb.ts";
import { readCreate, readFilter, readKey, readMoney } from "../codec.ts";
import { validate } from "../validation.ts";

function check<D extends DescMessage>(desc: D, init: MessageInitShape<D>): Result<MessageShape<D>> {
  const message = create(desc, init);
  const refused = validate(desc, message);
  return refused ? { ok: false, error: refused } : accept(message);
}

/** Absent fields have the contract's defaults. */
export function checkCreate(
  init: MessageInitShape<typeof CreatePaymentRequestSchema>,
  defaults: { readonly provider: string },
): Result<CreatePaymentInput> {
  const checked = check(CreatePaymentRequestSchema, init);
  return checked.ok ? accept(readCreate(checked.value, defaults)) : checked;
}

export function checkComplete(
  init: MessageInitShape<typeof CompletePaymentRequestSchema>,
): Result<CompletePaymentInput> {
  const checked = check(CompletePaymentRequestSchema, init);
  if (!checked.ok) return checked;
  const { payment, paymentMethod, amount, requestId } = checked.value;
  const find = readKey(payment);
  if (!find.ok) return find;
  return accept({ find: find.value, paymentMethod: paymentMethod || null, amount: readMoney(amount), requestId });
}

export function checkCancel(init: MessageInitShape<typeof CancelPaymentRequestSchema>): Result<CancelPaymentInput> {
  const checked = check(CancelPaymentRequestSchema, init);
  if (!checked.ok) return checked;
  const { payment, reason, requestId } = checked.value;
  const find = readKey(payment);
  return find.ok ? accept({ find: find.value, reason, requestId }) : find;
}

export function checkRefund(init: MessageInitShape<typeof RefundPaymentRequestSchema>): Result<RefundPaymentInput> {
  const checked = check(RefundPaymentRequestSchema, init);
  if (!checked.ok) return checked;
  const { payment, amount, reason, requestId } = checked.value;
  const find = readKey(payment);
  if (!find.ok) return find;
  return accept({ find: find.value, amount: readMoney(amount), reason: reason || null, requestId });
}

/** Which payment is asked for. */
export function checkKey(
  payment: MessageInitShape<typeof GetPaymentStatusRequestSchema>["payment"],
): Result<PaymentKey> {
  const checked = check(GetPaymentStatusRequestSchema, payment ? { payment } : {});
  return checked.ok ? readKey(checked.value.payment) : checked;
}

export function checkList(init: MessageInitShape<typeof ListPaymentsRequestSchema>): Result<ListPaymentsInput> {
  const checked = check(ListPaymentsRequestSchema, init);
  if (!checked.ok) return checked;
  const { pageSize, pageToken } = checked.value;
  return accept({ filter: readFilter(checked.value), page: { pageSize, pageToken } });
}
