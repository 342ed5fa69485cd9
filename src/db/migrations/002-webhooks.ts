import { Migration } from "@mikro-orm/migrations";

/** Webhooks and disputes; refunds that the provider settles later; events of no single payment. */
export class Migration002Webhooks extends Migration {
  override name = "002-webhooks";

  override up(): void {
    this.addSql("set local lock_timeout = '5s'");
    this.addSql("alter table payment add column dispute_status text");
    this.addSql(
      "alter table payment add constraint payment_dispute_status check (dispute_status in ('OPEN', 'WON', 'LOST', 'CLOSED'))",
    );
    this.addSql("create index payment_of_session on payment (session_id) where session_id is not null");
    this.addSql(
      "create index payment_held_late on payment (id) where not live and captured_minor > refunded_minor + refund_pending_minor",
    );
    this.addSql("alter table refund add column checked_at timestamptz(3)");
    this.addSql("create index refund_unsettled on refund (coalesce(checked_at, updated_at)) where status = 'PENDING'");
    this.addSql("alter table provider_operation add column attempts_before jsonb");
    this.addSql("alter table payment_event alter column payment_id drop not null");
    this.addSql("alter table payment_event alter column status drop not null");
    this.addSql(`
      create table dispute (
        id uuid primary key,
        payment_id uuid not null constraint dispute_payment_id_foreign references payment,
        provider_reference text not null,
        amount_minor bigint not null,
        currency text not null,
        status text not null,
        reason text not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        constraint dispute_amount check (amount_minor > 0),
        constraint dispute_status check (status in ('OPEN', 'WON', 'LOST', 'CLOSED')),
        constraint dispute_of_payment unique (payment_id, provider_reference)
      )`);
    this.addSql(`
      create table webhook_event (
        provider text not null,
        event_id text not null,
        type text not null,
        body text not null,
        headers jsonb not null,
        state text not null,
        note text,
        payment_id uuid,
        attempts int not null,
        next_attempt_at timestamptz(3),
        received_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        primary key (provider, event_id),
        constraint webhook_event_state check (state in ('RECEIVED', 'APPLIED', 'INERT', 'PARKED', 'QUARANTINED'))
      )`);
    this.addSql("create index webhook_event_due on webhook_event (next_attempt_at) where next_attempt_at is not null");
    this.addSql("create index webhook_event_received on webhook_event (received_at)");
  }
}
