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
import { createReads } from "../../src/db/reads.ts";
import { createStore } from "../../src/db/store.ts";
import type { Result } from "../../src/domain/error.ts";
import { Gateway, openDirect } from "../../src/gateway/direct.ts";
import { createMockProvider } from "../../src/provider/mock/mock-provider.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type JournalAudit, readJournal } from "../support/gateway-journal.ts";

export class TestService {
  readonly parts: Parts;
  readonly database: Database;
  readonly gateway: Gateway;
  readonly #testDatabase: TestDatabase;
  readonly #folder: string;
  readonly #journalPath: string;
  /** Moved by the test. */
  time = Date.now();

  private constructor(testDatabase: TestDatabase, database: Database) {
    this.#testDatabase = testDatabase;
    this.database = database;
    this.#folder = mkdtempSync(join(tmpdir(), "payment-app-"));
    this.#journalPath = join(this.#folder, "journal.jsonl");
    const now = (): Date => new Date(this.time);
    this.gateway = new Gateway({ journalPath: this.#journalPath, now });
    const provider = createMockProvider(openDirect(this.gateway), {
      checkoutBaseUrl: "http://localhost:8080",
      webhookSecrets: [],
    });
    this.parts = {
      ...createMint(now),
      store: createStore(database),
      reads: createReads(database.orm),
      providers: new Map([[provider.name, provider]]),
      rules: { providers: new Set([provider.name]), returnOrigins: new Set(), loopbackReturns: true },
      limits: { providerTimeoutMs: 300, waitTimeoutMs: 5_000, recoveryDelayMs: 1_000, checkoutLifetimeMs: 3_600_000 },
      log: pino({ level: "silent" }),
      wakeRelay() {},
      wakeRecovery() {},
    };
  }

  static async open(): Promise<TestService> {
    const testDatabase = await createTestDatabase();
    const database = await openDatabase({
      url: testDatabase.url,
      poolMax: 8,
      statementTimeoutMs: 10_000,
      connectTimeoutMs: 5_000,
    });
    return new TestService(testDatabase, database);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.database.close();
    await this.#testDatabase.drop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Lets time pass and the recovery worker do what is due then. */
  async recoverAfter(ms: number): Promise<void> {
    this.time += ms;
    await recover(this.parts);
  }

  journal(): Promise<JournalAudit> {
    return readJournal(this.#journalPath);
  }

  /** The rows of a query, for a look behind the use cases. */
  async rows<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.database.pool.query(text, values)).rows as T[];
  }
}

export const caller: Caller = { principal: "shop", signal: new AbortController().signal };

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
