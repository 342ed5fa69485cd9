// What the service remembers, as the use cases see it: each function is one statement, one transaction and one round trip, shared by the calls
// that come at the same time.
import type { Pool } from "pg";
import type { KnownPayment } from "../domain/decide-fact.ts";
import type { OperationId, PaymentId } from "../domain/ids.ts";
import type { Operation, RequestKey } from "../domain/operation.ts";
import type { Payment } from "../domain/payment.ts";
import { batched } from "./batch.ts";
import { type TableColumns, tableColumns } from "./columns.ts";
import type { Database } from "./database.ts";
import type { DisputeRecord, OperationRecord, PaymentRecord, RefundRecord } from "./entities.ts";
import { DatabaseUnavailable, type NamedQuery, runNamed, violates } from "./named-query.ts";
import { disputeFromRecord, operationFromRecord, paymentFromRecord, refundFromRecord } from "./records.ts";
import { type BeginCreate, beginCreateRow, beginCreateStatement } from "./statements/begin-create.ts";
import { type BeginOperation, beginOperationRow, beginOperationStatement } from "./statements/begin-operation.ts";
import { findByReferenceStatement, findBySessionStatement } from "./statements/find-payment.ts";
import { loadDisputesStatement, loadRefundsStatement } from "./statements/load-known.ts";
import { type LoadPayment, loadPaymentRow, loadPaymentStatement } from "./statements/load-payment.ts";
import { type RecordAnswer, recordAnswerRow, recordAnswerStatement } from "./statements/record-answer.ts";
import * as recover from "./statements/recover.ts";
import { type WriteMovement, writeMovementRow, writeMovementStatement } from "./statements/write-movement.ts";

/** What is known of a request id that was used before. `response` is null while its first call is under way. */
export interface KnownRequest {
  readonly fingerprint: string;
  readonly response: unknown;
}

export interface LoadedPayment {
  readonly payment: Payment | null;
  readonly request: KnownRequest | null;
}

export interface Store {
  /** `not-begun`: nothing was written, because the request id is known or the order has a live payment. */
  beginCreate(input: BeginCreate): Promise<"begun" | "not-begun">;
  /** `known`: the request id was used before. `moved`: the payment changed since the decision. In both cases nothing was written. */
  beginOperation(input: BeginOperation): Promise<"begun" | "known" | "moved">;
  /** `moved`: the payment changed since the decision, and nothing was written. */
  writeMovement(input: WriteMovement): Promise<"written" | "moved">;
  recordAnswer(input: RecordAnswer): Promise<"recorded" | "known">;
  loadPayment(input: LoadPayment): Promise<LoadedPayment>;
  loadOperation(id: OperationId): Promise<Operation | null>;
  /** What is known of a payment: what facts may speak of. Throws when there is no such payment. */
  loadKnown(paymentId: PaymentId): Promise<KnownPayment>;
  /** The same for a payment that was just read. */
  knownOf(payment: Payment): Promise<KnownPayment>;
  findByReference(provider: string, reference: string): Promise<Payment | null>;
  findBySession(sessionId: string): Promise<Payment | null>;
  markUnknown(
    id: OperationId,
    mark: { readonly problem: string; readonly nextAttemptAt: Date; readonly now: Date },
  ): Promise<void>;
  /** Takes operations that are due, and puts each off by a growing time. */
  claimDue(claim: {
    readonly now: Date;
    readonly limit: number;
    readonly backoffBaseMs: number;
    readonly backoffMaxMs: number;
  }): Promise<Operation[]>;
  /** Has those that wait at a provider, tried in vain before, fall due now. */
  bringForward(provider: string, now: Date): Promise<void>;
  findExpired(bound: { readonly now: Date; readonly limit: number }): Promise<Payment[]>;
  /** Takes payments with a refund that the provider left open since before a time. */
  claimUnsettledRefunds(bound: {
    readonly now: Date;
    readonly before: Date;
    readonly limit: number;
  }): Promise<PaymentId[]>;
}

/**
 * Calls in one set, and sets of one statement under way, at most. Sets that are not too large let PostgreSQL work on one while the answers of
 * another are sent: measured with 64 callers, this is a tenth faster than fewer and larger ones.
 */
const SETS = { sizeMax: 32, concurrencyMax: 4 };

type LoadedRow = Partial<PaymentRecord> & {
  ordinal: number;
  requestFingerprint: string | null;
  requestResponse: unknown;
};

function requestName(key: RequestKey): string {
  return `request ${key.principal} ${key.requestId}`;
}

function keyOf(key: RequestKey): string {
  return JSON.stringify([key.principal, key.requestId]);
}

/** Runs a read again when its connection broke: it changes nothing, and the pool gives it a new connection. */
async function rereading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DatabaseUnavailable && error.mayBeWritten) return read();
    throw error;
  }
}

function createBeginCreate(pool: Pool, statement: ReturnType<typeof beginCreateStatement>) {
  const run = batched<BeginCreate, "begun" | "not-begun">(
    async (inputs) => {
      const rows = await runNamed<RequestKey & { [column: string]: string }>(
        pool,
        statement,
        inputs.map(beginCreateRow),
      );
      const begun = new Set(rows.map(keyOf));
      return inputs.map((input) => (begun.has(keyOf(input.request)) ? "begun" : "not-begun"));
    },
    {
      keysOf: (input) => [requestName(input.request), `order ${input.payment.orderId}`],
      ...SETS,
    },
  );
  return async (input: BeginCreate): Promise<"begun" | "not-begun"> => {
    try {
      return await run(input);
    } catch (error) {
      // Another process created a payment for the order between this statement's look and its write.
      if (violates(error, "payment_live_order")) return "not-begun";
      throw error;
    }
  };
}

