// Refunds that race each other through different doors never give back more than was taken.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createClients, type Outcome, saidOf } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";

const { createPayment, refundPayment } = PaymentService.method;
const PAYMENTS = 200;
const REFUNDS = 8;
const AMOUNT = 1_000n;
/** Payments whose refunds run at the same time. */
const AT_ONCE = 20;
const PAUSE_MS = 20;
const BUSY = "REQUEST_IN_FLIGHT";

const service = await ServiceProcess.start();
after(() => service.remove());

/** What each of the racing refunds asks for, and how many of them fit. Null asks for all that is left. */
const RACES: readonly { readonly wish: bigint | null; readonly fit: number }[] = [
  { wish: 300n, fit: 3 },
  { wish: null, fit: 1 },
  { wish: 1_000n, fit: 1 },
  { wish: 125n, fit: 8 },
];

async function create(client: Client, orderId: string): Promise<void> {
  const { answer, error } = await client.call(createPayment, {
    orderId,
    amount: { currency: "EUR", minor: AMOUNT },
    mode: PaymentMode.INTENT,
    paymentMethod: "pm_card_visa",
  });
  assert.ok(answer, JSON.stringify(error));
}

/** A refund that met others too often is told so, with nothing attempted, and comes back. */
async function refund(client: Client, orderId: string, wish: bigint | null, requestId: string): Promise<Outcome> {
  for (;;) {
    const outcome = await client.call(refundPayment, {
      payment: { case: "orderId", value: orderId },
      ...(wish !== null && { amount: { currency: "EUR", minor: wish } }),
      requestId,
    });
    if (!outcome.error || saidOf(outcome.error)?.reason !== BUSY) return outcome;
    await delay(PAUSE_MS);
  }
}

async function inBatches<T>(work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < PAYMENTS; from += AT_ONCE) {
    const indexes = Array.from({ length: Math.min(AT_ONCE, PAYMENTS - from) }, (_, index) => from + index);
    results.push(...(await Promise.all(indexes.map(work))));
  }
  return results;
}

function refundedBy(wish: bigint | null, fit: number): bigint {
  return wish === null ? AMOUNT : wish * BigInt(fit);
}

test("8 refunds at once on each of 200 payments never give back more than was captured, in our books and the gateway's", async (t) => {
  const clients = createClients(t, service);
  const clientOf = (index: number): Client => clients[index % clients.length] as Client;
  const raceOf = (index: number) => RACES[index % RACES.length] as (typeof RACES)[number];
  await inBatches((index) => create(clientOf(index), `order-${index}`));
  const outcomes = await inBatches((index) => {
    const refunds = Array.from({ length: REFUNDS }, (_, copy) =>
      refund(clientOf(index + copy), `order-${index}`, raceOf(index).wish, `order-${index}-refund-${copy}`),
    );
    return Promise.all(refunds);
  });

  const rows = await service.query<Record<string, string>>(`
    select p.order_id, p.captured_minor, p.refunded_minor, p.refund_pending_minor,
      (select coalesce(sum(amount_minor), 0) from refund r where r.payment_id = p.id and r.status <> 'FAILED') as refunds
    from payment p`);
  const { orders } = await service.journal();
  assert.equal(rows.length, PAYMENTS);
  for (const [index, answers] of outcomes.entries()) {
    const orderId = `order-${index}`;
    const { wish, fit } = raceOf(index);
    const refused = answers.flatMap(({ error }) => (error ? [error] : []));
    assert.equal(answers.length - refused.length, fit, `${orderId}: how many were accepted`);
    for (const error of refused) {
      const said = { reason: "REFUND_EXCEEDS_CAPTURED", outcome: "NOT_ATTEMPTED", domain: "payment.v1" };
      assert.equal(error.code, "failed_precondition", orderId);
      assert.deepEqual(saidOf(error), said, orderId);
    }
    const refunded = refundedBy(wish, fit);
    assert.deepEqual(
      rows.find((row) => row["order_id"] === orderId),
      {
        order_id: orderId,
        captured_minor: AMOUNT.toString(),
        refunded_minor: refunded.toString(),
        refund_pending_minor: "0",
        refunds: refunded.toString(),
      },
    );
    const totals = { charges: 1, capturedMinor: AMOUNT, refundedMinor: refunded, refunds: fit };
    assert.partialDeepStrictEqual(orders.get(orderId), totals, orderId);
  }
});
