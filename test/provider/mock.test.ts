import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { openDirect, printEvent } from "../../src/gateway/direct.ts";
import { createMockProvider } from "../../src/provider/mock/mock-provider.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { GatewayBench } from "../gateway/open-gateway.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { type ProviderBench, testProvider } from "./provider-contract.ts";
import { newCall, newPayment } from "./provider-fixtures.ts";

const SECRET = "whsec_test_1";
const OLD_SECRET = "whsec_test_0";

function sign(body: string, seconds: number, secret = SECRET): string {
  return `v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}

function provide(world: GatewayBench): Provider {
  const options = { checkoutBaseUrl: "http://localhost:8080/gateway", webhookSecrets: [SECRET, OLD_SECRET] };
  return createMockProvider(openDirect(world.gateway), options);
}

async function makeBench(): Promise<ProviderBench> {
  const world = await GatewayBench.make();
  return {
    provider: provide(world),
    now: () => new Date(world.time),
    advance: (ms) => world.advance(ms),
    trouble: (operation, fault) => world.gateway.script({ operation, fault, delayMs: 60_000 }),
    async authenticate(id, approve) {
      await world.call({ operation: "authenticate", id, approve });
    },
    async settleRefund(id) {
      await world.life({ operation: "settle_refund", id });
    },
    async movements(orderId) {
      const totals = (await readJournal(world.journalPath)).orders.get(orderId);
      return { charges: totals?.charges ?? 0, refunds: totals?.refunds ?? 0 };
    },
    webhooks: () =>
      world.gateway.events().map((event) => {
        const body = printEvent(event);
        const seconds = Math.floor(world.time / 1000);
        return { body: Buffer.from(body), headers: { "stripe-signature": `t=${seconds},${sign(body, seconds)}` } };
      }),
    dispose: () => world.dispose(),
  };
}

testProvider("mock", makeBench);

describe("the mock provider's gateway", () => {
  it("is unavailable when it is closed, whatever is asked", async () => {
    const world = await GatewayBench.make();
    const provider = provide(world);
    const payment = newPayment(new Date(world.time), { providerReference: "pi_1" });
    await world.gateway.close();
    const { signal } = new AbortController();
    const answers = [
      await provider.create(newCall(payment, "CREATE")),
      await provider.refund(newCall(payment, "REFUND", { amountMinor: 1n })),
      await provider.retrieve(payment, signal),
      await provider.retrieve({ ...payment, providerReference: null }, signal),
    ];
    assert.deepEqual(new Set(answers.map((answer) => answer.outcome)), new Set(["unavailable"]));
    await world.dispose();
  });

  it("holds nothing for a payment that has no reference: refused, and nothing is known", async () => {
    const world = await GatewayBench.make();
    const provider = provide(world);
    const payment = newPayment(new Date(world.time));
    for (const answer of [
      await provider.confirm(newCall(payment, "CONFIRM")),
      await provider.capture(newCall(payment, "CAPTURE")),
      await provider.cancel(newCall(payment, "CANCEL")),
      await provider.refund(newCall(payment, "REFUND")),
    ]) {
      assert.ok(answer.outcome === "refused");
      assert.deepEqual([answer.code, answer.facts], ["not_opened", []]);
    }
    const unknown = await provider.retrieve({ ...payment, providerReference: "pi_1" }, new AbortController().signal);
    assert.ok(unknown.outcome === "refused");
    assert.equal(unknown.code, "resource_missing");
    await world.dispose();
  });

  it("meets the faults that a payment brings in its metadata", async () => {
    const world = await GatewayBench.make();
    const provider = provide(world);
    const payment = newPayment(new Date(world.time), {
      metadata: { gateway_fault: "create:lost_after", note: "private" },
    });
    const call = newCall(payment, "CREATE", { paymentMethod: "pm_card_visa" });
    assert.equal((await provider.create(call)).outcome, "unknown");
    assert.equal((await provider.create(call)).outcome, "done");
    const { lines } = await readJournal(world.journalPath);
    assert.deepEqual(lines[0]?.metadata, {
      payment_id: `payment_${payment.id}`,
      order_id: payment.orderId,
      gateway_fault: "create:lost_after",
    });
    await world.dispose();
  });
});

describe("the mock provider's webhooks", () => {
  const provider = createMockProvider(
    { perform: assert.fail, retrieve: assert.fail, search: assert.fail },
    { checkoutBaseUrl: "http://localhost", webhookSecrets: [SECRET, OLD_SECRET] },
  );
  const now = new Date("2026-03-01T10:00:00.900Z");
  const seconds = Math.floor(now.getTime() / 1000);
  const body = JSON.stringify({
    id: "evt_1",
    type: "customer.created",
    created: seconds,
    data: { object: { object: "customer", id: "cus_1" } },
  });
  const parse = (header: string | undefined, raw = body) =>
    provider.parseWebhook(Buffer.from(raw), { "stripe-signature": header }, now);
  const problem = (header: string | undefined, raw = body): string => {
    const parsed = parse(header, raw);
    return parsed.ok ? "none" : parsed.problem;
  };

  it("are taken when one of the secrets signed them, and say nothing where they concern no payment", () => {
    const message = { eventId: "evt_1", type: "customer.created", providerReference: null, facts: [] };
    assert.deepEqual(parse(`t=${seconds},${sign(body, seconds)}`), { ok: true, message });
    assert.deepEqual(parse(`t=${seconds},${sign(body, seconds, OLD_SECRET)}`), { ok: true, message });
    assert.deepEqual(parse(`t=${seconds},${sign(body, seconds, "other")},${sign(body, seconds)},v0=1`), {
      ok: true,
      message,
    });
  });

  it("are refused without a good signature", () => {
    for (const header of [
      undefined,
      "",
      "v1=",
      `t=${seconds}`,
      sign(body, seconds),
      `t=${seconds},v1=zz`,
      `t=${seconds},${sign(body, seconds, "other")}`,
      `t=${seconds},${sign(body, seconds + 1)}`,
      `t=-1,${sign(body, -1)}`,
      `t=${seconds},${`${sign(body, seconds)},`.repeat(17)}`,
    ]) {
      assert.equal(problem(header), "signature", header ?? "no header");
    }
    assert.equal(problem(`t=${seconds},${sign(body, seconds)}`, `${body} `), "signature");
  });

  it("are refused more than 300 s after and before they were signed", () => {
    const at = (time: number): string => problem(`t=${time},${sign(body, time)}`);
    assert.deepEqual([seconds - 301, seconds - 300, seconds, seconds + 300, seconds + 301].map(at), [
      "signature",
      "none",
      "none",
      "none",
      "signature",
    ]);
  });

  it("are refused as bodies when a good signature is on nonsense", () => {
    const event = (object: unknown, type = "payment_intent.succeeded") =>
      JSON.stringify({ id: "evt_1", type, created: seconds, data: { object } });
    const intent = {
      id: "pi_1",
      object: "payment_intent",
      status: "succeeded",
      currency: "eur",
      cancellation_reason: null,
    };
    for (const raw of [
      "",
      "null",
      "[]",
      '"text"',
      "{",
      "{}",
      event(null),
      event({}),
      event({ ...intent, amount_received: "1", latest_charge: null }),
      event({ ...intent, amount_received: 1.5, latest_charge: null }),
      event({ ...intent, amount_received: 1, latest_charge: "ch_1" }),
      event({ ...intent, amount_received: 1, latest_charge: null, status: "no status" }),
      event({ object: "refund", id: "re_1" }, "refund.created"),
      event({ object: "checkout.session", id: "cs_1", expires_at: "soon" }, "checkout.session.expired"),
    ]) {
      assert.equal(problem(`t=${seconds},${sign(raw, seconds)}`, raw), "body", raw);
    }
    const notUtf8 = Buffer.from([0x22, 0xff, 0x22]);
    const signed = createHmac("sha256", SECRET).update(`${seconds}.`).update(notUtf8).digest("hex");
    const parsed = provider.parseWebhook(notUtf8, { "stripe-signature": `t=${seconds},v1=${signed}` }, now);
    assert.deepEqual(parsed, { ok: false, problem: "body", description: "the body is not UTF-8" });
  });

  it("need a secret that is not empty", () => {
    const gateway = { perform: assert.fail, retrieve: assert.fail, search: assert.fail };
    assert.throws(
      () => createMockProvider(gateway, { checkoutBaseUrl: "", webhookSecrets: ["good", ""] }),
      /secret .* empty/,
    );
  });
});
