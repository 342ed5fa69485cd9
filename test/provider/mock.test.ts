import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { openDirect } from "../../src/gateway/direct.ts";
import { createMockProvider } from "../../src/provider/mock/mock-provider.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { GatewayBench } from "../gateway/open-gateway.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { type ProviderBench, testProvider } from "./provider-contract.ts";
import { handsOf, SECRET } from "./gateway-hands.ts";
import { asOpened, kindsOf, newCall, newPayment } from "./provider-fixtures.ts";

const OLD_SECRET = "whsec_test_0";

function sign(body: string, seconds: number, secret = SECRET): string {
  return `v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}

function provide(world: GatewayBench): Provider {
  const options = { checkoutBaseUrl: "http://localhost:8080/gateway", webhookSecrets: [SECRET, OLD_SECRET] };
  return createMockProvider(openDirect(world.gateway), { ...options, now: () => new Date(world.time) });
}

async function makeBench(): Promise<ProviderBench> {
  const world = await GatewayBench.make();
  return {
    ...handsOf(world),
    provider: provide(world),
    amountMax: 9_007_199_254_740_993n,
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

  it("pays a checkout by a call, as Stripe cannot", async () => {
    const world = await GatewayBench.make();
    const provider = provide(world);
    const created = newPayment(new Date(world.time), { mode: "CHECKOUT" });
    const payment = asOpened(created, await provider.create(newCall(created, "CREATE")));
    const pay = (paymentMethod: string) => provider.confirm(newCall(payment, "CONFIRM", { paymentMethod }));
    assert.deepEqual(kindsOf(await pay("pm_card_chargeDeclined")), ["declined"]);
    assert.deepEqual(kindsOf(await pay("pm_card_visa")), ["captured"]);
    assert.equal((await pay("pm_card_visa")).outcome, "refused");
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
    { perform: assert.fail, retrieve: assert.fail, search: assert.fail, list: assert.fail },
    { checkoutBaseUrl: "http://localhost", webhookSecrets: [SECRET, OLD_SECRET] },
  );
  const now = new Date("2026-03-01T10:00:00.900Z");
  const seconds = Math.floor(now.getTime() / 1000);
  const body = JSON.stringify({
    id: "evt_1",
    type: "customer.created",
    created: seconds,
    livemode: false,
    data: { object: { object: "customer", id: "cus_1" } },
  });
  const parse = (header: string | undefined, raw = body) =>
    provider.parseWebhook(Buffer.from(raw), { "stripe-signature": header }, now);
  const problem = (header: string | undefined, raw = body): string => {
    const parsed = parse(header, raw);
    return parsed.ok ? "none" : parsed.problem;
  };

  it("are taken when one of the secrets signed them, and say nothing where they concern no payment", () => {
    const message = {
      eventId: "evt_1",
      type: "customer.created",
      live: false,
      account: null,
      paymentId: null,
      providerReference: null,
      sessionId: null,
      owed: null,
      facts: [],
      foreign: false,
      incomplete: false,
    };
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
    const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    for (const raw of ["", "null", "[]", '"text"', "{", "{}", nested]) {
      assert.equal(problem(`t=${seconds},${sign(raw, seconds)}`, raw), "body", raw.slice(0, 20));
    }
    const notUtf8 = Buffer.from([0x22, 0xff, 0x22]);
    const signed = createHmac("sha256", SECRET).update(`${seconds}.`).update(notUtf8).digest("hex");
    const parsed = provider.parseWebhook(notUtf8, { "stripe-signature": `t=${seconds},v1=${signed}` }, now);
    assert.deepEqual(parsed, { ok: false, problem: "body", description: "the body is not UTF-8" });
  });

  it("need a secret that is not empty", () => {
    const gateway = { perform: assert.fail, retrieve: assert.fail, search: assert.fail, list: assert.fail };
    assert.throws(
      () => createMockProvider(gateway, { checkoutBaseUrl: "", webhookSecrets: ["good", ""] }),
      /secret .* empty/,
    );
  });
});
