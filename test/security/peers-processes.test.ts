// What other payment services lived through, and what needs the service as it runs: a process that dies, and amounts on Stripe's wire.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createProtocolClients } from "../support/clients.ts";
import { openStripeService } from "../support/stripe-service.ts";

const { createPayment, completePayment, refundPayment, getPaymentStatus } = PaymentService.method;
const RETRIES_MAX = 100;
const RETRY_MS = 100;

const { gateway, service, remove } = await openStripeService({
  environment: { RECOVERY_DELAY_MS: "50", RECOVERY_INTERVAL_MS: "100", PROVIDER_TIMEOUT_MS: "2000" },
});
after(remove);

function clientOf(t: Parameters<typeof createProtocolClients>[0]): Client {
  return createProtocolClients(t, service)[0] ?? assert.fail("there is no client");
}

const byOrder = (value: string) => ({ payment: { case: "orderId", value } }) as const;

describe("peers:", () => {
  it("a crash before the success handler followed by a manual retry", { timeout: 90_000 }, async (t) => {
    const orderId = "order-crashed";
    const request = {
      orderId,
      mode: PaymentMode.INTENT,
      amount: { currency: "EUR", minor: 1_000n },
      paymentMethod: "pm_card_visa",
    };
    const metadata = { gateway_fault: "create:delay=60000" };
    const dying = clientOf(t).call(createPayment, { ...request, metadata, requestId: "automatic" });
    // The card is charged, and the process dies before it hears so.
    await gateway.untilJournal(({ orders }) => orders.get(orderId)?.charges === 1);
    await service.kill();
    assert.ok((await dying).error);
    await service.start();
    // Somebody tries again by hand, under another key, and goes on until there is an answer.
    const client = clientOf(t);
    let told = await client.call(createPayment, { ...request, requestId: "manual-0" });
    for (let retry = 1; told.error && told.error.code !== "failed_precondition" && retry < RETRIES_MAX; retry += 1) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      told = await client.call(createPayment, { ...request, requestId: `manual-${retry}` });
    }
    const { answer } = await client.call(getPaymentStatus, byOrder(orderId));
    assert.equal((answer as { status?: string }).status, "PAYMENT_STATUS_SUCCEEDED", JSON.stringify(told));
    assert.equal((await gateway.journal()).orders.get(orderId)?.charges, 1);
    const rows = await service.query("select status from payment where order_id = $1", [orderId]);
    assert.deepEqual(rows, [{ status: "SUCCEEDED" }]);
  });

  it("a zero-decimal currency charged 100 times over", async (t) => {
    const client = clientOf(t);
    const orderId = "order-yen";
    const opened = await client.call(createPayment, {
      orderId,
      mode: PaymentMode.INTENT,
      amount: { currency: "JPY", minor: 500n },
    });
    assert.ok(opened.answer, JSON.stringify(opened.error));
    const paid = await client.call(completePayment, { ...byOrder(orderId), paymentMethod: "pm_card_visa" });
    assert.ok(paid.answer, JSON.stringify(paid.error));
    const given = await client.call(refundPayment, { ...byOrder(orderId), amount: { currency: "JPY", minor: 200n } });
    assert.ok(given.answer, JSON.stringify(given.error));
    const { data } = await gateway.stripe.paymentIntents.list({ limit: 1 });
    assert.deepEqual([data[0]?.amount_received, data[0]?.currency], [500, "jpy"]);
    const journal = (await gateway.journal()).orders.get(orderId);
    assert.deepEqual([journal?.capturedMinor, journal?.refundedMinor, journal?.currency], [500n, 200n, "JPY"]);
    const [event] = await service.query<{ amount: string }>(
      "select e.data ->> 'amountMinor' as amount from payment_event e join payment p on p.id = e.payment_id where p.order_id = $1 and e.type = 'payment.succeeded'",
      [orderId],
    );
    assert.equal(event?.amount, "500");
    // In major units, as the plain HTTP doors have it, a yen is a yen as well.
    const answer = await fetch(`http://127.0.0.1:${service.http.port}/v1/payments/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        orderId: "order-yen-page",
        currency: "jpy",
        items: [{ name: "Tea", price: 500, quantity: 2 }],
      }),
    });
    assert.equal(answer.status, 201);
    const [page] = await service.query<{ session_id: string; amount: string }>(
      "select session_id, amount_minor::text as amount from payment where order_id = 'order-yen-page'",
    );
    assert.equal(page?.amount, "1000");
    const session = await gateway.stripe.checkout.sessions.retrieve(page?.session_id ?? "");
    assert.equal(session.amount_total, 1_000);
  });
});
