import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { type CreditParts, getCreditBalance, grantCredits, listCreditEntries } from "../../src/app/credits.ts";
import { getPayment } from "../../src/app/get-payment.ts";
import type { Caller } from "../../src/app/parts.ts";
import { reconcile } from "../../src/app/reconcile.ts";
import { recover } from "../../src/app/recover.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { createBooks } from "../../src/db/books.ts";
import type { Result } from "../../src/domain/error.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { assertBooksAddUp, creditInput, grant, withCredits } from "./open-credits.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

let service: TestService;
let parts: CreditParts;
before(async () => {
  service = await TestService.open();
  parts = withCredits(service);
});
after(() => service.close());

let customers = 0;
async function customerWith(credits: bigint): Promise<string> {
  customers += 1;
  const customerId = `customer-${customers}`;
  if (credits > 0n) await grant(parts, customerId, credits);
  return customerId;
}

async function balanceOf(customerId: string): Promise<bigint> {
  const balance = await getCreditBalance(parts, caller, customerId);
  return balance.ok ? balance.value.credits : -1n;
}

async function pay(customerId: string, credits: bigint, change = {}): Promise<Payment> {
  return answerOf(await createPayment(parts, caller, creditInput(customerId, credits, change))).payment;
}

async function typesOf(payment: Payment): Promise<string[]> {
  const found = await getPayment(parts, caller, payment.id);
  return found.ok ? found.value.events.map((event) => event.type) : [];
}

async function historyOf(customerId: string): Promise<(readonly [string, bigint, bigint])[]> {
  const page = { pageSize: 0, pageToken: "" };
  const listed = await listCreditEntries(parts, caller, { customerId, page });
  return listed.ok ? listed.value.items.map(({ effect, credits, balance }) => [effect, credits, balance]) : [];
}

const customer = (customerId: string): Caller => ({ ...caller, role: "customer", principal: customerId, customerId });

