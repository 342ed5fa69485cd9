// The gateway's checkout page, driven in a browser as a customer drives it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import type { CreateSessionParams } from "../../src/gateway/sessions.ts";
import { DESKTOP, type OpenPage, shareBrowser } from "../support/browser.ts";
import { HOUR_MS, intent } from "../gateway/open-gateway.ts";
import { type Checkout, MERCHANT, openCheckout } from "./open-checkout.ts";

const open = shareBrowser();
let checkout: Checkout;

before(async () => {
  checkout = await openCheckout();
});
after(() => checkout.close());

interface OpenForm extends OpenPage {
  readonly id: string;
  readonly url: string;
}

async function openForm(params: Partial<CreateSessionParams> = {}): Promise<OpenForm> {
  const { id, url } = await checkout.create(params);
  const opened = await open(DESKTOP);
  await opened.page.goto(url);
  await opened.page.locator("#pay").waitFor();
  return { ...opened, id, url };
}

function choose(page: Page, last4: string): Promise<void> {
  return page.getByRole("radio", { name: last4 }).click();
}

function pay(page: Page): Promise<void> {
  return page.getByRole("button", { name: /^Pay / }).click();
}

function challenge(page: Page) {
  return page.getByRole("dialog");
}

/** Goes on to the shop's page, and gives the session that it was told. */
async function landedWith(page: Page): Promise<string | null> {
  await page.getByRole("link", { name: /^Continue|^Back to/ }).click();
  return ledTo(page);
}

/** Waits to be led there. */
async function ledTo(page: Page): Promise<string | null> {
  await page.waitForURL(`${checkout.shop.origin}/thanks**`);
  return new URL(page.url()).searchParams.get("session_id");
}

async function statusOf(id: string): Promise<readonly (string | undefined)[]> {
  const { session, intent } = await checkout.look(id);
  return [session?.status, intent.status];
}

const typed = { number: "4242424242424242", expiry: "1230", cvc: "123", name: "Ada Lovelace" };

async function type(page: Page, fields: Partial<typeof typed> = {}): Promise<void> {
  const { number, expiry, cvc, name } = { ...typed, ...fields };
  await page.getByLabel("Card number").pressSequentially(number);
  await page.getByLabel("Expiry").pressSequentially(expiry);
  await page.getByLabel("Security code").fill(cvc);
  await page.getByLabel("Name on card").fill(name);
}

test("a card of one click pays, and the customer comes back to the shop with the session's id", async () => {
  const { page, id, complaints } = await openForm();
  await choose(page, "4242");
  await pay(page);
  await page.getByRole("heading", { name: "Payment approved" }).waitFor();
  assert.equal(await ledTo(page), id);
  assert.deepEqual(await statusOf(id), ["complete", "succeeded"]);
  assert.deepEqual(complaints, []);
});

test("a typed test card pays, and its number is never sent", async () => {
  const { page, id, requests } = await openForm();
  await type(page);
  assert.equal(await page.getByLabel("Card number").inputValue(), "4242 4242 4242 4242");
  assert.equal(await page.getByLabel("Expiry").inputValue(), "12 / 30");
  await pay(page);
  assert.equal(await landedWith(page), id);
  const sent = requests.map((request) => `${request.url()} ${request.postData() ?? ""}`).join("\n");
  assert.doesNotMatch(sent, /4242.?4242/);
  assert.match(sent, /pm_card_visa/);
});

test("after a decline the form says why, and a second card succeeds", async () => {
  const { page, id } = await openForm();
  await choose(page, "9995");
  await pay(page);
  const alert = page.getByRole("alert").filter({ hasText: "There is not enough money on this card." });
  await alert.waitFor();
  assert.match(await alert.innerText(), /You have not been charged/);
  assert.deepEqual(await statusOf(id), ["open", "requires_payment_method"]);
  await choose(page, "4444");
  await pay(page);
  assert.equal(await landedWith(page), id);
});

