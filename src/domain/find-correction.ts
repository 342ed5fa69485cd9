// Finds what a payment's amounts should be: captured is what the provider captured, given back and reserved are what the refunds add up to. A
// refund of the provider's that has no row here, and whose amount is counted all the same, is a row that was lost: it is put back, and
// counts for what it counted.
import type { KnownPayment } from "./decide-fact.ts";
import { APPLY, type Drift, printMoney } from "./drift.ts";
import type { Fact, PaidFact, RefundFact } from "./fact.ts";
import type { RefundStatus } from "./refund.ts";

export interface Correction {
  readonly facts: readonly Fact[];
  readonly differences: readonly Pick<Drift, "kind" | "ours" | "theirs" | "remedy">[];
}

/** Takes as many refunds as their amounts fit into what is counted and has no row. */
function takeRestored(unknown: RefundFact[], uncounted: bigint, status: RefundStatus): RefundFact[] {
  let left = uncounted;
  const taken: RefundFact[] = [];
  for (const fact of unknown) {
    if (fact.amount.minor > left) continue;
    left -= fact.amount.minor;
    taken.push({ ...fact, status });
  }
  return taken;
}

function total(items: readonly { readonly amount: { readonly minor: bigint } }[]): bigint {
  return items.reduce((sum, { amount }) => sum + amount.minor, 0n);
}

/** Null when the amounts are right, or when the provider says nothing of money. */
export function findCorrection({ payment, refunds }: KnownPayment, facts: readonly Fact[]): Correction | null {
  const captured = facts.findLast((fact): fact is PaidFact => fact.kind === "captured");
  const { capturedMinor, refundedMinor, refundPendingMinor, version, amount } = payment;
  if (capturedMinor === 0n || !captured || captured.amount.currency !== amount.currency) return null;
  const rowsOf = (status: RefundStatus): bigint => total(refunds.filter((refund) => refund.status === status));
  const unknown = facts.filter(
    (fact): fact is RefundFact =>
      fact.kind === "refund" &&
      (fact.status === "SUCCEEDED" || fact.status === "PENDING") &&
      !refunds.some((refund) => refund.id === fact.refundId || refund.providerReference === fact.providerReference),
  );
  const gone = takeRestored(
    unknown.filter((fact) => fact.status === "SUCCEEDED"),
    refundedMinor - rowsOf("SUCCEEDED"),
    "SUCCEEDED",
  );
  const waiting = takeRestored(
    unknown.filter((fact) => !gone.some((each) => each.providerReference === fact.providerReference)),
    refundPendingMinor - rowsOf("PENDING"),
    "PENDING",
  );
  const restored = [...gone, ...waiting];
  const right = {
    capturedMinor: captured.amount.minor,
    refundedMinor: rowsOf("SUCCEEDED") + total(gone),
    refundPendingMinor: rowsOf("PENDING") + total(waiting),
  };
  const print = (minor: bigint): string => printMoney({ minor, currency: amount.currency });
  const differences = [
    ...restored.map((fact) => ({
      kind: "REFUND_MISSING_HERE" as const,
      ours: `counted, without a row`,
      theirs: `${fact.providerReference} of ${printMoney(fact.amount)}`,
      remedy: APPLY,
    })),
    ...(
      [
        ["captured", capturedMinor, right.capturedMinor],
        ["given back", refundedMinor, right.refundedMinor],
        ["reserved for refunds", refundPendingMinor, right.refundPendingMinor],
      ] as const
    )
      .filter(([, ours, theirs]) => ours !== theirs)
      .map(([what, ours, theirs]) => ({
        kind: "AMOUNT_DIFFERS" as const,
        ours: `${what} ${print(ours)}`,
        theirs: `${what} ${print(theirs)}`,
        remedy: APPLY,
      })),
  ];
  return differences.length === 0 ? null : { facts: [{ kind: "corrected", version, ...right, restored }], differences };
}
