// What is asked of the credits: whose account, the transfers of payments, the payments that were opened, and the entries of an account.
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

export const findCreditAccountStatement: NamedQuery = {
  name: "find-credit-account",
  text: `
    select a.id, a.balance from json_to_recordset($1::json) as i ("customerId" text)
    join credit_account a on a.customer_id = i."customerId"`,
};

export const openCreditAccountStatement: NamedQuery = {
  name: "open-credit-account",
  text: `
    insert into credit_account (id, kind, customer_id, balance, created_at, updated_at)
    select i.id, 'CUSTOMER', i."customerId", 0, i.now, i.now
    from json_to_recordset($1::json) as i (id uuid, "customerId" text, now timestamptz)
    on conflict (customer_id) do nothing`,
};

export function loadTransfersStatement({ creditTransfer }: TableColumns): NamedQuery {
  return {
    name: "load-credit-transfers",
    text: `
      select ${creditTransfer.select("t")}
      from json_to_recordset($1::json) as i ("paymentId" uuid) join credit_transfer t on t.payment_id = i."paymentId"
      order by t.payment_id, t.sequence`,
  };
}

/** Oldest first. */
export function listOpenedStatement({ creditTransfer }: TableColumns): NamedQuery {
  return {
    name: "list-credit-opened",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (
          "from" timestamptz, "to" timestamptz, "afterTime" timestamptz, "afterPayment" uuid, "limit" int
        )
      )
      select ${creditTransfer.select("o")}
      from input i cross join lateral (
        select * from credit_transfer t
        where t.kind = 'CREATE' and t.created_at >= i."from" and t.created_at < i."to"
          and (t.created_at, t.payment_id) > (i."afterTime", i."afterPayment")
        order by t.created_at, t.payment_id limit i."limit"
      ) o
      order by o.created_at, o.payment_id`,
  };
}

/** The entries of a customer's account with the transfers that they are part of, newest first. */
export const listEntriesStatement: NamedQuery = {
  name: "list-credit-entries",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i ("customerId" text, before bigint, "limit" int)
    ), listed as materialized (
      select e.* from input i join credit_account a on a.customer_id = i."customerId"
      cross join lateral (
        select * from credit_entry c where c.account_id = a.id and c.position < i.before
        order by c.position desc limit i."limit"
      ) e
    )
    select l.position, l.credits, l.balance, l.created_at as "createdAt", t.id as "transferId", t.effect,
      t.payment_id as "paymentId", t.refund_id as "refundId", t.reason
    from listed l join credit_transfer t on t.id = l.transfer_id
    order by l.position desc`,
};
