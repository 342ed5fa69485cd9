// The provider has acted, and the database takes its time to refuse what is to be written down: the caller is not kept waiting for as often as that is tried.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import { recover } from "../../src/app/recover.ts";
import { DatabaseUnavailable } from "../../src/db/named-query.ts";
import { answerOf, caller, createInput, TestService } from "./open-service.ts";

const REFUSED_AFTER_MS = 2_000;

test("a caller is told within seconds that an outcome could not be written down, and the retry gets it", async (t) => {
  const service = await TestService.open();
  t.after(() => service.close());
  const { store } = service.parts;
  let passedMs = 0;
  const slow = {
    ...store,
    async writeMovement() {
      passedMs += REFUSED_AFTER_MS;
      throw new DatabaseUnavailable("canceling statement due to statement timeout", false, null);
    },
  };
  const now = performance.now.bind(performance);
  t.mock.method(performance, "now", () => now() + passedMs);
  const input = createInput({ requestId: "create-1" });
  const told = await createPayment({ ...service.parts, store: slow }, caller, input);
  assert.equal(told.ok ? null : told.error.reason, "PROVIDER_OUTCOME_UNKNOWN");
  assert.ok(passedMs <= 3 * REFUSED_AFTER_MS, `${passedMs} ms`);
  service.time += 60_000;
  await recover(service.parts);
  assert.equal(answerOf(await createPayment(service.parts, caller, input)).payment.status, "SUCCEEDED");
  assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
});