test("a decline for the code is told beside the code", async () => {
  const { page } = await openForm();
  await choose(page, "0127");
  await pay(page);
  await page.locator("#cvc[aria-invalid=true]").waitFor();
  assert.equal(await page.locator("#cvc-error").innerText(), "The security code is not correct.");
  assert.equal(await page.evaluate("document.activeElement.id"), "cvc");
});

test("a lost card is declined in the words of any other", async () => {
  const { page } = await openForm();
  const said: string[] = [];
  for (const last4 of ["0002", "9987", "9979", "0019"]) {
    await choose(page, last4);
    await pay(page);
    await page.locator("#problem:not([hidden])").waitFor();
    await page.getByRole("button", { name: /^Pay / }).waitFor();
    said.push(await page.locator("#problem").innerText());
  }
  assert.equal(new Set(said).size, 1);
  assert.match(said[0] ?? "", /The card was declined/);
});

test("a payment that the cardholder approves with the bank succeeds", async () => {
  const { page, id } = await openForm();
  await choose(page, "3220");
  await pay(page);
  await challenge(page).waitFor();
  const words = await challenge(page).innerText();
  for (const word of [MERCHANT, "€19.99", "3220"]) assert.ok(words.includes(word), word);
  await challenge(page).getByRole("button", { name: "Approve" }).click();
  assert.equal(await landedWith(page), id);
  assert.deepEqual(await statusOf(id), ["complete", "succeeded"]);
});

test("a payment that the cardholder refuses takes nothing, and another card can pay", async () => {
  const { page, id } = await openForm();
  await choose(page, "3184");
  await pay(page);
  await challenge(page).getByRole("button", { name: "Refuse" }).click();
  await page.getByRole("alert").filter({ hasText: "The payment was not approved." }).waitFor();
  assert.equal(await challenge(page).isVisible(), false);
  assert.deepEqual(await statusOf(id), ["open", "requires_payment_method"]);
  await choose(page, "4242");
  await pay(page);
  assert.equal(await landedWith(page), id);
});

test("the bank's question survives Escape and a reload", async () => {
  const { page, id } = await openForm();
  await choose(page, "3220");
  await pay(page);
  await challenge(page).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.equal(await challenge(page).isVisible(), true);
  assert.deepEqual(await statusOf(id), ["open", "requires_action"]);
  await page.reload();
  await challenge(page).getByRole("button", { name: "Approve" }).click();
  assert.equal(await landedWith(page), id);
});

test("a card that the bank approves and the issuer declines is a decline", async () => {
  const { page } = await openForm();
  await choose(page, "1629");
  await pay(page);
  await challenge(page).getByRole("button", { name: "Approve" }).click();
  await page.getByRole("alert").filter({ hasText: "The card was declined." }).waitFor();
});

for (const [button, outcome, heading] of [
  ["Approve", "succeeded", "Payment approved"],
  ["Refuse", "failed", "The payment was not approved"],
] as const) {
  test(`a payment without a checkout page asks the bank on a page of its own: ${button}`, async () => {
    const details = { return_url: `${checkout.shop.origin}/thanks?order=1` };
    const life = await checkout.bench.life(intent({ payment_method: "pm_card_threeDSecure2Required", details }));
    const { id, client_secret } = life.intent;
    const { page, complaints } = await open();
    await page.goto(`${checkout.gateway.origin}/c/authenticate/${id}?client_secret=${client_secret}`);
    await challenge(page).getByRole("button", { name: button }).click();
    await page.getByRole("heading", { name: heading }).waitFor();
    await ledTo(page);
    const back = new URL(page.url()).searchParams;
    assert.deepEqual([back.get("order"), back.get("payment_intent"), back.get("redirect_status")], ["1", id, outcome]);
    assert.deepEqual(complaints, []);
  });
}

test("the keyboard alone pays, with a card from the chooser", async () => {
  const { page, id } = await openForm();
  const focused = () => page.evaluate<string>("document.activeElement.id");
  for (let presses = 0; presses < 5 && (await focused()) !== "pm_card_visa"; presses += 1)
    await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.getByLabel("Card number").inputValue(), "5555 5555 5555 4444");
  for (let presses = 0; presses < 5 && (await focused()) !== "name"; presses += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "pay");
  await page.keyboard.press("Enter");
  assert.equal(await landedWith(page), id);
});

