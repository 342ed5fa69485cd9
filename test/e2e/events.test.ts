// What a service that follows the stream sees: for each payment its changes, in order and without gap, with all that the contract promises.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { CaptureMethod, PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createProtocolClients, type Outcome } from "../support/clients.ts";
import { complaintsOf } from "../support/event-schemas.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { type RecordedMessage, StreamRecorder } from "../support/stream-recorder.ts";

const { createPayment, completePayment, cancelPayment, refundPayment } = PaymentService.method;
/** Above 2^53, and odd: a double would lose the last digit. */
const LARGE = 9_007_199_254_740_993n;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CUSTOMER = { customerId: "customer-1", customerEmail: "ada@example.com" };

const service = await ServiceProcess.start();
after(() => service.remove());

function euros(minor: bigint) {
  return { currency: "EUR", minor };
}

function idOf({ answer, error }: Outcome): string {
  assert.ok(answer, JSON.stringify(error));
  return (answer as { payment: { paymentId: string } }).payment.paymentId;
}

function intent(orderId: string, change: JsonObject & { paymentMethod?: string; captureMethod?: CaptureMethod }) {
  return { orderId, amount: euros(LARGE), mode: PaymentMode.INTENT, ...CUSTOMER, ...change };
}

/** Lives that between them meet every event that callers can bring about; the ids of their payments. */
async function liveAll(
  client: Client,
): Promise<Record<"refunded" | "captured" | "failed" | "canceled" | "acted", string>> {
  const call = async (calling: Promise<Outcome>): Promise<string> => idOf(await calling);
  const refunded = await call(client.call(createPayment, intent("order-refunded", { paymentMethod: "pm_card_visa" })));
  const payment = { case: "paymentId", value: refunded } as const;
  await call(client.call(refundPayment, { payment, amount: euros(2n), reason: "one was broken" }));
  await call(client.call(refundPayment, { payment }));

  const manual = { paymentMethod: "pm_card_amex", captureMethod: CaptureMethod.MANUAL };
  const captured = await call(client.call(createPayment, intent("order-captured", manual)));
  const part = { payment: { case: "paymentId", value: captured } as const, amount: euros(LARGE - 2n) };
  await call(client.call(completePayment, part));

  const declining = "pm_card_chargeDeclinedInsufficientFunds";
  const failed = await call(client.call(createPayment, { ...intent("order-failed", {}), attemptsMax: 2 }));
  for (let attempt = 0; attempt < 2; attempt += 1)
    await call(
      client.call(completePayment, { payment: { case: "paymentId", value: failed }, paymentMethod: declining }),
    );

  const canceled = await call(
    client.call(createPayment, { orderId: "order-canceled", amount: euros(1999n), ...CUSTOMER }),
  );
  await call(client.call(cancelPayment, { payment: { case: "paymentId", value: canceled }, reason: "changed mind" }));

  const acted = await call(
    client.call(createPayment, intent("order-acted", { paymentMethod: "pm_card_authenticationRequired" })),
  );
  return { refunded, captured, failed, canceled, acted };
}

function bodyOf({ body }: RecordedMessage): JsonObject {
  return JSON.parse(body) as JsonObject;
}

function textOf(event: JsonObject, field: string): string {
  const value = event[field];
  assert.ok(typeof value === "string", `${field} is ${JSON.stringify(value)}`);
  return value;
}

/** What every event promises, and only its own values. */
function assertEnvelope(message: RecordedMessage): void {
  const { subject, headers, body } = message;
  const event = bodyOf(message);
  const { eventId, occurredAt } = event as { eventId: string; occurredAt: string };
  assert.deepEqual(complaintsOf(subject, event), []);
  assert.match(occurredAt, UTC);
  assert.deepEqual(
    [...headers].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      ["Nats-Msg-Id", eventId],
      ["ce-id", eventId],
      ["ce-source", "payment-service"],
      ["ce-specversion", "1.0"],
      ["ce-time", occurredAt],
      ["ce-type", subject],
      ["content-type", "application/json"],
    ],
  );
  // The amount in major units is a JSON number with all its digits; parsed as a double it may lose some, the text does not.
  const [, whole = "", cents = ""] = /"amount":\s*(\d+)\.(\d\d)[,}]/.exec(body) ?? [];
  assert.equal(event["amountMinor"], BigInt(whole + cents).toString(), body);
  assert.equal(event["currency"], "EUR");
}

