// The consumer that removes duplicates in its own transaction: events come twice and more, the consumer is killed in between, and each has its effect once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { jetstream } from "@nats-io/jetstream";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { StreamRecorder } from "../support/stream-recorder.ts";
import { withClient } from "../support/with-client.ts";
import { Example } from "./run-example.ts";

const ORDERS = 12;
const EUR = "EUR";
/** Of each order: created, succeeded, refunded. */
const EVENTS = ORDERS * 3;

let service: ServiceProcess;
let shopUrl: string;
before(async () => {
  service = await ServiceProcess.start();
  await service.query("create database shop");
  const url = new URL(service.databaseUrl);
  url.pathname = "/shop";
  shopUrl = url.href;
});
after(() => service.remove());

function startConsumer(): Example {
  return new Example(process.execPath, ["examples/clients/jetstream/consumer.ts"], {
    NATS_URL: service.natsUrl,
    DATABASE_URL: shopUrl,
    ACK_WAIT_MS: "500",
  });
}

async function payAndRefund(): Promise<void> {
  const transport = createConnectTransport({ baseUrl: `http://localhost:${service.http.port}`, httpVersion: "2" });
  const payments = createClient(PaymentService, transport);
  await Promise.all(
    Array.from({ length: ORDERS }, async (_, index) => {
      const orderId = `order-${index}`;
      await payments.createPayment({
        orderId,
        amount: { currency: EUR, minor: 1_000n + BigInt(index) },
        mode: PaymentMode.INTENT,
        paymentMethod: "pm_card_visa",
        requestId: `create-${index}`,
      });
      await payments.refundPayment({
        payment: { case: "orderId", value: orderId },
        amount: { currency: EUR, minor: 100n },
        requestId: `refund-${index}`,
      });
    }),
  );
}

async function readShop<T extends object>(text: string): Promise<T[]> {
  return withClient(shopUrl, async (client) => (await client.query<T>(text)).rows);
}

/** Lines of events, first ones and repeated ones. */
function consumed(example: Example): { readonly eventId: string; readonly isNew: boolean }[] {
  return example.lines.flatMap((line) => {
    const told = JSON.parse(line) as { eventId?: string; isNew?: boolean };
    return told.eventId === undefined ? [] : [{ eventId: told.eventId, isNew: told.isNew === true }];
  });
}

test("each event has its effect once, though it is delivered twice and its consumer is killed in between", async (t) => {
  await payAndRefund();
  const connection = await service.connectNats();
  const recorder = await StreamRecorder.open(connection);
  t.after(() => recorder.close());
  const first = [...(await recorder.until((messages) => messages.length >= EVENTS))];
  // Duplicates as the stream itself cannot tell them: the same events, stored once more.
  const stream = jetstream(connection);
  for (const { subject, body } of first) await stream.publish(subject, body);
  await recorder.until((messages) => messages.length >= EVENTS * 2);

  let deaths = 0;
  let repeated = 0;
  for (; deaths < 4; deaths += 1) {
    const victim = startConsumer();
    await victim.until(() => consumed(victim).length >= 3 + deaths);
    await victim.stop("SIGKILL");
    repeated += consumed(victim).filter(({ isNew }) => !isNew).length;
  }
  const last = startConsumer();
  const consumer = await stream.consumers.get("PAYMENTS", "shop-ledger");
  const isDone = async (): Promise<boolean> => {
    const { num_pending: pending, num_ack_pending: unacknowledged } = await consumer.info();
    return pending === 0 && unacknowledged === 0;
  };
  const deadline = Date.now() + 30_000;
  while (!(await isDone())) assert.ok(Date.now() < deadline, `not all was consumed: ${last.complaint}`);
  repeated += consumed(last).filter(({ isNew }) => !isNew).length;
  await last.stop("SIGTERM");
  assert.equal(last.complaint, "");
  assert.equal(last.child.exitCode, 0);

  // Each victim may have died between an effect and the line that tells of it.
  assert.ok(repeated >= EVENTS - deaths, `${repeated} events came again`);
  const ledger = await readShop<{ order_id: string; paid: string; refunded: string }>(
    "select order_id, paid_minor::text as paid, refunded_minor::text as refunded from order_ledger order by order_id",
  );
  const expected = Array.from({ length: ORDERS }, (_, index) => ({
    order_id: `order-${index}`,
    paid: String(1_000 + index),
    refunded: "100",
  }));
  assert.deepEqual(
    ledger,
    expected.toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1)),
  );
  const [count] = await readShop<{ count: string }>("select count(*)::text as count from consumed_event");
  assert.equal(count?.count, String(EVENTS));
});