test("the keyboard alone pays with a typed card, and approves it with the bank", async () => {
  const { page, id } = await openForm();
  await page.getByLabel("Card number").focus();
  for (const text of ["4000000000003220", "1230", "123", "Ada Lovelace"]) {
    await page.keyboard.type(text);
    if (text !== "Ada Lovelace") await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await challenge(page).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await landedWith(page), id);
});

test("cancel leads back to the shop and leaves the session open", async () => {
  const { page, id } = await openForm();
  await page.getByRole("link", { name: `Cancel and return to ${MERCHANT}` }).click();
  await page.waitForURL(`${checkout.shop.origin}/basket`);
  assert.deepEqual(await statusOf(id), ["open", "requires_payment_method"]);
});

const MISTAKES = [
  ["a wrong digit", { number: "4242424242424243" }, "number", "This number is not valid."],
  ["a number that is cut short", { number: "42424242" }, "number", "This number is too short."],
  ["a month that is over", { expiry: "0120" }, "expiry-date", "Card has expired."],
  ["a month that is none", { expiry: "1330" }, "expiry-date", "Enter month and year."],
  ["a code that is too short", { cvc: "12" }, "cvc", "Enter 3 digits."],
  ["a code that is too short for its brand", { number: "378282246310005" }, "cvc", "Enter 4 digits."],
  ["no name", { name: " " }, "name", "Enter the name on the card."],
] as const;

for (const [mistake, fields, field, message] of MISTAKES) {
  test(`${mistake} is told beside the field, and nothing is sent`, async () => {
    const { page, requests } = await openForm();
    await type(page, fields);
    await pay(page);
    assert.equal(await page.locator(`#${field}-error`).innerText(), message);
    assert.equal(await page.locator(`#${field}`).getAttribute("aria-invalid"), "true");
    assert.equal(await page.evaluate("document.activeElement.id"), field);
    assert.deepEqual(
      requests.filter((request) => request.method() === "POST"),
      [],
    );
  });
}

test("a number that may be a real card's is refused, wiped and not sent", async () => {
  const { page, requests } = await openForm();
  await type(page, { number: "4539578763621486" });
  await pay(page);
  assert.match(await page.locator("#number-error").innerText(), /Only test cards work here/);
  assert.equal(await page.getByLabel("Card number").inputValue(), "");
  assert.ok(requests.every((request) => request.method() === "GET"));
});

test("a session that was closed says so and leads back", async () => {
  const { page, id } = await openForm();
  await checkout.bench.life({ operation: "expire_session", id });
  await choose(page, "4242");
  await pay(page);
  await page.getByRole("heading", { name: "This checkout was closed" }).waitFor();
  await page.getByRole("link", { name: `Back to ${MERCHANT}` }).click();
  await page.waitForURL(`${checkout.shop.origin}/basket`);
});

test("a session whose time is over says so, also to whom it finds with a card at hand", async () => {
  const { page, url } = await openForm();
  checkout.bench.advance(24 * HOUR_MS);
  await choose(page, "4242");
  await pay(page);
  await page.getByRole("heading", { name: "This checkout has expired" }).waitFor();
  await page.goto(url);
  await page.getByRole("heading", { name: "This checkout has expired" }).waitFor();
});

test("a session that is paid already says so, and cannot be paid again", async () => {
  const { page, id, url } = await openForm();
  await checkout.bench.life({ operation: "pay_session", id, payment_method: "pm_card_visa" });
  await choose(page, "4444");
  await pay(page);
  await page.getByRole("heading", { name: /approved|paid/ }).waitFor();
  const { charges } = await checkout.look(id);
  assert.equal(charges.length, 1);
  await page.goto(url);
  await page.getByRole("heading", { name: "This is already paid" }).waitFor();
  assert.equal(await landedWith(page), id);
});

