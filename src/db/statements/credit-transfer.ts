// The transactions in which credits move: the accounts are locked in one order, so that nobody waits in a circle; then the transfer, its entries and
// the new balances are written, all or nothing.
import type { Leg, Transfer } from "../../domain/credit.ts";
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

/**
 * Gives the legs of `moving` (id, accountId, credits, at) to their accounts, which are locked. The new balance is reckoned from the one that the lock
 * showed: to the update itself the row is, at first, as it was when the statement began, and a balance that was reckoned from that would be held
 * against the table's checks before the update finds out that there is a newer one. Several of a set may concern an account of the house:
 * each entry has the balance as it is after it, in the order in which the entries get their positions.
 */
const MOVE = `
      balanced as (
        update credit_account a set balance = m.balance, updated_at = m.at
        from (
          select k.id, k.balance + sum(g.credits)::bigint as balance, max(g.at) as at
          from moving g join locked k on k.id = g."accountId" group by k.id, k.balance
        ) m
        where a.id = m.id
        returning a.id, a.balance
      ), entered as (
        insert into credit_entry (transfer_id, account_id, credits, balance, created_at)
        select m.id, m."accountId", m.credits, b.balance - coalesce(m.later, 0)::bigint, m.at
        from (
          select g.*, sum(g.credits) over (
            partition by g."accountId" order by g.id rows between 1 following and unbounded following
          ) as later
          from moving g
        ) m join balanced b on b.id = m."accountId"
        order by m.id
      )`;

const LEGS = `
      legs as materialized (
        select i.id, l."accountId", l.credits from input i
        cross join lateral json_to_recordset(i.legs) as l ("accountId" uuid, credits bigint)
      ), locked as materialized (
        select a.id, a.kind, a.balance from credit_account a
        where a.id = any (array(select l."accountId" from legs l)) order by a.id for no key update
      )`;

/**
 * Where a customer has too few credits the transfer is written as DECLINED, and nothing moves. Gives the effect of those that were written: no row
 * where there is such a transfer, or one of the same place among those of its payment.
 */
export function transferCreditsStatement({ creditTransfer }: TableColumns): NamedQuery {
  return {
    name: "transfer-credits",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (id uuid, transfer json, legs json)
      ), ${LEGS}, short as materialized (
        select distinct l.id from legs l join locked k on k.id = l."accountId"
        where k.kind = 'CUSTOMER' and k.balance + l.credits < 0
      ), written as (
        insert into credit_transfer as t (${creditTransfer.names})
        select ${creditTransfer.of("r")}
        from input i
        left join short s on s.id = i.id
        cross join lateral json_to_record(
          case when s.id is null then i.transfer else (i.transfer::jsonb || '{"effect": "DECLINED"}')::json end
        ) as r (${creditTransfer.definition})
        order by r."paymentId", r.id
        on conflict do nothing
        returning t.id, t.effect, t.created_at
      ), moving as materialized (
        select l.*, w.created_at as at from legs l join written w on w.id = l.id where w.effect <> 'DECLINED'
      ), ${MOVE}
      select w.id, w.effect from written w`,
  };
}

export function transferRow(transfer: Transfer): unknown {
  return { ...transfer, credits: transfer.credits.toString() };
}

export function legRows(legs: readonly Leg[]): unknown {
  return legs.map(({ accountId, credits }) => ({ accountId, credits: credits.toString() }));
}

/**
 * A grant, its request and its answer in one: the answer is the given one with the balance that the grant leads to. Gives what is kept of the
 * request, whoever wrote it; no row where another call is just writing it.
 */
export function grantCreditsStatement({ creditTransfer }: TableColumns): NamedQuery {
  return {
    name: "grant-credits",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (
          id uuid, "accountId" uuid, credits bigint, transfer json, legs json, principal text, "requestId" text, fingerprint text, answer json,
          at timestamptz
        )
      ), ${LEGS}, claimed as (
        insert into request (principal, request_id, fingerprint, response, created_at)
        select i.principal, i."requestId", i.fingerprint,
          json_build_object('grant', i.answer, 'balance', (k.balance + i.credits)::text), i.at
        from input i join locked k on k.id = i."accountId"
        on conflict (principal, request_id) do nothing
        returning principal, request_id, fingerprint, response
      ), granting as materialized (
        select i.* from input i join claimed c on c.principal = i.principal and c.request_id = i."requestId"
      ), written as (
        insert into credit_transfer (${creditTransfer.names})
        select ${creditTransfer.of("r")}
        from granting g cross join lateral json_to_record(g.transfer) as r (${creditTransfer.definition})
      ), moving as materialized (
        select l.*, g.at from legs l join granting g on g.id = l.id
      ), ${MOVE}
      select c.fingerprint, c.response, true as granted from claimed c
      union all
      select q.fingerprint, q.response, false
      from input i cross join lateral (
        select r.fingerprint, r.response from request r where r.principal = i.principal and r.request_id = i."requestId"
      ) q`,
  };
}