function createBeginOperation(pool: Pool, statement: ReturnType<typeof beginOperationStatement>) {
  return batched<BeginOperation, "begun" | "known" | "moved">(
    async (inputs) => {
      const rows = await runNamed<{ paymentId: string; begun: boolean }>(
        pool,
        statement,
        inputs.map(beginOperationRow),
      );
      const begun = new Map(rows.map((row) => [row.paymentId, row.begun]));
      return inputs.map(({ payment }) => {
        const row = begun.get(payment.id);
        return row === undefined ? "moved" : row ? "begun" : "known";
      });
    },
    {
      keysOf: ({ payment, request }) => (request ? [payment.id, requestName(request)] : [payment.id]),
      ...SETS,
    },
  );
}

function createWriteMovement(pool: Pool, statement: ReturnType<typeof writeMovementStatement>) {
  return batched<WriteMovement, "written" | "moved">(
    async (inputs) => {
      const rows = await runNamed<{ paymentId: string }>(pool, statement, inputs.map(writeMovementRow));
      const written = new Set(rows.map((row) => row.paymentId));
      return inputs.map(({ movement }) => (written.has(movement.payment.id) ? "written" : "moved"));
    },
    { keysOf: ({ movement }) => [movement.payment.id], ...SETS },
  );
}

function createRecordAnswer(pool: Pool) {
  return batched<RecordAnswer, "recorded" | "known">(
    async (inputs) => {
      const rows = await runNamed<RequestKey & { [column: string]: string }>(
        pool,
        recordAnswerStatement,
        inputs.map(recordAnswerRow),
      );
      const recorded = new Set(rows.map(keyOf));
      return inputs.map((input) => (recorded.has(keyOf(input.request)) ? "recorded" : "known"));
    },
    { keysOf: (input) => [requestName(input.request)], ...SETS },
  );
}

function readLoaded(row: LoadedRow): LoadedPayment {
  return {
    payment: row.id ? paymentFromRecord(row as PaymentRecord) : null,
    request:
      row.requestFingerprint === null ? null : { fingerprint: row.requestFingerprint, response: row.requestResponse },
  };
}

function createLoadPayment(pool: Pool, statement: ReturnType<typeof loadPaymentStatement>) {
  const run = batched<LoadPayment, LoadedPayment>(
    async (inputs) => {
      const rows = await runNamed<LoadedRow>(pool, statement, inputs.map(loadPaymentRow));
      const loaded = new Array<LoadedPayment>(inputs.length);
      for (const row of rows) loaded[row.ordinal] = readLoaded(row);
      return loaded;
    },
    { keysOf: () => [], ...SETS },
  );
  return (input: LoadPayment): Promise<LoadedPayment> => rereading(() => run(input));
}

function createKnownOf(pool: Pool, columns: TableColumns): Store["knownOf"] {
  const loadRefunds = loadRefundsStatement(columns);
  const loadDisputes = loadDisputesStatement(columns);
  return async (payment) => {
    const key = { paymentId: payment.id };
    const [refunds, disputes] = await Promise.all([
      rereading(() => runNamed<RefundRecord>(pool, loadRefunds, [key])),
      rereading(() => runNamed<DisputeRecord>(pool, loadDisputes, [key])),
    ]);
    return { payment, refunds: refunds.map(refundFromRecord), disputes: disputes.map(disputeFromRecord) };
  };
}

export function createStore(database: Database): Store {
  const { orm, pool } = database;
  const columns = tableColumns(orm);
  const claimDue = recover.claimDueStatement(columns);
  const loadOperation = recover.loadOperationStatement(columns);
  const findByReference = findByReferenceStatement(columns);
  const findBySession = findBySessionStatement(columns);
  const findExpired = recover.findExpiredStatement(columns);
  const loadPayment = createLoadPayment(pool, loadPaymentStatement(columns));
  const knownOf = createKnownOf(pool, columns);
  const findOne = async (query: NamedQuery, key: object): Promise<Payment | null> => {
    const [row] = await rereading(() => runNamed<PaymentRecord>(pool, query, [key]));
    return row ? paymentFromRecord(row) : null;
  };
  return {
    beginCreate: createBeginCreate(pool, beginCreateStatement(columns)),
    beginOperation: createBeginOperation(pool, beginOperationStatement(columns)),
    writeMovement: createWriteMovement(pool, writeMovementStatement(columns)),
    recordAnswer: createRecordAnswer(pool),
    loadPayment,
    knownOf,
    async loadKnown(paymentId) {
      const { payment } = await loadPayment({ find: { paymentId }, request: null });
      if (!payment) throw new Error(`payment ${paymentId} is gone`);
      return knownOf(payment);
    },
    findByReference: (provider, reference) => findOne(findByReference, { provider, reference }),
    findBySession: (sessionId) => findOne(findBySession, { sessionId }),
    async loadOperation(id) {
      const [row] = await rereading(() => runNamed<OperationRecord>(pool, loadOperation, [{ id }]));
      return row ? operationFromRecord(row) : null;
    },
    async markUnknown(id, mark) {
      await runNamed(pool, recover.markUnknownStatement, [{ id, ...mark }]);
    },
    async claimDue(claim) {
      return (await runNamed<OperationRecord>(pool, claimDue, [claim])).map(operationFromRecord);
    },
    async bringForward(provider, now) {
      await runNamed(pool, recover.bringForwardStatement, [{ provider, now }]);
    },
    async findExpired(bound) {
      return (await runNamed<PaymentRecord>(pool, findExpired, [bound])).map(paymentFromRecord);
    },
    async claimUnsettledRefunds(bound) {
      const rows = await runNamed<{ paymentId: PaymentId }>(pool, recover.claimUnsettledRefundsStatement, [bound]);
      return [...new Set(rows.map((row) => row.paymentId))];
    },
  };
}