test("money that is only held is not called a payment", async () => {
  const { page, id } = await openForm({ capture_method: "manual" });
  await choose(page, "4242");
  await pay(page);
  await page.getByRole("heading", { name: "The amount is reserved" }).waitFor();
  assert.equal(await landedWith(page), id);
});

test("a link that leads to no session says so", async () => {
  const { page } = await open();
  await page.goto(`${checkout.gateway.origin}/c/pay/cs_test_000000000000000000000000`);
  await page.getByRole("heading", { name: "There is no checkout here" }).waitFor();
});

test("an answer that is lost after the charge still ends in success, charged once", async () => {
  const { page, id } = await openForm({ metadata: { gateway_fault: "confirm:lost_after" } });
  await choose(page, "4242");
  await pay(page);
  assert.equal(await landedWith(page), id);
  assert.equal((await checkout.look(id)).charges.length, 1);
});

test("a call that never arrived says that nothing was charged, and can be repeated", async () => {
  const { page, id } = await openForm();
  let calls = 0;
  // Not `{ times: 1 }`: a request made while the browser ends its interception may hang (microsoft/playwright#41802).
  await page.route("**/pay", (route) => {
    calls += 1;
    return calls === 1 ? route.abort() : route.continue();
  });
  await choose(page, "4242");
  await pay(page);
  await page.getByRole("alert").filter({ hasText: "The payment did not go through." }).waitFor();
  await pay(page);
  assert.equal(await landedWith(page), id);
  assert.equal((await checkout.look(id)).charges.length, 1);
});

test("an error after the charge is not told as a failure", async () => {
  const { page, id } = await openForm({ metadata: { gateway_fault: "confirm:error_after" } });
  await choose(page, "4242");
  await pay(page);
  assert.equal(await landedWith(page), id);
});

test("amounts are exact, whatever their currency and size", async () => {
  const cases = [
    [500n, "jpy", "¥500"],
    [1234n, "bhd", "BHD 1.234"],
    [500_00n, "isk", "ISK 500"],
    [1999n, "huf", "HUF 19.99"],
    [900_719_925_474_099_399n, "eur", "€9,007,199,254,740,993.99"],
  ] as const;
  const { page } = await open();
  for (const [amount, currency, printed] of cases) {
    await page.goto((await checkout.create({ amount, currency })).url);
    await page.locator("#pay").waitFor();
    const total = await page.locator("#total").innerText();
    assert.equal(total.replaceAll(/\s/g, " ").replace("JP¥", "¥"), printed);
  }
});

test("what a session says is shown as text, never run", async () => {
  const attack = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  const { page, complaints } = await openForm({
    description: attack,
    line_items: [{ name: attack, description: null, quantity: 2, amount_unit: 1n, amount_total: 2n }],
    success_url: "javascript:alert(1)",
    cancel_url: "javascript:alert(1)",
  });
  assert.equal(await page.locator("#summary-title").innerText(), attack);
  assert.equal(await page.locator("#items dt").innerText(), `${attack} × 2`);
  assert.equal(await page.locator("main img, main script, [href^=javascript]").count(), 0);
  await choose(page, "4242");
  await pay(page);
  await page.getByText("You can close this page.").waitFor();
  assert.deepEqual(complaints, []);
});

test("the e-mail address that the shop knows is shown", async () => {
  const { page } = await openForm({ customer_email: "ada@example.com" });
  assert.equal(await page.getByLabel("E-mail").inputValue(), "ada@example.com");
});

test("no request leaves the page's origin", async () => {
  const { page, requests } = await openForm();
  await choose(page, "0002");
  await pay(page);
  await page.locator("#problem:not([hidden])").waitFor();
  const origins = new Set(
    requests
      .map((request) => new URL(request.url()))
      .filter(({ protocol }) => protocol !== "data:")
      .map(({ origin }) => origin),
  );
  assert.deepEqual([...origins], [checkout.gateway.origin]);
});
