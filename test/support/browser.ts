// Debian's chromium, driven without a screen, for tests of the pages.
import { after } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page, type Request } from "playwright-core";
import { CHROMIUM } from "./provide-browser.ts";

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const ACTION_TIMEOUT_MS = 10_000;

export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true } as const;
export const DESKTOP = { viewport: { width: 1280, height: 800 } } as const;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

export interface OpenPage {
  readonly page: Page;
  /** All that the page asked for, whatever became of it. */
  readonly requests: readonly Request[];
  /** Errors that no code caught, and what the browser refused. */
  readonly complaints: readonly string[];
}

/** Called once by a test file: a browser for all of its pages, closed when its tests are over. Each page has a context of its own. */
export function shareBrowser(): (options?: BrowserContextOptions) => Promise<OpenPage> {
  const launching = launchBrowser();
  after(async () => (await launching).close());
  return async (options = DESKTOP) => {
    const context = await (await launching).newContext({ locale: "en-GB", ...options });
    context.setDefaultTimeout(ACTION_TIMEOUT_MS);
    const page = await context.newPage();
    const requests: Request[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requests.push(request));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (/Content Security Policy|Refused/.test(message.text())) complaints.push(message.text());
    });
    return { page, requests, complaints };
  };
}
