// Cuts a span of time into windows, so that two long lists can be compared piece by piece. Ours are listed by their ids, which begin with the time;
// the provider's list is asked for the same window, a little wider, since clocks differ and calls take time. A payment of theirs belongs to the
// window of our id for it, so that each is looked at once.
import { type PaymentId, timeOfId } from "../domain/ids.ts";
import type { ProviderPayment, TimeRange } from "../provider/provider.ts";

/** Ids of ours that are held at a time. */
const IDS_MAX = 5_000;
/** How far the provider's time for a payment and ours may be apart, by clocks and by the time that a call takes. */
const APART_MAX_MS = 30_000;

export interface Window extends TimeRange {
  readonly ids: ReadonlySet<PaymentId>;
}

type ListIds = (bounds: TimeRange & { readonly limit: number }) => Promise<readonly PaymentId[]>;

/** `listIds` gives ids of a span of time, oldest first. */
export async function* windowsOf(listIds: ListIds, range: TimeRange, idsMax = IDS_MAX): AsyncGenerator<Window> {
  for (let from = range.from; from < range.to; ) {
    const ids = await listIds({ from, to: range.to, limit: idsMax });
    const last = ids.at(-1);
    if (ids.length < idsMax || last === undefined) {
      yield { ids: new Set(ids), from, to: range.to };
      return;
    }
    // Those of the last millisecond may not all be among them, so it begins the next window.
    const lastTime = timeOfId(last);
    if (lastTime <= from) throw new Error(`more than ${idsMax} payments were created at ${from.toISOString()}`);
    yield { ids: new Set(ids.filter((id) => timeOfId(id) < lastTime)), from, to: lastTime };
    from = lastTime;
  }
}

/** What the provider is asked for, so that nothing of a window is missed. */
export function widened({ from, to }: TimeRange): TimeRange {
  return {
    from: new Date(Math.max(0, from.getTime() - APART_MAX_MS)),
    to: new Date(to.getTime() + APART_MAX_MS),
  };
}

/** Whether a payment of theirs belongs to a window: by our id of it, unless they made it long before or after. */
export function isAtHome(theirs: Pick<ProviderPayment, "paymentId" | "createdAt">, { from, to }: TimeRange): boolean {
  const { paymentId, createdAt } = theirs;
  const ours = paymentId && timeOfId(paymentId);
  const isClose = ours !== null && Math.abs(createdAt.getTime() - ours.getTime()) <= APART_MAX_MS;
  const home = isClose ? ours : createdAt;
  return home >= from && home < to;
}
