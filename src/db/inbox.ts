// The messages that providers sent: stored before the provider is told that they arrived, and kept with what became of them.
import type { PaymentId } from "../domain/ids.ts";
import type { WebhookEvent, WebhookKey, WebhookState } from "../domain/webhook.ts";
import { type TableColumns, tableColumns } from "./columns.ts";
import type { Database } from "./database.ts";
import type { WebhookEventRecord } from "./entities.ts";
import { type NamedQuery, runNamed } from "./named-query.ts";
import { webhookFromRecord } from "./records.ts";

export interface WebhookOutcome extends WebhookKey {
  readonly state: WebhookState;
  readonly note: string | null;
  readonly paymentId: PaymentId | null;
  /** Null when nothing more is to be tried. */
  readonly nextAttemptAt: Date | null;
  readonly now: Date;
}

export interface Inbox {
  /** `known`: the same event was stored before, and nothing was written. */
  store(event: WebhookEvent): Promise<"stored" | "known">;
  /** Says what became of an event. One that was settled meanwhile stays as it is. */
  settle(outcome: WebhookOutcome): Promise<void>;
  /** Takes events that are due, and puts each off by a growing time. */
  claimDue(claim: {
    readonly now: Date;
    readonly limit: number;
    readonly backoffBaseMs: number;
    readonly backoffMaxMs: number;
  }): Promise<WebhookEvent[]>;
  /** Has events of a provider that could not be acted on fall due now. */
  bringForward(provider: string, now: Date): Promise<void>;
  /** Has an event taken up once more, whatever became of it; gives whether there is such an event. */
  replay(key: WebhookKey, now: Date): Promise<boolean>;
}

export function storeWebhookStatement(columns: TableColumns): NamedQuery {
  const { webhook } = columns;
  return {
    name: "store-webhook",
    text: `
      insert into webhook_event (${webhook.names})
      select ${webhook.of("r")} from json_to_recordset($1::json) as r (${webhook.definition})
      on conflict (provider, event_id) do nothing
      returning event_id`,
  };
}

export const settleWebhookStatement: NamedQuery = {
  name: "settle-webhook",
  text: `
    update webhook_event w set
      state = i.state, note = i.note, payment_id = coalesce(i."paymentId", w.payment_id), next_attempt_at = i."nextAttemptAt",
      updated_at = i.now
    from json_to_recordset($1::json) as i (
      provider text, "eventId" text, state text, note text, "paymentId" uuid, "nextAttemptAt" timestamptz, now timestamptz
    )
    where w.provider = i.provider and w.event_id = i."eventId" and w.next_attempt_at is not null`,
};

export function claimWebhooksStatement(columns: TableColumns): NamedQuery {
  return {
    name: "claim-webhooks",
    text: `
      with input as materialized (
        select * from json_to_recordset($1::json) as i (now timestamptz, "limit" int, "backoffBaseMs" int, "backoffMaxMs" int)
      ), due as materialized (
        select w.provider, w.event_id from webhook_event w
        where w.next_attempt_at <= (select now from input)
        order by w.next_attempt_at limit (select "limit" from input)
        for update skip locked
      )
      update webhook_event w set
        attempts = w.attempts + 1,
        next_attempt_at = i.now + least(i."backoffMaxMs", i."backoffBaseMs" * 2 ^ least(w.attempts, 20)) * interval '1 millisecond'
      from due, input i where w.provider = due.provider and w.event_id = due.event_id
      returning ${columns.webhook.select("w")}`,
  };
}

/** Those that are parked wait for something else. */
export const bringWebhooksForwardStatement: NamedQuery = {
  name: "bring-webhooks-forward",
  text: `
    with input as materialized (
      select * from json_to_recordset($1::json) as i (provider text, now timestamptz)
    ), waiting as materialized (
      select w.provider, w.event_id from webhook_event w
      where w.next_attempt_at > (select now from input) and w.state = 'RECEIVED' and w.attempts > 0
        and w.provider = (select provider from input)
      for update skip locked
    )
    update webhook_event w set next_attempt_at = i.now
    from waiting, input i where w.provider = waiting.provider and w.event_id = waiting.event_id`,
};

export const replayWebhookStatement: NamedQuery = {
  name: "replay-webhook",
  text: `
    update webhook_event w set state = 'RECEIVED', note = null, attempts = 0, next_attempt_at = i.now, updated_at = i.now
    from json_to_recordset($1::json) as i (provider text, "eventId" text, now timestamptz)
    where w.provider = i.provider and w.event_id = i."eventId"
    returning w.event_id`,
};

export function createInbox(database: Database): Inbox {
  const { pool } = database;
  const columns = tableColumns(database.orm);
  const store = storeWebhookStatement(columns);
  const claim = claimWebhooksStatement(columns);
  return {
    async store(event) {
      return (await runNamed(pool, store, [event])).length === 1 ? "stored" : "known";
    },
    async settle(outcome) {
      await runNamed(pool, settleWebhookStatement, [outcome]);
    },
    async claimDue(terms) {
      return (await runNamed<WebhookEventRecord>(pool, claim, [terms])).map(webhookFromRecord);
    },
    async bringForward(provider, now) {
      await runNamed(pool, bringWebhooksForwardStatement, [{ provider, now }]);
    },
    async replay(key, now) {
      return (await runNamed(pool, replayWebhookStatement, [{ ...key, now }])).length === 1;
    },
  };
}
