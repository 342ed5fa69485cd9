// A customer's whole way through the service as it is run: the order's checkout is opened, paid or left on the gateway's page, and the service's own pages
// tell what became of it, by the webhooks alone.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Page } from "playwright-core";
import { PaymentStatus } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { DESKTOP, PHONE, shareBrowser } from "../support/browser.ts";
import { ServiceProcess } from "../support/service-process.ts";

const open = shareBrowser();
let service: ServiceProcess;
before(async () => {
  service = await ServiceProcess.start();
});
after(() => service.remove());

let orders = 0;

/** Opens a checkout page for a new order. */
async function toCheckout(options: typeof DESKTOP | typeof PHONE = DESKTOP): Promise<{ page: Page; orderId: string }> {
  orders += 1;
  const orderId = `journey-${orders}`;
  const created = await client().createPayment({
    orderId,
    amount: { currency: "EUR", minor: 4_998n },
    description: "Two linen shirts",
    requestId: orderId,
  });
  const { page } = await open(options);
  await page.goto(created.checkout?.url ?? "");
  return { page, orderId };
}

function client() {
  const baseUrl = `http://localhost:${service.http.port}`;
  return createClient(PaymentService, createConnectTransport({ baseUrl, httpVersion: "2" }));
}

async function statusOf(orderId: string): Promise<PaymentStatus> {
  return (await client().getPaymentStatus({ payment: { case: "orderId", value: orderId } })).status;
}

async function pay(page: Page, last4: string): Promise<void> {
  await page.getByRole("radio", { name: last4 }).click();
  await page.getByRole("button", { name: /^Pay / }).click();
}

async function told(page: Page, heading: RegExp): Promise<string> {
  await page.waitForURL(`http://localhost:${service.http.port}/v1/payments/**`);
  await page.getByRole("heading", { name: heading }).waitFor();
  return page.locator("main").innerText();
}

describe("a customer who is sent to the checkout", () => {
  it("pays, comes back, and reads that the payment was received, once it was", async () => {
    const { page, orderId } = await toCheckout(PHONE);
    await pay(page, "4242");
    const text = await told(page, /^Payment received/);
    assert.match(text, /49\.98/);
    assert.match(text, new RegExp(orderId));
    assert.equal(await statusOf(orderId), PaymentStatus.SUCCEEDED);
  });

  it("is declined, approves another card with the bank, and has paid once", async () => {
    const { page, orderId } = await toCheckout();
    await pay(page, "9995");
    await page
      .getByText(/insufficient funds/i)
      .first()
      .waitFor();
    await pay(page, "3220");
    await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await told(page, /^Payment received/);
    const { payments } = await client().listPayments({ orderId });
    assert.deepEqual(
      payments.map((payment) => [payment.status, payment.attemptsDeclined]),
      [[PaymentStatus.SUCCEEDED, 1]],
    );
  });

  it("goes back without paying, and is told so; the order's checkout stays open", async () => {
    const { page, orderId } = await toCheckout();
    await page
      .getByRole("link", { name: /back|cancel/i })
      .first()
      .click();
    const text = await told(page, /^You left the checkout/);
    assert.match(text, /checkout/i);
    assert.equal(await statusOf(orderId), PaymentStatus.PENDING);
  });
});
