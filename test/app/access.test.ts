// Who may do what, in the use cases themselves: no door can forget it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Action, authorize, type Identity, maySee, ROLES } from "../../src/app/access.ts";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment, type CreatePaymentInput } from "../../src/app/create-payment.ts";
import { getPayment, getPaymentStatus } from "../../src/app/get-payment.ts";
import { listPayments } from "../../src/app/list-payments.ts";
import type { Caller, Parts } from "../../src/app/parts.ts";
import { reconcile } from "../../src/app/reconcile.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { createBooks } from "../../src/db/books.ts";
import type { Refusal, Result } from "../../src/domain/error.ts";
import { mintId, type PaymentId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { PaymentFilter, PaymentKey } from "../../src/domain/query.ts";
import { paymentOf } from "../support/payments.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

const { signal } = caller;

function customer(customerId: string): Caller {
  return { role: "customer", principal: `customer:${customerId}`, customerId, clientToken: null, signal };
}

function holder(clientToken: string): Caller {
  return { role: "holder", principal: "holder:x", customerId: null, clientToken, signal };
}

const ada = customer("ada");
const grace = customer("grace");

let service: TestService;
/** With an order service in which every order is of the customer whom its id begins with, and of 100.00 EUR. */
let parts: Parts;
before(async () => {
  service = await TestService.open();
  parts = {
    ...service.parts,
    rules: { ...service.parts.rules, providers: new Set(["mock", "other"]) },
    orders: {
      find: async (id) => ({
        found: {
          id,
          status: "PENDING",
          amount: money(10_000n, "EUR"),
          customerId: id.split("-")[0] ?? null,
          customerEmail: null,
          items: [{ productId: "p-1", name: "Lamp", quantity: 2, unitPrice: money(5_000n, "EUR") }],
        },
      }),
    },
  };
});
after(() => service.close());

let orders = 0;

/** An open payment of a customer, made by a service. */
async function openPayment(customerId: string | null, change: Partial<CreatePaymentInput> = {}): Promise<Payment> {
  orders += 1;
  const orderId = `${customerId ?? "nobody"}-${orders}`;
  const input = createInput({ orderId, customerId, paymentMethod: null, requestId: "", ...change });
  return answerOf(await createPayment(service.parts, caller, input)).payment;
}

/** What a customer asks for who names nothing but an order. */
function order(orderId: string, change: Partial<CreatePaymentInput> = {}): CreatePaymentInput {
  return createInput({ orderId, amount: null, paymentMethod: null, requestId: "", ...change });
}

function refusalOf(result: Result<unknown>): Refusal {
  assert.ok(!result.ok);
  return result.error;
}

describe("the roles", () => {
  it("may do what the contract says, and nothing else", () => {
    const may: Readonly<Record<(typeof ROLES)[number], readonly Action[]>> = {
      service: ["create", "complete", "cancel", "refund", "read", "list", "grant credits", "read credits"],
      admin: ["create", "complete", "cancel", "refund", "read", "list", "operate", "grant credits", "read credits"],
      customer: ["create", "complete", "cancel", "read", "list", "read credits"],
      holder: ["read"],
    };
    for (const role of ROLES) {
      const allowed = may.admin.filter((action) => authorize({ ...ada, role }, action).ok);
      assert.deepEqual(allowed, may[role], role);
    }
    const refused = refusalOf(authorize(ada, "refund"));
    assert.deepEqual([refused.reason, refused.metadata], ["PERMISSION_DENIED", { role: "customer", action: "refund" }]);
  });

  it("see what is theirs: nobody's payments are nobody's, and an empty token opens none", () => {
    const identity: Identity = { role: "customer", principal: "p", customerId: null, clientToken: null };
    const of = (customerId: string | null) => paymentOf({ customerId, clientToken: "a".repeat(32) });
    assert.equal(maySee(identity, of(null)), false);
    assert.equal(maySee(ada, of(null)), false);
    assert.equal(maySee(ada, of("ada")), true);
    assert.equal(maySee(ada, of("Ada")), false);
    assert.equal(maySee({ ...identity, role: "holder" }, of("ada")), false);
    for (const token of ["", "a", "b".repeat(32)]) assert.equal(maySee(holder(token), of("ada")), false);
    assert.equal(maySee(holder("a".repeat(32)), of("ada")), true);
  });
});

type Use = (who: Caller, find: PaymentKey) => Promise<Result<unknown>>;

const USES: Readonly<Record<string, Use>> = {
  CompletePayment: (who, find) =>
    completePayment(parts, who, { find, paymentMethod: null, amount: null, requestId: "" }),
  CancelPayment: (who, find) => cancelPayment(parts, who, { find, reason: "", requestId: "" }),
  GetPaymentStatus: (who, find) => getPaymentStatus(parts, who, find),
};

describe("what belongs to another", () => {
  for (const [name, use] of Object.entries(USES)) {
    it(`is not there for ${name}: the answer is the one for what does not exist`, async () => {
      const { id, orderId } = await openPayment("grace");
      const none = mintId<PaymentId>(new Date(), crypto.randomUUID());
      const theirs = JSON.stringify(refusalOf(await use(ada, { paymentId: id }))).replaceAll(id, "ID");
      const nothing = JSON.stringify(refusalOf(await use(ada, { paymentId: none }))).replaceAll(none, "ID");
      assert.equal(theirs, nothing);
      const theirOrder = JSON.stringify(refusalOf(await use(ada, { orderId }))).replaceAll(orderId, "ORDER");
      const noOrder = JSON.stringify(refusalOf(await use(ada, { orderId: "none" }))).replaceAll("none", "ORDER");
      assert.equal(theirOrder, noOrder);
      assert.equal(
        (await service.rows("select status from payment where id = $1", [id]))[0]?.["status" as never],
        "PENDING",
      );
      assert.equal(verdictOf(await use(grace, { paymentId: id })), "ok");
    });
  }

  it("is not there for GetPayment", async () => {
    const { id } = await openPayment("grace");
    assert.equal(refusalOf(await getPayment(parts, ada, id)).message, `there is no payment_${id}`);
    assert.equal(verdictOf(await getPayment(parts, grace, id)), "ok");
  });

  it("and is being worked on is not there either, at once", async () => {
    const { id } = await openPayment("grace");
    service.gateway.script({ operation: "confirm", fault: "delay", delayMs: 200 });
    const busy = completePayment(parts, grace, {
      find: { paymentId: id },
      paymentMethod: null,
      amount: null,
      requestId: "",
    });
    const cancel = await cancelPayment(parts, ada, { find: { paymentId: id }, reason: "", requestId: "" });
    assert.equal(verdictOf(cancel), "PAYMENT_NOT_FOUND");
    await busy;
  });

  it("is not in a list, whatever is filtered by", async () => {
    const theirs = await openPayment("grace");
    const own = await openPayment("ada");
    const all: PaymentFilter = { orderId: null, customerId: null, statuses: [], createdFrom: null, createdTo: null };
    const list = async (who: Caller, filter: Partial<PaymentFilter>) => {
      const result = await listPayments(parts, who, {
        filter: { ...all, ...filter },
        page: { pageSize: 500, pageToken: "" },
      });
      assert.ok(result.ok);
      return result.value.items.map(({ id }) => id);
    };
    const seen = await list(ada, {});
    assert.deepEqual([seen.includes(own.id), seen.includes(theirs.id)], [true, false]);
    for (const filter of [{ customerId: "grace" }, { orderId: theirs.orderId }])
      assert.deepEqual(await list(ada, filter), []);
    assert.deepEqual(await list({ ...ada, customerId: null }, {}), []);
    assert.deepEqual(await list({ ...ada, customerId: "" }, {}), []);
    assert.ok((await list(caller, { customerId: "grace" })).includes(theirs.id));
  });

  it("is not answered from another's request with the same id", async () => {
    const { id } = await openPayment("grace");
    const input = { find: { paymentId: id }, reason: "", requestId: "same" };
    assert.equal(verdictOf(await cancelPayment(parts, grace, input)), "ok");
    assert.equal(verdictOf(await cancelPayment(parts, ada, input)), "PAYMENT_NOT_FOUND");
  });
});

describe("a holder of a client token", () => {
  it("reads its payment, by its id alone, and does nothing else", async () => {
    const { id, orderId, clientToken } = await openPayment("ada");
    const { id: another } = await openPayment("ada");
    const who = holder(clientToken);
    assert.equal(verdictOf(await getPaymentStatus(parts, who, { paymentId: id })), "ok");
    assert.equal(verdictOf(await getPayment(parts, who, id)), "ok");
    assert.equal(verdictOf(await getPayment(parts, who, another)), "PAYMENT_NOT_FOUND");
    for (const known of [orderId, "none"])
      assert.equal(verdictOf(await getPaymentStatus(parts, who, { orderId: known })), "PERMISSION_DENIED");
    assert.equal(verdictOf(await USES["CancelPayment"]!(who, { paymentId: id })), "PERMISSION_DENIED");
    assert.equal(verdictOf(await createPayment(parts, who, order("ada-new"))), "PERMISSION_DENIED");
  });
});

describe("a customer who creates a payment", () => {
  it("gets the order's amount and lines, in their own name, whatever they said", async () => {
    const items = [{ name: "Something else", unitPrice: { minor: 10_000n, currency: "EUR" }, quantity: 1 }];
    const { payment } = answerOf(await createPayment(parts, ada, order("ada-own", { items })));
    assert.deepEqual([payment.amount, payment.customerId], [money(10_000n, "EUR"), "ada"]);
    assert.deepEqual(
      payment.items.map(({ name, quantity }) => [name, quantity]),
      [["Lamp", 2]],
    );
    assert.deepEqual([payment.principal, payment.attemptsMax], ["customer:ada", 1]);
  });

  it("may repeat the order's amount, and not change it", async () => {
    const say = (minor: bigint, orderId: string) =>
      createPayment(parts, ada, order(orderId, { amount: { minor, currency: "EUR" } }));
    assert.equal(verdictOf(await say(10_000n, "ada-repeated")), "ok");
    const items = [{ name: "Lamp", unitPrice: { minor: 1n, currency: "EUR" }, quantity: 1 }];
    assert.equal(verdictOf(await createPayment(parts, ada, order("ada-changed", { items }))), "INVALID_AMOUNT");
    for (const minor of [1n, 9_999n, 10_001n])
      assert.equal(verdictOf(await say(minor, "ada-changed")), "INVALID_AMOUNT");
    assert.deepEqual(await service.rows("select 1 from payment where order_id = 'ada-changed'"), []);
  });

  it("may not say what costs the seller something", async () => {
    const wishes: Partial<CreatePaymentInput>[] = [
      { customerId: "grace" },
      { captureMethod: "MANUAL" },
      { attemptsMax: 2 },
      { attemptsMax: 20, mode: "CHECKOUT" },
      { provider: "other" },
    ];
    for (const wish of wishes) {
      const result = await createPayment(parts, ada, order("ada-wishes", wish));
      assert.equal(verdictOf(result), "PERMISSION_DENIED", Object.keys(wish)[0]);
    }
    const named = { ...parts, rules: { ...parts.rules, customerProviders: new Set(["other"]) } };
    assert.equal(verdictOf(await createPayment(named, ada, order("ada-wishes"))), "PERMISSION_DENIED");
    assert.deepEqual(await service.rows("select 1 from payment where order_id = 'ada-wishes'"), []);
  });

  it("without an order service that knows the amount, may not create any", async () => {
    for (const amount of [null, { minor: 1n, currency: "EUR" }]) {
      const refused = refusalOf(await createPayment(service.parts, ada, order("ada-alone", { amount })));
      assert.equal(refused.reason, "PERMISSION_DENIED");
      assert.match(refused.message, /no order service is configured/);
    }
  });

  it("for another's order, finds none, whether or not it has a payment", async () => {
    const { orderId } = await openPayment("grace");
    for (const id of [orderId, "grace-unpaid"])
      assert.equal(refusalOf(await createPayment(parts, ada, order(id))).message, `there is no order ${id}`);
  });

  it("for an order of theirs that somebody else is paying, learns nothing of that payment", async () => {
    const orderId = "ada-taken";
    for (const [index, change] of [{ customerId: "grace" }, { customerId: null }].entries()) {
      const taken = await openPayment("ada", { orderId: `${orderId}-${index}`, ...change });
      const input = order(taken.orderId, { requestId: `taken-${index}` });
      const refused = refusalOf(await createPayment(parts, ada, input));
      assert.deepEqual([refused.reason, refused.metadata], ["ORDER_NOT_PAYABLE", { orderId: taken.orderId }]);
      assert.ok(!JSON.stringify(refused).includes(taken.id));
      assert.deepEqual(refusalOf(await createPayment(parts, ada, input)), refused);
    }
  });

  it("again, gets their own open payment, also one that a service made for them", async () => {
    const { id, orderId } = await openPayment("ada", { orderId: "ada-again" });
    assert.equal(answerOf(await createPayment(parts, ada, order(orderId))).payment.id, id);
  });
});

it("a customer pays all of a payment or nothing: an amount is not theirs to name", async () => {
  const { id } = await openPayment("ada");
  const input = { find: { paymentId: id }, paymentMethod: null, requestId: "" };
  const part = { ...input, amount: { minor: 1n, currency: "EUR" } };
  assert.equal(verdictOf(await completePayment(parts, ada, part)), "PERMISSION_DENIED");
  const { payment } = answerOf(await completePayment(parts, ada, { ...input, amount: null }));
  assert.deepEqual([payment.status, payment.capturedMinor], ["SUCCEEDED", 10_000n]);
});

it("a customer does not take what the seller only holds", async () => {
  const { id } = await openPayment("ada", { captureMethod: "MANUAL", paymentMethod: "pm_card_visa" });
  const input = { find: { paymentId: id }, paymentMethod: null, amount: null, requestId: "" };
  assert.equal(verdictOf(await completePayment(parts, ada, input)), "PERMISSION_DENIED");
  assert.equal(answerOf(await completePayment(parts, caller, input)).payment.status, "SUCCEEDED");
});

it("a customer gives no money back, not even their own, and before the payment is looked for", async () => {
  const { id } = await openPayment("ada");
  for (const paymentId of [id, mintId<PaymentId>(new Date(), crypto.randomUUID())]) {
    const input = { find: { paymentId }, amount: { minor: -1n, currency: "none" }, reason: null, requestId: "" };
    assert.equal(verdictOf(await refundPayment(parts, ada, input)), "PERMISSION_DENIED");
  }
});

it("operations are for admins, and not for other services", async () => {
  const range = { from: new Date(0), to: new Date(1) };
  const input = { range, provider: null, apply: true, driftsMax: 1, tell: "never" } as const;
  const books = createBooks(service.database);
  for (const who of [caller, ada, holder("x")])
    assert.equal(verdictOf(await reconcile({ ...service.parts, books }, who, input)), "PERMISSION_DENIED");
  assert.equal(verdictOf(await reconcile({ ...service.parts, books }, { ...caller, role: "admin" }, input)), "ok");
});
