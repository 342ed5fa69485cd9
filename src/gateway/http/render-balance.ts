// The gateway's account and its books: a transaction for each capture and each refund. There are no fees, and what is taken is available at
// once.
import type { Life } from "../objects.ts";
import type { Body } from "./outcome.ts";

export interface Transaction {
  readonly id: string;
  readonly type: "charge" | "refund" | "refund_failure" | "adjustment";
  /** Negative where money leaves. */
  readonly amount: bigint;
  readonly currency: string;
  readonly created: number;
  readonly source: string;
}

/** What a payment did to the balance, oldest first. */
export function transactionsOf({ charges, refunds, disputes }: Life): Transaction[] {
  const taken = charges
    .filter((charge) => charge.captured)
    .map((charge) => transaction(charge, { type: "charge", amount: charge.amount_captured, mark: "c" }));
  const given = refunds.flatMap((refund) => {
    const out = transaction(refund, { type: "refund", amount: -refund.amount, mark: "r" });
    if (refund.status !== "failed") return out;
    return [out, transaction(refund, { type: "refund_failure", amount: refund.amount, mark: "f" })];
  });
  const disputed = disputes
    .filter(({ status }) => !status.startsWith("warning") && status !== "won")
    .map((dispute) => transaction(dispute, { type: "adjustment", amount: -dispute.amount, mark: "d" }));
  return [...taken, ...given, ...disputed];
}

/** The transaction of an object; the object's id, whose base leads to its payment, is in the transaction's id. */
export function transactionId(sourceId: string, mark: string): string {
  return `txn_${sourceId.slice(sourceId.lastIndexOf("_") + 1)}${mark}`;
}

function transaction(
  source: { readonly id: string; readonly currency: string; readonly created: number },
  what: Pick<Transaction, "type" | "amount"> & { readonly mark: string },
): Transaction {
  const { id, currency, created } = source;
  return { id: transactionId(id, what.mark), type: what.type, amount: what.amount, currency, created, source: id };
}

export function renderBalanceTransaction(each: Transaction): Body {
  return {
    id: each.id,
    object: "balance_transaction",
    amount: each.amount,
    available_on: each.created,
    balance_type: "payments",
    created: each.created,
    currency: each.currency,
    description: null,
    exchange_rate: null,
    fee: 0,
    fee_details: [],
    net: each.amount,
    reporting_category: each.type === "adjustment" ? "dispute" : each.type,
    source: each.source,
    status: "available",
    type: each.type,
  };
}

/** The sums by currency of all that payments did. */
export function renderBalance(lives: Iterable<Life>): Body {
  const sums = new Map<string, bigint>();
  for (const life of lives) {
    for (const { currency, amount } of transactionsOf(life)) sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  }
  const currencies = sums.size > 0 ? [...sums.keys()].sort() : ["eur"];
  return {
    object: "balance",
    available: currencies.map((currency) => balanceOf(sums.get(currency) ?? 0n, currency)),
    livemode: false,
    pending: currencies.map((currency) => balanceOf(0n, currency)),
    refund_and_dispute_prefunding: { available: [], pending: [] },
  };
}

function balanceOf(amount: bigint, currency: string): Body {
  return { amount, currency, source_types: { card: amount } };
}

export const ACCOUNT_ID = "acct_1MockGateway0000";

export const ACCOUNT: Body = {
  id: ACCOUNT_ID,
  object: "account",
  business_profile: { mcc: null, name: "Mock gateway", support_email: null, support_phone: null, url: null },
  business_type: null,
  capabilities: { card_payments: "active", transfers: "active" },
  charges_enabled: true,
  country: "DE",
  created: 1_767_225_600,
  default_currency: "eur",
  details_submitted: true,
  email: null,
  livemode: false,
  metadata: {},
  payouts_enabled: true,
  settings: { dashboard: { display_name: "Mock gateway", timezone: "Etc/UTC" } },
  type: "standard",
};
