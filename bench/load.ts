// The load generator, a process of its own: callers that live one life of a payment after the other, create → complete → refund, and check every
// answer. The plan comes as JSON in the first argument; what was measured goes to the parent as messages.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { CaptureMethod, PaymentMode, PaymentStatus } from "../gen/payment/v1/payment_pb.ts";
import { openCalls, type Protocol } from "./calls.ts";
import { type Percentiles, percentilesOf } from "./statistics.ts";

export interface LoadPlan {
  readonly protocol: Protocol;
  /** Host and port. */
  readonly target: string;
  readonly callers: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Absent: each caller begins a life as soon as its last one is over. */
  readonly livesPerSecondMax?: number;
}

const steps = ["create", "complete", "refund", "life"] as const;
export type Step = (typeof steps)[number];

export interface LoadResult {
  readonly livesPerSecond: number;
  readonly latencyMs: Readonly<Record<Step, Percentiles>>;
  /** CPU of the load generator for each life. */
  readonly cpuUsPerLife: number;
}

/** `opened` and `closed` come at the ends of the measured window; `measured` when the last call was answered. */
export type LoadMessage =
  | { readonly kind: "opened" }
  | { readonly kind: "closed" }
  | { readonly kind: "measured"; readonly result: LoadResult }
  | { readonly kind: "failed"; readonly problem: string };

const callTimeoutMs = 10_000;
const amount = { currency: "EUR", minor: 1999n };

const plan = JSON.parse(process.argv[2] ?? "") as LoadPlan;
const calls = openCalls(plan.protocol, { target: plan.target, timeoutMs: callTimeoutMs });
const samples: Record<Step, number[]> = { create: [], complete: [], refund: [], life: [] };
const startsAt = performance.now();
const opensAt = startsAt + plan.warmUpMs;
const closesAt = opensAt + plan.measureMs;
const runId = randomUUID();
let begun = 0;

function tell(message: LoadMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else throw new Error("the load generator is started by bench/main.ts");
  });
}

/** Runs one step and keeps its time when it ends inside the window. */
async function timed<T>(step: Step, run: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const value = await run();
  const to = performance.now();
  if (to >= opensAt && to < closesAt) samples[step].push(to - from);
  return value;
}

function statusName(status: PaymentStatus | undefined): string {
  return Object.entries(PaymentStatus).find(([, value]) => value === status)?.[0] ?? "missing";
}

function expectStatus(found: PaymentStatus | undefined, expected: PaymentStatus): void {
  if (found === expected) return;
  throw new Error(`a payment is ${statusName(found)}, not ${statusName(expected)}`);
}

async function liveOnce(orderId: string): Promise<void> {
  const created = await timed("create", () =>
    calls.createPayment({
      orderId,
      amount,
      mode: PaymentMode.INTENT,
      captureMethod: CaptureMethod.MANUAL,
      paymentMethod: "pm_card_visa",
      requestId: `${orderId}-create`,
    }),
  );
  expectStatus(created.payment?.status, PaymentStatus.AUTHORIZED);
  const payment = { case: "paymentId" as const, value: created.payment?.paymentId ?? "" };
  const completed = await timed("complete", () => calls.completePayment({ payment, requestId: `${orderId}-complete` }));
  expectStatus(completed.payment?.status, PaymentStatus.SUCCEEDED);
  const refunded = await timed("refund", () => calls.refundPayment({ payment, requestId: `${orderId}-refund` }));
  expectStatus(refunded.payment?.status, PaymentStatus.REFUNDED);
}

/** Waits for the time of the next life when their rate is bounded. */
async function awaitTurn(index: number): Promise<void> {
  if (plan.livesPerSecondMax === undefined) return;
  const dueAt = startsAt + (index * 1_000) / plan.livesPerSecondMax;
  const waitMs = dueAt - performance.now();
  if (waitMs > 0) await delay(waitMs);
}

async function call(): Promise<void> {
  while (performance.now() < closesAt) {
    const index = begun;
    begun += 1;
    await awaitTurn(index);
    await timed("life", () => liveOnce(`${runId}-${index}`));
  }
}

async function watchWindow(): Promise<number> {
  await delay(opensAt - performance.now());
  const atOpening = process.cpuUsage();
  await tell({ kind: "opened" });
  await delay(closesAt - performance.now());
  const { user, system } = process.cpuUsage(atOpening);
  await tell({ kind: "closed" });
  return user + system;
}

async function measure(): Promise<LoadResult> {
  const [cpuUs] = await Promise.all([watchWindow(), ...Array.from({ length: plan.callers }, call)]);
  const lives = samples.life.length;
  return {
    livesPerSecond: (lives * 1_000) / plan.measureMs,
    latencyMs: {
      create: percentilesOf(samples.create),
      complete: percentilesOf(samples.complete),
      refund: percentilesOf(samples.refund),
      life: percentilesOf(samples.life),
    },
    cpuUsPerLife: cpuUs / lives,
  };
}

try {
  await tell({ kind: "measured", result: await measure() });
} catch (error) {
  await tell({ kind: "failed", problem: error instanceof Error ? error.message : String(error) });
}
// Its connections would keep it alive.
process.exit();
