// Two processes on one database: what keeps their calls apart is the database alone, its locks, revisions and unique indexes.
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import type { Parts } from "../../src/app/parts.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

const ROUNDS = 40;

let service: TestService;
let processes: [Parts, Parts];
before(async () => {
  service = await TestService.open();
  processes = [service.parts, await service.openBeside()];
});
after(() => service.close());

/** The same number of calls at each process, all at once. */
function atBoth<T>(count: number, call: (parts: Parts, n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(
    processes.flatMap((parts, p) => Array.from({ length: count }, (_, n) => call(parts, p * count + n))),
  );
}

async function inRounds(round: (name: string) => Promise<void>): Promise<void> {
  for (let n = 0; n < ROUNDS; n += 1) await round(`round-${n}`);
}

async function create(change: Parameters<typeof createInput>[0] = {}): Promise<Payment> {
  return answerOf(await createPayment(service.parts, caller, createInput(change))).payment;
}

/** Row, refunds and events of a payment agree: nothing was lost, and nothing is told twice. */
async function assertWhole({ id }: Payment): Promise<void> {
  const [row] = await service.rows<{ version: number; refunded: string }>(
    "select version, refunded_minor as refunded from payment where id = $1",
    [id],
  );
  const refunds = await service.rows<{ id: string; amount: string }>(
    "select 'refund_' || id as id, amount_minor as amount from refund where payment_id = $1 and status = 'SUCCEEDED' order by 1",
    [id],
  );
  const events = await service.rows<{ version: number; refund: string | null }>(
    "select version, data ->> 'refundId' as refund from payment_event where payment_id = $1 order by version",
    [id],
  );
  assert.deepEqual(
    events.map(({ version }) => version),
    Array.from({ length: row?.version ?? 0 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    events.flatMap(({ refund }) => refund ?? []).toSorted(),
    refunds.map((refund) => refund.id),
  );
  assert.equal(
    refunds.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
    BigInt(row?.refunded ?? -1),
  );
}

it("an order that is paid with two keys at both at once has one payment, charged once", async () => {
  await inRounds(async (name) => {
    const orderId = `${name}-order`;
    const results = await atBoth(2, (parts, n) =>
      createPayment(parts, caller, createInput({ orderId, requestId: `${name}-create-${n}` })),
    );
    assert.deepEqual(results.map(verdictOf).toSorted(), [...Array<string>(3).fill("PAYMENT_ALREADY_COMPLETED"), "ok"]);
    assert.equal((await service.journal()).orders.get(orderId)?.charges, 1);
  });
});

it("one request at both at once has one effect and one answer", async () => {
  await inRounds(async (name) => {
    const input = createInput({ requestId: `${name}-same` });
    const results = await atBoth(2, (parts) => createPayment(parts, caller, input));
    assert.equal(new Set(results.map((result) => answerOf(result).payment.id)).size, 1);
    assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
  });
});

it("refunds at both at once give back what was captured and no more, each told once", async () => {
  await inRounds(async (name) => {
    const payment = await create();
    const refunds = await atBoth(4, (parts, n) =>
      refundPayment(parts, caller, {
        find: { paymentId: payment.id },
        amount: { minor: 3_000n, currency: "EUR" },
        reason: null,
        requestId: `${name}-refund-${n}`,
      }),
    );
    const verdicts = refunds.map(verdictOf);
    assert.equal(verdicts.filter((verdict) => verdict === "ok").length, 3, verdicts.join());
    assert.equal(verdicts.filter((verdict) => verdict === "REFUND_EXCEEDS_CAPTURED").length, 5, verdicts.join());
    assert.equal((await service.journal()).orders.get(payment.orderId)?.refundedMinor, 9_000n);
    await assertWhole(payment);
  });
});

it("a completion at one and a cancel at the other end in one of the two, and the books agree", async () => {
  await inRounds(async (name) => {
    const payment = await create({ captureMethod: "MANUAL" });
    const find = { paymentId: payment.id };
    const [first, second] = processes;
    const results = await Promise.all([
      completePayment(first, caller, { find, paymentMethod: null, amount: null, requestId: `${name}-complete` }),
      cancelPayment(second, caller, { find, reason: "changed mind", requestId: `${name}-cancel` }),
    ]);
    const [completed, canceled] = results.map(verdictOf);
    const [row] = await service.rows<{ status: string }>("select status from payment where id = $1", [payment.id]);
    const end = { status: row?.status, completed, canceled };
    const paid = { status: "SUCCEEDED", completed: "ok", canceled: "PAYMENT_NOT_CANCELABLE" };
    const released = { status: "CANCELED", completed: "ORDER_NOT_PAYABLE", canceled: "ok" };
    assert.deepEqual(end, row?.status === "SUCCEEDED" ? paid : released);
    await assertWhole(payment);
  });
});
