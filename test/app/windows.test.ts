import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isAtHome, widened, type Window, windowsOf } from "../../src/app/windows.ts";
import { idFloor, mintId, type PaymentId, timeOfId } from "../../src/domain/ids.ts";

const BEGIN = Date.parse("2026-11-20T00:00:00.000Z");
const SPAN_MS = 10 * 60_000;
const range = { from: new Date(BEGIN), to: new Date(BEGIN + SPAN_MS) };

/** When payments were created, several of them at the same moment. */
const times = fc.array(
  fc.integer({ min: -60_000, max: SPAN_MS + 60_000 }).map((offset) => new Date(BEGIN + ((offset >> 9) << 9))),
  {
    maxLength: 60,
  },
);

function listOf(ids: readonly PaymentId[]): Parameters<typeof windowsOf>[0] {
  return async ({ from, to, limit }) => {
    const within = ids.filter((id) => id >= idFloor(from) && id < idFloor(to));
    return within.toSorted().slice(0, limit);
  };
}

function cut(ids: readonly PaymentId[]): Promise<Window[]> {
  return Array.fromAsync(windowsOf(listOf(ids), range, 20));
}

describe("windows", () => {
  it("follow each other without a gap, and hold each payment of the span once, and no other", async () => {
    await fc.assert(
      fc.asyncProperty(times, async (created) => {
        const ids = created.map((at) => mintId<PaymentId>(at, crypto.randomUUID()));
        const windows = await cut(ids);
        const edges = windows.flatMap(({ from, to }) => [from.getTime(), to.getTime()]);
        assert.deepEqual(
          edges,
          edges.toSorted((a, b) => a - b),
        );
        assert.deepEqual([edges.at(0), edges.at(-1)], [range.from.getTime(), range.to.getTime()]);
        assert.ok(
          windows.every(({ from }, index) => index === 0 || from.getTime() === windows[index - 1]?.to.getTime()),
        );
        const held = windows.flatMap((window) => [...window.ids]);
        const wanted = ids.filter((id) => timeOfId(id) >= range.from && timeOfId(id) < range.to);
        assert.deepEqual(held.toSorted(), wanted.toSorted());
      }),
    );
  });

  it("are each asked of the provider so that a payment is seen in one of them, whenever its call was made", async () => {
    const delays = fc.integer({ min: -30_000, max: 8 * 60_000 });
    await fc.assert(
      fc.asyncProperty(times, delays, async (created, delayMs) => {
        const ids = created.map((at) => mintId<PaymentId>(at, crypto.randomUUID()));
        const windows = await cut(ids);
        for (const paymentId of ids) {
          const theirs = { paymentId, createdAt: new Date(timeOfId(paymentId).getTime() + delayMs) };
          const home = Math.abs(delayMs) <= 30_000 ? timeOfId(paymentId) : theirs.createdAt;
          const seen = windows.filter((window) => {
            const asked = widened(window);
            return theirs.createdAt >= asked.from && theirs.createdAt < asked.to && isAtHome(theirs, window);
          });
          const isWithin = home >= range.from && home < range.to;
          assert.equal(seen.length, isWithin ? 1 : 0);
        }
      }),
    );
  });
});
