// The reads of those who run the service.
import type { PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import type { HistoryEvent } from "../domain/query.ts";
import type { WebhookFilter, WebhookSummary } from "../domain/webhook.ts";
import { tableColumns } from "./columns.ts";
import type { Database } from "./database.ts";
import type { PaymentRecord } from "./entities.ts";
import { runNamed } from "./named-query.ts";
import { paymentFromRecord } from "./records.ts";
import { listLateStatement, listWebhooksStatement, readHistoryStatement } from "./statements/operator-reads.ts";

/** The place of a webhook event in the order in which they came. */
export interface WebhookPlace {
  readonly receivedAt: Date;
  readonly provider: string;
  readonly eventId: string;
}

export interface OperatorReads {
  /** Newest first, those after `after` where it is given. */
  listWebhooks(
    filter: WebhookFilter,
    page: { readonly after: WebhookPlace | null; readonly limit: number },
  ): Promise<WebhookSummary[]>;
  /** Oldest first. */
  readHistory(id: PaymentId): Promise<HistoryEvent[]>;
  /** Newest first, those after `after` where it is given. */
  listLate(page: { readonly after: PaymentId | null; readonly limit: number }): Promise<Payment[]>;
}

/** More changes than any payment has: attempts and refunds are bounded far below. */
const HISTORY_MAX = 1_000;
const ID_CEILING = "ffffffff-ffff-ffff-ffff-ffffffffffff";

export function createOperatorReads(database: Database): OperatorReads {
  const { pool } = database;
  const listLate = listLateStatement(tableColumns(database.orm));
  return {
    listWebhooks({ provider, states, type, receivedFrom, receivedTo }, { after, limit }) {
      const bounds = {
        from: receivedFrom ?? "-infinity",
        to: receivedTo ?? "infinity",
        afterTime: after?.receivedAt ?? "infinity",
        afterProvider: after?.provider ?? "",
        afterEventId: after?.eventId ?? "",
      };
      return runNamed<WebhookSummary>(pool, listWebhooksStatement, [{ provider, states, type, ...bounds, limit }]);
    },
    readHistory: (paymentId) => runNamed<HistoryEvent>(pool, readHistoryStatement, [{ paymentId, limit: HISTORY_MAX }]),
    async listLate({ after, limit }) {
      const rows = await runNamed<PaymentRecord>(pool, listLate, [{ before: after ?? ID_CEILING, limit }]);
      return rows.map(paymentFromRecord);
    },
  };
}
