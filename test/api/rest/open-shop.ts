// The storefront and the ledger on a real port, with credits beside the mock gateway.
import pino from "pino";
import type { CreditParts } from "../../../src/app/credits.ts";
import { createHealth, type HealthCheck } from "../../../src/api/health.ts";
import type { Dialect } from "../../../src/api/rest/dialect.ts";
import { createLedger } from "../../../src/api/rest/ledger.ts";
import { createStorefront, type StorefrontOptions } from "../../../src/api/rest/storefront.ts";
import type { OrderDirectory } from "../../../src/app/order-directory.ts";
import { createBooks } from "../../../src/db/books.ts";
import { withCredits } from "../../app/open-credits.ts";
import type { TestServiceOptions } from "../../app/open-service.ts";
import { type Answer, type OpenedRest, openRest, type Scope } from "./open-rest.ts";
import { authenticate } from "./people.ts";

/** What a test looks into without saying first what it is. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

/** An answer of any JSON content type: problem details have one of their own. */
export interface Told extends Omit<Answer, "body"> {
  readonly body: Json;
}

interface Wanted {
  /** Whether callers need a token. */
  readonly people?: boolean;
  readonly storefront?: Partial<StorefrontOptions>;
  readonly checks?: readonly HealthCheck[];
  readonly orders?: OrderDirectory;
  readonly service?: TestServiceOptions;
}

export interface Shop extends Omit<OpenedRest, "ask"> {
  readonly ask: (...asked: Parameters<OpenedRest["ask"]>) => Promise<Told>;
  /** The parts with credits. */
  readonly parts: CreditParts;
}

export async function openShop(scope: Scope, wanted: Wanted = {}): Promise<Shop> {
  const health = createHealth({ checks: wanted.checks ?? [], log: pino({ level: "silent" }) });
  health.setServing(true);
  let opened: CreditParts | undefined;
  const partsOf = (): CreditParts => {
    if (!opened) throw new Error("the parts are not there yet");
    return opened;
  };
  const rest = await openRest(scope, {
    ...(wanted.people && { authenticate }),
    ...(wanted.service && { service: wanted.service }),
    changeParts(_parts, service) {
      opened = { ...withCredits(service), orders: wanted.orders ?? null };
      return opened;
    },
    dialects: (service): readonly Dialect[] => [
      createStorefront({
        publishableKey: "pk_test_shop",
        live: false,
        successUrl: "http://localhost:5173/checkout/success",
        cancelUrl: "http://localhost:5173/checkout/cancel",
        version: "1.2.3",
        health,
        accounts: partsOf(),
        ...wanted.storefront,
      }),
      createLedger({ reconciliation: { ...partsOf(), books: createBooks(service.database) } }),
    ],
  });
  return {
    ...rest,
    parts: partsOf(),
    async ask(...asked) {
      const answer = await rest.ask(...asked);
      return { ...answer, body: JSON.parse(answer.text || "null") };
    },
  };
}
