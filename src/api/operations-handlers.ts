// The handlers of payment.v1.OperationsService, once for every protocol.
import { create, type DescMethodUnary } from "@bufbuild/protobuf";
import { getPaymentHistory, listLatePayments, listWebhookEvents, type OperatorParts } from "../app/operator-queries.ts";
import type { Caller } from "../app/parts.ts";
import { reconcile, type ReconcileRun } from "../app/reconcile.ts";
import type { ReconcileParts } from "../app/reconcile-payment.ts";
import { replayWebhook } from "../app/receive-webhook.ts";
import { accept, type Result } from "../domain/error.ts";
import { parsePaymentId, printPaymentId } from "../domain/ids.ts";
import {
  ApplyReconciliationResponseSchema,
  GetPaymentHistoryResponseSchema,
  ListLatePaymentsResponseSchema,
  ListWebhookEventsResponseSchema,
  type OperationsService,
  PlanReconciliationResponseSchema,
  ReplayWebhookEventResponseSchema,
} from "../../gen/payment/v1/operations_service_pb.ts";
import { writePayment } from "./codec.ts";
import type { Handler } from "./handlers.ts";
import {
  readReconcile,
  readWebhookFilter,
  writeHistoryEvent,
  writeReconciliation,
  writeWebhookEvent,
} from "./operations-codec.ts";

export type OperationsHandlers = {
  readonly [M in keyof typeof OperationsService.method]: (typeof OperationsService.method)[M] extends DescMethodUnary
    ? Handler<(typeof OperationsService.method)[M]>
    : never;
};

export type OperationsParts = ReconcileParts & OperatorParts;

export function createOperationsHandlers(parts: OperationsParts): OperationsHandlers {
  function run(
    request: Parameters<typeof readReconcile>[0],
    caller: Caller,
    mode: { readonly apply: boolean; readonly tell: "always" | "never" },
  ): Promise<Result<ReconcileRun>> {
    return reconcile(parts, caller, { ...readReconcile(request, parts.now()), ...mode });
  }

  return {
    async planReconciliation(request, caller) {
      const result = await run(request, caller, { apply: false, tell: "never" });
      if (!result.ok) return result;
      return accept(create(PlanReconciliationResponseSchema, { reconciliation: writeReconciliation(result.value) }));
    },
    async applyReconciliation(request, caller) {
      const result = await run(request, caller, { apply: true, tell: "always" });
      if (!result.ok) return result;
      return accept(create(ApplyReconciliationResponseSchema, { reconciliation: writeReconciliation(result.value) }));
    },
    async listWebhookEvents(request, caller) {
      const result = await listWebhookEvents(parts, caller, { filter: readWebhookFilter(request), page: request });
      if (!result.ok) return result;
      const { items, nextPageToken } = result.value;
      return accept(
        create(ListWebhookEventsResponseSchema, { webhookEvents: items.map(writeWebhookEvent), nextPageToken }),
      );
    },
    async replayWebhookEvent({ provider, eventId }, caller) {
      const result = await replayWebhook(parts, caller, { provider, eventId });
      return result.ok ? accept(create(ReplayWebhookEventResponseSchema)) : result;
    },
    async getPaymentHistory(request, caller) {
      const paymentId = parsePaymentId(request.paymentId, "payment_id");
      if (!paymentId.ok) return paymentId;
      const result = await getPaymentHistory(parts, caller, paymentId.value);
      if (!result.ok) return result;
      const events = result.value.map(writeHistoryEvent);
      return accept(create(GetPaymentHistoryResponseSchema, { paymentId: printPaymentId(paymentId.value), events }));
    },
    async listLatePayments(request, caller) {
      const result = await listLatePayments(parts, caller, request);
      if (!result.ok) return result;
      const { items, nextPageToken } = result.value;
      return accept(create(ListLatePaymentsResponseSchema, { payments: items.map(writePayment), nextPageToken }));
    },
  };
}
