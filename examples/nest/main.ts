// A shop on NestJS: it has an order paid, hears of it, gives a part back, and meets a decline. It ends with an error when the story does not go as told.
//
// Run it beside the payment service: `npm start`, and then `node examples/nest/main.ts`.
import { findNats } from "./connection.ts";
import { type PaymentEvent, startConsumer } from "./payment-events.ts";
import { type PaymentRefusal, Payments } from "./payments.ts";

const WAIT_MAX_MS = 15_000;
const story = `nest-${Date.now()}`;
const address = findNats();
const heard: [string, PaymentEvent][] = [];
const watchers = new Set<() => void>();

const consumer = await startConsumer(address, (subject, event) => {
  heard.push([subject, event]);
  for (const watcher of watchers) watcher();
});
const payments = new Payments(address);

async function hears(subject: string, orderId: string): Promise<PaymentEvent> {
  const { promise, resolve, reject } = Promise.withResolvers<PaymentEvent>();
  const look = (): void => {
    const found = heard.find(([at, event]) => at === subject && event.orderId === orderId);
    if (found) resolve(found[1]);
  };
  const timer = setTimeout(() => reject(new Error(`no ${subject} of ${orderId} in ${WAIT_MAX_MS} ms`)), WAIT_MAX_MS);
  watchers.add(look);
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    watchers.delete(look);
  });
}

function must(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`the story does not hold: ${claim}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function refusalOf(call: Promise<unknown>): Promise<PaymentRefusal | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return error as PaymentRefusal;
  }
}

async function tell(): Promise<void> {
  const orderId = `${story}-1`;
  const order = { orderId, currency: "usd", items: [{ name: "Premium T-shirt", price: 25.99, quantity: 2 }] };
  const session = await payments.createSession(order, `${story}-session`);
  print(`session   ${session.paymentUrl}`);
  const again = await payments.createSession(order, `${story}-session`);
  must(again.paymentSessionId === session.paymentSessionId, "the same key gives the same session");

  const paid = await payments.complete(orderId, `${story}-complete`);
  print(`paid      ${paid.amount} ${paid.currency} as ${paid.paymentId}`);
  const succeeded = await hears("payment.succeeded", orderId);
  print(`heard     payment.succeeded ${succeeded.amount} ${succeeded.currency}, paid at ${succeeded.paidAt}`);
  must(succeeded.amount === 51.98 && succeeded.paymentId === paid.paymentId, "the event tells of the payment");

  await payments.queueRefund(orderId, 50, `${story}-refund`);
  const refunded = await hears("payment.refunded", orderId);
  print(`heard     payment.refunded ${refunded.amount} ${refunded.currency}, ${refunded.refundId}`);
  must(refunded.amount === 50, "the queued refund was carried out");
  const tooMuch = await refusalOf(payments.refund(orderId, 2, `${story}-too-much`));
  print(`refused   ${tooMuch?.reason}: ${tooMuch?.message}`);
  must(
    tooMuch?.reason === "REFUND_EXCEEDS_CAPTURED" && tooMuch.statusCode === 409,
    "no more is given back than was paid",
  );

  const declinedOrder = `${story}-2`;
  await payments.createSession({ ...order, orderId: declinedOrder, attemptsMax: 1 }, `${story}-session-2`);
  const declined = await refusalOf(payments.complete(declinedOrder, `${story}-decline`, "pm_card_chargeDeclined"));
  print(`declined  ${declined?.reason}: ${declined?.message}`);
  must(declined?.outcome === "DECLINED", "a decline says that no money moved");
  const failed = await hears("payment.failed", declinedOrder);
  print(`heard     payment.failed ${failed.failureReason}`);
  print("The story went as told.");
}

try {
  await tell();
} finally {
  await payments.close();
  await consumer.close();
}
