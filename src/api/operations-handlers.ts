// The handlers of payment.v1.OperationsService, once for every protocol.
import { create, type DescMethodUnary } from "@bufbuild/protobuf";
import { getPaymentHistory, listLatePayments, listWebhookEvents, type OperatorParts } from "../app/operator-queries.ts";
import type { Caller } from "../app/parts.ts";
import { reconcile, type ReconcileRun } from "../app/reconcile.ts";
import type { ReconcileParts } from "../app/reconcile-payment.ts";
import { replayWebhook } from "../app/receive-webhook.ts";
import { accept, refuse, type Result } from "../domain/error.ts";
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
  const { operatorReads } = parts;

  function run(
    request: Parameters<typeof readReconcile>[0],
    caller: Caller,
    mode: { readonly apply: boolean; readonly tell: "always" | "never" },
  ): Promise<Result<ReconcileRun>> {
    const { principal, signal } = caller;
    return reconcile(parts, { ...readReconcile(request, parts.now()), ...mode, principal, signal });
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
    async listWebhookEvents(request) {
      const result = await listWebhookEvents(operatorReads, readWebhookFilter(request), request);
      if (!result.ok) return result;
      const { items, nextPageToken } = result.value;
      return accept(
        create(ListWebhookEventsResponseSchema, { webhookEvents: items.map(writeWebhookEvent), nextPageToken }),
      );
    },
    async replayWebhookEvent({ provider, eventId }) {
      if (await replayWebhook(parts, { provider, eventId })) return accept(create(ReplayWebhookEventResponseSchema));
      return refuse("WEBHOOK_EVENT_NOT_FOUND", `${provider} has sent no event ${eventId}`, {
        metadata: { provider, eventId },
      });
    },
    async getPaymentHistory(request) {
      const paymentId = parsePaymentId(request.paymentId, "payment_id");
      if (!paymentId.ok) return paymentId;
      const result = await getPaymentHistory(operatorReads, paymentId.value);
      if (!result.ok) return result;
      const events = result.value.map(writeHistoryEvent);
      return accept(create(GetPaymentHistoryResponseSchema, { paymentId: printPaymentId(paymentId.value), events }));
    },
    async listLatePayments(request) {
      const result = await listLatePayments(operatorReads, request);
      if (!result.ok) return result;
      const { items, nextPageToken } = result.value;
      return accept(create(ListLatePaymentsResponseSchema, { payments: items.map(writePayment), nextPageToken }));
    },
  };
}
