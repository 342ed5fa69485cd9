// The service's success and cancel pages: they say what is true of a payment, and no more.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { shareBrowser } from "../support/browser.ts";
import { openService, paymentJson, type StubService } from "./open-service.ts";

const open = shareBrowser();
let service: StubService;

before(async () => {
  service = await openService();
});
after(() => service.close());

type Name = "success" | "cancel";

async function openResult(name: Name, query = "?session_id=cs_test_1"): Promise<Page> {
  const { page } = await open();
  await page.goto(`${service.origin}/v1/payments/${name}${query}`);
  return page;
}

function heading(page: Page, name: string | RegExp): Promise<void> {
  return page.getByRole("heading", { name }).waitFor();
}

/** The heading and a part of the text, on the success page and on the cancel page. */
const SAID: Readonly<Record<string, readonly (readonly [Name, string, RegExp])[]>> = {
  PENDING: [
    ["success", "Confirming your payment…", /as soon as we know/],
    ["cancel", "You left the checkout", /have not received a payment/],
  ],
  REQUIRES_ACTION: [
    ["success", "Your bank asks for your approval", /not received it yet/],
    ["cancel", "Your bank asks for your approval", /not received it yet/],
  ],
  PROCESSING: [
    ["success", "Your payment is being processed", /do not pay again/],
    ["cancel", "Your payment is being processed", /do not pay again/],
  ],
  AUTHORIZED: [
    ["success", "Amount reserved", /€64\.97 is reserved on your card and has not been charged yet/],
    ["cancel", "Amount reserved", /€64\.97 is reserved/],
  ],
  SUCCEEDED: [
    ["success", "Payment received", /We received €64\.97/],
    ["cancel", "Payment received", /You left the checkout, but this payment had gone through: we received €64\.97/],
  ],
  PARTIALLY_REFUNDED: [
    ["success", "Payment received, partly refunded", /received €64\.97, and €10\.50 of it was given back/],
    ["cancel", "Payment received, partly refunded", /€10\.50/],
  ],
  REFUNDED: [
    ["success", "Payment refunded", /€64\.97 was given back/],
    ["cancel", "Payment refunded", /€64\.97 was given back/],
  ],
  FAILED: [
    ["success", "The payment failed", /not enough money on the card\. You have not been charged/],
    ["cancel", "The payment failed", /not been charged/],
  ],
  EXPIRED: [
    ["success", "The checkout has expired", /not been charged/],
    ["cancel", "The checkout has expired", /not been charged/],
  ],
  CANCELED: [
    ["success", "The payment was canceled", /not been charged/],
    ["cancel", "The payment was canceled", /not been charged/],
  ],
  SOMETHING_NEW: [
    ["success", "We cannot show this payment", /Ask the shop/],
    ["cancel", "We cannot show this payment", /Ask the shop/],
  ],
};

const RECEIVED = new Set(["SUCCEEDED", "PARTIALLY_REFUNDED"]);

for (const [status, pages] of Object.entries(SAID)) {
  test(`${status} is told in plain words, and as received only where money is kept`, async () => {
    service.answer(paymentJson({ status }));
    for (const [name, title, text] of pages) {
      const page = await openResult(name);
      await heading(page, title);
      const words = await page.getByRole("status").innerText();
      assert.match(words, text);
      assert.equal(/payment received|we received/i.test(words), RECEIVED.has(status), words);
      assert.equal(await page.title(), title);
      await page.context().close();
    }
  });
}

test("amount, order and time are shown", async () => {
  service.answer(paymentJson({ status: "SUCCEEDED" }));
  const page = await openResult("success");
  await heading(page, "Payment received");
  const facts = await page.locator("#facts").innerText();
  for (const fact of ["€64.97", "2041", "20 Nov 2026"]) assert.ok(facts.includes(fact), fact);
});

test("the success page follows the payment without being loaded anew", async () => {
  service.answer(paymentJson({ status: "PENDING" }));
  const page = await openResult("success");
  await heading(page, "Confirming your payment…");
  await page.evaluate("window.sameDocument = true");
  service.answer(paymentJson({ status: "SUCCEEDED" }));
  await heading(page, "Payment received");
  assert.equal(await page.evaluate("window.sameDocument"), true);
  assert.equal(await page.getByRole("status").getAttribute("aria-live"), "polite");
});

