import { Migration } from "@mikro-orm/migrations";

/** The tables of entities.ts. The payment table leaves room in its pages, so that the many updates of a row stay in the row's page. */
export class Migration001Payments extends Migration {
  override name = "001-payments";

  override up(): void {
    this.addSql("set local lock_timeout = '5s'");
    this.addSql(`
      create table payment (
        id uuid primary key,
        principal text not null,
        order_id text not null,
        customer_id text,
        customer_email text,
        mode text not null,
        capture_method text not null,
        provider text not null,
        currency text not null,
        amount_minor bigint not null,
        items jsonb not null,
        description text,
        metadata jsonb not null,
        success_url text,
        cancel_url text,
        attempts_max int not null,
        client_token text not null,
        created_at timestamptz(3) not null,
        status text not null,
        live boolean not null,
        provider_reference text,
        session_id text,
        checkout_url text,
        charge_reference text,
        payment_method text,
        captured_minor bigint not null,
        refunded_minor bigint not null,
        refund_pending_minor bigint not null,
        declined_attempts jsonb not null,
        failure jsonb,
        cancel_reason text,
        active_operation_id uuid,
        version int not null,
        revision int not null,
        updated_at timestamptz(3) not null,
        expires_at timestamptz(3),
        captured_at timestamptz(3),
        canceled_at timestamptz(3),
        constraint payment_amount check (amount_minor > 0),
        constraint payment_currency check (currency ~ '^[A-Z]{3}$'),
        constraint payment_captured check (captured_minor >= 0 and captured_minor <= amount_minor),
        constraint payment_refunded check (
          refunded_minor >= 0 and refund_pending_minor >= 0 and refunded_minor + refund_pending_minor <= captured_minor
        ),
        constraint payment_status check (status in (
          'PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED',
          'FAILED', 'CANCELED', 'EXPIRED'
        )),
        constraint payment_live check (live <> (status in ('FAILED', 'CANCELED', 'EXPIRED'))),
        constraint payment_status_amounts check (case status
          when 'SUCCEEDED' then captured_minor > 0 and refunded_minor = 0
          when 'PARTIALLY_REFUNDED' then refunded_minor > 0 and refunded_minor < captured_minor
          when 'REFUNDED' then refunded_minor > 0 and refunded_minor = captured_minor
          when 'FAILED' then true when 'CANCELED' then true when 'EXPIRED' then true
          else captured_minor = 0 end),
        constraint payment_version check (version >= 1 and revision >= version)
      ) with (fillfactor = 60)`);
    this.addSql("create unique index payment_live_order on payment (order_id) where live");
    this.addSql("create index payment_of_order on payment (order_id, id)");
    this.addSql("create index payment_of_customer on payment (customer_id, id) where customer_id is not null");
    this.addSql("create index payment_expiring on payment (expires_at) where expires_at is not null");
    this.addSql(
      "create index payment_of_provider on payment (provider, provider_reference) where provider_reference is not null",
    );
    this.addSql(`
      create table refund (
        id uuid primary key,
        payment_id uuid not null constraint refund_payment_id_foreign references payment,
        amount_minor bigint not null,
        currency text not null,
        status text not null,
        reason text,
        provider_reference text,
        failure jsonb,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        constraint refund_amount check (amount_minor > 0),
        constraint refund_status check (status in ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED'))
      )`);
    this.addSql("create index refund_of_payment on refund (payment_id)");
    this.addSql(`
      create table provider_operation (
        id uuid primary key,
        payment_id uuid not null constraint provider_operation_payment_id_foreign references payment,
        refund_id uuid,
        kind text not null,
        state text not null,
        payment_method text,
        amount_minor bigint,
        reason text,
        principal text,
        request_id text,
        attempts int not null,
        next_attempt_at timestamptz(3) not null,
        last_problem text,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        constraint provider_operation_kind check (kind in ('CREATE', 'CONFIRM', 'CAPTURE', 'CANCEL', 'REFUND')),
        constraint provider_operation_state check (state in ('IN_FLIGHT', 'UNKNOWN', 'SUCCEEDED', 'FAILED')),
        constraint provider_operation_refund check ((kind = 'REFUND') = (refund_id is not null))
      )`);
    this.addSql(
      "create index provider_operation_due on provider_operation (next_attempt_at) where state in ('IN_FLIGHT', 'UNKNOWN')",
    );
    this.addSql(
      "create unique index provider_operation_active on provider_operation (payment_id) where state in ('IN_FLIGHT', 'UNKNOWN') and kind <> 'REFUND'",
    );
    this.addSql(`
      create table payment_event (
        id uuid primary key,
        payment_id uuid not null constraint payment_event_payment_id_foreign references payment,
        version int not null,
        type text not null,
        status text not null,
        data jsonb not null,
        position bigint generated always as identity not null,
        created_at timestamptz(3) not null,
        published_at timestamptz(3),
        constraint payment_event_of_payment unique (payment_id, version),
        constraint payment_event_version check (version >= 1)
      )`);
    this.addSql("create index payment_event_unpublished on payment_event (position) where published_at is null");
    this.addSql(`
      create table request (
        principal text not null,
        request_id text not null,
        fingerprint text not null,
        response json,
        created_at timestamptz(3) not null,
        primary key (principal, request_id)
      )`);
    this.addSql("create index request_created on request using brin (created_at)");
    this.addSql("create table lease (name text primary key, holder text not null, expires_at timestamptz(3) not null)");
  }
}
