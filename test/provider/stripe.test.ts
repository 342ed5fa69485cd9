import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { printWebhook } from "../../src/gateway/http/render-event.ts";
import { startGatewayServer } from "../../src/gateway/http/server.ts";
import { Webhooks } from "../../src/gateway/webhooks/webhooks.ts";
import { createStripeProvider } from "../../src/provider/stripe/stripe-provider.ts";
import { GatewayBench } from "../gateway/open-gateway.ts";
import { handsOf, SECRET, signed } from "./gateway-hands.ts";
import { type ProviderBench, testProvider } from "./provider-contract.ts";
import { asOpened, factsOf, kindsOf, newCall, newPayment } from "./provider-fixtures.ts";

async function makeBench(): Promise<ProviderBench> {
  const world = await GatewayBench.make();
  const { gateway, folder } = world;
  const webhooks = new Webhooks({ gateway, directory: join(folder, "webhooks") });
  const server = await startGatewayServer({ gateway, webhooks });
  const provider = createStripeProvider({
    secretKey: "sk_test_contract",
    webhookSecrets: [SECRET],
    apiUrl: server.url,
    timeoutMs: 5_000,
    defaultPaymentMethod: null,
    returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
    // The suite makes its own repetitions.
    limits: { attemptsMax: 1, failuresMax: 1_000 },
    now: () => new Date(world.time),
  });
  return {
    ...handsOf(world),
    provider,
    amountMax: 99_999_999n,
    async webhooks() {
      const bodies = await Array.fromAsync(gateway.listEvents({ order: "oldest" }), (record) =>
        printWebhook(record, { publicUrl: server.url }),
      );
      return bodies.map((body) => signed(body, world.time));
    },
    async dispose() {
      await server.stop();
      await webhooks.close();
      await world.dispose();
    },
  };
}

testProvider("Stripe", makeBench);

describe("the Stripe provider's checkouts", () => {
  it("cannot be paid by a call, and say so with what is true", async () => {
    const bench = await makeBench();
    const { provider } = bench;
    const created = newPayment(bench.now(), { mode: "CHECKOUT" });
    const payment = asOpened(created, await provider.create(newCall(created, "CREATE")));
    assert.equal(payment.providerReference, null);
    await bench.paySession(payment.sessionId ?? "", "pm_card_visa");
    const answer = await provider.confirm(newCall(payment, "CONFIRM", { paymentMethod: "pm_card_visa" }));
    assert.ok(answer.outcome === "refused");
    assert.equal(answer.code, "checkout_is_paid_by_its_page");
    assert.deepEqual(kindsOf(answer), ["opened", "captured"]);
    await bench.dispose();
  });

  it("are counted in Stripe's units: ISK with two decimals more, MGA with two less", async () => {
    const bench = await makeBench();
    const { provider } = bench;
    for (const amount of [
      { minor: 1500n, currency: "ISK" },
      { minor: 1500n, currency: "MGA" },
      { minor: 1500n, currency: "JPY" },
      { minor: 1500n, currency: "KWD" },
    ]) {
      const created = newPayment(bench.now(), { mode: "CHECKOUT", amount });
      const payment = asOpened(created, await provider.create(newCall(created, "CREATE")));
      await bench.paySession(payment.sessionId ?? "", "pm_card_visa");
      const paid = factsOf(await provider.retrieve(payment, new AbortController().signal)).at(-1);
      assert.ok(paid?.kind === "captured");
      assert.deepEqual(paid.amount, amount);
    }
    await bench.dispose();
  });
});
