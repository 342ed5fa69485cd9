import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CreditWish, decideCredits, grantLegs, HOUSE, isWished, type Transfer } from "../../src/domain/credit.ts";
import { checkCreditTerms } from "../../src/domain/credit-terms.ts";
import { type CreditAccountId, mintId, type OperationId, type PaymentId } from "../../src/domain/ids.ts";
import { digitsOf, parseDecimal, printDecimal } from "../../src/domain/money.ts";
import type { OperationKind } from "../../src/domain/operation.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const accountId = mintId<CreditAccountId>(now, randomUUID());
const paymentId = mintId<PaymentId>(now, randomUUID());

const KINDS: readonly OperationKind[] = ["CREATE", "CONFIRM", "CAPTURE", "CANCEL", "REFUND"];
const OWED = 10n;

function wish(kind: OperationKind, change: Partial<CreditWish> = {}): CreditWish {
  return { kind, pays: true, credits: OWED, captureMethod: "AUTOMATIC", accountId, ...change };
}

/** The accounts of the world, and a payment's transfers in it, as they are after wishes one after the other. */
function live(start: bigint, wishes: readonly CreditWish[]) {
  const balances = new Map<CreditAccountId, bigint>([[accountId, start]]);
  const transfers: Transfer[] = [];
  const refused: string[] = [];
  for (const each of wishes) {
    const decision = decideCredits(transfers, each);
    if (!decision.move) {
      refused.push(decision.code);
      continue;
    }
    const total = decision.legs.reduce((sum, leg) => sum + leg.credits, 0n);
    assert.equal(total, 0n);
    const short = decision.legs.some((leg) => leg.accountId === accountId && start0(balances) + leg.credits < 0n);
    for (const leg of short ? [] : decision.legs)
      balances.set(leg.accountId, (balances.get(leg.accountId) ?? 0n) + leg.credits);
    transfers.push({
      id: mintId<OperationId>(now, randomUUID()),
      kind: each.kind,
      effect: short ? "DECLINED" : decision.effect,
      accountId,
      credits: decision.credits,
      paymentId,
      sequence: transfers.length + 1,
      orderId: null,
      refundId: null,
      reason: null,
      createdAt: now,
    });
  }
  return { balances, transfers, refused, effects: transfers.map(({ effect }) => effect) };
}

function start0(balances: ReadonlyMap<CreditAccountId, bigint>): bigint {
  return balances.get(accountId) ?? 0n;
}

