// The lives of payments under load: each is a walk of random choices that a real caller could make, mistakes and the gateway's faults among them.
import type { JsonObject } from "@bufbuild/protobuf";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import { CANARIES } from "../../support/canaries.ts";
import type { Caller } from "./caller.ts";
import type { Random } from "../frame/random.ts";
import type { Verdict } from "../frame/record.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;

const GOOD_CARDS = ["pm_card_visa", "pm_card_mastercard", "pm_card_amex"];
const BAD_CARDS = [
  "pm_card_chargeDeclined",
  "pm_card_chargeDeclinedInsufficientFunds",
  "pm_card_chargeDeclinedExpiredCard",
];
/** The gateway acts, and its answer is lost, late or wrong. */
export const ACTING_FAULTS = [
  "create:lost_after",
  "create:error_after",
  "create:delay=450",
  "confirm:lost_after",
  "confirm:error_after",
  "capture:lost_after",
  "capture:error_after",
  "cancel:lost_after",
  "refund:lost_after",
  "refund:error_after",
  "refund:delay=450",
];
/**
 * The gateway does nothing the first time. It counts in memory: killed together with the service it would do nothing again and again, so these
 * are for loads under which it lives on.
 */
export const IDLE_FAULTS = [
  "create:lost_before",
  "confirm:lost_before x2",
  "confirm:error",
  "capture:lost_before",
  "cancel:error",
  "refund:lost_before",
  "refund:error",
];
const FAULT_CHANCE = 0.25;
const BAD_CARD_CHANCE = 0.15;
/** A card's number where a token belongs, and in the caller's notes. */
const RAW_CARD_CHANCE = 0.05;
const NOTE_CHANCE = 0.05;
const CREDITS_CHANCE = 0.25;
/** Counts credits, in whole ones. */
const CREDITS = "XXX";
/** Of what one payment with credits costs. */
const CREDITS_MAX = 2_000;
/** Above 2^53 now and then. */
const LARGE = 9_007_199_254_740_993n;
const REFUNDS_MAX = 4;

const PAID = ["PAYMENT_STATUS_SUCCEEDED", "PAYMENT_STATUS_PARTIALLY_REFUNDED"];
const OPEN = ["PAYMENT_STATUS_PENDING", "PAYMENT_STATUS_REQUIRES_ACTION"];

interface Life {
  readonly caller: Caller;
  readonly random: Random;
  readonly orderId: string;
  readonly amount: bigint;
  /** Who pays with credits; undefined where a card pays. */
  readonly holder: string | undefined;
  readonly faults: readonly string[];
  calls: number;
}

/** Where the payment stands by what the caller was told last; undefined when it was told of no payment. */
function statusIn(verdict: Verdict | undefined): string | undefined {
  if (verdict?.kind !== "ok") return undefined;
  return (verdict.answer["payment"] as JsonObject | undefined)?.["status"] as string | undefined;
}

function nextName(life: Life): { orderId: string; requestId: string } {
  life.calls += 1;
  return { orderId: life.orderId, requestId: `${life.orderId}-${life.calls}` };
}

function money({ holder }: Life, minor: bigint) {
  return { currency: holder === undefined ? "EUR" : CREDITS, minor };
}

function pickMethod({ random, holder }: Life): string {
  if (holder !== undefined) return "credits";
  return random.pick(random.chance(BAD_CARD_CHANCE) ? BAD_CARDS : GOOD_CARDS);
}

function notesOf({ random, faults }: Life) {
  const fault = random.chance(FAULT_CHANCE) && { gateway_fault: random.pick(faults) };
  if (!random.chance(NOTE_CHANCE)) return { metadata: { ...fault } };
  return { description: `paid with ${CANARIES.note}`, metadata: { ...fault, card: CANARIES.note } };
}