test("a consumer sees each payment's versions 1, 2, 3 … in order, with the fields of the contract and exact amounts", async (t) => {
  // The first relay makes the stream, after the service is ready.
  await service.awaitLog("relay leads");
  const recorder = await StreamRecorder.open(await service.connectNats());
  t.after(() => recorder.close());
  const [client] = createProtocolClients(t, service);
  assert.ok(client);
  const ids = await liveAll(client);
  const rows = await service.query<{ payment_id: string; versions: number[] }>(`
    select 'payment_' || payment_id as payment_id, array_agg(version order by version) as versions
    from payment_event group by payment_id`);
  const total = rows.reduce((count, { versions }) => count + versions.length, 0);
  const messages = await recorder.until((all) => all.length >= total);
  assert.equal(messages.length, total);
  for (const message of messages) assertEnvelope(message);
  const byPayment = Map.groupBy(messages, (message) => textOf(bodyOf(message), "paymentId"));
  for (const { payment_id, versions } of rows)
    assert.deepEqual(
      (byPayment.get(payment_id) ?? []).map((message) => bodyOf(message)["version"]),
      versions,
    );

  const subjects = (id: string): string[] => (byPayment.get(id) ?? []).map(({ subject }) => subject);
  const event = (id: string, index: number): JsonObject => bodyOf(byPayment.get(id)?.[index] as RecordedMessage);
  const minor = LARGE.toString();

  assert.deepEqual(subjects(ids.refunded), [
    "payment.created",
    "payment.succeeded",
    "payment.refunded",
    "payment.refunded",
  ]);
  assert.partialDeepStrictEqual(event(ids.refunded, 0), {
    orderId: "order-refunded",
    status: "PENDING",
    mode: "INTENT",
    amountMinor: minor,
  });
  const paid = event(ids.refunded, 1);
  assert.partialDeepStrictEqual(paid, {
    ...CUSTOMER,
    provider: "mock",
    paymentMethod: "visa ending 4242",
    amountMinor: minor,
  });
  assert.match(textOf(paid, "paidAt"), UTC);
  assert.match(textOf(paid, "providerReference"), /^pi_/);
  assert.partialDeepStrictEqual(event(ids.refunded, 2), {
    amountMinor: "2",
    reason: "one was broken",
    status: "PARTIALLY_REFUNDED",
  });
  assert.partialDeepStrictEqual(event(ids.refunded, 3), { amountMinor: (LARGE - 2n).toString(), status: "REFUNDED" });
  assert.match(textOf(event(ids.refunded, 2), "refundId"), /^refund_/);
  assert.match(textOf(event(ids.refunded, 2), "refundedAt"), UTC);
  assert.notEqual(event(ids.refunded, 2)["refundId"], event(ids.refunded, 3)["refundId"]);

  assert.deepEqual(subjects(ids.captured), ["payment.created", "payment.authorized", "payment.succeeded"]);
  assert.equal(event(ids.captured, 1)["amountMinor"], minor);
  assert.equal(event(ids.captured, 2)["amountMinor"], (LARGE - 2n).toString());

  assert.deepEqual(subjects(ids.failed), ["payment.created", "payment.attempt_failed", "payment.failed"]);
  const failure = {
    failureReason: "insufficient_funds",
    errorCode: "INSUFFICIENT_FUNDS",
    paymentMethod: "visa ending 9995",
  };
  assert.partialDeepStrictEqual(event(ids.failed, 1), { ...CUSTOMER, ...failure, status: "PENDING" });
  assert.partialDeepStrictEqual(event(ids.failed, 2), { ...CUSTOMER, ...failure, status: "FAILED" });

  assert.deepEqual(subjects(ids.canceled), ["payment.created", "payment.cancelled"]);
  assert.partialDeepStrictEqual(event(ids.canceled, 1), { reason: "changed mind", amountMinor: "1999", amount: 19.99 });
  assert.match(textOf(event(ids.canceled, 1), "cancelledAt"), UTC);

  assert.deepEqual(subjects(ids.acted), ["payment.created", "payment.requires_action"]);
});
