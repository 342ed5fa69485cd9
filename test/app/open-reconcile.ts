// A service whose books are compared with the provider's: the comparison as an operator makes it, and looks at what it found and what it changed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reconcile, type ReconcileInput, type ReconcileRun } from "../../src/app/reconcile.ts";
import type { ReconcileParts, SettledDrift } from "../../src/app/reconcile-payment.ts";
import { recover } from "../../src/app/recover.ts";
import { createBooks } from "../../src/db/books.ts";
import { startGatewayServer } from "../../src/gateway/http/server.ts";
import { Webhooks } from "../../src/gateway/webhooks/webhooks.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { createStripeProvider } from "../../src/provider/stripe/stripe-provider.ts";
import { findViolations } from "../torture/frame/invariants.ts";
import type { SeededDrift } from "./drift-seeds.ts";
import { operator, TestService } from "./open-service.ts";

export class ReconcileBench {
  readonly service: TestService;
  readonly parts: ReconcileParts;
  /** The beginning of the test's time. */
  readonly from: Date;
  readonly #closeProvider: () => Promise<void>;

  private constructor(service: TestService, closeProvider: () => Promise<void>) {
    this.service = service;
    this.parts = { ...service.parts, books: createBooks(service.database) };
    this.from = new Date(service.time - 1_000);
    this.#closeProvider = closeProvider;
  }

  static async open(): Promise<ReconcileBench> {
    return new ReconcileBench(await TestService.open(), async () => {});
  }

  /** Its payments are carried by the Stripe provider, over HTTP, against the gateway that the mock provider talks to otherwise. */
  static async openWithStripe(): Promise<ReconcileBench> {
    const service = await TestService.open();
    return new ReconcileBench(service, await carryByStripe(service));
  }

  async close(): Promise<void> {
    await this.#closeProvider();
    await this.service.close();
  }

  async run(change: Partial<ReconcileInput> = {}): Promise<ReconcileRun> {
    const result = await reconcile(this.parts, operator, {
      range: { from: this.from, to: new Date(this.service.time + 1_000) },
      provider: null,
      apply: false,
      driftsMax: 10_000,
      tell: "never",
      ...change,
    });
    if (!result.ok) throw new Error(result.error.message);
    return result.value;
  }

  /** Lets recovery do what is due, until nothing is. */
  async settle(): Promise<void> {
    for (let more = true; more; ) more = await recover(this.service.parts);
  }

  async snapshot(): Promise<unknown> {
    return this.service.rows(`
      select 'payment' as what, id::text, revision::text as state from payment
      union all select 'refund', id::text, status from refund
      union all select 'event', id::text, type from payment_event
      union all select 'operation', id::text, state || attempts from provider_operation
      union all select 'dispute', id::text, status from dispute order by 1, 2`);
  }

  /** What is wrong with our money, the gateway's, and the histories. */
  async findFaults(): Promise<string[]> {
    const query = <T extends object>(text: string, values?: unknown[]): Promise<T[]> =>
      this.service.rows<T>(text, values);
    const found = await findViolations({ query, journal: await this.service.journal(), stream: [], requests: [] });
    return found.filter((violation) => /^I[1-5] /.test(violation));
  }
}

async function carryByStripe(service: TestService): Promise<() => Promise<void>> {
  const { gateway, parts } = service;
  const folder = mkdtempSync(join(tmpdir(), "payment-webhooks-"));
  const webhooks = new Webhooks({ gateway, directory: folder });
  const server = await startGatewayServer({ gateway, webhooks });
  const stripe = createStripeProvider({
    name: "mock",
    secretKey: "sk_test_reconcile",
    webhookSecrets: [],
    apiUrl: server.url,
    timeoutMs: 5_000,
    defaultPaymentMethod: null,
    returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
    limits: { attemptsMax: 1, failuresMax: 1_000 },
    now: () => new Date(service.time),
  });
  (parts.providers as Map<string, Provider>).set("mock", stripe);
  // A call over HTTP takes longer than one in the process, and on a busy machine much longer.
  Object.assign(parts.limits, { providerTimeoutMs: 10_000 });
  return async () => {
    await server.stop();
    await webhooks.close();
    rmSync(folder, { recursive: true });
  };
}

export function driftsOf({ providers }: ReconcileRun): SettledDrift[] {
  return providers.flatMap(({ drifts }) => drifts);
}

export function listDrift(drifts: readonly { readonly kind: string; readonly paymentId: string | null }[]): string[] {
  return drifts.map(({ kind, paymentId }) => `${paymentId} ${kind}`).toSorted();
}

export function listSeeded(seeded: readonly SeededDrift[]): string[] {
  return listDrift(seeded.map(({ kind, payment }) => ({ kind, paymentId: payment.id })));
}
