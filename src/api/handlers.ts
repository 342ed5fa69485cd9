// The handlers of payment.v1.PaymentService, once for every protocol: read the message, run the use case, write the message. How a message
// arrives, and how a refusal leaves, is the affair of grpc.ts and connect.ts.
import { create, type DescMethodUnary, type MessageShape } from "@bufbuild/protobuf";
import { cancelPayment } from "../app/cancel-payment.ts";
import { completePayment } from "../app/complete-payment.ts";
import { createPayment } from "../app/create-payment.ts";
import { getPayment, getPaymentStatus } from "../app/get-payment.ts";
import { listPayments } from "../app/list-payments.ts";
import type { Caller, Parts } from "../app/parts.ts";
import { refundPayment } from "../app/refund-payment.ts";
import { accept, type Result } from "../domain/error.ts";
import { parsePaymentId } from "../domain/ids.ts";
import {
  CancelPaymentResponseSchema,
  CompletePaymentResponseSchema,
  CreatePaymentResponseSchema,
  GetPaymentResponseSchema,
  ListPaymentsResponseSchema,
  type PaymentService,
  RefundPaymentResponseSchema,
} from "../../gen/payment/v1/payment_service_pb.ts";
import {
  readCreate,
  readFilter,
  readKey,
  readMoney,
  writeCheckout,
  writeHistory,
  writePayment,
  writeRefund,
  writeStatus,
} from "./codec.ts";

export type Handler<M extends DescMethodUnary> = (
  request: MessageShape<M["input"]>,
  caller: Caller,
) => Promise<Result<MessageShape<M["output"]>>>;

export type PaymentHandlers = {
  readonly [M in keyof typeof PaymentService.method]: Handler<(typeof PaymentService.method)[M]>;
};

export function createHandlers(parts: Parts, defaults: { readonly provider: string }): PaymentHandlers {
  return {
    async createPayment(request, caller) {
      const result = await createPayment(parts, caller, readCreate(request, defaults));
      if (!result.ok) return result;
      const { payment, checkout, clientSecret } = result.value;
      return accept(
        create(CreatePaymentResponseSchema, {
          payment: writePayment(payment),
          ...(checkout && { checkout: writeCheckout(checkout) }),
          clientSecret: clientSecret ?? "",
          clientToken: payment.clientToken,
        }),
      );
    },
    async completePayment(request, caller) {
      const find = readKey(request.payment);
      if (!find.ok) return find;
      const result = await completePayment(parts, caller, {
        find: find.value,
        paymentMethod: request.paymentMethod || null,
        amount: readMoney(request.amount),
        requestId: request.requestId,
      });
      if (!result.ok) return result;
      return accept(create(CompletePaymentResponseSchema, { payment: writePayment(result.value.payment) }));
    },
    async cancelPayment(request, caller) {
      const find = readKey(request.payment);
      if (!find.ok) return find;
      const { reason, requestId } = request;
      const result = await cancelPayment(parts, caller, { find: find.value, reason, requestId });
      if (!result.ok) return result;
      return accept(create(CancelPaymentResponseSchema, { payment: writePayment(result.value.payment) }));
    },
    async refundPayment(request, caller) {
      const find = readKey(request.payment);
      if (!find.ok) return find;
      const result = await refundPayment(parts, caller, {
        find: find.value,
        amount: readMoney(request.amount),
        reason: request.reason || null,
        requestId: request.requestId,
      });
      if (!result.ok) return result;
      const { payment, refund } = result.value;
      return accept(
        create(RefundPaymentResponseSchema, {
          payment: writePayment(payment),
          ...(refund && { refund: writeRefund(refund) }),
        }),
      );
    },
    async getPaymentStatus(request, caller) {
      const find = readKey(request.payment);
      if (!find.ok) return find;
      const result = await getPaymentStatus(parts, caller, find.value);
      return result.ok ? accept(writeStatus(result.value)) : result;
    },
    async getPayment(request, caller) {
      const paymentId = parsePaymentId(request.paymentId, "payment_id");
      if (!paymentId.ok) return paymentId;
      const result = await getPayment(parts, caller, paymentId.value);
      return result.ok ? accept(create(GetPaymentResponseSchema, { payment: writeHistory(result.value) })) : result;
    },
    async listPayments(request, caller) {
      const { pageSize, pageToken } = request;
      const result = await listPayments(parts, caller, {
        filter: readFilter(request),
        page: { pageSize, pageToken },
      });
      if (!result.ok) return result;
      const { items, nextPageToken } = result.value;
      return accept(create(ListPaymentsResponseSchema, { payments: items.map(writePayment), nextPageToken }));
    },
  };
}
