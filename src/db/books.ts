// Our books as reconciliation sees them.
import type { PaymentEvent, RunEvent } from "../domain/event.ts";
import { idFloor, type PaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import type { PaymentBooks } from "../domain/reconcile.ts";
import { tableColumns } from "./columns.ts";
import type { Database } from "./database.ts";
import type { DisputeRecord, OperationRecord, PaymentRecord, RefundRecord } from "./entities.ts";
import { runNamed } from "./named-query.ts";
import { disputeFromRecord, operationFromRecord, paymentFromRecord, refundFromRecord } from "./records.ts";
import { loadDisputesStatement, loadRefundsStatement } from "./statements/load-known.ts";
import * as statements from "./statements/reconcile.ts";

export interface IdRange {
  readonly provider: string;
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
  readonly limit: number;
}

export interface Books {
  /** The payments of a provider that were created within a span of time, oldest first. */
  listIds(range: IdRange): Promise<PaymentId[]>;
  /** All that is recorded of some payments; those that are not there are left out. */
  load(ids: readonly PaymentId[]): Promise<PaymentBooks[]>;
  /** False when there is such a payment, or its order has another live one; nothing was written then. */
  adopt(payment: Payment, event: PaymentEvent): Promise<boolean>;
  recordRun(event: RunEvent): Promise<void>;
}

export function createBooks(database: Database): Books {
  const { pool } = database;
  const columns = tableColumns(database.orm);
  const loadPayments = statements.loadPaymentsStatement(columns);
  const loadRefunds = loadRefundsStatement(columns);
  const loadDisputes = loadDisputesStatement(columns);
  const loadOperations = statements.loadOpenOperationsStatement(columns);
  const adopt = statements.adoptPaymentStatement(columns);
  const recordRun = statements.recordRunStatement(columns);
  return {
    async listIds({ provider, from, to, limit }) {
      const range = { provider, from: idFloor(from), to: idFloor(to), limit };
      const rows = await runNamed<{ id: PaymentId }>(pool, statements.listPaymentIdsStatement, [range]);
      return rows.map((row) => row.id);
    },
    async load(ids) {
      const byId = ids.map((id) => ({ id }));
      const byPayment = ids.map((paymentId) => ({ paymentId }));
      // First, so that a write that comes in between shows when the payment's revision is looked at again.
      const payments = (await runNamed<PaymentRecord>(pool, loadPayments, byId)).map(paymentFromRecord);
      const [refundRows, disputeRows, operationRows] = await Promise.all([
        runNamed<RefundRecord>(pool, loadRefunds, byPayment),
        runNamed<DisputeRecord>(pool, loadDisputes, byPayment),
        runNamed<OperationRecord>(pool, loadOperations, byId),
      ]);
      const refunds = Map.groupBy(refundRows.map(refundFromRecord), (refund) => refund.paymentId);
      const disputes = Map.groupBy(disputeRows.map(disputeFromRecord), (dispute) => dispute.paymentId);
      const operations = Map.groupBy(operationRows.map(operationFromRecord), (operation) => operation.paymentId);
      return payments.map((payment) => ({
        payment,
        refunds: refunds.get(payment.id) ?? [],
        disputes: disputes.get(payment.id) ?? [],
        operations: operations.get(payment.id) ?? [],
      }));
    },
    async adopt(payment, event) {
      return (await runNamed(pool, adopt, [statements.adoptPaymentRow(payment, event)])).length === 1;
    },
    async recordRun(event) {
      await runNamed(pool, recordRun, [statements.recordRunRow(event)]);
    },
  };
}
