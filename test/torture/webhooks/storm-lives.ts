// The lives of payments in a storm of webhooks: those that callers lead, and those in which something happens at the gateway alone, so that only a webhook can
// tell of it: a customer on the checkout page, a bank that asks or disputes, a colleague who gives money back by hand.
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { GatewayProcess } from "../../support/gateway-process.ts";
import type { Caller } from "../load/caller.ts";
import { live } from "../load/lives.ts";
import type { Random } from "../frame/random.ts";
import type { Verdict } from "../frame/record.ts";

const { createPayment, cancelPayment, refundPayment } = PaymentService.method;

/** The webhooks overtake the answer, or there is none. */
const FAULTS = [
  "create:webhook_first",
  "confirm:webhook_first",
  "capture:webhook_first",
  "cancel:webhook_first",
  "refund:webhook_first",
  "create:lost_after",
  "confirm:lost_after",
  "refund:lost_after",
  "capture:error_after",
  "refund:delay=100",
];

/** Long enough for webhooks to come first on a busy machine, and less than an attempt of a call may take. */
const LATE_ANSWER = "create:delay=2500";
/** How often, and with which pauses, the dashboard is looked at until the payment is there. */
const LOOKS_MAX = 200;
const LOOK_PAUSE_MS = 10;

export interface StormLife {
  readonly caller: Caller;
  readonly gateway: GatewayProcess;
  readonly random: Random;
  /** Keeps back the webhooks that name an order, until the storm is let loose. */
  readonly keepBack: (orderId: string) => void;
}

type Course = (life: StormLife, orderId: string) => Promise<unknown>;

interface Creation {
  readonly mode: PaymentMode;
  readonly paymentMethod?: string;
  readonly fault?: string | undefined;
}

function create({ caller, random }: StormLife, orderId: string, creation: Creation): Promise<Verdict | undefined> {
  const requestId = `${orderId}-create`;
  const { fault, ...terms } = creation;
  return caller.call(
    createPayment,
    { orderId, requestId },
    {
      orderId,
      amount: { currency: "EUR", minor: BigInt(200 + random.below(100_000)) },
      ...terms,
      ...(fault !== undefined && { metadata: { gateway_fault: fault } }),
      requestId,
    },
  );
}

function refund({ caller }: StormLife, orderId: string, minor: bigint): Promise<Verdict | undefined> {
  const named = { orderId, requestId: `${orderId}-refund-${minor}` };
  const payment = { case: "orderId", value: orderId } as const;
  return caller.call(refundPayment, named, { payment, amount: { currency: "EUR", minor }, ...named });
}

/** Undefined where the caller was told of none: a busy machine can take too long for a payment to be opened. */
function textIn(verdict: Verdict | undefined, part: "payment" | "checkout", field: string): string | undefined {
  const told = verdict?.kind === "ok" ? (verdict.answer[part] as JsonObject | undefined)?.[field] : undefined;
  return typeof told === "string" ? told : undefined;
}

/** The customer pays on the page, at the second try now and then; somebody cancels meanwhile, or gives money back. */
const onThePage: Course = async (life, orderId) => {
  const { gateway, random, caller } = life;
  const sessionId = textIn(await create(life, orderId, { mode: PaymentMode.CHECKOUT }), "checkout", "sessionId");
  if (sessionId === undefined) return;
  if (random.chance(0.5)) await gateway.pay(sessionId, "pm_card_chargeDeclined");
  const named = { orderId, requestId: `${orderId}-cancel` };
  const payment = { case: "orderId", value: orderId } as const;
  const canceled = random.chance(0.2) ? caller.call(cancelPayment, named, { payment, ...named }) : null;
  const isPaid = await gateway.pay(sessionId);
  await canceled;
  if (isPaid && random.chance(0.5)) await refund(life, orderId, 50n);
};

/** The bank asks the cardholder, who agrees or does not. */
const withTheBank: Course = async (life, orderId) => {
  const { gateway, random } = life;
  const creation = { mode: PaymentMode.INTENT, paymentMethod: "pm_card_authenticationRequired" };
  const intentId = textIn(await create(life, orderId, creation), "payment", "providerReference");
  if (intentId === undefined) return;
  await gateway.authenticate(intentId, random.chance(0.7));
};

/** A dispute that may come before the payment knows the gateway's id, and that is closed later. */
const disputed: Course = async (life, orderId) => {
  const { gateway, random, keepBack } = life;
  if (random.chance(0.5)) keepBack(orderId);
  const fault = random.pick(["create:webhook_first", LATE_ANSWER, undefined]);
  const paymentMethod = random.pick(["pm_card_createDispute", "pm_card_createDisputeInquiry"]);
  const created = await create(life, orderId, { mode: PaymentMode.INTENT, paymentMethod, fault });
  const payment_intent = textIn(created, "payment", "providerReference");
  if (payment_intent === undefined || random.chance(0.5)) return;
  const { data } = await gateway.stripe.disputes.list({ payment_intent });
  const status = random.pick(["won", "lost"]);
  for (const { id } of data) await gateway.control(`disputes/${id}/settle`, { status }).catch(() => {});
};

/** Money that is given back at the gateway's dashboard and by callers at once; some of the former comes back later. */
const refundedElsewhere: Course = async (life, orderId) => {
  const { gateway, random } = life;
  const paymentMethod = random.pick(["pm_card_visa", "pm_card_refundFail"]);
  const created = await create(life, orderId, { mode: PaymentMode.INTENT, paymentMethod });
  const payment_intent = textIn(created, "payment", "providerReference");
  if (payment_intent === undefined) return;
  const settle = async (): Promise<void> => {
    const { id } = await gateway.stripe.refunds.create({ payment_intent, amount: 30 });
    if (paymentMethod === "pm_card_refundFail") await gateway.control(`refunds/${id}/settle`, { status: "failed" });
  };
  // What a caller was told of a refund stays so: those that are undone are the dashboard's alone.
  const ours = paymentMethod === "pm_card_visa" ? [refund(life, orderId, 20n), refund(life, orderId, 40n)] : [];
  await Promise.all([settle(), ...ours, settle()]);
};

/** Money that is given back at the dashboard before the payment knows the gateway's id: its events come before what they speak of. */
const refundedUnheard: Course = async (life, orderId) => {
  const { gateway, keepBack } = life;
  keepBack(orderId);
  const creation = { mode: PaymentMode.INTENT, paymentMethod: "pm_card_visa", fault: LATE_ANSWER };
  const created = create(life, orderId, creation);
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const { data } = await gateway.stripe.paymentIntents.search({ query: `metadata['order_id']:'${orderId}'` });
    const [intent] = data;
    if (intent) {
      await gateway.stripe.refunds.create({ payment_intent: intent.id, amount: 30 });
      break;
    }
    await delay(LOOK_PAUSE_MS);
  }
  await created;
};

const byCallers: Course = ({ caller, random }, orderId) =>
  live({ caller, random, faults: FAULTS, holders: [] }, orderId);

/** What is in here twice happens twice as often. */
const COURSES: readonly Course[] = [
  byCallers,
  refundedUnheard,
  onThePage,
  byCallers,
  disputed,
  withTheBank,
  byCallers,
  onThePage,
  refundedUnheard,
  refundedElsewhere,
  byCallers,
  disputed,
  onThePage,
];

/** The courses take turns, so that even a short storm has all of them. */
export async function liveInStorm(life: StormLife, turn: number): Promise<void> {
  await COURSES[turn % COURSES.length]?.(life, `order-${turn}`);
}