describe("a payment with credits", () => {
  it("takes them at once, and its events and history are those of every payment", async () => {
    const customerId = await customerWith(10n);
    const payment = await pay(customerId, 4n);
    assert.deepEqual([payment.status, payment.capturedMinor, payment.paymentMethod], ["SUCCEEDED", 4n, "credits"]);
    assert.equal(await balanceOf(customerId), 6n);
    assert.deepEqual(await typesOf(payment), ["payment.created", "payment.succeeded"]);
    const [event] = await service.rows(
      "select data -> 'amount' as amount, data ->> 'amountMinor' as minor, data ->> 'currency' as currency, data ->> 'provider' as provider from payment_event where payment_id = $1 and version = 2",
      [payment.id],
    );
    assert.deepEqual(event, { amount: 4, minor: "4", currency: "XXX", provider: "credits" });
    await assertBooksAddUp(service);
  });

  it("is declined when there are too few, which is an answer, and takes nothing", async () => {
    for (const customerId of [await customerWith(3n), await customerWith(0n)]) {
      const before = await balanceOf(customerId);
      const input = creditInput(customerId, 4n);
      const { payment } = answerOf(await createPayment(parts, caller, input));
      assert.deepEqual([payment.status, payment.failure?.reason], ["FAILED", "INSUFFICIENT_FUNDS"]);
      assert.equal(await balanceOf(customerId), before);
      await grant(parts, customerId, 10n);
      assert.equal(answerOf(await createPayment(parts, caller, input)).payment.status, "FAILED");
      const again = answerOf(await createPayment(parts, caller, { ...input, requestId: `${input.requestId}-again` }));
      assert.equal(again.payment.status, "SUCCEEDED");
    }
    await recover(parts);
    await assertBooksAddUp(service);
  });

  it("that is opened first is paid when it is completed, and can be tried again after a decline", async () => {
    const customerId = await customerWith(1n);
    const opened = await pay(customerId, 5n, { paymentMethod: null, attemptsMax: 3 });
    const find = { paymentId: opened.id };
    const complete = (requestId: string) =>
      completePayment(parts, caller, { find, paymentMethod: null, amount: null, requestId });
    const declined = answerOf(await complete(`${opened.id}-1`)).payment;
    assert.deepEqual([declined.status, declined.declinedAttempts.length], ["PENDING", 1]);
    await grant(parts, customerId, 4n);
    assert.equal(answerOf(await complete(`${opened.id}-2`)).payment.status, "SUCCEEDED");
    assert.deepEqual(await typesOf(opened), ["payment.created", "payment.attempt_failed", "payment.succeeded"]);
    assert.equal(await balanceOf(customerId), 0n);
  });

  it("that is only held is captured in part, and the rest goes back; or is canceled, and all does", async () => {
    const customerId = await customerWith(20n);
    const held = await pay(customerId, 8n, { captureMethod: "MANUAL" });
    assert.deepEqual([held.status, await balanceOf(customerId)], ["AUTHORIZED", 12n]);
    const part = { minor: 5n, currency: "XXX" };
    const captured = await completePayment(parts, caller, {
      find: { paymentId: held.id },
      paymentMethod: null,
      amount: part,
      requestId: "",
    });
    assert.deepEqual([answerOf(captured).payment.capturedMinor, await balanceOf(customerId)], [5n, 15n]);
    const other = await pay(customerId, 8n, { captureMethod: "MANUAL" });
    const find = { paymentId: other.id };
    const canceled = await cancelPayment(parts, caller, { find, reason: "sold out", requestId: "" });
    assert.deepEqual([answerOf(canceled).payment.status, await balanceOf(customerId)], ["CANCELED", 15n]);
    assert.deepEqual(await historyOf(customerId), [
      ["CANCELED", 8n, 15n],
      ["HELD", -8n, 7n],
      ["CAPTURED", 3n, 15n],
      ["HELD", -8n, 12n],
      ["GRANTED", 20n, 20n],
    ]);
    await assertBooksAddUp(service);
  });

  it("gives back by parts, to whose credits they were, and never more than was paid", async () => {
    const customerId = await customerWith(10n);
    const payment = await pay(customerId, 10n);
    const refund = (minor: bigint | null, requestId: string) =>
      refundPayment(parts, caller, {
        find: { paymentId: payment.id },
        amount: minor === null ? null : { minor, currency: "XXX" },
        reason: "unread",
        requestId,
      });
    const first = answerOf(await refund(4n, `${payment.id}-a`));
    assert.deepEqual([first.refund?.status, first.payment.status], ["SUCCEEDED", "PARTIALLY_REFUNDED"]);
    assert.equal(verdictOf(await refund(7n, `${payment.id}-b`)), "REFUND_EXCEEDS_CAPTURED");
    assert.equal(answerOf(await refund(4n, `${payment.id}-a`)).refund?.id, first.refund?.id);
    const races = await Promise.all(Array.from({ length: 8 }, (_, n) => refund(6n, `${payment.id}-race-${n}`)));
    assert.equal(races.filter((result) => result.ok).length, 1);
    assert.equal(await balanceOf(customerId), 10n);
    await assertBooksAddUp(service);
  });

  const wrong: [what: string, change: object, reason: string, field: string][] = [
    ["without a customer", { customerId: null }, "INVALID_ARGUMENT", "customer_id"],
    ["with a page", { mode: "CHECKOUT", paymentMethod: null }, "INVALID_ARGUMENT", "mode"],
    ["in a currency", { amount: { minor: 1n, currency: "EUR" } }, "UNSUPPORTED_CURRENCY", "amount.currency"],
    ["of no credits", { amount: { minor: 0n, currency: "XXX" } }, "INVALID_AMOUNT", "amount.minor"],
    ["with another provider", { provider: "mock" }, "UNSUPPORTED_CURRENCY", "amount.currency"],
  ];
  for (const [what, change, reason, field] of wrong) {
    it(`${what} is refused`, async () => {
      const refused = await createPayment(parts, caller, creditInput(await customerWith(1n), 1n, change));
      assert.ok(!refused.ok);
      assert.deepEqual([refused.error.reason, refused.error.violations[0]?.field], [reason, field]);
    });
  }

  it("with the token of a card fails, and says so", async () => {
    const payment = await pay(await customerWith(1n), 1n, { paymentMethod: "pm_card_visa" });
    assert.deepEqual([payment.status, payment.failure?.reason], ["FAILED", "INVALID_CARD"]);
  });

  it("leaves nothing that differs between the payments and the credits", async () => {
    const operations = { ...parts, books: createBooks(service.database) };
    await recover(parts);
    service.time += 3_600_000;
    const range = { from: new Date(service.time - 7_200_000), to: new Date(service.time) };
    const operator: Caller = { ...caller, role: "admin" };
    const run = await reconcile(operations, operator, {
      range,
      provider: "credits",
      apply: false,
      driftsMax: 100,
      tell: "never",
    });
    assert.ok(run.ok);
    const [compared] = run.value.providers;
    assert.deepEqual(compared?.drifts, []);
    assert.ok((compared?.checkedThere ?? 0) > 5);
  });
});

