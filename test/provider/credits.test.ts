import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { createCredits, type Credits } from "../../src/db/credits.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { grantLegs } from "../../src/domain/credit.ts";
import { mintId, type OperationId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { type CreditBooks, createCreditsProvider } from "../../src/provider/credits/credits-provider.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type PlainBench, testEveryProvider, type Trouble } from "./every-provider.ts";
import { asOpened, factsOf, kindsOf, newCall, newPayment } from "./provider-fixtures.ts";

const LARGE = 9_007_199_254_740_993n;
const CUSTOMER = "customer-1";
/** More than it takes until a statement waits for a lock. */
const LOOKS_MAX = 5_000;

let testDatabase: TestDatabase;
let database: Database;
let credits: Credits;
before(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    url: testDatabase.url,
    poolMax: 6,
    statementTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
  });
  credits = createCredits(database);
  await fund(CUSTOMER, LARGE * 4n);
});
after(async () => {
  await database.close();
  await testDatabase.drop();
});

async function fund(customerId: string, amount: bigint): Promise<void> {
  const accountId = await credits.openAccount(customerId);
  const now = new Date();
  const id = mintId<OperationId>(now, randomUUID());
  await credits.grant({
    request: { principal: "test", requestId: id },
    fingerprint: "",
    legs: grantLegs(accountId, amount),
    answer: null,
    transfer: {
      id,
      kind: "GRANT",
      effect: "GRANTED",
      accountId,
      credits: amount,
      paymentId: null,
      sequence: null,
      orderId: null,
      refundId: null,
      reason: null,
      createdAt: now,
    },
  });
}

/** A database that is away: before it does what it is asked, or before it can say that it did. */
function away(mayBeWritten: boolean): Error {
  return Object.assign(new Error("the database is away"), { mayBeWritten });
}

/** Books whose next transfer meets trouble. */
class TroubledBooks implements CreditBooks {
  readonly #credits: Credits;
  #trouble: Trouble | null = null;
  #arrived: (() => void) | null = null;

  constructor(books: Credits) {
    this.#credits = books;
  }

  lay(trouble: Trouble): void {
    this.#trouble = trouble;
  }

  arrival(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arrived = resolve;
    return promise;
  }

  openAccount: CreditBooks["openAccount"] = (customerId) => this.#credits.openAccount(customerId);
  loadTransfers: CreditBooks["loadTransfers"] = (ids) => this.#credits.loadTransfers(ids);
  listOpened: CreditBooks["listOpened"] = (range, page) => this.#credits.listOpened(range, page);

  transfer: CreditBooks["transfer"] = async (transfer, legs) => {
    const trouble = this.#trouble;
    this.#trouble = null;
    if (trouble === "error") throw away(false);
    if (trouble === "lost_before") throw away(true);
    const effect = await this.#credits.transfer(transfer, legs);
    this.#arrived?.();
    if (trouble === "lost_after") throw away(true);
    return trouble === "delay" ? new Promise(() => {}) : effect;
  };
}

const TERMS = { customerId: CUSTOMER, amount: money(1999n, "XXX"), provider: "credits" } as const;

async function makeBench(): Promise<PlainBench> {
  const books = new TroubledBooks(credits);
  return {
    provider: createCreditsProvider(books),
    paying: { method: "credits", terms: TERMS },
    now: () => new Date(),
    trouble: (_kind, trouble) => books.lay(trouble),
    arrival: () => books.arrival(),
    async movements(orderId) {
      const { rows } = await database.pool.query<{ charges: number; refunds: number }>(
        `select count(*) filter (where t.effect = 'CAPTURED')::int as charges, count(*) filter (where t.effect = 'REFUNDED')::int as refunds
         from credit_transfer c join credit_transfer t on t.payment_id = c.payment_id where c.order_id = $1`,
        [orderId],
      );
      return rows[0] ?? { charges: 0, refunds: 0 };
    },
    dispose: () => Promise.resolve(),
  };
}

// What came too late to be said is found by repeating: there is no error that a key keeps.
testEveryProvider("credits", makeBench, ["lost_after", "lost_before", "delay", "error"]);

