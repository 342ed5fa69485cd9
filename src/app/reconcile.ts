// Compares all payments of a span of time with those of their providers, and puts right what can be. A dry run writes nothing.
//
// Both sides are streamed, window by window. What one side does not show is looked for by name before it counts as missing, and every difference is
// looked at again by itself: the lists only say where to look.
import type { SettledDrift, ReconcileParts } from "./reconcile-payment.ts";
import { compare, ProviderUnheard, reconcilePayment } from "./reconcile-payment.ts";
import { FactDisagrees } from "../domain/decide-fact.ts";
import { APPLY, type Drift, forPerson, printMoney } from "../domain/drift.ts";
import { accept, refuse, refuseField, type Result } from "../domain/error.ts";
import { describeRun } from "../domain/event.ts";
import type { PaymentId } from "../domain/ids.ts";
import type { PaymentBooks } from "../domain/reconcile.ts";
import type { Provider, ProviderPayment, TimeRange } from "../provider/provider.ts";
import { authorize } from "./access.ts";
import { audited, observed } from "./audit.ts";
import type { Caller } from "./parts.ts";
import { adoptPayment, isOrderTaken } from "./adopt-payment.ts";
import { isAtHome, widened, type Window, windowsOf } from "./windows.ts";

export interface ReconcileInput {
  /** When our payments were created. */
  readonly range: TimeRange;
  /** Null: all that are configured. */
  readonly provider: string | null;
  /** False: a dry run. */
  readonly apply: boolean;
  /** After so much drift the run ends early. */
  readonly driftsMax: number;
  /** When an event tells of the run: always, when there was drift, or never. */
  readonly tell: "always" | "drift" | "never";
}

export interface ProviderRun {
  readonly provider: string;
  readonly checkedHere: number;
  readonly checkedThere: number;
  readonly drifts: readonly SettledDrift[];
  /** False when it ended early because of too much drift. */
  readonly complete: boolean;
}

export interface ReconcileRun {
  readonly runId: string;
  readonly range: TimeRange;
  readonly applied: boolean;
  readonly providers: readonly ProviderRun[];
}

/** Payments that are loaded at a time. */
const BATCH_MAX = 100;
/** The provider's list, whose failures are told apart from ours. */
async function* listed(provider: Provider, range: TimeRange, signal: AbortSignal): AsyncGenerator<ProviderPayment[]> {
  const payments = provider.list(widened(range), signal)[Symbol.asyncIterator]();
  let batch: ProviderPayment[] = [];
  for (;;) {
    let next: IteratorResult<ProviderPayment>;
    try {
      next = await payments.next();
    } catch (error) {
      signal.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      throw new ProviderUnheard(`${provider.name} does not list its payments: ${message}`, { cause: error });
    }
    if (!next.done && isAtHome(next.value, range)) batch.push(next.value);
    if (batch.length === BATCH_MAX || (next.done && batch.length > 0)) {
      yield batch;
      batch = [];
    }
    if (next.done) return;
    signal.throwIfAborted();
  }
}

interface Run {
  readonly parts: ReconcileParts;
  readonly caller: Caller;
  readonly input: ReconcileInput;
}

/** The comparison with one provider. */
class Comparer {
  readonly drifts: SettledDrift[] = [];
  checkedHere = 0;
  checkedThere = 0;
  readonly #parts: ReconcileParts;
  readonly #provider: Provider;
  readonly #input: ReconcileInput;
  /** Its signal ends the run; its principal has created what is made again. */
  readonly #caller: Caller;

  constructor({ parts, caller, input }: Run, provider: Provider) {
    this.#parts = parts;
    this.#provider = provider;
    this.#input = input;
    this.#caller = caller;
  }