function create(life: Life): Promise<Verdict | undefined> {
  const { caller, random, orderId, amount, holder } = life;
  const named = nextName(life);
  const isCheckout = random.chance(0.25) && holder === undefined;
  const paysAtOnce = !isCheckout && random.chance(0.75);
  return caller.call(createPayment, named, {
    orderId,
    amount: money(life, amount),
    mode: isCheckout ? PaymentMode.CHECKOUT : PaymentMode.INTENT,
    captureMethod: random.chance(0.3) ? CaptureMethod.MANUAL : CaptureMethod.AUTOMATIC,
    ...(paysAtOnce && { paymentMethod: pickMethod(life) }),
    ...(holder !== undefined && { provider: "credits", customerId: holder }),
    ...notesOf(life),
    attemptsMax: random.below(3),
    requestId: named.requestId,
  });
}

/** Is refused, and the number is told to nobody. */
function sendCardNumber(life: Life): Promise<Verdict | undefined> {
  const { caller, random, orderId, amount } = life;
  const named = nextName(life);
  const { requestId } = named;
  const paymentMethod = random.pick([CANARIES.card, CANARIES.testCard]);
  return random.chance(0.5)
    ? caller.call(createPayment, named, { orderId, amount: money(life, amount), paymentMethod, requestId })
    : caller.call(completePayment, named, { payment: { case: "orderId", value: orderId }, paymentMethod, requestId });
}

function complete(life: Life, change: { paymentMethod?: string; amount?: ReturnType<typeof money> }) {
  const named = nextName(life);
  const payment = { case: "orderId", value: life.orderId } as const;
  return life.caller.call(completePayment, named, { payment, ...change, requestId: named.requestId });
}

function cancel(life: Life): Promise<Verdict | undefined> {
  const named = nextName(life);
  const payment = { case: "orderId", value: life.orderId } as const;
  return life.caller.call(cancelPayment, named, { payment, reason: "changed mind", requestId: named.requestId });
}

/** A part, all that is left, or more than there is. */
function refund(life: Life): Promise<Verdict | undefined> {
  const { caller, random, orderId, amount } = life;
  const named = nextName(life);
  const payment = { case: "orderId", value: orderId } as const;
  const wish = random.pick([amount / 3n, amount / 2n, amount / 7n + 1n, amount + 1n, null]);
  const asked = wish === null ? {} : { amount: money(life, wish) };
  return caller.call(refundPayment, named, { payment, ...asked, requestId: named.requestId });
}

async function settle(life: Life, status: string | undefined): Promise<string | undefined> {
  const { random, amount } = life;
  let current = status;
  for (let attempt = 0; attempt < 3 && current !== undefined && OPEN.includes(current); attempt += 1) {
    if (random.chance(0.2)) return statusIn(await cancel(life));
    current = statusIn(await complete(life, { paymentMethod: pickMethod(life) }));
  }
  if (current !== "PAYMENT_STATUS_AUTHORIZED") return current;
  if (random.chance(0.25)) return statusIn(await cancel(life));
  return statusIn(await complete(life, random.chance(0.5) ? { amount: money(life, amount / 2n + 1n) } : {}));
}

function amountOf({ random }: Pick<Life, "random">, holder: string | undefined): bigint {
  if (holder !== undefined) return BigInt(1 + random.below(CREDITS_MAX));
  return random.chance(0.1) ? LARGE : BigInt(100 + random.below(100_000));
}

/** What a life begins with. */
export interface Birth extends Pick<Life, "caller" | "random" | "faults"> {
  /** Customers who have credits. */
  readonly holders?: readonly string[];
}

/** Lives one payment to an end; some lives meet one of the faults. */
export async function live({ caller, random, faults, holders = [] }: Birth, orderId: string): Promise<void> {
  const holder = holders.length > 0 && random.chance(CREDITS_CHANCE) ? random.pick(holders) : undefined;
  const life: Life = { caller, random, faults, orderId, holder, amount: amountOf({ random }, holder), calls: 0 };
  if (random.chance(RAW_CARD_CHANCE)) await sendCardNumber(life);
  const status = await settle(life, statusIn(await create(life)));
  if (status === undefined || !PAID.includes(status)) return;
  const refunds = random.below(REFUNDS_MAX + 1);
  if (random.chance(0.5)) {
    await Promise.all(Array.from({ length: refunds }, () => refund(life)));
  } else {
    for (let count = 0; count < refunds; count += 1) await refund(life);
  }
}
