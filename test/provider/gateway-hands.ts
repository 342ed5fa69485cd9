// The hands that move a gateway: the same behind the mock provider, which calls it directly, and behind the Stripe provider, which calls it by HTTP.
import { createHmac } from "node:crypto";
import { printEvent } from "../../src/gateway/direct.ts";
import type { GatewayBench } from "../gateway/open-gateway.ts";
import { readJournal } from "../support/gateway-journal.ts";
import type { ProviderBench } from "./provider-contract.ts";

export const SECRET = "whsec_test_1";

/** Signs a webhook's body as of a Unix time in seconds. */
export function signatureOf(body: string, seconds: number, secret = SECRET): string {
  const digest = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${digest}`;
}

/** A webhook as it is sent at a time, in milliseconds. */
export function signed(body: string, time: number): { body: Uint8Array; headers: Record<string, string> } {
  return { body: Buffer.from(body), headers: { "stripe-signature": signatureOf(body, Math.floor(time / 1000)) } };
}

export function handsOf(world: GatewayBench): Omit<ProviderBench, "provider" | "amountMax" | "dispose"> {
  return {
    now: () => new Date(world.time),
    advance: (ms) => world.advance(ms),
    trouble: (operation, fault) => world.gateway.script({ operation, fault, delayMs: 60_000 }),
    async paySession(id, payment_method) {
      await world.call({ operation: "pay_session", id, payment_method });
    },
    arrival() {
      const { gateway } = world;
      const { promise, resolve } = Promise.withResolvers<void>();
      const perform = gateway.perform.bind(gateway);
      gateway.perform = (request, call) => {
        gateway.perform = perform;
        const answer = perform(request, call);
        // What was asked is decided at once, though its answer may wait.
        setImmediate(resolve);
        return answer;
      };
      return promise;
    },
    async authenticate(id, approve) {
      await world.call({ operation: "authenticate", id, approve });
    },
    async settleRefund(id) {
      await world.life({ operation: "settle_refund", id });
    },
    async settleDispute(id, status) {
      const [dispute] = (await world.look(id)).disputes;
      await world.life({ operation: "settle_dispute", id: dispute?.id ?? "", status });
    },
    async movements(orderId) {
      const totals = (await readJournal(world.journalPath)).orders.get(orderId);
      return { charges: totals?.charges ?? 0, refunds: totals?.refunds ?? 0 };
    },
    async webhooks() {
      const bodies = await Array.fromAsync(world.gateway.events(), printEvent);
      return bodies.map((body) => signed(body, world.time));
    },
  };
}
