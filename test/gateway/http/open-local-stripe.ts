// A local Stripe in a folder of its own, and the two ways to talk to it: the official SDK, and plain requests.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import { type LocalStripe, startLocalStripe } from "../../../src/gateway/http/local-stripe.ts";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Terms that any payment intent can have; no method redirects the customer. */
export const TERMS = {
  amount: 1999,
  currency: "eur",
  automatic_payment_methods: { enabled: true, allow_redirects: "never" },
} as const satisfies Stripe.PaymentIntentCreateParams;
export const PAID = { ...TERMS, confirm: true, payment_method: "pm_card_visa" } as const;

export class StripeBench {
  readonly folder: string;
  server: LocalStripe;
  stripe: Stripe;

  private constructor(folder: string, server: LocalStripe) {
    this.folder = folder;
    this.server = server;
    this.stripe = openSdk(server.port);
  }

  static async make(): Promise<StripeBench> {
    const folder = await mkdtemp(join(tmpdir(), "local-stripe-"));
    return new StripeBench(folder, await start(folder));
  }

  async restart(): Promise<void> {
    await this.server.stop();
    this.server = await start(this.folder);
    this.stripe = openSdk(this.server.port);
  }

  async dispose(): Promise<void> {
    await this.server.stop();
    await rm(this.folder, { recursive: true });
  }

  /** A request of Stripe's API, its parameters as they stand in the form. */
  async send(method: string, path: string, form = "", headers: Record<string, string> = {}): Promise<RawAnswer> {
    const isPost = method === "POST";
    const answer = await fetch(`${this.server.url}${path}${isPost || form === "" ? "" : `?${form}`}`, {
      method,
      headers: { authorization: "Bearer sk_test_bench", ...headers },
      ...(isPost && { body: form }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as RawAnswer["body"] };
  }

  /** A request of the control API. */
  async control(path: string, body?: object): Promise<RawAnswer> {
    const answer = await fetch(`${this.server.url}/_gateway/${path}`, {
      ...(body && { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as RawAnswer["body"] };
  }
}

function start(folder: string): Promise<LocalStripe> {
  return startLocalStripe({ directory: join(folder, "gateway"), now: () => new Date() });
}

export function openSdk(port: number, config: Partial<Stripe.StripeConfig> = {}): Stripe {
  return new Stripe("sk_test_bench", {
    host: "127.0.0.1",
    port,
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
    ...config,
  });
}

/** The error that a call of the SDK must fail with. */
export async function errorOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Stripe.errors.StripeError) return outcome;
  throw new Error("the call did not fail with an error of Stripe's", { cause: outcome });
}

/** The members of an error body. */
export function errorIn({ body }: RawAnswer): Readonly<Record<string, unknown>> {
  return body["error"] as Readonly<Record<string, unknown>>;
}
