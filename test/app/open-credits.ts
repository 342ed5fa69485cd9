// A service that takes credits beside the mock gateway, and a look behind it: whether the books of the credits add up.
import assert from "node:assert/strict";
import { createCredits } from "../../src/db/credits.ts";
import { type CreditParts, grantCredits } from "../../src/app/credits.ts";
import type { CreatePaymentInput } from "../../src/app/create-payment.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { createCreditsProvider } from "../../src/provider/credits/credits-provider.ts";
import { caller, createInput, type TestService } from "./open-service.ts";

/** The parts of a service with the provider of credits, which may stand behind something of the test's. */
export function withCredits(service: TestService, wrap = (provider: Provider): Provider => provider): CreditParts {
  const { parts } = service;
  const now = (): Date => parts.now();
  const credits = createCredits(service.database, now);
  const provider = wrap(createCreditsProvider(credits, now));
  const providers = new Map([...parts.providers, [provider.name, provider]]);
  return {
    ...parts,
    credits,
    providers,
    rules: { ...parts.rules, providers: new Set(providers.keys()) },
    // As configured by default: transfers of one account wait for each other.
    limits: { ...parts.limits, providerTimeoutMs: 10_000 },
  };
}

/** A payment of some credits for a new order, paid at once. */
export function creditInput(
  customerId: string,
  credits: bigint,
  change: Partial<CreatePaymentInput> = {},
): CreatePaymentInput {
  return createInput({
    provider: "credits",
    customerId,
    amount: { minor: credits, currency: "XXX" },
    paymentMethod: "credits",
    ...change,
  });
}

export async function grant(parts: CreditParts, customerId: string, credits: bigint): Promise<void> {
  const granted = await grantCredits(parts, caller, { customerId, credits, reason: null, requestId: "" });
  assert.ok(granted.ok);
}

/** Queries that find nothing while the books add up (I13). */
const FAULTS = {
  "transfers whose entries do not sum to zero":
    "select transfer_id from credit_entry group by transfer_id having sum(credits) <> 0",
  "an account whose balance is not the sum of its entries": `
    select a.id from credit_account a left join credit_entry e on e.account_id = a.id
    group by a.id having a.balance <> coalesce(sum(e.credits), 0)`,
  "an entry whose balance is not the one before it and itself": `
    select * from (
      select account_id, balance, credits, lag(balance, 1, 0) over (partition by account_id order by position) as before
      from credit_entry
    ) e where e.balance <> e.before + e.credits`,
  "a customer below zero": "select 1 from credit_account where kind = 'CUSTOMER' and balance < 0",
  "a customer who was below zero": `
    select 1 from credit_entry e join credit_account a on a.id = e.account_id where a.kind = 'CUSTOMER' and e.balance < 0`,
  "a payment that is not what its transfers say": `
    select p.id from payment p left join lateral (
      select coalesce(sum(t.credits) filter (where t.effect = 'CAPTURED'), 0) as captured,
        coalesce(sum(t.credits) filter (where t.effect = 'REFUNDED'), 0) as refunded
      from credit_transfer t where t.payment_id = p.id
    ) t on true
    where p.provider = 'credits' and (p.captured_minor <> t.captured or p.refunded_minor <> t.refunded)`,
} as const;

export async function assertBooksAddUp(service: TestService): Promise<void> {
  for (const [fault, query] of Object.entries(FAULTS)) assert.deepEqual(await service.rows(query), [], fault);
}