test("what is settled is not asked for again", async () => {
  service.answer(paymentJson({ status: "SUCCEEDED" }));
  const { page } = await open();
  await page.clock.install();
  await page.goto(`${service.origin}/v1/payments/success?session_id=cs_test_1`);
  await heading(page, "Payment received");
  const reads = service.reads();
  await page.clock.runFor(60_000);
  assert.equal(service.reads(), reads);
});

test("asking slows down and ends after ten minutes, until the customer asks again", async () => {
  service.answer(paymentJson({ status: "PROCESSING" }));
  const { page } = await open();
  await page.clock.install();
  await page.goto(`${service.origin}/v1/payments/success?session_id=cs_test_1`);
  await heading(page, "Your payment is being processed");
  const again = page.getByRole("button", { name: "Check again" });
  for (let minute = 0; minute < 300 && !(await again.isVisible()); minute += 1) await page.clock.runFor(5_000);
  await again.waitFor();
  const minutes = await page.evaluate<number>("performance.now() / 60_000");
  assert.ok(minutes >= 10 && minutes < 13, `ended after ${minutes} minutes`);
  service.answer(paymentJson({ status: "SUCCEEDED" }));
  await again.click();
  await heading(page, "Payment received");
});

test("the way back to the checkout is offered while it is open", async () => {
  const checkoutUrl = `${service.origin}/c/pay/cs_test_1`;
  service.answer(paymentJson({ status: "PENDING", checkoutUrl }));
  const page = await openResult("cancel");
  const link = page.getByRole("link", { name: "Return to the checkout" });
  await link.waitFor();
  assert.equal(await link.getAttribute("href"), checkoutUrl);
  service.answer(paymentJson({ status: "EXPIRED" }));
  await heading(page, "The checkout has expired");
  assert.equal(await link.isVisible(), false);
});

test("an address that is no web address is not offered", async () => {
  service.answer(paymentJson({ status: "PENDING", checkoutUrl: "javascript:alert(1)" }));
  const page = await openResult("cancel");
  await heading(page, "You left the checkout");
  assert.equal(await page.locator("#checkout").isVisible(), false);
  assert.equal(await page.locator("[href^=javascript]").count(), 0);
});

test("without a session, and with one that is not known, the pages claim nothing", async () => {
  service.answer(404);
  for (const name of ["success", "cancel"] as const) {
    await heading(await openResult(name, ""), "No payment to show");
    await heading(await openResult(name), "We do not know this payment");
  }
});

test("a service that does not answer is no failure of the payment, and is asked again", async () => {
  service.answer(503);
  const page = await openResult("success");
  await heading(page, "We cannot tell right now");
  service.answer(paymentJson({ status: "SUCCEEDED" }));
  await heading(page, "Payment received");
});

test("large amounts are exact", async () => {
  service.answer(paymentJson({ status: "SUCCEEDED", amount: "92233720368547758.07" }));
  const page = await openResult("success");
  await heading(page, "Payment received");
  assert.match(await page.locator("#facts").innerText(), /€92,233,720,368,547,758\.07/);
});

test("what a payment says is shown as text, and no request leaves the origin", async () => {
  const description = '<img src=x onerror="document.title=1">';
  service.answer(paymentJson({ status: "SUCCEEDED", description }));
  const { page, requests, complaints } = await open();
  await page.goto(`${service.origin}/v1/payments/success?session_id=cs_test_1`);
  await heading(page, "Payment received");
  assert.ok((await page.locator("#facts").innerText()).includes(description));
  assert.equal(await page.locator("main img").count(), 0);
  const urls = requests.map((request) => new URL(request.url())).filter(({ protocol }) => protocol !== "data:");
  assert.deepEqual([...new Set(urls.map(({ origin }) => origin))], [service.origin]);
  assert.deepEqual(complaints, []);
});
