// I13, and I2 for payments with credits: the double entry, reckoned again from its entries alone.
import type { Query, Violation } from "./invariants.ts";

const UNBALANCED = `
  select 'I13 transfer ' || transfer_id || ' sums to ' || sum(credits) as what
    from credit_entry group by transfer_id having sum(credits) <> 0
  union all
  select 'I13 account ' || a.id || ' stands at ' || a.balance || ', and its entries at ' || coalesce(sum(e.credits), 0)
    from credit_account a left join credit_entry e on e.account_id = a.id
    group by a.id having a.balance <> coalesce(sum(e.credits), 0)
  union all
  select 'I13 entry ' || position || ' leaves ' || balance || ' in account ' || account_id || ', reckoned ' || reckoned
    from (select e.*, sum(credits) over (partition by account_id order by position) as reckoned from credit_entry e) e
    where balance <> reckoned
  union all
  select 'I13 account ' || id || ' (' || kind || ') stands at ' || balance
    from credit_account where case kind when 'ISSUED' then balance > 0 else balance < 0 end
  union all
  select 'I13 transfer ' || t.id || ' is ' || t.effect || ' of ' || t.credits || ' and has no entries'
    from credit_transfer t
    where t.effect in ('HELD', 'CAPTURED', 'REFUNDED', 'GRANTED')
      and not exists (select from credit_entry e where e.transfer_id = t.id)`;

/** What the house sold and holds for each payment, against what the payment says. */
const DIFFERENT = `
  with moved as (
    select t.payment_id, a.kind, sum(e.credits) as credits
    from credit_transfer t join credit_entry e on e.transfer_id = t.id join credit_account a on a.id = e.account_id
    where t.payment_id is not null group by t.payment_id, a.kind
  ), payments as (
    select p.id, p.status, p.captured_minor - p.refunded_minor as kept,
      case p.status when 'AUTHORIZED' then p.amount_minor else 0 end as held
    from payment p where p.provider = 'credits'
  )
  select 'I2 ' || p.id || ': ' || p.status || ', keeps ' || p.kept || ' credits and holds ' || p.held
      || ', in the ledger ' || coalesce(s.credits, 0) || ' and ' || coalesce(h.credits, 0) as what
    from payments p
    left join moved s on s.payment_id = p.id and s.kind = 'SALES'
    left join moved h on h.payment_id = p.id and h.kind = 'HELD'
    where p.kept <> coalesce(s.credits, 0) or p.held <> coalesce(h.credits, 0)
  union all
  select 'I2 the ledger moved ' || m.credits || ' credits for ' || m.payment_id || ', which is no payment with credits'
    from moved m where m.kind <> 'CUSTOMER' and not exists (select from payments p where p.id = m.payment_id)`;

export async function checkLedger(query: Query): Promise<Violation[]> {
  const rows = [...(await query<{ what: string }>(UNBALANCED)), ...(await query<{ what: string }>(DIFFERENT))];
  return rows.map(({ what }) => what);
}
