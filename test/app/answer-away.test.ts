// The provider has acted, the recovery worker of another process has settled the operation first, and the answer that it kept cannot be read: what the caller is told
// must not say that nothing happened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import type { Parts } from "../../src/app/parts.ts";
import { recover } from "../../src/app/recover.ts";
import { DatabaseUnavailable } from "../../src/db/named-query.ts";
import { answerOf, caller, createInput, TestService } from "./open-service.ts";

test("an answer that cannot be read back is an unknown outcome, and the retry gets it", async (t) => {
  let settleElsewhere = async (): Promise<void> => {};
  const service = await TestService.open({
    wrap: (provider) => ({
      ...provider,
      async create(call) {
        const answer = await provider.create(call);
        const settle = settleElsewhere;
        settleElsewhere = async () => {};
        await settle();
        return answer;
      },
    }),
  });
  t.after(() => service.close());
  const beside = await service.openBeside();
  let away = false;
  const { store } = service.parts;
  const parts: Parts = {
    ...service.parts,
    store: {
      ...store,
      async loadPayment(input) {
        if (away) throw new DatabaseUnavailable("connect ECONNREFUSED", false, null);
        return store.loadPayment(input);
      },
    },
  };
  settleElsewhere = async () => {
    service.time += 60_000;
    await recover(beside);
    away = true;
  };
  const input = createInput({ requestId: "create-1" });
  const told = await createPayment(parts, caller, input);
  assert.deepEqual(told.ok ? null : [told.error.reason, told.error.outcome], ["PROVIDER_OUTCOME_UNKNOWN", "UNKNOWN"]);
  away = false;
  const answer = answerOf(await createPayment(parts, caller, input));
  assert.equal(answer.payment.status, "SUCCEEDED");
  assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
});
