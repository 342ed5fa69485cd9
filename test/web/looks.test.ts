// How the pages look and can be used: contrast in both colour schemes, narrow screens, sizes of what is touched, names of what is read out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { DESKTOP, PHONE, shareBrowser } from "../support/browser.ts";
import { type Checkout, openCheckout } from "./open-checkout.ts";
import { openService, paymentJson, type StubService } from "./open-service.ts";

const CONTRAST_MIN = 4.5;
const TARGET_MIN = 44;

const open = shareBrowser();
let checkout: Checkout;
let service: StubService;

before(async () => {
  [checkout, service] = await Promise.all([openCheckout(), openService()]);
});
after(() => Promise.all([checkout.close(), service.close()]));

const SCENES: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async "the form with a decline and a mistake"(page) {
    await page.goto((await checkout.create({ customer_email: "ada@example.com" })).url);
    await page.locator("#more-cards").evaluate((details: { open?: boolean }) => {
      details.open = true;
    });
    await page.locator("#pm_card_chargeDeclinedIncorrectCvc").click();
    await page.locator("#pay").click();
    await page.locator("#cvc[aria-invalid=true]").waitFor();
  },
  async "the bank's question"(page) {
    const { id, url } = await checkout.create();
    await checkout.bench.life({ operation: "pay_session", id, payment_method: "pm_card_threeDSecure2Required" });
    await page.goto(url);
    await page.locator("#challenge").waitFor();
  },
  async "the end of a checkout"(page) {
    const { id, url } = await checkout.create();
    await checkout.bench.life({ operation: "pay_session", id, payment_method: "pm_card_visa" });
    await page.goto(url);
    await page.locator("#notice").waitFor();
  },
  async "a payment received"(page) {
    service.answer(paymentJson({ status: "SUCCEEDED" }));
    await page.goto(`${service.origin}/v1/payments/success?session_id=cs_test_1`);
    await page.locator("#facts").waitFor();
  },
  async "a checkout that was left"(page) {
    service.answer(paymentJson({ status: "PENDING" }));
    await page.goto(`${service.origin}/v1/payments/cancel?session_id=cs_test_1`);
    await page.locator("#checkout").waitFor();
  },
};

/** The texts in sight that are too faint, by the formula of WCAG 2. Runs in the page. */
const FAINT_TEXTS = `(min) => {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const { rgb, a } = parse(getComputedStyle(each).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const dialog = document.querySelector("dialog[open]");
  const root = dialog ?? document.body;
  const texts = [...root.querySelectorAll("*")].filter((element) =>
    element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const inputs = [...root.querySelectorAll("input:not([type=radio])")].filter((element) => element.checkVisibility());
  const measured = [...texts, ...inputs].map((element) => {
    const ground = element.previousElementSibling?.type === "radio" ? element : element;
    const [light, dark] = [luminance(parse(getComputedStyle(element).color).rgb), luminance(behind(ground))].sort((a, b) => b - a);
    return { text: (element.textContent || element.id).trim().slice(0, 40), ratio: (light + 0.05) / (dark + 0.05) };
  });
  return { count: measured.length, faint: measured.filter(({ ratio }) => ratio < min) };
}`;

/** What can be pressed and is smaller than a finger. Links within a line of text count by the line. */
const SMALL_TARGETS = `(min) => {
  const root = document.querySelector("dialog[open]") ?? document.body;
  return [...root.querySelectorAll("button, a[href], input, summary")]
    .filter((element) => element.checkVisibility())
    .map((element) => ({ name: element.id || element.textContent, height: element.getBoundingClientRect().height }))
    .filter(({ height }) => height < min);
}`;

const OVERFLOW = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth";

const devices: Readonly<Record<string, BrowserContextOptions>> = {
  phone: PHONE,
  "narrow phone": { viewport: { width: 320, height: 568 } },
  desktop: DESKTOP,
};

for (const [scene, act] of Object.entries(SCENES)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`${scene} is readable in ${colorScheme}`, async () => {
      const { page } = await open({ ...DESKTOP, colorScheme, reducedMotion: "reduce" });
      await act(page);
      const { count, faint } = await page.evaluate<{ count: number; faint: unknown[] }>(
        `(${FAINT_TEXTS})(${CONTRAST_MIN})`,
      );
      assert.ok(count >= 3, `${count} texts were measured`);
      assert.deepEqual(faint, []);
      await page.context().close();
    });
  }

  for (const [device, options] of Object.entries(devices)) {
    test(`${scene} fits a ${device}, and what is touched is large enough`, async () => {
      const { page } = await open(options);
      await act(page);
      assert.equal(await page.evaluate(OVERFLOW), 0);
      assert.deepEqual(await page.evaluate(`(${SMALL_TARGETS})(${TARGET_MIN})`), []);
      await page.context().close();
    });
  }
}

test("every field has a label, and says what a keyboard and a wallet need to know", async () => {
  const { page } = await open();
  await page.goto((await checkout.create({ customer_email: "ada@example.com" })).url);
  await page.locator("#pay").waitFor();
  const fields = await page.evaluate<string[][]>(
    `[...document.forms[0].querySelectorAll("input")].map((input) => [input.labels[0]?.textContent.trim(), input.autocomplete, input.inputMode])`,
  );
  assert.deepEqual(fields, [
    ["E-mail", "email", ""],
    ["Card number", "cc-number", "numeric"],
    ["Expiry", "cc-exp", "numeric"],
    ["Security code", "cc-csc", "numeric"],
    ["Name on card", "cc-name", ""],
  ]);
});

test("what has the focus of the keyboard is seen to have it", async () => {
  const { page } = await open();
  await page.goto((await checkout.create()).url);
  await page.locator("#pay").waitFor();
  const unseen: string[] = [];
  for (let presses = 0; presses < 9; presses += 1) {
    await page.keyboard.press("Tab");
    const { name, width } = await page.evaluate<{ name: string; width: string }>(`(() => {
      const focused = document.activeElement;
      const shown = focused.type === "radio" ? focused.nextElementSibling : focused;
      return { name: focused.id || focused.textContent, width: getComputedStyle(shown).outlineWidth };
    })()`);
    if (width !== "3px") unseen.push(name);
  }
  assert.deepEqual(unseen, []);
});

test("nothing moves when a mistake is told", async () => {
  const { page } = await open(PHONE);
  await page.goto((await checkout.create()).url);
  const button = page.locator("#pay");
  await button.waitFor();
  const before = await button.boundingBox();
  await page.getByLabel("Expiry").fill("01 / 20");
  await page.getByLabel("Security code").fill("1");
  await page.getByLabel("Name on card").focus();
  await page.locator("#expiry-date[aria-invalid=true]").waitFor();
  const scrolled = await page.evaluate<number>("scrollY");
  assert.equal(((await button.boundingBox())?.y ?? 0) + scrolled, before?.y);
});