describe("64 payments at once with the credits of one customer", () => {
  it("take what there is and not one more, and every one is told the truth", async () => {
    const customerId = await customerWith(100n);
    const inputs = Array.from({ length: 64 }, () => creditInput(customerId, 3n));
    // Each twice, as impatient callers do.
    const answers = await Promise.all([...inputs, ...inputs].map((input) => createPayment(parts, caller, input)));
    const statuses = answers.slice(0, 64).map((answer) => answerOf(answer).payment.status);
    assert.equal(statuses.filter((status) => status === "SUCCEEDED").length, 33);
    assert.equal(statuses.filter((status) => status === "FAILED").length, 31);
    assert.deepEqual(
      answers.slice(64).map((answer) => answerOf(answer).payment.status),
      statuses,
    );
    assert.equal(await balanceOf(customerId), 1n);
    await recover(parts);
    await assertBooksAddUp(service);
  });

  it("in processes that are killed at any moment take it once as well, when recovery has finished what they began", async () => {
    const customerId = await customerWith(100n);
    let calls = 0;
    // A third dies before it asks for the credits, a third after that; a dead process writes nothing any more.
    const killed = new Set<string>();
    const dying = withCredits(service, (provider) => ({
      ...provider,
      async create(call) {
        calls += 1;
        const fate = calls % 3;
        if (fate === 0) return provider.create(call);
        if (fate === 2) await provider.create(call);
        killed.add(call.payment.id);
        throw new Error("killed");
      },
    }));
    const { store } = dying;
    const process = {
      ...dying,
      store: {
        ...store,
        markUnknown: () => Promise.reject(new Error("killed")),
        writeMovement: (...[write]: Parameters<typeof store.writeMovement>) =>
          killed.has(write.movement.payment.id) ? Promise.reject(new Error("killed")) : store.writeMovement(write),
      },
    };
    const inputs = Array.from({ length: 64 }, () => creditInput(customerId, 3n));
    const results = await Promise.allSettled(inputs.map((input) => createPayment(process, caller, input)));
    assert.ok(results.some(({ status }) => status === "rejected"));
    const open = "select 1 from provider_operation where state in ('IN_FLIGHT', 'UNKNOWN') and kind = 'CREATE'";
    assert.ok((await service.rows(open)).length > 30);
    service.time += 20_000;
    await Promise.all([recover(parts), recover(parts)]);
    service.time += 60_000;
    await recover(parts);
    assert.deepEqual(await service.rows(open), []);
    const answers = await Promise.all(inputs.map((input) => createPayment(parts, caller, input)));
    const statuses = answers.map((answer) => answerOf(answer).payment.status);
    assert.equal(statuses.filter((status) => status === "SUCCEEDED").length, 33);
    assert.equal(statuses.filter((status) => status === "FAILED").length, 31);
    assert.equal(await balanceOf(customerId), 1n);
    await assertBooksAddUp(service);
  });

  it("and grants and refunds between them leave books that add up", async () => {
    const customerId = await customerWith(30n);
    const giveBack = (payment: Payment): Promise<Result<unknown>> => {
      const call = { find: { paymentId: payment.id }, amount: null, requestId: "" };
      if (payment.status === "AUTHORIZED") return cancelPayment(parts, caller, { ...call, reason: "" });
      return refundPayment(parts, caller, { ...call, reason: null });
    };
    const work = Array.from({ length: 48 }, async (_, n) => {
      if (n % 4 === 0) return grant(parts, customerId, 2n);
      const payment = await pay(customerId, 3n, { captureMethod: n % 2 === 0 ? "MANUAL" : "AUTOMATIC" });
      if (payment.status !== "FAILED") assert.equal(verdictOf(await giveBack(payment)), "ok");
    });
    await Promise.all(work);
    assert.equal(await balanceOf(customerId), 54n);
    await assertBooksAddUp(service);
  });
});

