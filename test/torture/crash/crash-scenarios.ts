// The lives of an order that crashes are laid into. Each is one caller's, step by step, so that the same boundaries come about each time; and each has one end,
// whatever died on the way.
import { AMOUNT, CHECKOUT, HELD, INTENT, PAID, REASON, type Stage } from "./crash-stage.ts";

export interface End {
  /** With the reason, where a payment was canceled. */
  readonly status: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Without `payment.`, in the order of their versions. */
  readonly events: readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** What is there before anything is watched. */
  readonly usesCredits?: true;
  live(stage: Stage): Promise<unknown>;
  readonly end: End;
}

const DECLINED = "pm_card_chargeDeclined";
const CHALLENGED = "pm_card_threeDSecure2Required";
const PART = 700n;

function ended(status: string, [captured, refunded]: readonly [bigint, bigint], events: string): End {
  return { status, captured, refunded, events: events.split(", ") };
}

const NOTHING = [0n, 0n] as const;
const ALL = [AMOUNT, 0n] as const;
const ALL_BACK = [AMOUNT, AMOUNT] as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "paid at once",
    live: async (stage) => {
      await stage.create(PAID);
      await stage.deliver();
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded"),
  },
  {
    name: "completed with a card",
    live: async (stage) => {
      await stage.create(INTENT);
      await stage.complete({ paymentMethod: "pm_card_visa" });
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded"),
  },
  {
    name: "declined, then paid",
    live: async (stage) => {
      await stage.create({ ...INTENT, paymentMethod: DECLINED, attemptsMax: 2 });
      await stage.complete({ paymentMethod: "pm_card_visa" });
    },
    end: ended("SUCCEEDED", ALL, "created, attempt_failed, succeeded"),
  },
  {
    name: "declined for good",
    live: (stage) => stage.create({ ...INTENT, paymentMethod: DECLINED }),
    end: ended("FAILED", NOTHING, "created, failed"),
  },
  {
    name: "created twice",
    live: async (stage) => {
      await stage.create(INTENT);
      await stage.create(INTENT);
      await stage.complete({ paymentMethod: "pm_card_visa" });
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded"),
  },
  {
    name: "approved by the cardholder",
    live: async (stage) => {
      await stage.create({ ...INTENT, paymentMethod: CHALLENGED });
      await stage.authenticate(true);
      await stage.deliver();
    },
    end: ended("SUCCEEDED", ALL, "created, requires_action, succeeded"),
  },
  {
    name: "refused by the cardholder",
    live: async (stage) => {
      await stage.create({ ...INTENT, paymentMethod: CHALLENGED });
      await stage.authenticate(false);
      await stage.deliver();
    },
    end: ended("FAILED", NOTHING, "created, requires_action, failed"),
  },
  {
    name: "held, then captured",
    live: async (stage) => {
      await stage.create(HELD);
      await stage.complete();
    },
    end: ended("SUCCEEDED", ALL, "created, authorized, succeeded"),
  },
  {
    name: "held, then captured in part",
    live: async (stage) => {
      await stage.create(HELD);
      await stage.complete({ minor: PART });
      await stage.deliver();
    },
    end: ended("SUCCEEDED", [PART, 0n], "created, authorized, succeeded"),
  },
  {
    name: "held, then canceled",
    live: async (stage) => {
      await stage.create(HELD);
      await stage.cancel();
    },
    end: ended(`CANCELED: ${REASON}`, NOTHING, "created, authorized, cancelled"),
  },
  {
    name: "held, then canceled at the provider",
    live: async (stage) => {
      await stage.create(HELD);
      await stage.cancelAtProvider();
      await stage.deliver();
    },
    end: ended("CANCELED: requested_by_customer", NOTHING, "created, authorized, cancelled"),
  },
  {
    name: "paid on its page",
    live: async (stage) => {
      await stage.pay(await stage.create(CHECKOUT));
      await stage.deliver();
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded"),
  },
  {
    name: "paid on its page, and asked about",
    live: async (stage) => {
      await stage.pay(await stage.create(CHECKOUT));
      await stage.complete();
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded"),
  },
  {
    name: "declined on its page, then paid",
    live: async (stage) => {
      const opened = await stage.create(CHECKOUT);
      await stage.pay(opened, DECLINED);
      await stage.deliver();
      await stage.pay(opened);
      await stage.deliver();
    },
    end: ended("SUCCEEDED", ALL, "created, attempt_failed, succeeded"),
  },
  {
    name: "checkout canceled",
    live: async (stage) => {
      await stage.create(CHECKOUT);
      await stage.cancel();
    },
    end: ended(`CANCELED: ${REASON}`, NOTHING, "created, cancelled"),
  },
  {
    name: "checkout run out",
    live: async (stage) => {
      await stage.create(CHECKOUT);
      await stage.runOut();
    },
    end: ended("EXPIRED: expired", NOTHING, "created, cancelled"),
  },
  {
    name: "paid after the last attempt had failed",
    live: async (stage) => {
      const opened = await stage.create({ ...CHECKOUT, attemptsMax: 1 });
      await stage.pay(opened, DECLINED);
      await stage.pay(opened);
      await stage.deliver();
    },
    end: ended("FAILED", ALL_BACK, "created, failed, late, refunded"),
  },
  {
    name: "given back",
    live: async (stage) => {
      await stage.create(PAID);
      await stage.refund();
      await stage.deliver();
    },
    end: ended("REFUNDED", ALL_BACK, "created, succeeded, refunded"),
  },
  {
    name: "given back in two parts",
    live: async (stage) => {
      await stage.create(PAID);
      await stage.refund(PART);
      // More than is left is refused, and the refusal is kept.
      await stage.refund(AMOUNT);
      await stage.refund(AMOUNT - PART);
    },
    end: ended("REFUNDED", ALL_BACK, "created, succeeded, refunded, refunded"),
  },
  {
    name: "given back, and returned by the bank",
    live: async (stage) => {
      await stage.create({ ...PAID, paymentMethod: "pm_card_refundFail" });
      await stage.refund();
      await stage.settleRefund("failed");
      await stage.deliver();
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded, refunded, refund_failed"),
  },
  {
    name: "given back by a slow bank",
    live: async (stage) => {
      await stage.create({ ...PAID, paymentMethod: "pm_card_pendingRefund" });
      await stage.refund();
      await stage.settleRefund("succeeded");
      await stage.deliver();
    },
    end: ended("REFUNDED", ALL_BACK, "created, succeeded, refunded"),
  },
  {
    name: "given back at the provider",
    live: async (stage) => {
      await stage.create(PAID);
      await stage.refundAtProvider();
      await stage.deliver();
    },
    end: ended("REFUNDED", ALL_BACK, "created, succeeded, refunded"),
  },
  {
    name: "disputed and lost",
    live: async (stage) => {
      await stage.create({ ...PAID, paymentMethod: "pm_card_createDispute" });
      await stage.deliver();
      await stage.settleDispute("lost");
      await stage.deliver();
    },
    end: ended("SUCCEEDED", ALL, "created, succeeded, dispute_opened, dispute_closed"),
  },
  {
    name: "paid with credits, and given back",
    usesCredits: true,
    live: async (stage) => {
      await stage.payWithCredits({ paymentMethod: "credits" });
      await stage.refund();
    },
    end: ended("REFUNDED", ALL_BACK, "created, succeeded, refunded"),
  },
  {
    name: "held in credits, then canceled",
    usesCredits: true,
    live: async (stage) => {
      await stage.payWithCredits({ ...HELD, paymentMethod: "credits" });
      await stage.cancel();
    },
    end: ended(`CANCELED: ${REASON}`, NOTHING, "created, authorized, cancelled"),
  },
];
