// The five cases in which webhooks, answers and crashes meet, each for one payment. A case brings its meeting about, by scripts and not by chance where it
// can, and tells how the payment may end; whether it did is found out when all is quiet.
import type { JsonObject } from "@bufbuild/protobuf";
import { CaptureMethod, PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import type { GatewayProcess } from "../../support/gateway-process.ts";
import type { Meddler } from "../../support/meddler.ts";
import type { Caller } from "../load/caller.ts";
import type { Random } from "../frame/random.ts";
import type { Verdict } from "../frame/record.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;

const REASON = "changed mind";
/** Canceled for our reason, whoever told of it first. */
const CANCELED = `CANCELED: ${REASON}`;
const VISA = "pm_card_visa";
/** Attempts that one call makes. */
const ATTEMPTS = 3;
/** How often a caller comes who is not answered. */
const TIMES_MAX = 10;

/** The calls that act on money, and what the gateway's journal says once it has acted. */
export const ACTS = {
  create: ["charge"],
  confirm: ["charge"],
  capture: ["capture"],
  cancel: ["cancel", "expire"],
  refund: ["refund"],
} as const;
export type Act = keyof typeof ACTS;
export const ACT_NAMES = Object.keys(ACTS) as Act[];

export interface World {
  readonly gateway: GatewayProcess;
  readonly meddler: Meddler;
  readonly caller: Caller;
  readonly random: Random;
  /** Waits until the stream has told an event of an order. */
  told(orderId: string, type: string): Promise<void>;
}

/** A payment's end: its status, with the reason of a cancel, what was captured and given back of what is owed, and whether money came late. */
export interface End {
  readonly status: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly late: boolean;
}

/** The ends that an order may have. */
export interface Story {
  readonly orderId: string;
  readonly ends: readonly End[];
}

export type Case = (world: World, orderId: string) => Promise<Story>;

/** A payment that is ready for one call, and the call. */
export interface Prepared extends Story {
  readonly kind: Act;
  act(): Promise<Verdict | undefined>;
}

function amountOf({ random }: World): bigint {
  return BigInt(100 + random.below(100_000));
}

function end(status: string, captured: bigint, refunded = 0n, late = false): End {
  return { status, captured, refunded, late };
}

function endOf(act: Act, amount: bigint): End {
  if (act === "cancel") return end(CANCELED, 0n);
  return act === "refund" ? end("REFUNDED", amount, amount) : end("SUCCEEDED", amount);
}

interface Creation {
  readonly amount: bigint;
  readonly mode?: PaymentMode;
  readonly captureMethod?: CaptureMethod;
  readonly paymentMethod?: string;
  readonly attemptsMax?: number;
  readonly fault?: string | undefined;
}

function create({ caller }: World, orderId: string, creation: Creation): Promise<Verdict | undefined> {
  const { amount, mode = PaymentMode.INTENT, fault, ...terms } = creation;
  const requestId = `${orderId}-create`;
  return caller.call(
    createPayment,
    { orderId, requestId },
    {
      orderId,
      amount: { currency: "EUR", minor: amount },
      mode,
      ...terms,
      ...(fault !== undefined && { metadata: { gateway_fault: fault } }),
      requestId,
    },
  );
}

function complete({ caller }: World, orderId: string, paymentMethod?: string): Promise<Verdict | undefined> {
  const named = { orderId, requestId: `${orderId}-complete` };
  const payment = { case: "orderId", value: orderId } as const;
  return caller.call(completePayment, named, { payment, ...(paymentMethod && { paymentMethod }), ...named });
}

function cancel({ caller }: World, orderId: string): Promise<Verdict | undefined> {
  const named = { orderId, requestId: `${orderId}-cancel` };
  return caller.call(cancelPayment, named, { payment: { case: "orderId", value: orderId }, reason: REASON, ...named });
}

function refund({ caller }: World, orderId: string): Promise<Verdict | undefined> {
  const named = { orderId, requestId: `${orderId}-refund` };
  return caller.call(refundPayment, named, { payment: { case: "orderId", value: orderId }, ...named });
}

/** Behind an open circuit, or on a busy machine, a caller may give up, and comes back. */
export async function insist(call: () => Promise<Verdict | undefined>): Promise<Verdict | undefined> {
  let verdict = await call();
  for (let times = 1; verdict === undefined && times < TIMES_MAX; times += 1) verdict = await call();
  return verdict;
}

function sessionOf(verdict: Verdict | undefined): string {
  const checkout = verdict?.kind === "ok" ? (verdict.answer["checkout"] as JsonObject | undefined) : undefined;
  const sessionId = checkout?.["sessionId"];
  if (typeof sessionId !== "string") throw new Error(`no checkout was opened: ${JSON.stringify(verdict)}`);
  return sessionId;
}

/** Opens a checkout; gives its session. */
async function openCheckout(world: World, orderId: string, terms: Omit<Creation, "mode">): Promise<string> {
  return sessionOf(await insist(() => create(world, orderId, { ...terms, mode: PaymentMode.CHECKOUT })));
}

/** Brings a payment to where one call is left to be made, which meets the fault. */
export function prepare(world: World, orderId: string, manner: string | null): Promise<Prepared> {
  return prepareFor(world, orderId, { kind: world.random.pick(ACT_NAMES), manner });
}

/** As `prepare`, for a call of this kind. */
export async function prepareFor(
  world: World,
  orderId: string,
  { kind, manner }: { readonly kind: Act; readonly manner: string | null },
): Promise<Prepared> {
  const amount = amountOf(world);
  const terms = { amount, fault: manner === null ? undefined : `${kind}:${manner}` };
  const prepared = { orderId, kind, ends: [endOf(kind, amount)] };
  const held = { ...terms, paymentMethod: VISA, captureMethod: CaptureMethod.MANUAL };
  switch (kind) {
    case "create":
      return { ...prepared, act: () => create(world, orderId, { ...terms, paymentMethod: VISA }) };
    case "confirm":
      await insist(() => create(world, orderId, terms));
      return { ...prepared, act: () => complete(world, orderId, VISA) };
    case "capture":
      await insist(() => create(world, orderId, held));
      return { ...prepared, act: () => complete(world, orderId) };
    case "cancel":
      if (world.random.chance(0.5)) await insist(() => create(world, orderId, held));
      else await openCheckout(world, orderId, terms);
      return { ...prepared, act: () => cancel(world, orderId) };
    case "refund":
      await insist(() => create(world, orderId, { ...terms, paymentMethod: VISA }));
      return { ...prepared, act: () => refund(world, orderId) };
  }
}

/** The gateway acts, and its answer is lost, wrong, or comes when nobody waits any more. */
const responseLost: Case = async (world, orderId) => {
  const { random, meddler } = world;
  const manner = random.pick(["lost_after", "error_after", "delay=2500", null]);
  const prepared = await prepare(world, orderId, manner);
  // Every answer of the call, so that it has to be found out afterwards.
  if (manner === null) meddler.loseAnswers(orderId, ATTEMPTS);
  await prepared.act();
  return prepared;
};

/** The gateway answers when the webhooks of what it did are acknowledged. */
const webhookFirst: Case = async (world, orderId) => {
  const prepared = await prepare(world, orderId, "webhook_first");
  await prepared.act();
  return prepared;
};

/** The customer pays while the cancel is on its way, and the webhook is there before it. */
async function paidDuringCancel(world: World, orderId: string): Promise<Story> {
  const amount = amountOf(world);
  const sessionId = await openCheckout(world, orderId, { amount });
  const held = world.meddler.holdExpiry(sessionId);
  const canceling = cancel(world, orderId);
  await held.arrived;
  await world.gateway.pay(sessionId);
  await world.told(orderId, "payment.succeeded");
  held.release();
  await canceling;
  return { orderId, ends: [end("SUCCEEDED", amount)] };
}

/** The webhook of the cancel itself is there before its answer, which may be lost on top. */
async function toldDuringCancel(world: World, orderId: string): Promise<Story> {
  const amount = amountOf(world);
  const fault = world.random.pick(["cancel:webhook_first", "cancel:lost_after", "cancel:delay=300"]);
  if (world.random.chance(0.5)) await openCheckout(world, orderId, { amount, fault });
  else await create(world, orderId, { amount, fault, paymentMethod: VISA, captureMethod: CaptureMethod.MANUAL });
  await cancel(world, orderId);
  return { orderId, ends: [end(CANCELED, 0n)] };
}

/** Customer and cancel run for it, and either may win. */
async function race(world: World, orderId: string): Promise<Story> {
  const amount = amountOf(world);
  const fault = world.random.pick([undefined, "cancel:delay=100", "confirm:delay=100"]);
  const sessionId = await openCheckout(world, orderId, { amount, fault });
  const runners = [() => world.gateway.pay(sessionId), () => cancel(world, orderId)];
  if (world.random.chance(0.5)) runners.reverse();
  await Promise.all(runners.map((run) => run()));
  return { orderId, ends: [end("SUCCEEDED", amount), end(CANCELED, 0n)] };
}

const webhookDuringCancel: Case = (world, orderId) =>
  world.random.pick([paidDuringCancel, toldDuringCancel, race])(world, orderId);

/** The provider said that the checkout had expired, and took the customer's money all the same. */
async function paidAfterCancel(world: World, orderId: string): Promise<Story> {
  const amount = amountOf(world);
  const sessionId = await openCheckout(world, orderId, { amount });
  world.meddler.pretendExpired(sessionId);
  await cancel(world, orderId);
  await world.gateway.pay(sessionId);
  await world.told(orderId, "payment.late");
  return { orderId, ends: [end(CANCELED, amount, amount, true)] };
}

/** The last attempt failed, and before the checkout could be closed the customer paid with another card. */
async function paidAfterFailure(world: World, orderId: string): Promise<Story> {
  const amount = amountOf(world);
  const terms = { amount, attemptsMax: 1, fault: `cancel:error x${ATTEMPTS}` };
  const sessionId = await openCheckout(world, orderId, terms);
  await world.gateway.pay(sessionId, "pm_card_chargeDeclined");
  await world.told(orderId, "payment.failed");
  await world.gateway.pay(sessionId);
  await world.told(orderId, "payment.late");
  return { orderId, ends: [end("FAILED", amount, amount, true)] };
}

const paymentAfterCancel: Case = (world, orderId) =>
  world.random.pick([paidAfterCancel, paidAfterFailure])(world, orderId);

/** Those that need no crash, by what they are called. */
export const CASES = {
  "response lost after the charge": responseLost,
  "webhook before the response": webhookFirst,
  "webhook during cancel": webhookDuringCancel,
  "payment after cancel": paymentAfterCancel,
} as const satisfies Readonly<Record<string, Case>>;
