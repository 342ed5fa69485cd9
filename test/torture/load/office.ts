// People beside the callers of payments: somebody who grants credits to customers, and does not give up either; and an operator who has webhooks that were
// settled acted on once more.
import { setTimeout as delay } from "node:timers/promises";
import type { Violation } from "../frame/invariants.ts";
import type { Random } from "../frame/random.ts";
import type { Stack } from "../wire/stack.ts";

const PAUSE_MS = 100;
const CALL_TIMEOUT_MS = 3_000;
const PATIENCE_MS = 30_000;
const CREDITS_MAX = 20_000;
/** A new customer now and then, whose account is opened by the first grant. */
const NEW_CHANCE = 0.5;

interface Grant {
  readonly customerId: string;
  readonly credits: number;
  readonly requestId: string;
  /** As the answers named it; one for all copies. */
  readonly transfers: Set<string>;
}

export class Office {
  readonly #stack: Stack;
  readonly #random: Random;
  readonly #grants: Grant[] = [];
  #customers = 0;
  #closed = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(stack: Stack, random: Random) {
    this.#stack = stack;
    this.#random = random;
  }

  open(): void {
    this.#work = Promise.all([this.#repeat(() => this.#grant()), this.#repeat(() => this.#replayWebhook())]);
  }

  /** Ends, and gives what is wrong with the grants: each was made, once, and under one name. */
  async close(): Promise<Violation[]> {
    this.#closed = true;
    await this.#work;
    const rows = await this.#stack.query<{ customer: string; credits: string }>(`
      select a.customer_id as customer, sum(t.credits)::text as credits from credit_transfer t join credit_account a on a.id = t.account_id
      where t.kind = 'GRANT' group by a.customer_id`);
    const granted = new Map(rows.map(({ customer, credits }) => [customer, Number(credits)]));
    const wished = Map.groupBy(this.#grants, ({ customerId }) => customerId);
    const sums = [...wished].flatMap(([customerId, grants]) => {
      const sum = grants.reduce((total, { credits }) => total + credits, 0);
      return sum === granted.get(customerId)
        ? []
        : [`I11 ${customerId}: granted ${granted.get(customerId)}, not ${sum}`];
    });
    const names = this.#grants.flatMap(({ requestId, transfers }) =>
      transfers.size === 1 ? [] : [`I9 ${requestId}: ${[...transfers].join(" and ") || "never answered"}`],
    );
    return [...sums, ...names];
  }

  async #repeat(deed: () => Promise<void>): Promise<void> {
    while (!this.#closed) {
      await deed();
      await delay(PAUSE_MS);
    }
  }

  async #grant(): Promise<void> {
    if (this.#customers === 0 || this.#random.chance(NEW_CHANCE)) this.#customers += 1;
    const grant: Grant = {
      customerId: `client-${1 + this.#random.below(this.#customers)}`,
      credits: 1 + this.#random.below(CREDITS_MAX),
      requestId: `grant-${this.#grants.length + 1}`,
      transfers: new Set(),
    };
    this.#grants.push(grant);
    // Once more than is needed: a copy is given what the first was.
    await this.#insist(grant);
    await this.#insist(grant);
  }

  async #insist({ customerId, credits, requestId, transfers }: Grant): Promise<void> {
    const asked = { customerId, credits: String(credits), requestId };
    for (const startedAt = performance.now(); performance.now() - startedAt < PATIENCE_MS; await delay(PAUSE_MS)) {
      const answer = await this.#call<{ transferId: string }>("CreditService/GrantCredits", asked);
      if (!answer) continue;
      transfers.add(answer.transferId);
      return;
    }
  }

  async #replayWebhook(): Promise<void> {
    const [webhook] = await this.#stack.query<{ eventId: string }>(
      `select event_id as "eventId" from webhook_event where state <> 'RECEIVED' order by random() limit 1`,
    );
    if (webhook) await this.#call("OperationsService/ReplayWebhookEvent", { provider: "stripe", ...webhook });
  }

  /** Undefined: no answer that is a yes. */
  async #call<T>(method: string, body: object): Promise<T | undefined> {
    const { port } = this.#stack.service.http;
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/payment.v1.${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      const told = (await answer.json()) as T;
      return answer.ok ? told : undefined;
    } catch {
      return undefined;
    }
  }
}
