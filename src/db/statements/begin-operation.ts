// The first transaction of every call that changes an existing payment: under the payment's lock, and only if the payment is still as it was
// when the decision was made, the request is claimed, the operation is written down, and a refund reserves its amount.
import type { Operation, RequestKey } from "../../domain/operation.ts";
import type { Payment } from "../../domain/payment.ts";
import type { Refund } from "../../domain/refund.ts";
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";
import { operationToRecord, refundToRecord } from "../records.ts";

export interface BeginOperation {
  /** Null for what the service decides by itself. */
  readonly request: (RequestKey & { readonly fingerprint: string }) | null;
  /** As the decision saw it. */
  readonly payment: Payment;
  readonly operation: Operation;
  /** Its amount is reserved; null for other operations. */
  readonly refund: Refund | null;
}

export function beginOperationStatement(columns: TableColumns): NamedQuery {
  const { operation, refund } = columns;
  return {
    name: "begin-operation",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (
          "paymentId" uuid, revision int, principal text, "requestId" text, fingerprint text, "createdAt" timestamptz,
          "activeOperationId" uuid, "reservedMinor" bigint, operation json, refund json
        )
      ), locked as materialized (
        select p.id, p.revision from payment p join input i on i."paymentId" = p.id order by p.id for no key update of p
      ), current as materialized (
        select i.* from input i join locked l on l.id = i."paymentId" and l.revision = i.revision
      ), claimed as (
        insert into request (principal, request_id, fingerprint, created_at)
        select c.principal, c."requestId", c.fingerprint, c."createdAt" from current c where c."requestId" is not null
        order by c.principal, c."requestId"
        on conflict (principal, request_id) do nothing
        returning principal, request_id
      ), begun as materialized (
        select c.* from current c where c."requestId" is null
        union all
        select c.* from current c join claimed q on q.principal = c.principal and q.request_id = c."requestId"
      ), reserved as (
        update payment p set
          revision = p.revision + 1,
          active_operation_id = coalesce(b."activeOperationId", p.active_operation_id),
          refund_pending_minor = p.refund_pending_minor + b."reservedMinor"
        from begun b where p.id = b."paymentId"
      ), decided as (
        insert into provider_operation (${operation.names})
        select ${operation.of("r")} from begun b cross join lateral json_to_record(b.operation) as r (${operation.definition})
      ), refunded as (
        insert into refund (${refund.names})
        select ${refund.of("r")} from begun b cross join lateral json_to_record(b.refund) as r (${refund.definition})
        where b.refund is not null
      )
      select c."paymentId", b."paymentId" is not null as begun
      from current c left join begun b on b."paymentId" = c."paymentId"`,
  };
}

export function beginOperationRow(input: BeginOperation): unknown {
  const { payment, operation, refund, request } = input;
  return {
    paymentId: payment.id,
    revision: payment.revision,
    principal: request?.principal,
    requestId: request?.requestId,
    fingerprint: request?.fingerprint,
    createdAt: operation.createdAt,
    activeOperationId: refund ? null : operation.id,
    reservedMinor: refund?.amount.minor.toString() ?? "0",
    operation: operationToRecord(operation),
    refund: refund ? refundToRecord(refund) : undefined,
  };
}
