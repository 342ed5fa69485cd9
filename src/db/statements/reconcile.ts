// What reconciliation reads and writes: the payments of a span of time by their ids, which begin with the time; all that is recorded of some of
// them; a payment that was lost here; and the event that tells of a run.
import type { PaymentEvent, RunEvent } from "../../domain/event.ts";
import type { Payment } from "../../domain/payment.ts";
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";
import { paymentToRecord } from "../records.ts";

export const listPaymentIdsStatement: NamedQuery = {
  name: "list-payment-ids",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (provider text, "from" uuid, "to" uuid, "limit" int)
    )
    select p.id from payment p
    where p.id >= (select "from" from input) and p.id < (select "to" from input) and p.provider = (select provider from input)
    order by p.id limit (select "limit" from input)`,
};

export function loadPaymentsStatement(columns: TableColumns): NamedQuery {
  return {
    name: "load-payments",
    text: `
      select ${columns.payment.select("p")}
      from json_to_recordset($1::json) as i (id uuid) join payment p on p.id = i.id order by p.id`,
  };
}

/** Those of a few payments. What is open at one time is little, so it is looked through. */
export function loadOpenOperationsStatement(columns: TableColumns): NamedQuery {
  return {
    name: "load-open-operations",
    text: `
      select ${columns.operation.select("o")}
      from provider_operation o
      where o.state in ('IN_FLIGHT', 'UNKNOWN') and o.next_attempt_at <= 'infinity'
        and o.payment_id = any (array(select i.id from json_to_recordset($1::json) as i (id uuid)))
      order by o.id`,
  };
}

/** Writes a payment and its first event, unless the payment is there, or its order has another live one. */
export function adoptPaymentStatement(columns: TableColumns): NamedQuery {
  const { payment, event } = columns;
  return {
    name: "adopt-payment",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (payment json, event json)
      ), adopted as (
        insert into payment (${payment.names})
        select ${payment.of("r")} from input i cross join lateral json_to_record(i.payment) as r (${payment.definition})
        on conflict do nothing
        returning id
      ), recorded as (
        insert into payment_event (${event.names})
        select ${event.of("r")} from input i cross join lateral json_to_record(i.event) as r (${event.definition})
        where (select id from adopted) is not null
      )
      select id from adopted`,
  };
}

export function adoptPaymentRow(payment: Payment, event: PaymentEvent): unknown {
  return { payment: paymentToRecord(payment), event };
}

export function recordRunStatement(columns: TableColumns): NamedQuery {
  return {
    name: "record-run",
    text: `
      insert into payment_event (${columns.event.names})
      select ${columns.event.of("r")} from json_to_recordset($1::json) as r (${columns.event.definition})`,
  };
}

export function recordRunRow(event: RunEvent): unknown {
  // It is the only one of its kind: there is no order among events of no payment.
  return { ...event, paymentId: null, version: 1, status: null };
}
