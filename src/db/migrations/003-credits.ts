import { Migration } from "@mikro-orm/migrations";
import { HOUSE } from "../../domain/credit.ts";

/** Credits in double entry. The accounts of the house are there from the beginning. */
export class Migration003Credits extends Migration {
  override name = "003-credits";

  override up(): void {
    this.addSql("set local lock_timeout = '5s'");
    this.addSql(`
      create table credit_account (
        id uuid primary key,
        kind text not null,
        customer_id text,
        balance bigint not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        constraint credit_account_of_customer unique (customer_id),
        constraint credit_account_kind check (kind in ('CUSTOMER', 'ISSUED', 'HELD', 'SALES')),
        constraint credit_account_owner check ((kind = 'CUSTOMER') = (customer_id is not null)),
        constraint credit_account_balance check (case kind when 'ISSUED' then balance <= 0 else balance >= 0 end)
      ) with (fillfactor = 60)`);
    this.addSql("create unique index credit_account_of_house on credit_account (kind) where kind <> 'CUSTOMER'");
    this.addSql(`
      insert into credit_account (id, kind, balance, created_at, updated_at) values
        ('${HOUSE.issued}', 'ISSUED', 0, now(), now()),
        ('${HOUSE.held}', 'HELD', 0, now(), now()),
        ('${HOUSE.sales}', 'SALES', 0, now(), now())`);
    this.addSql(`
      create table credit_transfer (
        id uuid primary key,
        kind text not null,
        effect text not null,
        account_id uuid not null constraint credit_transfer_account_id_foreign references credit_account,
        credits bigint not null,
        payment_id uuid,
        sequence int,
        order_id text,
        refund_id uuid,
        reason text,
        created_at timestamptz(3) not null,
        constraint credit_transfer_of_payment unique (payment_id, sequence),
        constraint credit_transfer_kind check (kind in ('CREATE', 'CONFIRM', 'CAPTURE', 'CANCEL', 'REFUND', 'GRANT')),
        constraint credit_transfer_effect check (effect in (
          'OPENED', 'DECLINED', 'HELD', 'CAPTURED', 'CANCELED', 'REFUNDED', 'GRANTED'
        )),
        constraint credit_transfer_credits check (credits > 0 or kind = 'CANCEL' and credits = 0),
        constraint credit_transfer_payment check (
          (kind = 'GRANT') = (payment_id is null) and (payment_id is null) = (sequence is null)
        ),
        constraint credit_transfer_refund check ((kind = 'REFUND') = (refund_id is not null)),
        constraint credit_transfer_first check ((kind = 'CREATE') = (order_id is not null) and (sequence = 1) = (kind = 'CREATE'))
      )`);
    this.addSql(
      "create index credit_transfer_opened on credit_transfer (created_at, payment_id) where kind = 'CREATE'",
    );
    this.addSql(`
      create table credit_entry (
        transfer_id uuid not null constraint credit_entry_transfer_id_foreign references credit_transfer,
        account_id uuid not null constraint credit_entry_account_id_foreign references credit_account,
        credits bigint not null,
        balance bigint not null,
        position bigint generated always as identity not null,
        created_at timestamptz(3) not null,
        primary key (transfer_id, account_id),
        constraint credit_entry_of_account unique (account_id, position),
        constraint credit_entry_credits check (credits <> 0)
      )`);
  }
}