describe("a payment with credits", () => {
  const stories: [what: string, wishes: CreditWish[], effects: string[], refused: string[], left: bigint][] = [
    ["is paid at once", [wish("CREATE")], ["CAPTURED"], [], 5n],
    ["is opened, and paid later", [wish("CREATE", { pays: false }), wish("CONFIRM")], ["OPENED", "CAPTURED"], [], 5n],
    [
      "is paid once",
      [wish("CREATE"), wish("CONFIRM"), wish("CREATE")],
      ["CAPTURED"],
      ["not_open", "already_opened"],
      5n,
    ],
    [
      "is declined when there are too few",
      [wish("CREATE", { credits: 16n }), wish("REFUND")],
      ["DECLINED"],
      ["not_captured"],
      15n,
    ],
    [
      "is held, and captured in part",
      [
        wish("CREATE", { captureMethod: "MANUAL" }),
        wish("REFUND", { credits: 1n }),
        wish("CAPTURE", { credits: 11n }),
        wish("CAPTURE", { credits: 6n }),
        wish("CAPTURE", { credits: 1n }),
        wish("CANCEL"),
      ],
      ["HELD", "CAPTURED"],
      ["not_captured", "amount_too_large", "not_held", "not_cancelable"],
      9n,
    ],
    [
      "is held, and let go",
      [wish("CREATE", { captureMethod: "MANUAL" }), wish("CANCEL"), wish("CAPTURE"), wish("CONFIRM"), wish("CANCEL")],
      ["HELD", "CANCELED"],
      ["not_held", "not_open", "not_cancelable"],
      15n,
    ],
    [
      "is given back, and never more than was paid",
      [
        wish("CREATE"),
        wish("REFUND", { credits: 4n }),
        wish("REFUND", { credits: 7n }),
        wish("REFUND", { credits: 6n }),
      ],
      ["CAPTURED", "REFUNDED", "REFUNDED"],
      ["amount_too_large"],
      15n,
    ],
    [
      "that was not opened can do nothing",
      KINDS.slice(1).map((kind) => wish(kind)),
      [],
      new Array(4).fill("not_opened"),
      15n,
    ],
  ];
  for (const [what, wishes, effects, refused, left] of stories) {
    it(what, () => {
      const end = live(15n, wishes);
      assert.deepEqual(end.effects, effects);
      assert.deepEqual(end.refused, refused);
      assert.equal(end.balances.get(accountId), left);
    });
  }

  it("whatever is asked of it, in whatever order, leaves no account of its below zero, and makes and loses nothing", () => {
    const anyWish = fc.record({
      kind: fc.constantFrom(...KINDS),
      pays: fc.boolean(),
      credits: fc.bigInt({ min: 0n, max: 12n }).map((credits) => credits),
    });
    fc.assert(
      fc.property(
        fc.array(anyWish, { maxLength: 12 }),
        fc.constantFrom("MANUAL", "AUTOMATIC"),
        (wishes, captureMethod) => {
          const sane = wishes.map((each) =>
            wish(each.kind, {
              ...each,
              captureMethod,
              credits: each.kind === "CREATE" || each.kind === "CONFIRM" ? OWED : each.credits,
            }),
          );
          const { balances } = live(25n, sane);
          for (const balance of balances.values()) assert.ok(balance >= 0n);
          assert.equal(
            [...balances.values()].reduce((sum, balance) => sum + balance, 0n),
            25n,
          );
        },
      ),
    );
  });

  it("knows a wish again, and tells it from another", () => {
    const [paid] = live(15n, [wish("CREATE")]).transfers;
    assert.ok(paid);
    assert.equal(isWished(paid, wish("CREATE")), true);
    for (const other of [wish("CREATE", { pays: false }), wish("CREATE", { credits: 9n }), wish("CONFIRM")]) {
      assert.equal(isWished(paid, other), false);
    }
  });
});

describe("credits", () => {
  it("are whole, and counted in a currency that is none", () => {
    assert.equal(digitsOf("XXX"), 0);
    assert.equal(printDecimal({ minor: 12n, currency: "XXX" }), "12");
    assert.equal(parseDecimal("1.5", "XXX", "amount").ok, false);
  });

  it("are granted out of the house's own account", () => {
    assert.deepEqual(grantLegs(accountId, 3n), [
      { accountId: HOUSE.issued, credits: -3n },
      { accountId, credits: 3n },
    ]);
  });

  it("need a customer and no page, and are asked for in nothing else", () => {
    const terms = { provider: "credits", mode: "INTENT", customerId: "c", currency: "XXX" } as const;
    const verdict = (change: Partial<Parameters<typeof checkCreditTerms>[0]>): string => {
      const checked = checkCreditTerms({ ...terms, ...change });
      return checked.ok ? "ok" : `${checked.error.reason} ${checked.error.metadata["field"]}`;
    };
    assert.equal(verdict({}), "ok");
    assert.equal(verdict({ currency: null }), "ok");
    assert.equal(verdict({ customerId: null }), "INVALID_ARGUMENT customer_id");
    assert.equal(verdict({ mode: "CHECKOUT" }), "INVALID_ARGUMENT mode");
    assert.equal(verdict({ currency: "EUR" }), "UNSUPPORTED_CURRENCY amount.currency");
    assert.equal(verdict({ provider: "mock" }), "UNSUPPORTED_CURRENCY amount.currency");
    assert.equal(verdict({ provider: "mock", currency: "EUR", customerId: null, mode: "CHECKOUT" }), "ok");
  });
});
