// Takes pictures of the pages, for people to look at: `node test/web/screenshots.ts FOLDER`. Phone and desktop, light and dark.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { LineItem } from "../../src/gateway/objects.ts";
import { DESKTOP, launchBrowser, PHONE } from "../support/browser.ts";
import { openCheckout } from "./open-checkout.ts";
import { openService, paymentJson } from "./open-service.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("Name a folder: node test/web/screenshots.ts FOLDER");
mkdirSync(folder, { recursive: true });

const item = (name: string, quantity: number, unit: bigint): LineItem => ({
  name,
  description: null,
  quantity,
  amount_unit: unit,
  amount_total: unit * BigInt(quantity),
});
const BASKET = {
  amount: 6497n,
  description: "Order 2041",
  customer_email: "ada@example.com",
  line_items: [item("The Art of Computer Programming, volume 1", 1, 4499n), item("Pocket notebook", 2, 999n)],
};

const checkout = await openCheckout();
const service = await openService();
const browser = await launchBrowser();

const choose = (page: Page, token: string) =>
  page.locator(`#${token}`).evaluate((radio: { click(): void }) => radio.click());

async function openForm(page: Page): Promise<void> {
  await page.goto((await checkout.create(BASKET)).url);
  await page.locator("#pay").waitFor();
}

async function payWith(page: Page, token: string): Promise<void> {
  await openForm(page);
  await choose(page, token);
  await page.locator("#pay").click();
}

const SCENES: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "checkout-empty": openForm,
  async "checkout-filled"(page) {
    await openForm(page);
    await choose(page, "pm_card_visa");
  },
  async "checkout-errors"(page) {
    await openForm(page);
    await page.locator("#number").fill("4242 4242 4242 4243");
    await page.locator("#expiry-date").fill("01 / 20");
    await page.locator("#pay").click();
  },
  async decline(page) {
    await payWith(page, "pm_card_chargeDeclinedInsufficientFunds");
    await page.locator("#problem").waitFor();
  },
  async "three-d-secure"(page) {
    await payWith(page, "pm_card_threeDSecure2Required");
    await page.locator("#challenge").waitFor();
  },
  async approved(page) {
    await payWith(page, "pm_card_visa");
    await page.locator("#notice").waitFor();
  },
  async expired(page) {
    const { id, url } = await checkout.create(BASKET);
    await checkout.bench.life({ operation: "expire_session", id });
    await page.goto(url);
    await page.locator("#notice").waitFor();
  },
  ...Object.fromEntries(
    ["PENDING", "SUCCEEDED", "FAILED", "AUTHORIZED", "PARTIALLY_REFUNDED"].map((status) => [
      `success-${status.toLowerCase()}`,
      (page: Page) => showResult(page, "success", status),
    ]),
  ),
  "cancel-pending": (page) => showResult(page, "cancel", "PENDING"),
  "cancel-succeeded": (page) => showResult(page, "cancel", "SUCCEEDED"),
  async "success-unknown"(page) {
    await page.goto(`${service.origin}/v1/payments/success`);
    await page.getByText("No payment to show").waitFor();
  },
};

async function showResult(page: Page, name: "success" | "cancel", status: string): Promise<void> {
  service.answer(paymentJson({ status }));
  await page.goto(`${service.origin}/v1/payments/${name}?session_id=cs_test_1`);
  await page.locator("#facts").waitFor();
}

for (const [device, options] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  for (const colorScheme of ["light", "dark"] as const) {
    const context = await browser.newContext({ ...options, colorScheme, locale: "en-GB", reducedMotion: "reduce" });
    for (const [name, act] of Object.entries(SCENES)) {
      const page = await context.newPage();
      await act(page);
      await page.screenshot({
        path: join(folder, `${name}-${device}-${colorScheme}.png`),
        fullPage: name !== "three-d-secure",
      });
      await page.close();
    }
    await context.close();
  }
}

await browser.close();
await Promise.all([checkout.close(), service.close()]);
