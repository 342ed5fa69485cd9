// The mock gateway as a program of its own (npm run gateway): a local Stripe for whoever wants one. It keeps what it knows in a folder, which one
// process at a time may use, and can send its webhooks to one address.
import { mkdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { claimOwnership } from "./embedded/ownership.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { createCheckoutRoutes } from "./gateway/http/checkout-routes.ts";
import { type LocalStripe, startLocalStripe } from "./gateway/http/local-stripe.ts";
import { forwardingSecret } from "./gateway/webhooks/forwarding-secret.ts";
import { loadCheckoutAssets } from "./web/pages.ts";

const USAGE =
  "npm run gateway -- [--port 12111] [--host 127.0.0.1] [--data .data/gateway] [--forward-to URL] [--secret whsec_…] [--public-url URL]";
const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

interface Settings {
  readonly port: number;
  readonly host: string;
  readonly directory: string;
  readonly forwardTo: string | null;
  readonly secret: string | null;
  /** Where a browser finds the checkout, if not at the address that is listened at. */
  readonly publicUrl: string | null;
}

/** What is wrong with the command line; its message is for the person who typed it. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

function readSettings(): Settings {
  const options = {
    port: { type: "string", default: "12111" },
    host: { type: "string", default: "127.0.0.1" },
    data: { type: "string", default: ".data/gateway" },
    "forward-to": { type: "string" },
    secret: { type: "string" },
    "public-url": { type: "string" },
    help: { type: "boolean", default: false },
  } as const;
  const { values } = parseFlags(() => parseArgs({ options, allowPositionals: false }));
  if (values.help) throw new UsageError(USAGE);
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new UsageError(`--port is "${values.port}"; give a number from 0 (any free port) to 65535.`);
  }
  const forwardTo = readUrl("--forward-to", values["forward-to"]);
  const publicUrl = readUrl("--public-url", values["public-url"])?.replace(/\/$/, "") ?? null;
  const secret = values.secret ?? null;
  if (secret !== null && (forwardTo === null || !/^whsec_\w{8,}$/.test(secret))) {
    throw new UsageError("--secret goes with --forward-to, and is whsec_ and at least eight letters or digits.");
  }
  return { port, host: values.host, directory: resolve(values.data), forwardTo, secret, publicUrl };
}

function readUrl(flag: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (/^https?:$/.test(URL.parse(value)?.protocol ?? "")) return value;
  throw new UsageError(`${flag} is "${value}"; give a URL that begins with http:// or https://.`);
}

function parseFlags<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\nUsage: ${USAGE}`, {
      cause: error,
    });
  }
}

/** The hosted checkout. */
function pagesOf(gateway: Gateway): (request: IncomingMessage, response: ServerResponse) => void {
  return createCheckoutRoutes({ gateway, assets: loadCheckoutAssets(), merchantName: "Local Stripe" });
}

function banner({ url, port }: LocalStripe, { host, directory, forwardTo }: Settings, secret: string | null): string {
  const shown = LOOPBACK.includes(host) ? `http://localhost:${port}` : url;
  const webhooks =
    forwardTo === null ? "none; --forward-to URL sends them somewhere" : `to ${forwardTo}, signed with ${secret ?? ""}`;
  return `
A local Stripe is ready at ${shown}

  state      ${directory}
  webhooks   ${webhooks}
  keys       any that begins with sk_test_

Try, in another terminal:

  1. take a payment:
     curl -u sk_test_local: ${shown}/v1/payment_intents -d amount=1999 -d currency=eur -d confirm=true -d payment_method=pm_card_visa -d 'allowed_payment_method_types[]=card'

  2. make a checkout, and open its url in a browser:
     curl -u sk_test_local: ${shown}/v1/checkout/sessions -d mode=payment -d success_url=https://example.com/paid -d 'line_items[0][price_data][currency]=eur' -d 'line_items[0][price_data][unit_amount]=1999' -d 'line_items[0][price_data][product_data][name]=Tea'

  3. use it from Stripe's own SDK:
     new Stripe("sk_test_local", { host: "${LOOPBACK.includes(host) ? "localhost" : host}", port: ${port}, protocol: "http" })

`;
}

async function main(): Promise<void> {
  const settings = readSettings();
  const { directory, forwardTo } = settings;
  mkdirSync(directory, { recursive: true });
  const release = claimOwnership({
    directory,
    name: "gateway",
    remedy: "stop that process, or give --data another folder",
  });
  const stripe = await startLocalStripe({
    directory,
    host: settings.host,
    port: settings.port,
    now: () => new Date(),
    pages: pagesOf,
    ...(settings.publicUrl !== null && { publicUrl: settings.publicUrl }),
  }).catch((error: unknown) => {
    release();
    throw error;
  });
  const secret = forwardTo === null ? null : (settings.secret ?? forwardingSecret(directory));
  if (forwardTo !== null && secret !== null) {
    stripe.webhooks.ensureEndpoint({ url: forwardTo, enabled_events: ["*"], secret });
  }
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // A second signal does not wait.
      if (stopping) process.exit(1);
      stopping = true;
      void stripe.stop().then(() => {
        release();
        process.exit(0);
      });
    });
  }
  process.stdout.write(banner(stripe, settings, secret));
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(error instanceof UsageError ? `${message}\n` : `The gateway cannot start: ${message}\n`);
  process.exit(1);
}
