// `npm run demo`: a story told through a gRPC client made from the .proto files, and beside it every event as an independent JetStream consumer
// receives it. It talks to the service that runs, or starts its own. It ends with an error when the story does not go as it is told.
import { type Answer, connect, type Payment, type Refused } from "./client.ts";
import { followEvents } from "./events.ts";
import { findService } from "./service.ts";

const TWENTY = 20;
const LEFT_WIDTH = 72;

const service = await findService();
const client = connect(service.grpcAddress);
const log = await followEvents(service.natsUrl);
const story = `demo-${Date.now()}`;
let told = 0;

function print(left: string, right = ""): void {
  process.stdout.write(right ? `${left.padEnd(LEFT_WIDTH)}│ ${right}\n` : `${left}\n`);
}

function must(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`the story does not hold: ${claim}`);
}

function isRefused(result: Answer | Refused): result is Refused {
  return "code" in result;
}

function eur(money: { readonly minor: string }): string {
  return `${money.minor.padStart(3, "0").replace(/(\d\d)$/, ".$1")} EUR`;
}

function describe(payment: Payment): string {
  const status = payment.status.replace("PAYMENT_STATUS_", "");
  const refunded = payment.amount_refunded.minor === "0" ? "" : `, ${eur(payment.amount_refunded)} given back`;
  return `${status}${refunded}${payment.failure ? ` (${payment.failure.reason})` : ""}`;
}

/** Makes one call, prints its answer, and beside it the events that came since the last one. */
async function tell(line: string, method: string, request: Record<string, unknown>): Promise<Answer | Refused> {
  told += 1;
  const result = await client.call(method, { request_id: `${story}-${told}`, ...request });
  const answer = isRefused(result)
    ? `refused: ${result.reason} (${result.outcome})`
    : `${describe(result.payment)}, version ${result.payment.version}`;
  print(`  ${line}`);
  print(`    → ${answer}`);
  return result;
}

function paid(result: Answer | Refused): Payment {
  if (isRefused(result)) throw new Error(`${result.reason}: ${result.message}`);
  return result.payment;
}

const shown = new Set<string>();
async function showEvents(orderId: string, version: number): Promise<void> {
  for (const event of await log.upTo(orderId, version)) {
    if (shown.has(event.eventId)) continue;
    shown.add(event.eventId);
    print(
      "",
      `${event.subject.padEnd(24)} v${event.version}  ${event.amount.toFixed(2)} ${event.currency}  ${event.status}`,
    );
  }
}

async function refundsInParts(): Promise<void> {
  const orderId = `${story}-shirts`;
  print("\nA payment, created, completed, and given back in two parts; a third part is too much.");
  const amount = { currency: "EUR", minor: "4998" };
  const created = paid(
    await tell("create 49.98 EUR", "CreatePayment", { order_id: orderId, amount, mode: "PAYMENT_MODE_INTENT" }),
  );
  await showEvents(orderId, created.version);
  const completed = paid(
    await tell("complete with pm_card_visa", "CompletePayment", { order_id: orderId, payment_method: "pm_card_visa" }),
  );
  must(completed.status === "PAYMENT_STATUS_SUCCEEDED", "the payment succeeds");
  await showEvents(orderId, completed.version);
  const first = paid(
    await tell("refund 20.00 EUR", "RefundPayment", { order_id: orderId, amount: { currency: "EUR", minor: "2000" } }),
  );
  await showEvents(orderId, first.version);
  const second = paid(
    await tell("refund 29.98 EUR", "RefundPayment", { order_id: orderId, amount: { currency: "EUR", minor: "2998" } }),
  );
  await showEvents(orderId, second.version);
  must(second.status === "PAYMENT_STATUS_REFUNDED", "both parts are given back");
  const third = await tell("refund 0.01 EUR more", "RefundPayment", {
    order_id: orderId,
    amount: { currency: "EUR", minor: "1" },
  });
  must(isRefused(third) && third.reason === "REFUND_EXCEEDS_CAPTURED", "the third refund is refused");
}

async function decline(): Promise<void> {
  const orderId = `${story}-declined`;
  print("\nA card that is declined. That is an answer, not an error.");
  const declined = paid(
    await tell("create 10.00 EUR with a card without money", "CreatePayment", {
      order_id: orderId,
      amount: { currency: "EUR", minor: "1000" },
      mode: "PAYMENT_MODE_INTENT",
      payment_method: "pm_card_chargeDeclinedInsufficientFunds",
    }),
  );
  must(declined.failure?.reason === "INSUFFICIENT_FUNDS", "the decline says why");
  await showEvents(orderId, declined.version);
}

async function cancel(): Promise<void> {
  const orderId = `${story}-canceled`;
  print("\nMoney that is held, and let go.");
  const held = paid(
    await tell("create 75.00 EUR, captured by hand", "CreatePayment", {
      order_id: orderId,
      amount: { currency: "EUR", minor: "7500" },
      mode: "PAYMENT_MODE_INTENT",
      capture_method: "CAPTURE_METHOD_MANUAL",
      payment_method: "pm_card_visa",
    }),
  );
  await showEvents(orderId, held.version);
  const canceled = paid(await tell("cancel", "CancelPayment", { order_id: orderId, reason: "out of stock" }));
  must(canceled.status === "PAYMENT_STATUS_CANCELED", "the payment is canceled");
  await showEvents(orderId, canceled.version);
}

async function twentyAtOnce(): Promise<void> {
  const orderId = `${story}-twenty`;
  print(`\nThe same request, sent ${TWENTY} times at once.`);
  const request = {
    order_id: orderId,
    amount: { currency: "EUR", minor: "1999" },
    mode: "PAYMENT_MODE_INTENT",
    payment_method: "pm_card_visa",
    request_id: `${story}-twenty`,
  };
  const results = await Promise.all(Array.from({ length: TWENTY }, () => client.call("CreatePayment", request)));
  const payments = results.map(paid);
  const ids = new Set(payments.map((payment) => payment.payment_id));
  const answers = new Set(payments.map((payment) => JSON.stringify(payment)));
  print(`  create 19.99 EUR × ${TWENTY}, one request id`);
  print(`    → ${ids.size} payment, ${answers.size} answer in ${TWENTY} copies`);
  must(ids.size === 1 && answers.size === 1, "one payment and one answer");
  await showEvents(orderId, 2);
}

function countVersions(): void {
  print("\nThe events of each payment, by version:");
  for (const [paymentId, events] of log.byPayment()) {
    const mine = events.filter((event) => event.orderId.startsWith(story));
    if (mine.length === 0) continue;
    const versions = mine.map((event) => event.version);
    print(`  ${paymentId}  ${versions.join(", ")}`);
    must(
      versions.every((version, index) => version === index + 1),
      "versions run from 1 without a gap",
    );
  }
}

try {
  print("What the client does".padEnd(LEFT_WIDTH) + "│ What the event stream says");
  await refundsInParts();
  await decline();
  await cancel();
  await twentyAtOnce();
  countVersions();
  print("\nThe story went as told.");
} finally {
  client.close();
  await log.close();
  await service.stop();
}