  /** Gives whether all was compared. */
  async run(): Promise<boolean> {
    for await (const window of this.#windows()) {
      this.checkedHere += window.ids.size;
      const unseen = new Set(window.ids);
      for await (const batch of listed(this.#provider, window, this.#caller.signal)) {
        await this.#compareTheirs(batch, window, unseen);
        if (this.#isFull()) return false;
      }
      if (!(await this.#compareUnseen([...unseen]))) return false;
    }
    return true;
  }

  #windows(): AsyncGenerator<Window> {
    const { name: provider } = this.#provider;
    return windowsOf((bounds) => this.#parts.books.listIds({ provider, ...bounds }), this.#input.range);
  }

  #isFull(): boolean {
    return this.drifts.length >= this.#input.driftsMax;
  }

  async #compareTheirs(batch: readonly ProviderPayment[], window: Window, unseen: Set<PaymentId>): Promise<void> {
    const ids = await Promise.all(batch.map((theirs) => this.#nameOf(theirs)));
    const named = ids.filter((id) => id !== null);
    this.checkedThere += named.length;
    const wanted = [...new Set(named)];
    const books = new Map((await this.#parts.books.load(wanted)).map((ours) => [ours.payment.id, ours]));
    for (const [index, theirs] of batch.entries()) {
      const id = ids[index] ?? null;
      // Of another system that shares the account.
      if (id === null) continue;
      const ours = books.get(id);
      if (!ours) await this.#compareMissingHere(id, theirs);
      // One that is not of this window is looked at by name in its own.
      else if (window.ids.has(id)) {
        unseen.delete(id);
        if (compare(this.#parts, ours, theirs).drifts.length > 0) await this.#settle(id, theirs);
      }
      if (this.#isFull()) return;
    }
  }

  /** Our id of a payment of theirs: as they echo it, or by their own ids of it. */
  async #nameOf({ paymentId, providerReference, sessionId }: ProviderPayment): Promise<PaymentId | null> {
    if (paymentId !== null) return paymentId;
    const { store } = this.#parts;
    const found =
      (providerReference && (await store.findByReference(this.#provider.name, providerReference))) ||
      (sessionId && (await store.findBySession(sessionId)));
    return found ? found.id : null;
  }

  async #compareUnseen(ids: readonly PaymentId[]): Promise<boolean> {
    for (let at = 0; at < ids.length; at += BATCH_MAX) {
      this.#caller.signal.throwIfAborted();
      for (const ours of await this.#parts.books.load(ids.slice(at, at + BATCH_MAX))) {
        if (this.#isWorthAsking(ours)) await this.#settle(ours.payment.id, null);
        if (this.#isFull()) return false;
      }
    }
    return true;
  }

  /** What the provider once named may be found by that name; what it never named is missing, or was never to be there. */
  #isWorthAsking(ours: PaymentBooks): boolean {
    const { providerReference, sessionId } = ours.payment;
    const isNamed = providerReference !== null || sessionId !== null;
    return isNamed || compare(this.#parts, ours, null).drifts.length > 0;
  }

  async #settle(id: PaymentId, theirs: ProviderPayment | null): Promise<void> {
    this.drifts.push(...(await reconcilePayment(this.#parts, { id, listed: theirs }, this.#input.apply)));
  }

  async #compareMissingHere(paymentId: PaymentId, theirs: ProviderPayment): Promise<void> {
    const { orderId, providerReference, sessionId, owed } = theirs;
    const drift: Drift = {
      kind: "MISSING_HERE",
      provider: this.#provider.name,
      paymentId,
      providerReference: providerReference ?? sessionId,
      ours: "none",
      theirs: `owes ${printMoney(owed)}`,
      remedy: APPLY,
    };
    if (orderId === null) {
      const remedy = forPerson("The provider does not say which order the payment is for.");
      this.drifts.push({ ...drift, remedy, applied: false });
    } else if (await isOrderTaken(this.#parts, orderId)) {
      const remedy = forPerson(`Order ${orderId} has another payment that is live.`);
      this.drifts.push({ ...drift, remedy, applied: false });
    } else {
      const applied = this.#input.apply && (await this.#adopt(paymentId, orderId, theirs));
      this.drifts.push({ ...drift, applied });
    }
  }

  async #adopt(paymentId: PaymentId, orderId: string, theirs: ProviderPayment): Promise<boolean> {
    const lost = { provider: this.#provider.name, principal: this.#caller.principal, paymentId, orderId, theirs };
    try {
      return await adoptPayment(this.#parts, lost);
    } catch (error) {
      if (!(error instanceof FactDisagrees)) throw error;
      // It is there again; what does not fit shows in the next run.
      this.#parts.log.warn({ paymentId, problem: error.message }, "a payment that was missing here disagrees");
      return true;
    }
  }
}

function countByKind(drifts: readonly Drift[]): Map<string, number> {
  return new Map([...Map.groupBy(drifts, (drift) => drift.kind)].map(([kind, found]) => [kind, found.length]));
}

async function report(parts: ReconcileParts, runId: string, run: ProviderRun, input: ReconcileInput): Promise<void> {
  const { provider, checkedHere, checkedThere, drifts, complete } = run;
  const result = {
    runId,
    provider,
    ...input.range,
    applied: input.apply,
    checkedHere,
    checkedThere,
    drifts: countByKind(drifts),
    driftsApplied: drifts.filter((drift) => drift.applied).length,
    driftsForPerson: drifts.filter((drift) => drift.remedy.by === "person").length,
    complete,
  };
  for (const { paymentId, kind, ours, theirs, applied } of drifts)
    parts.log.warn({ runId, provider, paymentId, kind, ours, theirs, applied }, "drift");
  parts.log[drifts.length > 0 ? "warn" : "info"](
    { ...result, drifts: Object.fromEntries(result.drifts) },
    "reconciled",
  );
  if (input.tell === "never" || (input.tell === "drift" && drifts.length === 0)) return;
  const moment = parts.moment();
  await parts.books.recordRun(describeRun(result, { id: moment.mintEventId(), now: moment.now }));
  parts.wakeRelay();
}

async function reconcileProvider(run: Run, provider: Provider): Promise<ProviderRun> {
  const comparer = new Comparer(run, provider);
  const complete = await comparer.run();
  const { checkedHere, checkedThere, drifts } = comparer;
  return { provider: provider.name, checkedHere, checkedThere, drifts, complete };
}

/**
 * Compares our books with the providers', until the caller's signal ends it. Refuses with PERMISSION_DENIED, with INVALID_ARGUMENT, and with
 * PROVIDER_ERROR when a provider cannot be asked to the end.
 */
export function reconcile(parts: ReconcileParts, caller: Caller, input: ReconcileInput): Promise<Result<ReconcileRun>> {
  const run = (): Promise<Result<ReconcileRun>> => compareBooks(parts, caller, input);
  // A dry run changes nothing.
  if (!input.apply) return observed(parts, "plan reconciliation", run);
  const on = input.provider === null ? {} : { provider: input.provider };
  return audited({ parts, caller, action: "apply reconciliation", on }, run, ({ runId }) => ({ runId }));
}

async function compareBooks(
  parts: ReconcileParts,
  caller: Caller,
  input: ReconcileInput,
): Promise<Result<ReconcileRun>> {
  const allowed = authorize(caller, "operate");
  if (!allowed.ok) return allowed;
  const { range, provider: wanted } = input;
  if (range.from >= range.to) return refuseField("INVALID_ARGUMENT", "to", "is not after from; send a later time");
  const providers = [...parts.providers.values()].filter(({ name }) => wanted === null || name === wanted);
  if (providers.length === 0) {
    const names = [...parts.providers.keys()].join(", ");
    return refuseField("INVALID_ARGUMENT", "provider", `"${wanted}" is not one of ${names}; send one, or none for all`);
  }
  const runId = `run_${parts.randomUuid()}`;
  const runs: ProviderRun[] = [];
  try {
    for (const provider of providers) {
      const run = await reconcileProvider({ parts, caller, input }, provider);
      await report(parts, runId, run, input);
      runs.push(run);
    }
  } catch (error) {
    if (!(error instanceof ProviderUnheard)) throw error;
    parts.log.warn({ runId, err: error }, "reconciliation ended early");
    return refuse(
      "PROVIDER_ERROR",
      `${error.message}; what was put right before stays so, and a repeat goes on from there`,
      {
        metadata: { runId },
      },
    );
  }
  return accept({ runId, range, applied: input.apply, providers: runs });
}