describe("a grant", () => {
  it("is made once for its request id, by a hundred callers at once, who get the same answer", async () => {
    const input = { customerId: await customerWith(5n), credits: 7n, reason: "welcome", requestId: "grant-1" };
    const answers = await Promise.all(Array.from({ length: 100 }, () => grantCredits(parts, caller, input)));
    const [first] = answers;
    assert.ok(first?.ok);
    assert.deepEqual([first.value.credits, first.value.balance], [7n, 12n]);
    for (const answer of answers) assert.deepEqual(answer, first);
    await grant(parts, input.customerId, 1n);
    assert.deepEqual(await grantCredits(parts, caller, input), first);
    assert.equal(await balanceOf(input.customerId), 13n);
    assert.deepEqual(await service.rows("select reason from credit_transfer where id = $1", [first.value.transferId]), [
      { reason: "welcome" },
    ]);
  });

  it("with a request id that was used for something else is refused, be it a payment", async () => {
    const customerId = await customerWith(5n);
    const input = { customerId, credits: 7n, reason: null, requestId: "grant-2" };
    await grantCredits(parts, caller, input);
    assert.equal(verdictOf(await grantCredits(parts, caller, { ...input, credits: 8n })), "REQUEST_ID_REUSED");
    const payment = creditInput(customerId, 1n, { requestId: "grant-2" });
    assert.equal(verdictOf(await createPayment(parts, caller, payment)), "REQUEST_ID_REUSED");
    const paid = createInput();
    await createPayment(parts, caller, paid);
    const reused = await grantCredits(parts, caller, { ...input, requestId: paid.requestId });
    assert.equal(verdictOf(reused), "REQUEST_ID_REUSED");
    assert.equal(await balanceOf(customerId), 12n);
  });

  it("of nothing, of less, or of more than anybody means is refused", async () => {
    const customerId = await customerWith(0n);
    for (const credits of [0n, -1n, 1_000_000_001n]) {
      const refused = await grantCredits(parts, caller, { customerId, credits, reason: null, requestId: "" });
      assert.equal(verdictOf(refused), "INVALID_AMOUNT");
    }
    assert.deepEqual(await service.rows("select 1 from credit_account where customer_id = $1", [customerId]), []);
  });
});

describe("who may see and give credits", () => {
  it("customers see their own, and another's are not found, whether or not there are any", async () => {
    const [own, another] = [await customerWith(5n), await customerWith(6n)];
    const page = { pageSize: 0, pageToken: "" };
    for (const customerId of [own, null]) {
      const balance = await getCreditBalance(parts, customer(own), customerId);
      assert.deepEqual(balance, { ok: true, value: { customerId: own, credits: 5n } });
      const listed = await listCreditEntries(parts, customer(own), { customerId, page });
      assert.equal(listed.ok && listed.value.items.length, 1);
    }
    for (const customerId of [another, "nobody"]) {
      const answers = [
        await getCreditBalance(parts, customer(own), customerId),
        await listCreditEntries(parts, customer(own), { customerId, page }),
      ];
      assert.deepEqual(answers.map(verdictOf), ["CREDIT_ACCOUNT_NOT_FOUND", "CREDIT_ACCOUNT_NOT_FOUND"]);
    }
  });

  it("customers grant nothing, and who holds a payment's token sees nothing", async () => {
    const own = await customerWith(5n);
    const input = { customerId: own, credits: 1n, reason: null, requestId: "" };
    assert.equal(verdictOf(await grantCredits(parts, customer(own), input)), "PERMISSION_DENIED");
    const holder: Caller = { ...caller, role: "holder", clientToken: "token" };
    assert.equal(verdictOf(await grantCredits(parts, holder, input)), "PERMISSION_DENIED");
    assert.equal(verdictOf(await getCreditBalance(parts, holder, own)), "PERMISSION_DENIED");
    assert.equal(await balanceOf(own), 5n);
  });

  it("the history goes page by page, and a page of another customer is none", async () => {
    const customerId = await customerWith(0n);
    for (let credits = 1n; credits <= 5n; credits += 1n) await grant(parts, customerId, credits);
    const found: bigint[] = [];
    let pageToken = "";
    do {
      const listed = await listCreditEntries(parts, caller, { customerId, page: { pageSize: 2, pageToken } });
      assert.ok(listed.ok);
      found.push(...listed.value.items.map(({ credits }) => credits));
      pageToken = listed.value.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(found, [5n, 4n, 3n, 2n, 1n]);
    const first = await listCreditEntries(parts, caller, { customerId, page: { pageSize: 2, pageToken: "" } });
    assert.ok(first.ok);
    const page = { pageSize: 2, pageToken: first.value.nextPageToken };
    const stolen = await listCreditEntries(parts, caller, { customerId: "another", page });
    assert.equal(verdictOf(stolen), "INVALID_ARGUMENT");
    const bad = { pageSize: -1, pageToken: "" };
    assert.equal(verdictOf(await listCreditEntries(parts, caller, { customerId, page: bad })), "INVALID_ARGUMENT");
  });
});
