// The page over Connect-Web, as a browser runs it: a payment is created, paid at the checkout in another window, and its status is followed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shareBrowser } from "../support/browser.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { Example } from "./run-example.ts";

const open = shareBrowser();
/** Known before the service starts, since the service must be told which origin may call it. */
const PAGE_PORT = 20_000 + (process.pid % 10_000);
const ORIGIN = `http://localhost:${PAGE_PORT}`;
let service: ServiceProcess;
let site: Example;
before(async () => {
  service = await ServiceProcess.start({ CORS_ORIGINS: ORIGIN });
  site = new Example(process.execPath, ["examples/clients/browser/server.ts"], {
    PORT: String(PAGE_PORT),
    PAYMENT_URL: `http://localhost:${service.http.port}`,
  });
  await site.until((lines) => lines.length > 0);
});
after(async () => {
  await site.stop("SIGTERM");
  await service.remove();
});

test("a book is bought in a browser, and the page shows that it was paid", async () => {
  const { page, requests, complaints } = await open();
  await page.goto(ORIGIN);
  await page.getByRole("button", { name: "Buy" }).click();
  const shows = (status: string): Promise<void> => page.locator("#status", { hasText: status }).waitFor();
  await shows("PENDING");
  const [checkout] = await Promise.all([
    page.waitForEvent("popup"),
    page.getByRole("link", { name: "Pay at the checkout" }).click(),
  ]);
  await checkout.getByRole("radio", { name: "4242" }).click();
  await checkout.getByRole("button", { name: /^Pay / }).click();
  await shows("SUCCEEDED");
  assert.deepEqual(complaints, []);
  const reads = requests.filter((request) => request.url().includes("/GetPaymentStatus") && request.method() === "GET");
  assert.ok(reads.length > 0);
  const bearers = new Set(reads.map((request) => request.headers()["authorization"]?.split(" ")[0]));
  assert.deepEqual(bearers, new Set(["Bearer"]));
});

test("a page of another origin is not let in", async () => {
  const { page } = await open();
  await page.goto(ORIGIN.replace("localhost", "127.0.0.1"));
  await page.getByRole("button", { name: "Buy" }).click();
  await page.getByRole("alert").getByText("fetch").waitFor();
});
