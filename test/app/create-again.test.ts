// Creations that meet while the order's payment comes to its end: what has ended is nobody's answer.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPayment, type CreatePaymentInput } from "../../src/app/create-payment.ts";
import type { Parts } from "../../src/app/parts.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

/** Parts that do something right after each time that the first transaction of a creation was tried. */
function partsThat(afterBegin: () => Promise<void>): Parts {
  const { store } = service.parts;
  return {
    ...service.parts,
    store: {
      ...store,
      async beginCreate(input) {
        const outcome = await store.beginCreate(input);
        await afterBegin();
        return outcome;
      },
    },
  };
}

/** The second comes while the first's payment is live, and looks at it when it has ended. */
async function meet(first: CreatePaymentInput, second: CreatePaymentInput) {
  const begun = Promise.withResolvers<void>();
  const met = Promise.withResolvers<void>();
  const firstParts = partsThat(() => {
    begun.resolve();
    return met.promise;
  });
  const ending = createPayment(firstParts, caller, first);
  await begun.promise;
  const secondParts = partsThat(async () => {
    met.resolve();
    await ending;
  });
  return { second: await createPayment(secondParts, caller, second), first: await ending };
}

describe("CreatePayment, while another creation for the order ends,", () => {
  it("makes a payment of its own where the provider took no notice of the other, with the same request id", async () => {
    service.gateway.script({ operation: "create", fault: "error", times: 1 });
    const input = createInput();
    const { first, second } = await meet(input, input);
    assert.equal(verdictOf(first), "PROVIDER_ERROR");
    assert.equal(answerOf(second).payment.status, "SUCCEEDED");
    assert.deepEqual(await createPayment(service.parts, caller, input), second, "and that is the answer to keep");
    assert.equal((await service.journal()).orders.get(input.orderId)?.charges, 1);
  });

  it("makes a payment of its own where the other was declined, with another request id", async () => {
    const declined = createInput({ paymentMethod: "pm_card_chargeDeclined" });
    const other = createInput({ orderId: declined.orderId });
    const { first, second } = await meet(declined, other);
    assert.equal(answerOf(first).payment.status, "FAILED");
    assert.equal(answerOf(second).payment.status, "SUCCEEDED");
    assert.notEqual(answerOf(second).payment.id, answerOf(first).payment.id);
  });
});
