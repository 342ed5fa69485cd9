// What those who run the service ask: which webhooks came, what happened to a payment, and which payments hold late money.
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

/** Newest first. Without the body and the headers, which are for nobody's eyes. */
export const listWebhooksStatement: NamedQuery = {
  name: "list-webhooks",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (
        provider text, states json, type text, "from" timestamptz, "to" timestamptz,
        "afterTime" timestamptz, "afterProvider" text, "afterEventId" text, "limit" int
      )
    )
    select w.provider, w.event_id as "eventId", w.type, w.state, w.note, w.payment_id as "paymentId", w.attempts,
      w.next_attempt_at as "nextAttemptAt", w.received_at as "receivedAt", w.updated_at as "updatedAt"
    from input i cross join lateral (
      select * from webhook_event e
      where e.received_at >= i."from" and e.received_at < i."to"
        and (e.received_at, e.provider, e.event_id) < (i."afterTime", i."afterProvider", i."afterEventId")
        and (i.provider is null or e.provider = i.provider)
        and (i.type is null or e.type = i.type)
        and (json_array_length(i.states) = 0 or e.state in (select json_array_elements_text(i.states)))
      order by e.received_at desc, e.provider desc, e.event_id desc limit i."limit"
    ) w
    order by w.received_at desc, w.provider desc, w.event_id desc`,
};

/** The body as text, since its decimals can have more digits than a double holds. */
export const readHistoryStatement: NamedQuery = {
  name: "read-history",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i ("paymentId" uuid, "limit" int)
    )
    select e.id, e.payment_id as "paymentId", e.version, e.type, e.status, e.data::text as body, e.created_at as "createdAt",
      e.published_at as "publishedAt"
    from payment_event e where e.payment_id = (select "paymentId" from input)
    order by e.version limit (select "limit" from input)`,
};

/** Closed payments that hold money, newest first. */
export function listLateStatement(columns: TableColumns): NamedQuery {
  return {
    name: "list-late",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (before uuid, "limit" int)
      )
      select ${columns.payment.select("p")}
      from payment p
      where not p.live and p.captured_minor > p.refunded_minor + p.refund_pending_minor and p.id < (select before from input)
      order by p.id desc limit (select "limit" from input)`,
  };
}
