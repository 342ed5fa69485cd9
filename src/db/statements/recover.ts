// What the recovery worker asks: which operations are due, what is known of them, and which checkouts ran out of time.
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

/** Takes operations that are due, and puts each off, so that another worker, or the same one after a crash, tries it later. */
export function claimDueStatement(columns: TableColumns): NamedQuery {
  return {
    name: "claim-due",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (now timestamptz, "limit" int, "backoffBaseMs" int, "backoffMaxMs" int)
      ), due as materialized (
        select o.id from provider_operation o
        where o.state in ('IN_FLIGHT', 'UNKNOWN') and o.next_attempt_at <= (select now from input)
        order by o.next_attempt_at limit (select "limit" from input)
        for update skip locked
      )
      update provider_operation o set
        attempts = o.attempts + 1,
        next_attempt_at = i.now + least(i."backoffMaxMs", i."backoffBaseMs" * 2 ^ least(o.attempts, 20)) * interval '1 millisecond'
      from due, input i where o.id = due.id
      returning ${columns.operation.select("o")}`,
  };
}

/** Says that nobody knows yet what became of an operation, and when to ask again. */
export const markUnknownStatement: NamedQuery = {
  name: "mark-unknown",
  text: `
    update provider_operation o set state = 'UNKNOWN', last_problem = i.problem, next_attempt_at = i."nextAttemptAt", updated_at = i.now
    from json_to_recordset($1::json) as i (problem text, "nextAttemptAt" timestamptz, now timestamptz)
    where o.id = ($1::json -> 0 ->> 'id')::uuid and o.state in ('IN_FLIGHT', 'UNKNOWN')`,
};

/**
 * Has those that wait at a provider, tried in vain before, fall due now. What its own call may still be at is left to it. What another process tries just now is
 * tried twice, under the same key.
 */
export const bringForwardStatement: NamedQuery = {
  name: "bring-forward",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (provider text, now timestamptz)
    ), waiting as materialized (
      select o.id from provider_operation o join payment p on p.id = o.payment_id
      where o.state in ('IN_FLIGHT', 'UNKNOWN') and o.next_attempt_at > (select now from input) and o.attempts > 0
        and p.provider = (select provider from input)
      for update of o skip locked
    )
    update provider_operation o set next_attempt_at = i.now from waiting, input i where o.id = waiting.id`,
};

export function loadOperationStatement(columns: TableColumns): NamedQuery {
  return {
    name: "load-operation",
    text: `
      select ${columns.operation.select("o")}
      from json_to_recordset($1::json) as i (id uuid) join provider_operation o on o.id = i.id`,
  };
}

/** Unpaid checkouts whose time ran out, and which nobody is working on. */
export function findExpiredStatement(columns: TableColumns): NamedQuery {
  return {
    name: "find-expired",
    text: `
      select ${columns.payment.select("p")}
      from payment p
      where p.expires_at <= ($1::json -> 0 ->> 'now')::timestamptz
        and p.status in ('PENDING', 'REQUIRES_ACTION') and p.active_operation_id is null
      order by p.expires_at limit ($1::json -> 0 ->> 'limit')::int`,
  };
}

/**
 * Takes payments with a refund that the provider has not settled for a while, and that nobody is asking for; each is taken again after the
 * same while.
 */
export const claimUnsettledRefundsStatement: NamedQuery = {
  name: "claim-unsettled-refunds",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (now timestamptz, before timestamptz, "limit" int)
    ), due as materialized (
      select r.id from refund r
      where r.status = 'PENDING' and coalesce(r.checked_at, r.updated_at) <= (select before from input)
      order by coalesce(r.checked_at, r.updated_at) limit (select "limit" from input)
      for update skip locked
    )
    update refund r set checked_at = i.now from due, input i where r.id = due.id
    returning r.payment_id as "paymentId"`,
};
