import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CreateInput,
  type CreateRules,
  type CreateTerms,
  parseAsked,
  withOwnAmount,
} from "../../src/domain/create-payment.ts";
import { decideCancel, decideComplete, decideCreateAgain, decideRefund } from "../../src/domain/decide-command.ts";
import { REASONS, type Result } from "../../src/domain/error.ts";
import { PAYMENT_STATUSES } from "../../src/domain/payment.ts";
import { ErrorReasonSchema, OutcomeSchema } from "../../gen/payment/v1/error_pb.ts";
import { paymentIn, paymentOf } from "../support/payments.ts";

function outcomeOf(result: Result<unknown>): unknown {
  return result.ok ? result.value : result.error.reason;
}

const rules = {
  providers: new Set(["mock"]),
  returnOrigins: new Set(["https://shop.example"]),
  loopbackReturns: false,
};

function input(change: Partial<CreateInput> = {}): CreateInput {
  return {
    orderId: "order-1",
    amount: { minor: 5_198n, currency: "usd" },
    items: [],
    customerId: null,
    customerEmail: null,
    mode: "CHECKOUT",
    provider: "mock",
    captureMethod: "AUTOMATIC",
    paymentMethod: null,
    successUrl: null,
    cancelUrl: null,
    description: null,
    metadata: {},
    attemptsMax: null,
    ...change,
  };
}

const shirts = { name: "Shirt", unitPrice: { minor: 2_599n, currency: "USD" }, quantity: 2 };

/** As where no order service says the amount. */
function parseCreate(asked: CreateInput, allowed: CreateRules): Result<CreateTerms> {
  const parsed = parseAsked(asked, allowed);
  return parsed.ok ? withOwnAmount(parsed.value) : parsed;
}

describe("what may be created", () => {
  it("is an amount, or items that add up to it, or both where they agree", () => {
    for (const change of [{}, { amount: null, items: [shirts] }, { items: [shirts] }]) {
      const result = parseCreate(input(change), rules);
      assert.deepEqual(result.ok && result.value.amount, { minor: 5_198n, currency: "USD" });
    }
  });

  it("is refused by reason and field where it is not", () => {
    const cases: [Partial<CreateInput>, string, string][] = [
      [{ amount: null }, "INVALID_AMOUNT", "amount"],
      [{ amount: { minor: 5_199n, currency: "USD" }, items: [shirts] }, "INVALID_AMOUNT", "amount"],
      [{ amount: { minor: 5_198n, currency: "EUR" }, items: [shirts] }, "INVALID_AMOUNT", "amount"],
      [
        { amount: null, items: [shirts, { ...shirts, unitPrice: { minor: 1n, currency: "EUR" } }] },
        "INVALID_AMOUNT",
        "items[1].unit_price.currency",
      ],
      [
        { amount: null, items: [{ ...shirts, unitPrice: { minor: 2n ** 62n, currency: "USD" }, quantity: 10_000 }] },
        "INVALID_AMOUNT",
        "items",
      ],
      [{ amount: { minor: 0n, currency: "USD" } }, "INVALID_AMOUNT", "amount.minor"],
      [{ amount: { minor: -1n, currency: "USD" } }, "INVALID_AMOUNT", "amount.minor"],
      [{ amount: { minor: 1n, currency: "XTS" } }, "UNSUPPORTED_CURRENCY", "amount.currency"],
      [{ amount: { minor: 1n, currency: "XXX" } }, "UNSUPPORTED_CURRENCY", "amount.currency"],
      [{ provider: "paypal" }, "INVALID_ARGUMENT", "provider"],
      [{ paymentMethod: "pm_card_visa" }, "INVALID_ARGUMENT", "payment_method"],
      [{ successUrl: "javascript:alert(1)" }, "INVALID_URL", "success_url"],
      [{ successUrl: "https://evil.example/paid" }, "INVALID_URL", "success_url"],
      [{ cancelUrl: "https://shop.example@evil.example/" }, "INVALID_URL", "cancel_url"],
      [{ cancelUrl: "//shop.example/" }, "INVALID_URL", "cancel_url"],
      [{ cancelUrl: "http://localhost:3000/" }, "INVALID_URL", "cancel_url"],
    ];
    for (const [change, reason, field] of cases) {
      const result = parseCreate(input(change), rules);
      assert.equal(outcomeOf(result), reason, field);
      assert.equal(!result.ok && result.error.violations[0]?.field, field);
    }
  });

  it("allows five declined attempts on a page, where people mistype, and one for an intent", () => {
    const attempts = (change: Partial<CreateInput>): unknown => {
      const result = parseCreate(input(change), rules);
      return result.ok && result.value.attemptsMax;
    };
    assert.deepEqual([attempts({}), attempts({ mode: "INTENT" }), attempts({ attemptsMax: 2 })], [5, 1, 2]);
  });
});

