// The use cases on a real database and a real gateway, without a door: what an app test works with. The clock is the test's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { createMint } from "../../src/app/mint.ts";
import type { CreatePaymentInput } from "../../src/app/create-payment.ts";
import type { Caller, Parts } from "../../src/app/parts.ts";
import type { Answer } from "../../src/app/answer.ts";
import { recover } from "../../src/app/recover.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { createInbox } from "../../src/db/inbox.ts";
import { createReads } from "../../src/db/reads.ts";
import { createStore } from "../../src/db/store.ts";
import type { Result } from "../../src/domain/error.ts";
import { Gateway, type GatewayEvent, type GatewayRequest, openDirect, printEvent } from "../../src/gateway/direct.ts";
import { createMockProvider } from "../../src/provider/mock/mock-provider.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { receiveWebhook, type WebhookReceipt } from "../../src/app/receive-webhook.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { type JournalAudit, readJournal } from "../support/gateway-journal.ts";

export const WEBHOOK_SECRET = "whsec_test";

export interface TestServiceOptions {
  readonly latePolicy?: "refund" | "hold";
  /** Stands between the use cases and the provider. */
  wrap?(provider: Provider): Provider;
}

function openTestedDatabase(url: string): Promise<Database> {
  return openDatabase({ url, poolMax: 8, statementTimeoutMs: 10_000, connectTimeoutMs: 5_000 });
}

export class TestService {
  readonly parts: Parts;
  /** The events that the gateway would send, oldest first. */
  readonly events: GatewayEvent[] = [];
  readonly database: Database;
  readonly gateway: Gateway;
  readonly #eventsByIntent = new Map<string, GatewayEvent[]>();
  readonly #testDatabase: TestDatabase;
  readonly #folder: string;
  readonly #journalPath: string;
  readonly #beside: Database[] = [];
  /** Moved by the test. */
  time = Date.now();

  private constructor(testDatabase: TestDatabase, database: Database, options: TestServiceOptions) {
    this.#testDatabase = testDatabase;
    this.database = database;
    this.#folder = mkdtempSync(join(tmpdir(), "payment-app-"));
    this.#journalPath = join(this.#folder, "journal.jsonl");
    const now = (): Date => new Date(this.time);
    this.gateway = new Gateway({ journalPath: this.#journalPath, now });
    this.gateway.onEvents(({ events, life }) => {
      this.events.push(...events);
      const known = this.#eventsByIntent.get(life.intent.id);
      if (known) known.push(...events);
      else this.#eventsByIntent.set(life.intent.id, [...events]);
    });
    const mock = createMockProvider(openDirect(this.gateway), {
      checkoutBaseUrl: "http://localhost:8080",
      webhookSecrets: [WEBHOOK_SECRET],
    });
    const provider = options.wrap?.(mock) ?? mock;
    this.parts = {
      ...createMint(now, options.latePolicy),
      store: createStore(database),
      reads: createReads(database.orm),
      inbox: createInbox(database),
      providers: new Map([[provider.name, provider]]),
      rules: { providers: new Set([provider.name]), returnOrigins: new Set(), loopbackReturns: true },
      limits: { providerTimeoutMs: 300, waitTimeoutMs: 5_000, recoveryDelayMs: 1_000, checkoutLifetimeMs: 3_600_000 },
      orders: null,
      log: pino({ level: "silent" }),
      wakeRelay() {},
      wakeRecovery() {},
    };
  }

  static async open(options: TestServiceOptions = {}): Promise<TestService> {
    const testDatabase = await createTestDatabase();
    return new TestService(testDatabase, await openTestedDatabase(testDatabase.url), options);
  }

  /** The parts of another process on the same database and gateway; closed with the service. */
  async openBeside(): Promise<Parts> {
    const database = await openTestedDatabase(this.databaseUrl);
    this.#beside.push(database);
    return {
      ...this.parts,
      store: createStore(database),
      reads: createReads(database.orm),
      inbox: createInbox(database),
    };
  }

  get databaseUrl(): string {
    return this.#testDatabase.url;
  }

  async close(): Promise<void> {
    await this.gateway.close();
    for (const database of [this.database, ...this.#beside]) await database.close();
    await this.#testDatabase.drop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Lets time pass and the recovery worker do what is due then. */
  async recoverAfter(ms: number): Promise<void> {
    this.time += ms;
    await recover(this.parts);
  }

  /** What somebody else than the service asks of the gateway: the customer, a bank, a colleague at the provider's dashboard. */
  async elsewhere(request: GatewayRequest): Promise<void> {
    const call = { idempotencyKey: null, signal: new AbortController().signal };
    await this.gateway.perform(request, call);
  }

  /** The events that the gateway made of one payment, oldest first. */
  eventsOf(intent: string | null): readonly GatewayEvent[] {
    return this.#eventsByIntent.get(intent ?? "") ?? [];
  }

  /** Sends an event to the service, signed, as its body or as another one. */
  deliver(event: GatewayEvent, body = printEvent(event)): Promise<WebhookReceipt> {
    const headers = { "stripe-signature": stripeSignature(body, WEBHOOK_SECRET, new Date(this.time)) };
    return receiveWebhook(this.parts, { rawBody: Buffer.from(body), headers });
  }

  journal(): Promise<JournalAudit> {
    return readJournal(this.#journalPath);
  }

  /** The rows of a query, for a look behind the use cases. */
  async rows<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.database.pool.query(text, values)).rows as T[];
  }
}

export const caller: Caller = {
  role: "service",
  principal: "shop",
  customerId: null,
  clientToken: null,
  signal: new AbortController().signal,
};

export const operator: Caller = { ...caller, role: "admin", principal: "operations" };

let orders = 0;

/** A payment of 100.00 EUR for a new order, paid at once with a card that succeeds. */
export function createInput(change: Partial<CreatePaymentInput> = {}): CreatePaymentInput {
  orders += 1;
  return {
    orderId: `order-${orders}`,
    amount: { minor: 10_000n, currency: "EUR" },
    items: [],
    customerId: null,
    customerEmail: null,
    mode: "INTENT",
    provider: "mock",
    captureMethod: "AUTOMATIC",
    paymentMethod: "pm_card_visa",
    successUrl: null,
    cancelUrl: null,
    description: null,
    metadata: {},
    attemptsMax: null,
    requestId: `create-${orders}`,
    ...change,
  };
}

/** The answer of a call that must succeed. */
export function answerOf(result: Result<Answer>): Answer {
  if (!result.ok) throw new Error(`refused: ${result.error.reason}: ${result.error.message}`);
  return result.value;
}

/** `ok`, or the reason of the refusal. */
export function verdictOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.error.reason;
}
