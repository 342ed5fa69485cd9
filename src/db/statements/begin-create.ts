// The first transaction of CreatePayment: the request is claimed, and payment, operation and event are written, all or nothing. It is
// committed before the provider is called: a crash after that leaves rows to recover from.
import type { PaymentEvent } from "../../domain/event.ts";
import type { Operation, RequestKey } from "../../domain/operation.ts";
import type { Payment } from "../../domain/payment.ts";
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";
import { operationToRecord, paymentToRecord } from "../records.ts";

export interface BeginCreate {
  readonly request: RequestKey;
  readonly fingerprint: string;
  readonly payment: Payment;
  readonly operation: Operation;
  readonly event: PaymentEvent;
}

export function beginCreateStatement(columns: TableColumns): NamedQuery {
  const { payment, operation, event } = columns;
  return {
    name: "begin-create",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (
          principal text, "requestId" text, fingerprint text, "createdAt" timestamptz, "orderId" text,
          payment json, operation json, event json
        )
      ), claimed as (
        insert into request (principal, request_id, fingerprint, created_at)
        select i.principal, i."requestId", i.fingerprint, i."createdAt" from input i
        -- A look-up for each row: "not exists" may be planned as a join that reads all live payments.
        where (select p.id from payment p where p.order_id = i."orderId" and p.live limit 1) is null
        order by i.principal, i."requestId"
        on conflict (principal, request_id) do nothing
        returning principal, request_id
      ), begun as materialized (
        select i.* from input i join claimed c on c.principal = i.principal and c.request_id = i."requestId"
      ), created as (
        insert into payment (${payment.names})
        select ${payment.of("r")} from begun b cross join lateral json_to_record(b.payment) as r (${payment.definition})
      ), decided as (
        insert into provider_operation (${operation.names})
        select ${operation.of("r")} from begun b cross join lateral json_to_record(b.operation) as r (${operation.definition})
      ), recorded as (
        insert into payment_event (${event.names})
        select ${event.of("r")} from begun b cross join lateral json_to_record(b.event) as r (${event.definition})
      )
      select principal, request_id as "requestId" from claimed`,
  };
}

export function beginCreateRow(input: BeginCreate): unknown {
  return {
    ...input.request,
    fingerprint: input.fingerprint,
    createdAt: input.payment.createdAt,
    orderId: input.payment.orderId,
    payment: paymentToRecord(input.payment),
    operation: operationToRecord(input.operation),
    event: input.event,
  };
}