describe("creating again for an order", () => {
  const terms = { amount: { minor: 10_000n, currency: "EUR" } } as CreateTerms;

  it("gives the open payment of the same amount, and names the one of another", () => {
    for (const status of ["PENDING", "REQUIRES_ACTION", "PROCESSING", "AUTHORIZED"] as const) {
      const open = paymentIn(status);
      assert.equal(outcomeOf(decideCreateAgain(open, terms)), open);
      const other = decideCreateAgain(open, { ...terms, amount: { minor: 1n, currency: "EUR" } });
      assert.equal(outcomeOf(other), "ORDER_HAS_OPEN_PAYMENT");
      assert.equal(!other.ok && other.error.metadata["paymentId"], `payment_${open.id}`);
    }
  });

  it("is refused once the order is paid, whatever was given back since", () => {
    for (const status of ["SUCCEEDED", "PARTIALLY_REFUNDED", "REFUNDED"] as const) {
      assert.equal(outcomeOf(decideCreateAgain(paymentIn(status), terms)), "PAYMENT_ALREADY_COMPLETED");
    }
  });
});

describe("commands by status", () => {
  const whole = { step: "capture", amountMinor: 10_000n };
  const confirm = { step: "confirm", paymentMethod: "pm_card_visa" };
  const expected: Record<string, [unknown, unknown, unknown]> = {
    PENDING: [confirm, "cancel", "PAYMENT_NOT_PAID"],
    REQUIRES_ACTION: [confirm, "cancel", "PAYMENT_NOT_PAID"],
    PROCESSING: [{ step: "verify" }, "PAYMENT_NOT_CANCELABLE", "PAYMENT_NOT_PAID"],
    AUTHORIZED: [whole, "cancel", "PAYMENT_NOT_PAID"],
    SUCCEEDED: ["PAYMENT_ALREADY_COMPLETED", "PAYMENT_NOT_CANCELABLE", { minor: 10_000n, currency: "EUR" }],
    PARTIALLY_REFUNDED: ["PAYMENT_ALREADY_COMPLETED", "PAYMENT_NOT_CANCELABLE", { minor: 6_000n, currency: "EUR" }],
    REFUNDED: ["PAYMENT_ALREADY_COMPLETED", "PAYMENT_NOT_CANCELABLE", "REFUND_EXCEEDS_CAPTURED"],
    FAILED: ["ORDER_NOT_PAYABLE", "PAYMENT_NOT_CANCELABLE", "PAYMENT_NOT_PAID"],
    CANCELED: ["ORDER_NOT_PAYABLE", "done", "PAYMENT_NOT_PAID"],
    EXPIRED: ["ORDER_NOT_PAYABLE", "PAYMENT_NOT_CANCELABLE", "PAYMENT_NOT_PAID"],
  };
  for (const status of PAYMENT_STATUSES) {
    it(`${status}: complete, cancel, refund`, () => {
      const payment = paymentIn(status);
      const complete = decideComplete(payment, { paymentMethod: "pm_card_visa", amount: null });
      assert.deepEqual(
        [outcomeOf(complete), outcomeOf(decideCancel(payment)), outcomeOf(decideRefund(payment, null))],
        expected[status],
      );
    });
  }

  it("without a method, an open payment is asked after", () => {
    assert.deepEqual(outcomeOf(decideComplete(paymentOf(), { paymentMethod: null, amount: null })), { step: "verify" });
  });

  it("a part is captured of a held payment alone, and never more than is held", () => {
    const part = (status: "AUTHORIZED" | "PENDING", minor: bigint, currency = "EUR"): unknown =>
      outcomeOf(decideComplete(paymentIn(status), { paymentMethod: "pm_card_visa", amount: { minor, currency } }));
    assert.deepEqual(part("AUTHORIZED", 1n), { step: "capture", amountMinor: 1n });
    assert.deepEqual(part("PENDING", 10_000n), confirm);
    for (const refused of [
      part("AUTHORIZED", 10_001n),
      part("AUTHORIZED", 0n),
      part("AUTHORIZED", 1n, "USD"),
      part("PENDING", 9_999n),
    ]) {
      assert.equal(refused, "INVALID_AMOUNT");
    }
  });

  it("a refund counts what other refunds have reserved", () => {
    const payment = { ...paymentIn("PARTIALLY_REFUNDED"), refundPendingMinor: 5_000n };
    const refund = (minor: bigint): unknown => outcomeOf(decideRefund(payment, { minor, currency: "EUR" }));
    assert.deepEqual(
      [refund(1_000n), refund(1_001n), refund(0n), refund(-5n)],
      [{ minor: 1_000n, currency: "EUR" }, "REFUND_EXCEEDS_CAPTURED", "INVALID_AMOUNT", "INVALID_AMOUNT"],
    );
  });
});

it("the contract lists the reasons and the outcomes that refusals have, and no others", () => {
  const names = (schema: { values: readonly { name: string }[] }, prefix: string): string[] =>
    schema.values.slice(1).map((value) => value.name.replace(prefix, ""));
  assert.deepEqual(names(ErrorReasonSchema, "ERROR_REASON_").sort(), Object.keys(REASONS).sort());
  assert.deepEqual(names(OutcomeSchema, "OUTCOME_").sort(), ["APPLIED", "DECLINED", "NOT_ATTEMPTED", "UNKNOWN"]);
});