describe("the credits provider", () => {
  let provider: Provider;
  before(() => {
    provider = createCreditsProvider(credits);
  });
  const { signal } = new AbortController();
  const make = (changes: Partial<Payment> = {}): Payment => newPayment(new Date(), { ...TERMS, ...changes });

  async function open(changes: Partial<Payment> = {}, paymentMethod: string | null = null): Promise<Payment> {
    const payment = make(changes);
    return asOpened(payment, await provider.create(newCall(payment, "CREATE", { paymentMethod })));
  }

  it("takes the exact amount, as large as it may be, and names the transfer", async () => {
    const amount = money(LARGE, "XXX");
    const payment = await open({ amount });
    const call = newCall(payment, "CONFIRM", { paymentMethod: "credits" });
    assert.deepEqual(factsOf(await provider.confirm(call)), [
      {
        kind: "captured",
        amount,
        providerReference: `credits_${payment.id}`,
        chargeReference: `transfer_${call.operation.id}`,
        paymentMethod: "credits",
      },
    ]);
    await provider.refund(newCall(payment, "REFUND", { amountMinor: LARGE }));
  });

  it("declines what the customer has not, each time anew, and tells a repeat what it told first", async () => {
    const payment = await open({ customerId: "poor" });
    const first = newCall(payment, "CONFIRM");
    const declined = await provider.confirm(first);
    const [fact] = factsOf(declined);
    assert.ok(fact?.kind === "declined");
    assert.deepEqual([fact.failure.reason, fact.failure.code], ["INSUFFICIENT_FUNDS", "insufficient_credits"]);
    await fund("poor", 5_000n);
    assert.deepEqual(await provider.confirm(first), declined);
    assert.deepEqual(kindsOf(await provider.confirm(newCall(payment, "CONFIRM"))), ["captured"]);
    assert.deepEqual(kindsOf(await provider.retrieve(payment, signal)), ["opened", "declined", "captured"]);
    assert.equal(await credits.balanceOf("poor"), 3_001n);
  });

  it("gives back to the customer who paid, whatever is said of the payment since", async () => {
    await fund("payer", 1_999n);
    const payment = await open({ customerId: "payer" }, "credits");
    await provider.refund(newCall({ ...payment, customerId: null }, "REFUND", { amountMinor: 1_000n }));
    assert.equal(await credits.balanceOf("payer"), 1_000n);
  });

  const cancelable = [
    ["an open payment", {}, null, "done", ["canceled"]],
    ["a held payment", { captureMethod: "MANUAL" }, "credits", "done", ["canceled"]],
    ["a paid payment", {}, "credits", "refused", ["opened", "captured"]],
  ] as const;
  for (const [state, changes, method, outcome, kinds] of cancelable) {
    it(`answers the cancel of ${state}: ${outcome}`, async () => {
      const before = await credits.balanceOf(CUSTOMER);
      const payment = await open(changes, method);
      const answer = await provider.cancel(newCall(payment, "CANCEL", { reason: "changed my mind" }));
      assert.equal(answer.outcome, outcome);
      assert.deepEqual(kindsOf(answer), kinds);
      assert.notEqual((await provider.confirm(newCall(payment, "CONFIRM"))).outcome, "done");
      const taken = kinds.some((kind) => kind === "captured") ? 1_999n : 0n;
      assert.equal(await credits.balanceOf(CUSTOMER), before - taken);
    });
  }

  const impossible: [what: string, changes: Partial<Payment>, code: string][] = [
    ["in a currency", { amount: money(1n, "EUR") }, "wrong_currency"],
    ["with a page", { mode: "CHECKOUT" }, "no_page"],
    ["of nobody", { customerId: null }, "no_customer"],
  ];
  for (const [what, changes, code] of impossible) {
    it(`refuses a payment ${what}, of which it then knows nothing`, async () => {
      const payment = make(changes);
      const refused = await provider.create(newCall(payment, "CREATE", { paymentMethod: "credits" }));
      assert.ok(refused.outcome === "refused");
      assert.deepEqual([refused.code, refused.facts], [code, []]);
      assert.deepEqual(await provider.retrieve(payment, signal), { outcome: "done", facts: [] });
    });
  }

  it("goes through the payments of a span of time, each once, page by page, and tells what it tells when asked", async () => {
    let time = Date.parse("2026-02-03T04:05:06.007Z");
    const early = createCreditsProvider(credits, () => new Date(time));
    const made: Payment[] = [];
    for (let count = 0; count < 230; count += 1) {
      // Several at the same moment.
      if (count % 3 === 0) time += 1;
      const payment = make({ createdAt: new Date(time) });
      await early.create(newCall(payment, "CREATE", { paymentMethod: count % 2 === 0 ? "credits" : null }));
      made.push(payment);
    }
    const range = { from: new Date(Date.parse("2026-02-03T04:05:06.007Z")), to: new Date(time) };
    const listed = await Array.fromAsync(provider.list(range, signal));
    const inside = made.filter(({ createdAt }) => createdAt.getTime() < time);
    assert.equal(listed.length, inside.length);
    assert.deepEqual(new Set(listed.map((each) => each.paymentId)), new Set(inside.map((each) => each.id)));
    for (const payment of inside.slice(0, 4)) {
      const found = listed.find((each) => each.paymentId === payment.id);
      assert.deepEqual(
        [found?.orderId, found?.owed, found?.createdAt, found?.facts],
        [payment.orderId, payment.amount, payment.createdAt, factsOf(await provider.retrieve(payment, signal))],
      );
    }
  });

  it("goes by the credits that there are once its turn comes, not by those that there were when it began to wait", async () => {
    await fund("waiting", 2n);
    const blocker = await database.pool.connect();
    await blocker.query("begin");
    await blocker.query("update credit_account set balance = 5 where customer_id = 'waiting'");
    const paying = open({ customerId: "waiting", amount: money(3n, "XXX") }, "credits");
    const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let looks = 0;
    while ((await database.pool.query(waiting)).rowCount === 0 && looks < LOOKS_MAX) looks += 1;
    assert.ok(looks < LOOKS_MAX);
    await blocker.query("commit");
    blocker.release();
    const payment = await paying;
    assert.deepEqual(kindsOf(await provider.retrieve(payment, signal)), ["opened", "captured"]);
    assert.equal(await credits.balanceOf("waiting"), 2n);
  });

  it("takes no webhooks", () => {
    assert.equal(provider.parseWebhook(Buffer.from("{}"), {}, new Date()).ok, false);
    assert.equal(provider.readWebhook("{}"), null);
  });

  it("is unavailable, or unknown, when its books are away", async () => {
    const call = newCall(make(), "CREATE", { paymentMethod: "credits" });
    for (const [mayBeWritten, outcome] of [
      [false, "unavailable"],
      [true, "unknown"],
    ] as const) {
      const troubled = createCreditsProvider({ ...credits, loadTransfers: () => Promise.reject(away(mayBeWritten)) });
      assert.equal((await troubled.create(call)).outcome, outcome);
      assert.equal((await troubled.retrieve(call.payment, signal)).outcome, "unavailable");
      await assert.rejects(troubled.check(signal), /away/);
    }
  });
});
