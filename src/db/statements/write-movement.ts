// The transaction in which a payment moves: under its lock, and only if it is still as it was when the movement was decided, the payment, its
// refunds, the operation that the provider answered, the events, the operations that are now owed, and the caller's answer change together.
import type { Movement } from "../../domain/decide-fact.ts";
import type { Operation, OperationState, RequestKey } from "../../domain/operation.ts";
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";
import { disputeToRecord, operationToRecord, progressToRecord, refundToRecord } from "../records.ts";

export interface WriteMovement {
  /** The payment's revision when the movement was decided. */
  readonly revision: number;
  readonly movement: Movement;
  /** The operation that the provider answered, and where it ends. */
  readonly settled: {
    readonly operation: Operation;
    readonly state: OperationState;
    readonly problem: string | null;
    /** Nothing is written once the recovery worker has taken the operation up. */
    readonly untakenOnly?: boolean;
  } | null;
  /** The operations that the movement makes necessary. */
  readonly owed: readonly Operation[];
  /** Where the answer goes: `response` is kept as the answer; null gives the request id back, since nothing was attempted under it. */
  readonly request: { readonly key: RequestKey; readonly response: unknown } | null;
}

export function writeMovementStatement(columns: TableColumns): NamedQuery {
  const { progress, refund, dispute, operation, event } = columns;
  return {
    name: "write-movement",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (
          "paymentId" uuid, "expectedRevision" int, progress json, "operationId" uuid, "operationState" text, problem text,
          "untakenOnly" boolean, now timestamptz,
          refunds json, disputes json, owed json, events json, principal text, "requestId" text, response json
        )
      ), locked as materialized (
        select p.id, p.revision from payment p join input i on i."paymentId" = p.id order by p.id for no key update of p
      ), untaken as materialized (
        -- Under its lock from here on, so that nobody takes it up before it is settled. After the payment's, as in "settled".
        select u.id from locked l join input i on i."paymentId" = l.id and i."untakenOnly" cross join lateral (
          select o.id from provider_operation o where o.id = i."operationId" and o.attempts = 0 for no key update
        ) u
      ), current as materialized (
        select i.* from input i join locked l on l.id = i."paymentId" and l.revision = i."expectedRevision"
        where i."untakenOnly" is not true or exists (select from untaken u where u.id = i."operationId")
      ), moved as (
        update payment p set ${progress.assign("r")}
        from current c cross join lateral json_to_record(c.progress) as r (${progress.definition})
        where p.id = c."paymentId"
      ), settled as (
        update provider_operation o set state = c."operationState", last_problem = c.problem, updated_at = c.now
        from current c where o.id = c."operationId"
        returning o.id
      ), refunded as (
        insert into refund (${refund.names})
        select ${refund.of("r")} from current c cross join lateral json_to_recordset(c.refunds) as r (${refund.definition})
        on conflict (id) do update set
          status = excluded.status, provider_reference = excluded.provider_reference, failure = excluded.failure,
          updated_at = excluded.updated_at
      ), disputed as (
        insert into dispute (${dispute.names})
        select ${dispute.of("r")} from current c cross join lateral json_to_recordset(c.disputes) as r (${dispute.definition})
        on conflict (payment_id, provider_reference) do update set
          status = excluded.status, updated_at = excluded.updated_at
      ), owed as (
        insert into provider_operation (${operation.names})
        select ${operation.of("r")} from current c cross join lateral json_to_recordset(c.owed) as r (${operation.definition})
        -- After "settled", whose operation makes room among the active ones.
        where (select count(*) from settled) >= 0
      ), recorded as (
        insert into payment_event (${event.names})
        select ${event.of("r")} from current c cross join lateral json_to_recordset(c.events) as r (${event.definition})
      ), answered as (
        update request q set response = c.response
        from current c
        where q.principal = c.principal and q.request_id = c."requestId" and q.response is null and c.response is not null
      ), released as (
        delete from request q using current c
        where q.principal = c.principal and q.request_id = c."requestId" and q.response is null and c.response is null
      )
      select "paymentId" from current`,
  };
}

export function writeMovementRow(input: WriteMovement): unknown {
  const { movement, settled, request } = input;
  const { payment } = movement;
  return {
    paymentId: payment.id,
    expectedRevision: input.revision,
    progress: progressToRecord(payment),
    operationId: settled?.operation.id,
    operationState: settled?.state,
    problem: settled?.problem,
    untakenOnly: settled?.untakenOnly || undefined,
    now: payment.updatedAt,
    refunds: movement.refunds.map(refundToRecord),
    // Seldom any: left out, so that the statement has nothing to unfold.
    disputes: movement.disputes.length > 0 ? movement.disputes.map(disputeToRecord) : undefined,
    owed: input.owed.map(operationToRecord),
    events: movement.events,
    principal: request?.key.principal,
    requestId: request?.key.requestId,
    response: request?.response ?? undefined,
  };
}
