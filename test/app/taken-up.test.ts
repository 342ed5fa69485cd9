// An operation that another process has taken up meanwhile is no longer the first one's to give back.
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import { recover } from "../../src/app/recover.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "../../src/provider/provider.ts";
import { answerOf, caller, createInput, TestService, verdictOf } from "./open-service.ts";

/** The first call of a kind waits, and then says that it did nothing; the second acts, and its answer is told when the first caller was answered. */
class SlowToSay {
  readonly #kind: "create" | "refund";
  readonly #arrived = Promise.withResolvers<void>();
  readonly #acted = Promise.withResolvers<void>();
  readonly #answered = Promise.withResolvers<void>();
  #calls = 0;

  constructor(kind: "create" | "refund") {
    this.#kind = kind;
  }

  wrap(provider: Provider): Provider {
    const kind = this.#kind;
    return { ...provider, [kind]: (call: ProviderCall) => this.#call(() => provider[kind](call)) };
  }

  /** `call` is under way when recovery takes it up. Gives what its caller was told. */
  async meet<T>(service: TestService, call: () => Promise<T>): Promise<T> {
    const first = call();
    await this.#arrived.promise;
    service.time += 2_000;
    const recovered = recover(service.parts);
    const told = await first;
    this.#answered.resolve();
    await recovered;
    return told;
  }

  async #call(act: () => Promise<ProviderAnswer>): Promise<ProviderAnswer> {
    this.#calls += 1;
    if (this.#calls === 1) {
      this.#arrived.resolve();
      await this.#acted.promise;
      return { outcome: "unavailable", message: "too many requests" };
    }
    const answer = await act();
    this.#acted.resolve();
    await this.#answered.promise;
    return answer;
  }
}

const slowToCreate = new SlowToSay("create");
const slowToRefund = new SlowToSay("refund");

let creating: TestService;
let refunding: TestService;
before(async () => {
  creating = await TestService.open({ wrap: (provider) => slowToCreate.wrap(provider) });
  refunding = await TestService.open({ wrap: (provider) => slowToRefund.wrap(provider) });
});
after(async () => {
  await creating.close();
  await refunding.close();
});

it("a payment that recovery is making is not told as not made, and the retry takes no second charge", async () => {
  const input = createInput();
  const create = () => createPayment(creating.parts, caller, input);
  const told = await slowToCreate.meet(creating, create);
  assert.equal(verdictOf(told), "PROVIDER_OUTCOME_UNKNOWN");
  assert.equal(answerOf(await create()).payment.status, "SUCCEEDED");
  const { charges, capturedMinor } = (await creating.journal()).orders.get(input.orderId) ?? {};
  assert.deepEqual({ charges, capturedMinor }, { charges: 1, capturedMinor: input.amount?.minor });
});

it("a refund that recovery is making keeps its amount reserved, and is made once", async () => {
  const input = createInput();
  const { payment } = answerOf(await createPayment(refunding.parts, caller, input));
  const refund = () =>
    refundPayment(refunding.parts, caller, {
      find: { paymentId: payment.id },
      amount: { minor: 6_000n, currency: "EUR" },
      reason: null,
      requestId: "slow-refund",
    });
  const told = await slowToRefund.meet(refunding, refund);
  assert.equal(verdictOf(told), "PROVIDER_OUTCOME_UNKNOWN");
  assert.equal(answerOf(await refund()).payment.refundedMinor, 6_000n);
  assert.equal((await refunding.journal()).orders.get(input.orderId)?.refundedMinor, 6_000n);
});
